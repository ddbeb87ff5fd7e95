import type { AbortSignal } from '../../shared/abort-signal.ts'
import { isAbortSignal, isFlag, type OptionNames } from '../../shared/options.ts'

/** Options of `logs` and `events`. */
export interface FollowOptions {
  /**
   * Whether to go on with each new entry until the process has ended. Default false: what is stored
   * now.
   */
  readonly follow?: boolean | undefined
  /** Ends the reading. It then rejects with the reason of the signal. */
  readonly signal?: AbortSignal | undefined
}

export const FOLLOW_OPTIONS: OptionNames<FollowOptions> = { follow: isFlag, signal: isAbortSignal }
