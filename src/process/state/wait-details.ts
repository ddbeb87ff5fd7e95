import type { Duration } from '../../shared/duration.ts'
import type { Awaited } from './awaits.ts'

/** The conditions of a `Wait`, and how the wait is shown. `Signal` names the signals of the class. */
export interface WaitDetails<Signal extends string = string> {
  /** Why the process waits, for people. */
  readonly message?: string | undefined
  /** Any data for the wait. It is saved and passed to `onWait`. */
  readonly data?: unknown
  /**
   * The name of a signal that the class declares. The first such signal ends the wait, with its
   * payload as the value.
   */
  readonly receive?: Signal | undefined
  /** A date that ends the wait. Not together with `for`. */
  readonly until?: Date | undefined
  /** A duration after which the wait ends, counted from the end of the step. */
  readonly for?: Duration | undefined
  /**
   * Handles of processes. The wait ends when all of them have ended, successfully or not. The value
   * has a `Settled` for each, in the same shape.
   */
  readonly on?: Awaited | undefined
  /**
   * Whether the first end is enough. The value then has `undefined` for the processes that
   * continue. Default false.
   */
  readonly any?: boolean | undefined
}
