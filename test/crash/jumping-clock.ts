import type { Clock } from '../../src/index.ts'

interface Timer {
  readonly at: number
  readonly callback: () => void
}

/** Turns of the event loop without a look at the clock after which nothing is going on any more. */
const QUIET_TURNS = 20

/** A clock that jumps in the midst of what goes on: it waits for nobody. */
export class JumpingClock implements Clock {
  #now = Date.UTC(2026, 0, 1)
  readonly #timers = new Set<Timer>()
  #touches = 0

  now(): number {
    this.#touches++
    return this.#now
  }

  after(delay: number, callback: () => void): () => void {
    return this.at(this.#now + delay, callback)
  }

  at(time: number, callback: () => void): () => void {
    this.#touches++
    const timer = { at: time, callback }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** It is so much later at once, in milliseconds; what is due is called in its order. */
  jump(length: number): void {
    this.#now += length
    const due = [...this.#timers]
      .filter(({ at }) => at <= this.#now)
      .toSorted((one, other) => one.at - other.at)
    for (const timer of due) if (this.#timers.delete(timer)) timer.callback()
  }

  /** Resolves when nobody has looked at the clock for some turns of the event loop. */
  async quiet(): Promise<void> {
    let seen = this.#touches
    for (let quiet = 0; quiet < QUIET_TURNS;) {
      await new Promise((resolve) => setImmediate(resolve))
      quiet = seen === this.#touches ? quiet + 1 : 0
      seen = this.#touches
    }
  }
}
