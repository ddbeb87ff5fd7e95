import { checkOptions, isAbortSignal, isFlag, type OptionNames } from './options.ts'
import { milliseconds, type Duration } from './duration.ts'

interface Limits {
  readonly timeout?: Duration | undefined
  readonly signal?: AbortSignal | undefined
  /** Passed along with the limits by calls that wait for a result. */
  readonly raiseOnFailure?: boolean | undefined
}

const LIMITS: OptionNames<Limits> = { timeout: true, signal: isAbortSignal, raiseOnFailure: isFlag }

/**
 * Returns how many milliseconds a wait may take, or Infinity without a limit. Every wait calls it
 * first, even a wait for a process that has ended.
 *
 * @throws RangeError for a timeout that is not a duration
 * @throws TypeError for an unknown option
 * @throws the reason of a signal that has already aborted
 */
export function waitLimit(options: Limits): number {
  checkOptions(options, LIMITS, 'a wait')
  const limit = options.timeout === undefined ? Number.POSITIVE_INFINITY : milliseconds(options.timeout)
  options.signal?.throwIfAborted()
  return limit
}
