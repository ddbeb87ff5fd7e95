import type { Control } from '../../persistence/contract/control.ts'
import type { Change } from '../../persistence/contract/rows.ts'
import type { StateInfo } from '../../process/host/process-handle.ts'
import type { Clock } from '../../shared/clock.ts'
import { ClosedError } from '../../shared/errors.ts'
import { ClientHandle, type HandleContext } from './client-handle.ts'

/** The backstop: how often the awaited processes are read again, though the store tells of changes by itself. */
const FIRST_INTERVAL = 1_000
const LONGEST_INTERVAL = 30_000
const GROWTH = 1.5
const LEAST_ROOM = 1_000

/**
 * All handles of one client: one object per pid, told of changes as the store tells them.
 *
 * Handles that nobody holds and nobody waits for are let go; the table keeps nothing per process.
 */
export class HandleRegistry {
  readonly #store: Control
  readonly #clock: Clock
  readonly #known = new Map<string, WeakRef<ClientHandle>>()
  /** How many entries there may be before those of handles that are gone are dropped. */
  #room = LEAST_ROOM
  /** Held here, so that what is awaited is not collected. */
  readonly #awaited = new Set<ClientHandle>()
  #stopWatching: (() => void) | undefined
  #cancelLook: (() => void) | undefined
  #interval = FIRST_INTERVAL
  #looking = false
  #closed = false

  constructor(store: Control, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** The handle of a process, if there is one. */
  find(pid: string): ClientHandle | undefined {
    return this.#known.get(pid)?.deref()
  }

  /**
   * A process was created under this pid, at the given time if it was not created here. A handle of a process that had ended before, and was
   * pruned, stays with that one. A change by another program may be heard of after the end of its process was read: it is not about a new one.
   */
  renew(pid: string, createdAt = Number.POSITIVE_INFINITY): void {
    const known = this.find(pid)
    if (known?.over === true && (known.gone || createdAt >= known.state.at.getTime())) this.#known.delete(pid)
  }

  intern(context: HandleContext, pid: string, name: string, state?: StateInfo): ClientHandle {
    const known = this.find(pid)
    if (known?.gone === false) return known
    const handle = new ClientHandle(context, pid, name, state)
    if (this.#known.size >= this.#room) this.#sweep()
    this.#known.set(pid, new WeakRef(handle))
    return handle
  }

  /** Being told of each handle that is collected would cost more, at every collection, than looking now and then. */
  #sweep(): void {
    for (const [pid, handle] of this.#known) if (handle.deref() === undefined) this.#known.delete(pid)
    this.#room = Math.max(LEAST_ROOM, 2 * this.#known.size)
  }

  watch(handle: ClientHandle): void {
    if (this.#closed) throw new ClosedError('this client was closed: wait with another, the process goes on')
    this.#stopWatching ??= this.#store.watch((changes) => this.#note(changes))
    this.#awaited.add(handle)
    this.#schedule()
  }

  unwatch(handle: ClientHandle): void {
    if (!this.#awaited.delete(handle)) return
    if (this.#awaited.size === 0) this.#stop()
  }

  /** Wakes everybody who waits, so that they can be told that nothing more will come. */
  close(): readonly ClientHandle[] {
    this.#closed = true
    const left = [...this.#awaited]
    this.#awaited.clear()
    this.#stop()
    return left
  }

  #stop(): void {
    this.#stopWatching?.()
    this.#stopWatching = undefined
    this.#cancelLook?.()
    this.#cancelLook = undefined
    this.#interval = FIRST_INTERVAL
  }

  #note(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.name === 'created') this.renew(change.pid, change.at)
      const handle = this.find(change.pid)
      if (handle === undefined) continue
      try {
        handle.note(change)
      } catch {
        // A damaged entry: the next look reads the row.
      }
      if (handle.awaited) this.#interval = FIRST_INTERVAL
    }
  }

  #schedule(): void {
    if (this.#looking) return
    const look = (): void => {
      this.#interval = Math.min(LONGEST_INTERVAL, this.#interval * GROWTH)
      void this.#lookAtAll()
    }
    this.#cancelLook ??= this.#clock.after(this.#interval, look, 'look')
  }

  async #lookAtAll(): Promise<void> {
    this.#cancelLook = undefined
    this.#looking = true
    for (const handle of this.#awaited) {
      try {
        await handle.look()
      } catch {
        // A store that can't be read just now changes nothing (rule 8): the next look tries again.
        break
      }
    }
    this.#looking = false
    if (this.#awaited.size > 0) this.#schedule()
  }
}
