import type { WaitOptions } from '../../process/host/process-handle.ts'
import type { Clock } from '../../shared/clock.ts'
import { waitLimit } from '../../shared/wait-limit.ts'

/** Calls back once, when the time is up or the signal aborts, unless it is stopped before. */
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
  const abort = (): void => {
    stop()
    aborted(signal?.reason as Error)
  }
  const stop = (): void => {
    stopTimer?.()
    signal?.removeEventListener('abort', abort)
  }
  signal?.addEventListener('abort', abort, { once: true })
  return stop
}

/** Waits for a promise no longer than the options say. */
export function within<T>(
  clock: Clock,
  work: Promise<T>,
  options: WaitOptions,
  timedOut: () => Error,
): Promise<T> {
  if (options.timeout === undefined && options.signal === undefined) return work
  // Nobody may be there to hear it fail any more.
  work.catch(() => {})
  return new Promise((resolve, reject) => {
    // One look is always allowed, also with a limit of 0.
    const limit = waitLimit(options) || Number.POSITIVE_INFINITY
    const stop = limited(clock, limit, options.signal, () => reject(timedOut()), reject)
    work.then(resolve, reject).finally(stop)
  })
}
