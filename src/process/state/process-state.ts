/** The states of a process. `paused` is a separate flag. */
export const ProcessState = {
  /** Exists, but has not run yet. */
  CREATED: 'created',
  /** A step runs, or is the next to run. */
  RUNNING: 'running',
  /** Waits: nothing runs until it is woken. */
  WAITING: 'waiting',
  /** Ran to its end, successfully or not. Terminal. */
  FINISHED: 'finished',
  /** Something threw. Terminal. */
  EXCEPTED: 'excepted',
  /** Was killed. Terminal. */
  KILLED: 'killed',
} as const
export type ProcessState = (typeof ProcessState)[keyof typeof ProcessState]

const STATES: ReadonlySet<string> = new Set(Object.values(ProcessState))

/** The facts that show whether a process backs off. */
export interface AttemptFacts {
  readonly state: ProcessState
  readonly attempt: number
  /** Whether the process waits within a step. */
  readonly inStep: boolean
}

/** Whether a step of the process has failed and waits for its next attempt. */
export function isBackingOff({ state, attempt, inStep }: AttemptFacts): boolean {
  return state === ProcessState.WAITING && attempt > 1 && !inStep
}

/** Whether what a store holds as a state is one. */
export function isProcessState(state: string): state is ProcessState {
  return STATES.has(state)
}
