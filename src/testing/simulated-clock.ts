import type { Clock } from '../shared/clock.ts'
import { milliseconds, type Duration } from '../shared/duration.ts'

export interface SimulatedClockOptions {
  /** A date, or milliseconds since 1970. Default 2026-01-01, midnight UTC. */
  readonly start?: Date | number | undefined
  /**
   * Whether it moves by itself to the next timer whenever nobody has looked at it for some turns of the event loop, as long as there is one that is
   * no look. Default false. For processes whose steps wait for nothing but the clock: while one waits for a file or for another program,
   * the clock goes on.
   */
  readonly skips?: boolean | undefined
}

interface Timer {
  readonly at: number
  readonly callback: () => void
}

/** Turns of the event loop without a look at the clock after which nothing is going on any more. */
const QUIET_TURNS = 20

/**
 * A clock that stands still until a test moves it. Give it to `Engine.open`, `Client.open` and stores.
 *
 * Whoever does something looks at the clock: a store with each commit and claim, a process with each wait. So when nobody has for some turns
 * of the event loop, nothing goes on any more, save what waits for something outside: a file, another program, a test.
 */
export class SimulatedClock implements Clock {
  #now: number
  /** In the order of their making, which is that of their calling where they are due at the same time. */
  readonly #timers = new Set<Timer>()
  readonly #looks = new Set<Timer>()
  readonly #beats = new Set<Timer>()
  readonly #skips: boolean
  #skipping = false
  /** Counts the looks at the clock. */
  #touches = 0
  /** Moves are made one after the other. */
  #moving: Promise<void> = Promise.resolve()

  constructor({ start = Date.UTC(2026, 0, 1), skips = false }: SimulatedClockOptions = {}) {
    this.#now = Number(start)
    this.#skips = skips
  }

  now(): number {
    this.#touches++
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
   * Moves the time on by milliseconds, or text such as `'3d'`. Timers that fall due are called in their order, each at its own time; between
   * them, what they set off gets its turn (`quiet`). Looks that fell due on the way are called once, at the end.
   */
  async advance(duration: Duration): Promise<void> {
    const length = milliseconds(duration)
    await this.#move(() => this.#now + length)
  }

  /**
   * Moves to the next timer that is no look, calls all that are due then, and gives what they set off its turn. False when there is
   * none: nobody waits for the time.
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

  /** Resolves when nobody has looked at the clock for some turns of the event loop. */
  async quiet(): Promise<void> {
    let seen = this.#touches
    let quiet = 0
    while (quiet < QUIET_TURNS) {
      await new Promise((resolve) => setImmediate(resolve))
      quiet = seen === this.#touches ? quiet + 1 : 0
      seen = this.#touches
    }
  }

  #add(timers: Set<Timer>, at: number, callback: () => void): () => void {
    this.#touches++
    if (at === Number.POSITIVE_INFINITY) return () => {}
    const timer = { at, callback }
    timers.add(timer)
    if (this.#skips && timers === this.#timers) void this.#skipAll()
    return () => {
      if (timers.delete(timer)) this.#touches++
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
      // What is under way is done at the time at which it began.
      await this.quiet()
      await this.#moveTo(endOf())
    })
    // A callback that throws is told to whoever moved the clock to it, and holds up no other move.
    this.#moving = move.catch(() => {})
    return move
  }

  async #moveTo(end: number): Promise<void> {
    do {
      for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
        await this.#stop(next.at)
        // It may have been taken back by what a beat set off.
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

  /** It is so late now, and who lives has said so. */
  async #stop(time: number): Promise<void> {
    this.#now = Math.max(this.#now, time)
    await this.#callDue(this.#beats)
  }

  /** Each once, though they be due again and again. */
  async #callDue(timers: Set<Timer>): Promise<void> {
    const due = [...timers].filter(({ at }) => at <= this.#now).toSorted((a, b) => a.at - b.at)
    for (const timer of due) {
      if (!timers.delete(timer)) continue
      timer.callback()
      await this.quiet()
    }
  }
}
