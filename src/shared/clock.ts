/** Node fires a longer timer at once. */
const LONGEST_TIMER = 2 ** 31 - 1

/** Where the time comes from; a test may move it. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. */
  now(): number
  /** Calls back after so many milliseconds, and returns how to take it back. */
  after(delay: number, callback: () => void): () => void
}

/** The machine's own clock. Delays beyond 2³¹−1 ms are chained, since Node would fire them at once. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(delay, callback) {
    let timer: NodeJS.Timeout
    const arm = (left: number): void => {
      const part = Math.min(left, LONGEST_TIMER)
      timer = setTimeout(() => (left > part ? arm(left - part) : callback()), part)
    }
    arm(Math.max(0, delay))
    return () => clearTimeout(timer)
  },
}
