import type { Clock } from '../shared/clock.ts'

interface Timer {
  readonly at: number
  readonly callback: () => void
}

/** A clock that stands still until a test moves it. Give it to `Engine.open`, `Client.open` and stores. */
export class SimulatedClock implements Clock {
  #now: number
  #timers: Timer[] = []

  /** `start` is in milliseconds since 1970. */
  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#now = start
  }

  now(): number {
    return this.#now
  }

  after(delay: number, callback: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, delay), callback }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  /**
   * Moves the time on by so many milliseconds. Timers that fall due are called in their order, each at its own time; between
   * them, what they set off gets its turn, as far as it does not wait for the disk or for another program.
   */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds
    for (let due = this.#next(end); due !== undefined; due = this.#next(end)) {
      this.#timers = this.#timers.filter((timer) => timer !== due)
      this.#now = Math.max(this.#now, due.at)
      due.callback()
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#now = end
  }

  #next(end: number): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers)
      if (timer.at <= end && (next === undefined || timer.at < next.at)) next = timer
    return next
  }
}
