import { LARGEST_READ, type Control } from '../../persistence/contract/control.ts'
import type { Change } from '../../persistence/contract/rows.ts'
import type { StateInfo } from '../../process/host/process-handle.ts'
import { isTerminal } from '../../process/state/machine.ts'
import type { Clock } from '../../shared/clock.ts'
import { ClosedError } from '../../shared/errors.ts'
import type { LocalEngine } from './local-engine.ts'

/**
 * The backstop: how often all awaited processes are read again, in case the store misses a change, in
 * milliseconds.
 */
const FIRST_INTERVAL = 1_000
const LONGEST_INTERVAL = 30_000
const GROWTH = 1.5
/** The awaited handles that one refresh looks at, and the shortest pause between two refreshes. */
const PAGE = LARGEST_READ
const SHORTEST_PAUSE = 100
const LEAST_CAPACITY = 1_000

/** A handle, as the registry sees it. */
export interface RegisteredHandle {
  readonly pid: string
  /** @internal Whether a caller waits for the end. */
  readonly awaited: boolean
  /** @internal Whether the handle reads nothing more: its process has ended, or is not in the store. */
  readonly over: boolean
  /** @internal Whether the process is not in the store. */
  readonly gone: boolean
  readonly state: StateInfo
  /** @internal Called with each committed change of the process. */
  note(change: Change): void
  /** @internal Reads the row of the process. Rejects if the store can't be read. */
  refreshState(): Promise<void>
}

/**
 * All handles of one client, one object per pid. The registry passes the changes that the store
 * reports on to the handles.
 *
 * A handle that no caller holds or awaits can be garbage collected.
 */
export class HandleRegistry<H extends RegisteredHandle> {
  /** The engine that runs processes in this program; undefined for a client. */
  localEngine: LocalEngine | undefined
  readonly #store: Control
  readonly #clock: Clock
  readonly #known = new Map<string, WeakRef<H>>()
  /** When the map reaches this size, the entries of collected handles are deleted. */
  #capacity = LEAST_CAPACITY
  /**
   * Strong references, so that an awaited handle is not collected. The handle that was looked at
   * longest ago comes first.
   */
  readonly #awaited = new Set<H>()
  #stopWatching: (() => void) | undefined
  #cancelRefresh: (() => void) | undefined
  #interval = FIRST_INTERVAL
  /** How many handles are still to be checked in this round. */
  #left = 0
  #refreshing = false
  #closed = false

  constructor(store: Control, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** Returns the handle of a process, or undefined if there is none. */
  find(pid: string): H | undefined {
    return this.#known.get(pid)?.deref()
  }

  /** Makes this handle the one of its process. */
  add(handle: H): void {
    if (this.#known.size >= this.#capacity) this.#sweep()
    this.#known.set(handle.pid, new WeakRef(handle))
  }

  /**
   * Drops the handle of an earlier process, which ended and was pruned: a new process has its pid.
   * `createdAt` is the time of its creation, unless it was created here. The store may report the
   * creation late, after the handle has read the end of the same process. Such a handle is kept.
   */
  renew(pid: string, createdAt = Number.POSITIVE_INFINITY): void {
    const known = this.find(pid)
    if (known?.over === true && (known.gone || createdAt >= known.state.at.getTime())) this.#known.delete(pid)
  }

  /** A FinalizationRegistry would cost more, at every collection, than this occasional scan. */
  #sweep(): void {
    for (const [pid, handle] of this.#known) if (handle.deref() === undefined) this.#known.delete(pid)
    this.#capacity = Math.max(LEAST_CAPACITY, 2 * this.#known.size)
  }

  /**
   * From now on the handle is notified of every change to its process. The caller reads the row
   * after this call, so that no change is missed in between (C8).
   *
   * @throws ClosedError if the client was closed
   */
  watch(handle: H): void {
    if (this.#closed)
      throw new ClosedError('this client is closed; open another client to wait. The process continues')
    this.#stopWatching ??= this.#store.watch((changes, missed) => this.#note(changes, missed))
    this.#awaited.add(handle)
    this.#schedule()
  }

  unwatch(handle: H): void {
    if (!this.#awaited.delete(handle)) return
    if (this.#awaited.size === 0) this.#stop()
  }

  /** Stops watching. Returns the handles that are still awaited. */
  close(): readonly H[] {
    this.#closed = true
    const left = [...this.#awaited]
    this.#awaited.clear()
    this.#stop()
    return left
  }

  #stop(): void {
    this.#stopWatching?.()
    this.#stopWatching = undefined
    this.#cancelRefresh?.()
    this.#cancelRefresh = undefined
    this.#interval = FIRST_INTERVAL
    this.#left = 0
  }

  #note(changes: readonly Change[], missed: boolean): void {
    if (missed) this.#readAll()
    for (const change of changes) {
      if (change.name === 'created') this.renew(change.pid, change.at)
      const handle = this.find(change.pid)
      if (handle === undefined) continue
      try {
        handle.note(change)
      } catch {
        // The entry is damaged. The next refresh reads the row.
      }
      if (handle.awaited && isTerminal(change.state)) this.#hasEnded()
    }
  }

  /**
   * The store no longer reports some changes, so the rows of all awaited processes are read (C8).
   * The engine of this program may have missed the end of a process that it has in memory.
   */
  #readAll(): void {
    // If the store can't be read, the next refresh tries again.
    for (const handle of this.#awaited) handle.refreshState().catch(() => {})
  }

  /** An awaited process has ended. The next end may be near. */
  #hasEnded(): void {
    if (this.#interval === FIRST_INTERVAL) return
    this.#interval = FIRST_INTERVAL
    if (this.#cancelRefresh === undefined) return
    this.#cancelRefresh()
    this.#cancelRefresh = undefined
    this.#schedule()
  }

  #schedule(): void {
    if (this.#refreshing || this.#cancelRefresh !== undefined) return
    const pages = Math.max(1, Math.ceil(this.#awaited.size / PAGE))
    const pause = Math.max(SHORTEST_PAUSE, this.#interval / pages)
    this.#cancelRefresh = this.#clock.after(pause, () => void this.#refresh(), 'look')
  }

  /**
   * Looks at one page of the awaited handles. Those that the engine of this program runs are not
   * read, since it notifies them. The reads of the others share one query.
   */
  async #refresh(): Promise<void> {
    this.#cancelRefresh = undefined
    this.#refreshing = true
    const unheard = this.#unheard(this.#nextPage())
    // A store that can't be read changes nothing. The next refresh tries again.
    await Promise.allSettled(unheard.map((handle) => handle.refreshState()))
    if (unheard.some(({ over }) => over)) this.#interval = FIRST_INTERVAL
    this.#refreshing = false
    if (this.#awaited.size > 0) this.#schedule()
  }

  /** The handles whose end the engine of this program does not report. */
  #unheard(handles: Iterable<H>): readonly H[] {
    return [...handles].filter(({ pid }) => this.localEngine?.willNotifyEnd(pid) !== true)
  }

  /** The handles that were looked at longest ago. They come last from then on. */
  #nextPage(): readonly H[] {
    if (this.#left <= 0) this.#left = this.#awaited.size
    const page: H[] = []
    for (const handle of this.#awaited) {
      if (page.length === Math.min(PAGE, this.#left)) break
      page.push(handle)
    }
    for (const handle of page) {
      this.#awaited.delete(handle)
      this.#awaited.add(handle)
    }
    this.#left -= page.length
    if (this.#left <= 0) this.#interval = Math.min(LONGEST_INTERVAL, this.#interval * GROWTH)
    return page
  }
}
