import { isTerminal, nextStates, ProcessState } from '../../index.ts'

/** Returns the states and transitions of a process as the text of a Mermaid state diagram. */
export function stateChart(): string {
  const states = Object.values(ProcessState)
  const lines = states.flatMap((state) =>
    isTerminal(state) ? [`${state} --> [*]`] : nextStates(state).map((next) => `${state} --> ${next}`),
  )
  return ['stateDiagram-v2', `[*] --> ${ProcessState.CREATED}`, ...lines].join('\n  ')
}
