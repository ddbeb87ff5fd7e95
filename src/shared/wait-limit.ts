import { onAbort } from './abort.ts'
import type { Clock } from './clock.ts'
import { checkOptions, isAbortSignal, isFlag, type OptionNames } from './options.ts'
import { milliseconds, type Duration } from './duration.ts'

interface Limits {
  readonly timeout?: Duration | undefined
  readonly signal?: AbortSignal | undefined
  /** Passed along with the limits by calls that wait for a result. */
  readonly raiseOnFailure?: boolean | undefined
}

const WAIT: OptionNames<Omit<Limits, 'raiseOnFailure'>> = { timeout: true, signal: isAbortSignal }
/** The options of a wait for a result. */
export const RESULT_LIMITS: OptionNames<Limits> = { ...WAIT, raiseOnFailure: isFlag }

/**
 * Returns how many milliseconds a wait may take, or Infinity without a limit. Every wait calls it
 * first, even a wait for a process that has ended.
 *
 * @throws RangeError for a timeout that is not a duration
 * @throws TypeError for an unknown option
 * @throws the reason of a signal that has already aborted
 */
export function waitLimit(options: Limits): number {
  if ('raiseOnFailure' in options) checkOptions(options, RESULT_LIMITS, 'a wait')
  else checkOptions(options, WAIT, 'a wait')
  const limit = options.timeout === undefined ? Number.POSITIVE_INFINITY : milliseconds(options.timeout)
  options.signal?.throwIfAborted()
  return limit
}

/** Calls back once, when the time is up or the signal aborts. Returns a function that stops both. */
export function limited(
  clock: Clock,
  limit: number,
  signal: AbortSignal | undefined,
  timedOut: () => void,
  aborted: (reason: Error) => void,
): () => void {
  const stopTimer =
    limit === Number.POSITIVE_INFINITY
      ? undefined
      : clock.after(limit, () => {
          stop()
          timedOut()
        })
  const stopListening =
    signal === undefined
      ? undefined
      : onAbort(signal, () => {
          stop()
          aborted(signal.reason as Error)
        })
  const stop = (): void => {
    stopTimer?.()
    stopListening?.()
  }
  return stop
}

/** Waits for a promise no longer than the options allow, and rejects with the error of `timedOut` then. */
export function within<T>(
  clock: Clock,
  work: Promise<T>,
  options: Limits,
  timedOut: () => Error,
): Promise<T> {
  if (options.timeout === undefined && options.signal === undefined) return work
  // After the timeout no one handles a rejection of the work.
  work.catch(() => {})
  return new Promise((resolve, reject) => {
    // A limit of 0 still allows one read.
    const limit = waitLimit(options) || Number.POSITIVE_INFINITY
    const stop = limited(clock, limit, options.signal, () => reject(timedOut()), reject)
    work.then(resolve, reject).finally(stop)
  })
}
