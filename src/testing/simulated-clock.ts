import type { Clock } from '../shared/clock.ts'
import { milliseconds, type Duration } from '../shared/duration.ts'
import { setImmediate } from '../shared/timers.ts'

/** Options of `SimulatedClock`. */
export interface SimulatedClockOptions {
  /** A date, or milliseconds since 1970. Default 2026-01-01, midnight UTC. */
  readonly start?: Date | number | undefined
  /**
   * Whether the clock moves to the next timer by itself when it has not been read for some turns of
   * the event loop. Timers of the kind `look` do not count. Default false. Use it if steps wait for
   * nothing but the clock: while a step waits for a file or another program, the clock moves on.
   */
  readonly skips?: boolean | undefined
}

interface Timer {
  readonly at: number
  readonly callback: () => void
}

/** If the clock is not read for this many turns of the event loop, all work has stopped. */
const QUIET_TURNS = 20

/**
 * A clock that stands still until a test moves it. Give it to `Engine.open`, `Client.open` and
 * stores.
 *
 * All work reads the clock: a store at each commit and claim, a process at each wait. So when no
 * one has read it for some turns of the event loop, all work has stopped, except for work that
 * waits for a file, another program or the test.
 */
export class SimulatedClock implements Clock {
  #now: number
  /** In the order in which they were set. Timers due at the same time fire in this order. */
  readonly #timers = new Set<Timer>()
  readonly #looks = new Set<Timer>()
  readonly #beats = new Set<Timer>()
  readonly #skips: boolean
  #skipping = false
  /** The number of times that the clock was read or a timer was set. */
  #reads = 0
  /** The last move of the clock. Moves run one after the other. */
  #moving: Promise<void> = Promise.resolve()

  constructor({ start = Date.UTC(2026, 0, 1), skips = false }: SimulatedClockOptions = {}) {
    this.#now = Number(start)
    this.#skips = skips
  }

  now(): number {
    this.#reads++
    return this.#now
  }

  after(delay: number, callback: () => void, kind?: 'look' | 'beat'): () => void {
    const timers = kind === undefined ? this.#timers : kind === 'look' ? this.#looks : this.#beats
    return this.#add(timers, this.#now + Math.max(0, delay), callback)
  }

  at(time: number, callback: () => void): () => void {
    return this.#add(this.#timers, Math.max(this.#now, time), callback)
  }

  /**
   * Advances the time by milliseconds, or by text such as `'3d'`. Due timers fire in order, each at
   * its own time, and the work that each starts comes to a stop (`quiet`) before the next one
   * fires. A due `look` fires once, at the end.
   */
  async advance(duration: Duration): Promise<void> {
    const length = milliseconds(duration)
    await this.#move(() => this.#now + length)
  }

  /**
   * Moves to the next timer other than a `look`, fires all timers due then, and waits until the
   * work that they start has stopped. Returns false if there is no such timer.
   */
  async skip(): Promise<boolean> {
    let skipped = false
    await this.#move(() => {
      const next = this.#next()
      skipped = next !== undefined
      return next?.at ?? this.#now
    })
    return skipped
  }

  /** Resolves when the clock has not been read for some turns of the event loop. */
  async quiet(): Promise<void> {
    let seen = this.#reads
    let quiet = 0
    while (quiet < QUIET_TURNS) {
      await new Promise((resolve) => setImmediate(resolve))
      quiet = seen === this.#reads ? quiet + 1 : 0
      seen = this.#reads
    }
  }

  #add(timers: Set<Timer>, at: number, callback: () => void): () => void {
    this.#reads++
    if (at === Number.POSITIVE_INFINITY) return () => {}
    const timer = { at, callback }
    timers.add(timer)
    if (this.#skips && timers === this.#timers) void this.#skipAll()
    return () => {
      if (timers.delete(timer)) this.#reads++
    }
  }

  async #skipAll(): Promise<void> {
    if (this.#skipping) return
    this.#skipping = true
    try {
      while (this.#timers.size > 0) {
        await this.quiet()
        await this.skip()
      }
    } finally {
      this.#skipping = false
    }
  }

  #move(endOf: () => number): Promise<void> {
    const move = this.#moving.then(async () => {
      // Work in progress finishes at the time at which it began.
      await this.quiet()
      await this.#moveTo(endOf())
    })
    // If a callback throws, only the caller of this move gets the error.
    this.#moving = move.catch(() => {})
    return move
  }

  async #moveTo(end: number): Promise<void> {
    do {
      for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
        await this.#stop(next.at)
        // The work that a heartbeat started may have cancelled it.
        if (this.#timers.delete(next)) next.callback()
        await this.quiet()
      }
      await this.#stop(end)
      await this.#callDue(this.#looks)
    } while (this.#next(end) !== undefined)
  }

  #next(end = Number.POSITIVE_INFINITY): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers)
      if (timer.at <= end && (next === undefined || timer.at < next.at)) next = timer
    return next
  }

  /** Sets the time, and fires the due heartbeats. */
  async #stop(time: number): Promise<void> {
    this.#now = Math.max(this.#now, time)
    await this.#callDue(this.#beats)
  }

  /** Fires each due timer once, even if it sets itself again. */
  async #callDue(timers: Set<Timer>): Promise<void> {
    const due = [...timers].filter(({ at }) => at <= this.#now).toSorted((a, b) => a.at - b.at)
    for (const timer of due) {
      if (!timers.delete(timer)) continue
      timer.callback()
      await this.quiet()
    }
  }
}
