import type { Requirements } from './engines.ts'

/** What a store holds, in numbers. */
export interface Survey {
  /** One for each class and version, in the order of the names. */
  readonly classes: readonly ClassSurvey[]
  /** The number of steps that each engine runs, by its id. */
  readonly running: Readonly<Record<string, number>>
  /** What the processes that are counted as waiting wait for, by kind and name. */
  readonly waits: readonly WaitCount[]
  /** How many stored kills are past their deadline. */
  readonly overdueKills: number
}

/** How many processes wait for one thing. */
export interface WaitCount {
  readonly for: WaitKind
  /** The name of the signal; null for all else. */
  readonly name: string | null
  readonly count: number
}

/**
 * What a process waits for. `signal`: a signal, perhaps with a time limit. `processes`: the ends of
 * others. `time`: a time. `resume`: to be resumed. `attempt`: the next attempt at a step that
 * failed. `inputs`: its needs. `start`: the time of a delayed launch. `turn`: for a call, its turn
 * in the queue of its actor. `calls`: for an actor, a call.
 */
export type WaitKind =
  'signal' | 'processes' | 'time' | 'resume' | 'attempt' | 'inputs' | 'start' | 'turn' | 'calls'

/** The processes of one class. Each is counted in one of the first eight numbers. */
export interface ClassSurvey {
  readonly className: string
  /** Could continue now, but no engine runs them. */
  readonly ready: number
  /** An engine runs a step of them. */
  readonly running: number
  /** Wait for an event or a time, also for that of a delayed launch. */
  readonly waiting: number
  readonly paused: number
  readonly parked: number
  readonly succeeded: number
  /** Were killed. */
  readonly killed: number
  /** Ended without success, and were not killed. */
  readonly failed: number
  /**
   * Of those, how many ended since the given time and are not superseded.
   */
  readonly failedLately: number
  /** How many of those that are counted as paused have given up (the filter `gaveUp`). */
  readonly gaveUp: number
  /** How many wait for their own end, which never comes. */
  readonly selfAwaiting: number
  /** The last pid of those, in their order as texts; null if there are none. */
  readonly selfAwaitingPid: string | null
  /** The versions of the processes that are ready, with the labels that they ask for. */
  readonly readyKinds: readonly ReadyKind[]
}

/** The processes of a class that the same engines can run. */
export interface ReadyKind extends Pick<Requirements, 'version' | 'worker'> {
  readonly count: number
}
