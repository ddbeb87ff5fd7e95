import type { Store } from '../../src/persistence/contract/store.ts'
import { SimulatedClock } from '../../src/testing/index.ts'

/** A clock that also waits for what a store on a server is asked, however long the server takes. */
export class PatientClock extends SimulatedClock {
  readonly #calls = new Set<Promise<unknown>>()

  override async quiet(): Promise<void> {
    for (;;) {
      await super.quiet()
      if (!this.isWaiting) return
      await Promise.race(this.#calls)
    }
  }

  /** Whether the store has not answered yet. */
  get isWaiting(): boolean {
    return this.#calls.size > 0
  }

  /** Resolves when the store has answered all that it was asked. */
  async answered(): Promise<void> {
    while (this.isWaiting) await Promise.all(this.#calls)
  }

  /** The same store but for some methods; this clock waits for its answers. */
  waitingFor<S extends Store>(store: S, methods: Partial<Store> = {}): S {
    return new Proxy(store, {
      get: (target, name) => {
        if (name in methods) return Reflect.get(methods, name) as unknown
        const member: unknown = Reflect.get(target, name, target)
        if (typeof member !== 'function') return member
        return (...args: unknown[]) => {
          const answer: unknown = Reflect.apply(member, target, args)
          if (answer instanceof Promise) this.#waitFor(answer)
          return answer
        }
      },
    })
  }

  #waitFor(call: Promise<unknown>): void {
    const settled = call
      .catch(() => {})
      .then(() => {
        this.#calls.delete(settled)
      })
    this.#calls.add(settled)
  }
}
