import type { AbortSignal } from '../../shared/abort-signal.ts'
import type { Clock } from '../../shared/clock.ts'
import { limited } from '../../shared/wait-limit.ts'
import type { BaseHandle } from '../handle/base-handle.ts'

/** What limits a wait for a group. */
export interface Limit {
  readonly clock: Clock
  /** Milliseconds; Infinity without a limit. */
  readonly timeout: number
  readonly signal: AbortSignal | undefined
}

/**
 * The ends of several processes, in the order in which they come. However many processes there are,
 * this is one timer, one listener of the signal and one callback for each process.
 */
export class Ends {
  readonly #pending: Set<BaseHandle>
  readonly #stops: (() => void)[] = []
  readonly #ended: BaseHandle[] = []
  /** How many of `#ended` were taken. */
  #taken = 0
  /** Set once the wait is over before all processes have ended. */
  #stopped: { readonly error: Error | undefined } | undefined
  #notify: (() => void) | undefined

  /** `members` are distinct. If the timeout is 0, their states must have been read just now. */
  constructor(members: Iterable<BaseHandle>, { clock, timeout, signal }: Limit) {
    this.#pending = new Set(members)
    if (timeout === 0) {
      for (const member of this.#pending) if (member.over) this.#add(member)
      this.#stop(undefined)
      return
    }
    const timedOut = (): void => this.#stop(undefined)
    this.#stops.push(limited(clock, timeout, signal, timedOut, (reason) => this.#stop(reason)))
    for (const member of this.#pending) {
      if (this.#stopped !== undefined) break
      const ended = (closed?: Error): void => (closed === undefined ? this.#add(member) : this.#stop(closed))
      this.#stops.push(member.whenOver(ended))
    }
    if (this.#pending.size === 0) this.#release()
  }

  /** The processes that have not ended, in the order in which they were given. */
  get pending(): ReadonlySet<BaseHandle> {
    return this.#pending
  }

  /** Whether `more` would wait. */
  get waits(): boolean {
    return this.#taken === this.#ended.length && this.#pending.size > 0 && this.#stopped === undefined
  }

  /** Takes the next process that has ended, if there is one. */
  take(): BaseHandle | undefined {
    const next = this.#ended[this.#taken]
    if (next === undefined) return undefined
    this.#taken++
    return next
  }

  /**
   * Resolves when there is a process to take: to false if the time is up, or if all were taken.
   * Rejects with the reason of the signal, or with `ClosedError`.
   */
  async more(): Promise<boolean> {
    if (this.waits) await new Promise<void>((resolve) => (this.#notify = resolve))
    if (this.#stopped?.error !== undefined) throw this.#stopped.error
    return this.#taken < this.#ended.length
  }

  /** Ends the wait, and removes its timer, listener and callbacks. */
  close(): void {
    this.#stop(undefined)
  }

  #add(member: BaseHandle): void {
    if (!this.#pending.delete(member)) return
    this.#ended.push(member)
    if (this.#pending.size === 0) this.#release()
    this.#notify?.()
  }

  #stop(error: Error | undefined): void {
    if (this.#stopped !== undefined) return
    this.#stopped = { error }
    this.#release()
    this.#notify?.()
  }

  #release(): void {
    for (const stop of this.#stops.splice(0)) stop()
  }
}
