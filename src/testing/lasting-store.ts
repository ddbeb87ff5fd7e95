import { MemoryStore } from '../persistence/memory/memory-store.ts'
import { openStore } from '../persistence/open-store.ts'
import type { Change } from '../persistence/contract/rows.ts'
import type { Store } from '../persistence/contract/store.ts'
import type { Clock } from '../shared/clock.ts'

type Listener = (changes: readonly Change[]) => void
type Method = (...args: unknown[]) => unknown

/** A store that stays the same for those who use it, while the programs whose engines run on it crash. */
export class LastingStore {
  readonly store: Store
  readonly #open: () => Promise<Store>
  #present: Store
  /** Calls that come while a file is closed and opened again wait for that. */
  #opening: Promise<unknown> | undefined
  readonly #listeners = new Map<Listener, () => void>()

  /** @throws PersistenceError where it can't be opened */
  static async open(path: string, clock: Clock): Promise<LastingStore> {
    const open = (): Promise<Store> => openStore(path, { clock, create: true })
    return new LastingStore(await open(), open)
  }

  private constructor(first: Store, open: () => Promise<Store>) {
    this.#present = first
    this.#open = open
    this.store = new Proxy(first, {
      get: (_, name) => {
        if (name === 'watch') return (listener: Listener) => this.#watch(listener)
        if (typeof Reflect.get(this.#present, name, this.#present) !== 'function') {
          return Reflect.get(this.#present, name, this.#present) as unknown
        }
        return async (...args: unknown[]) => {
          await this.#opening
          const method = Reflect.get(this.#present, name, this.#present) as Method
          return method.apply(this.#present, args)
        }
      },
    })
  }

  /** What one program opens. */
  get present(): Store {
    return this.#present
  }

  /** An engine's program is no more, and what it held is still held by it. */
  async crash(engine: string): Promise<void> {
    if (this.#present instanceof MemoryStore) {
      this.#present.forget(engine)
      return
    }
    this.#opening = this.#reopen()
    try {
      await this.#opening
    } finally {
      this.#opening = undefined
    }
  }

  async close(): Promise<void> {
    await this.#opening
    await this.#present.close()
  }

  async #reopen(): Promise<void> {
    await this.#present.close()
    this.#present = await this.#open()
    for (const listener of this.#listeners.keys()) this.#attach(listener)
  }

  #watch(listener: Listener): () => void {
    const own: Listener = (changes) => listener(changes)
    this.#listeners.set(own, () => {})
    if (this.#opening === undefined) this.#attach(own)
    return () => {
      this.#listeners.get(own)?.()
      this.#listeners.delete(own)
    }
  }

  #attach(listener: Listener): void {
    this.#listeners.set(listener, this.#present.watch(listener))
  }
}
