import { setImmediate } from '../shared/timers.ts'
import type { CallEnd } from './called-actor.ts'

/**
 * The ends of calls of one actor that must be stored, in the order of the calls. One write of them
 * is in flight at a time. Calls that end meanwhile go into the next one.
 */
export class CallEnds {
  readonly #send: () => void
  #waiting: CallEnd[] = []
  #sending: Promise<void> | undefined
  #isScheduled = false
  /** Whether each end gets a write of its own, because the store has refused one of several. */
  isCareful = false

  /** `send` is called at the end of a turn with ends, so that the calls of one turn share a write. */
  constructor(send: () => void) {
    this.#send = send
  }

  /** The number of ends that are not being stored yet. */
  get length(): number {
    return this.#waiting.length
  }

  /** Pending while some are being stored. */
  get sending(): Promise<void> | undefined {
    return this.#sending
  }

  add(end: CallEnd): void {
    this.#waiting.push(end)
    this.#sendSoon()
  }

  /** Takes the ends for the next write. */
  take(): readonly CallEnd[] {
    const ends = this.isCareful ? this.#waiting.slice(0, 1) : this.#waiting
    this.#waiting = this.#waiting.slice(ends.length)
    return ends
  }

  /** Takes all ends that are not being stored, and keeps the given ones instead. */
  replace(kept: readonly CallEnd[] = []): readonly CallEnd[] {
    const ends = this.#waiting
    this.#waiting = [...kept]
    return ends
  }

  /** Sends nothing more until this write is answered. `storing` must not reject. */
  async during(storing: Promise<void>): Promise<void> {
    this.#sending = storing
    await storing
    this.#sending = undefined
    if (this.#waiting.length > 0) this.#sendSoon()
  }

  #sendSoon(): void {
    if (this.#isScheduled || this.#sending !== undefined) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      if (this.#waiting.length > 0 && this.#sending === undefined) this.#send()
    })
  }
}
