import { checkOptions, isAbortSignal, isFlag, type OptionNames } from './options.ts'
import { milliseconds, type Duration } from './duration.ts'

interface Limits {
  readonly timeout?: Duration | undefined
  readonly signal?: AbortSignal | undefined
  /** Also given by those who wait for a result. */
  readonly raiseOnFailure?: boolean | undefined
}

const LIMITS: OptionNames<Limits> = { timeout: true, signal: isAbortSignal, raiseOnFailure: isFlag }

/**
 * How many milliseconds a wait may take; Infinity where there is no limit. For the beginning of every wait, also for what has ended.
 *
 * @throws RangeError for a time-out that is no duration
 * @throws TypeError for an unknown option
 * @throws the reason of a signal that has aborted already
 */
export function waitLimit(options: Limits): number {
  checkOptions(options, LIMITS, 'a wait')
  const limit = options.timeout === undefined ? Number.POSITIVE_INFINITY : milliseconds(options.timeout)
  options.signal?.throwIfAborted()
  return limit
}
