import type { Change } from '../contract/rows.ts'

type Listener = (changes: readonly Change[]) => unknown

/** Tells committed changes to all who watch, in the order of their commits, one batch after the other. */
export class ChangeFeed {
  readonly #listeners = new Set<{ readonly call: Listener }>()
  readonly #queue: (readonly Change[])[] = []
  #publishing = false

  get hasListeners(): boolean {
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

  publish(changes: readonly Change[]): void {
    if (changes.length === 0 || !this.hasListeners) return
    this.#queue.push(changes)
    // A listener that commits in turn only adds to the queue: nobody hears the later commit first.
    if (this.#publishing) return
    this.#publishing = true
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
    this.#publishing = false
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
