import { MemoryStore } from '../persistence/memory/memory-store.ts'
import { openStore } from '../persistence/open-store.ts'
import type { Change } from '../persistence/contract/rows.ts'
import type { Store } from '../persistence/contract/store.ts'
import type { Clock } from '../shared/clock.ts'

type Listener = (changes: readonly Change[]) => void
type Method = (...args: unknown[]) => unknown

/** A store object that its users can keep while the programs whose engines run on it crash. */
export class ReopeningStore {
  readonly store: Store
  readonly #open: () => Promise<Store>
  #current: Store
  /** Set while a file is closed and opened again. Calls wait for it. */
  #opening: Promise<unknown> | undefined
  readonly #listeners = new Map<Listener, () => void>()

  /** @throws PersistenceError if the file can't be opened */
  static async open(path: string, clock: Clock): Promise<ReopeningStore> {
    const open = (): Promise<Store> => openStore(path, { clock, create: true })
    return new ReopeningStore(await open(), open)
  }

  private constructor(first: Store, open: () => Promise<Store>) {
    this.#current = first
    this.#open = open
    this.store = new Proxy(first, {
      get: (_, name) => {
        if (name === 'watch') return (listener: Listener) => this.#watch(listener)
        if (typeof Reflect.get(this.#current, name, this.#current) !== 'function') {
          return Reflect.get(this.#current, name, this.#current) as unknown
        }
        return async (...args: unknown[]) => {
          await this.#opening
          const method = Reflect.get(this.#current, name, this.#current) as Method
          return method.apply(this.#current, args)
        }
      },
    })
  }

  /** The store that one program has open. */
  get current(): Store {
    return this.#current
  }

  /** Ends the program of an engine. The engine still holds its claims. */
  async crash(engine: string): Promise<void> {
    if (this.#current instanceof MemoryStore) {
      this.#current.forget(engine)
      this.#current.forgetSessions()
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
    await this.#current.close()
  }

  async #reopen(): Promise<void> {
    await this.#current.close()
    this.#current = await this.#open()
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
    this.#listeners.set(listener, this.#current.watch(listener))
  }
}
