import { clearTimeout, machineTime, setTimeout, wallClock } from './timers.ts'

/** Node fires a longer timer immediately. */
const LONGEST_TIMER = 2 ** 31 - 1

/** The source of the time. A test may use one that it moves by hand. */
export interface Clock {
  /** The wall-clock time in milliseconds since 1970. */
  now(): number
  /**
   * Calls back after a delay in milliseconds. Returns a function that cancels the call.
   *
   * `kind` marks a timer that sets itself again after each call, so that a clock that a test moves
   * far ahead need not fire it every time. A `look` is a backstop: it is enough to fire it once, at
   * the end of the move. A `beat` is a heartbeat: it fires wherever the clock stops on its way,
   * before anything reads that time.
   */
  after(delay: number, callback: () => void, kind?: 'look' | 'beat'): () => void
  /**
   * Calls back at a wall-clock time in milliseconds since 1970. Only a clock that no one can set,
   * and that never calls back too early, has this method.
   */
  at?(time: number, callback: () => void): () => void
}

/** The longest timer of an alarm, since users set clocks and laptops sleep. */
const LONGEST_TRUST = 60_000

/**
 * Calls back at a wall-clock time in milliseconds since 1970. If it has passed, calls back in the
 * next turn of the event loop. Returns a function that cancels the call.
 */
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

/**
 * The clock of the machine. It chains delays beyond 2³¹−1 ms, since Node would fire them
 * immediately.
 */
export const systemClock: Clock = {
  now: wallClock,
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

/** Milliseconds of a clock that no one can set. A clock that a test moves gives its own time. */
export function monotonic(clock: Clock): number {
  return clock === systemClock ? machineTime() : clock.now()
}
