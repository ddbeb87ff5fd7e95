import type { Change } from '../contract/rows.ts'

type Listener = (changes: readonly Change[]) => unknown

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
          const answer = call(next)
          if (answer instanceof Promise) answer.catch(report)
        } catch (error) {
          report(error)
        }
      }
    }
    this.#telling = false
  }
}

/** The fault of a listener harms neither whoever commits nor the program; it is not to be hidden either. */
function report(error: unknown): void {
  const said = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.emitWarning(
    `a listener of a store failed, and goes on to be called: ${said}`,
    'DamsonListenerWarning',
  )
}
