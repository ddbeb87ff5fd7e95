/** Node fires a longer timer at once. */
const LONGEST_TIMER = 2 ** 31 - 1

/** Where the time comes from; a test may move it. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. */
  now(): number
  /**
   * Calls back after so many milliseconds, and returns how to take it back.
   *
   * What comes again and again says so, and a clock that is moved by hand over a long time need not call it each time. A `look` is a
   * backstop: once, where the move ends, is enough. A `beat` says that somebody lives: it is called wherever the clock stops on its way, before
   * anybody can look.
   */
  after(delay: number, callback: () => void, kind?: 'look' | 'beat'): () => void
  /**
   * Calls back at a wall-clock time, in milliseconds since 1970. Only a clock has it that nobody can set otherwise, and that never calls
   * back too early.
   */
  at?(time: number, callback: () => void): () => void
}

/** Wall clocks are set and laptops sleep, so a timer is never trusted for longer. */
const LONGEST_TRUST = 60_000

/** Calls back at a wall-clock time, in milliseconds since 1970; at once, but not in this turn, when that has passed. */
export function alarm(clock: Clock, time: number, callback: () => void): () => void {
  if (clock.at !== undefined) return clock.at(time, callback)
  let cancel: () => void
  const arm = (): void => {
    const left = time - clock.now()
    cancel = clock.after(Math.min(Math.max(0, left), LONGEST_TRUST), () => {
      if (clock.now() >= time) callback()
      else arm()
    })
  }
  arm()
  return () => cancel()
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

/** Milliseconds that only grow: nobody can set them. A clock that a test moves has none of its own. */
export function monotonic(clock: Clock): number {
  // The same in all threads, unlike that of `performance`.
  return clock === systemClock ? Number(process.hrtime.bigint() / 1000n) / 1000 : clock.now()
}
