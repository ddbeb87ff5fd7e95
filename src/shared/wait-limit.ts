import { milliseconds, type Duration } from './duration.ts'

/**
 * How many milliseconds a wait may take; Infinity where there is no limit. For the beginning of every wait, also for what has ended.
 *
 * @throws RangeError for a time-out that is no duration
 * @throws the reason of a signal that has aborted already
 */
export function waitLimit(options: {
  readonly timeout?: Duration | undefined
  readonly signal?: AbortSignal | undefined
}): number {
  const limit = options.timeout === undefined ? Number.POSITIVE_INFINITY : milliseconds(options.timeout)
  options.signal?.throwIfAborted()
  return limit
}
