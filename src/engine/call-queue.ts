import type { StoredCall } from '../persistence/contract/rows.ts'
import type { EngineParts } from './engine-parts.ts'

/** How many calls are read at a time, and how many ends of calls may wait to be stored. */
export const CALLS_AT_A_TIME = 100

/** The calls of one actor that were read from its mailbox and have not begun. */
export class CallQueue {
  readonly #actor: string
  readonly #engine: EngineParts
  #read: StoredCall[] = []
  #mayFind = true

  constructor(actor: string, engine: EngineParts) {
    this.#actor = actor
    this.#engine = engine
  }

  /** Call it when the mailbox may have calls that were not read. */
  changed(): void {
    this.#mayFind = true
  }

  /** Forgets the calls that were read: the next one is read again. */
  clear(): void {
    this.#read = []
    this.#mayFind = true
  }

  /**
   * Takes the next call; undefined if none may run. `live` are those that have begun. `reading`
   * retries a read of the store that fails.
   */
  async take(
    live: Iterable<{ readonly pid: string }>,
    reading: <T>(read: () => Promise<T>) => Promise<T>,
  ): Promise<StoredCall | undefined> {
    if (this.#read.length === 0 && this.#mayFind) {
      this.#mayFind = false
      const except = Array.from(live, ({ pid }) => pid)
      const page = await reading(() => this.#engine.store.calls(this.#actor, CALLS_AT_A_TIME, except))
      if (page.length === CALLS_AT_A_TIME) this.#mayFind = true
      this.#read = [...page]
    }
    return this.#read.shift()
  }
}
