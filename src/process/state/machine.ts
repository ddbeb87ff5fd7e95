import { createMachine } from 'xstate'
import { ProcessState } from './process-state.ts'

/*
 * The one definition of which state may follow which. All code that draws, checks or explains
 * transitions reads it. The machine has no context, so a table that is made from it once is enough
 * to run processes.
 */

// Not exported, so that the declarations of the package need none of xstate's. An event is named
// for what causes the transition.
const processMachine = createMachine({
  id: 'process',
  initial: 'created',
  states: {
    created: { on: { start: 'running', except: 'excepted', kill: 'killed' } },
    running: {
      on: {
        continue: { target: 'running', reenter: true },
        wait: 'waiting',
        stop: 'finished',
        except: 'excepted',
        kill: 'killed',
      },
    },
    waiting: {
      on: {
        wake: 'running',
        wait: { target: 'waiting', reenter: true },
        stop: 'finished',
        except: 'excepted',
        kill: 'killed',
      },
    },
    finished: { type: 'final' },
    excepted: { type: 'final' },
    killed: { type: 'final' },
  },
})

interface Row {
  readonly terminal: boolean
  readonly next: readonly ProcessState[]
}

/**
 * The table. The state in a damaged file may be none of these: such a state counts as not terminal,
 * and nothing may follow it.
 */
const table: Readonly<Record<string, Row | undefined>> = Object.fromEntries(
  Object.values(ProcessState).map((state) => [state, rowOf(state)]),
)

function rowOf(state: ProcessState): Row {
  const node = processMachine.root.states[state]
  if (node === undefined) throw new Error(`the machine has no state ${state}`)
  const next = Object.values(node.on).flatMap((transitions) =>
    transitions.flatMap(({ target }) => (target ?? []).map(({ key }) => key as ProcessState)),
  )
  return { terminal: node.type === 'final', next }
}

/** Whether a process may go from state `from` to state `to`. */
export function canTransition(from: ProcessState, to: ProcessState): boolean {
  return nextStates(from).includes(to)
}

/** The states that may follow this one. */
export function nextStates(from: ProcessState): readonly ProcessState[] {
  return table[from]?.next ?? []
}

/** Whether nothing follows this state. */
// Keeps C5: the machine has no transition out of a final state.
export function isTerminal(state: ProcessState): boolean {
  return table[state]?.terminal ?? false
}

export const UNFINISHED_STATES = Object.values(ProcessState).filter((state) => !isTerminal(state))
export const TERMINAL_STATES = Object.values(ProcessState).filter((state) => isTerminal(state))
