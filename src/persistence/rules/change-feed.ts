import type { WatchListener } from '../contract/control.ts'
import type { Change } from '../contract/rows.ts'

type Listener = (...given: Parameters<WatchListener>) => unknown

/**
 * Publishes committed changes to all listeners, in the order of the commits, one batch after the
 * other.
 */
export class ChangeFeed {
  readonly #listeners = new Set<{ readonly call: Listener }>()
  readonly #queue: Parameters<WatchListener>[] = []
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

  publish(changes: readonly Change[], missed = false): void {
    if ((changes.length === 0 && !missed) || !this.hasListeners) return
    this.#queue.push([changes, missed])
    // A listener that commits only adds to the queue, so that no listener gets the later commit
    // first.
    if (this.#publishing) return
    this.#publishing = true
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      for (const { call } of this.#listeners) {
        try {
          const answer = call(...next)
          if (answer instanceof Promise) answer.catch(report)
        } catch (error) {
          report(error)
        }
      }
    }
    this.#publishing = false
  }
}

/**
 * Reports the error of a listener as a warning. The error must not harm the commit or the program,
 * and must not be hidden.
 */
function report(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.emitWarning(
    `a listener of a store failed; it is still called for later changes: ${text}`,
    'DamsonListenerWarning',
  )
}
