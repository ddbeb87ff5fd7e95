import type { Change } from './store.ts'

type Listener = (changes: readonly Change[]) => void

/** Tells committed changes to all who watch, in the order of their commits, one batch after the other. */
export class Broadcast {
  readonly #listeners = new Set<{ readonly call: Listener }>()
  readonly #queue: (readonly Change[])[] = []
  #telling = false

  get heard(): boolean {
    return this.#listeners.size > 0
  }

  add(listener: Listener): () => void {
    const entry = { call: listener }
    this.#listeners.add(entry)
    return () => void this.#listeners.delete(entry)
  }

  clear(): void {
    this.#listeners.clear()
  }

  tell(changes: readonly Change[]): void {
    if (changes.length === 0 || !this.heard) return
    this.#queue.push(changes)
    // A listener that commits in turn only adds to the queue: nobody hears the later commit first.
    if (this.#telling) return
    this.#telling = true
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      for (const { call } of this.#listeners) {
        try {
          call(next)
        } catch (error) {
          // Not the committer's fault, and not to be hidden either.
          queueMicrotask(() => {
            throw error
          })
        }
      }
    }
    this.#telling = false
  }
}
