/*
 * This file is longer than 400 lines, because the state that a handle knows and the callers that
 * wait for it change together.
 */
import type { BundleParts } from '../../bundle/bundle.ts'
import type { Codec } from '../../bundle/codec.ts'
import type { Control } from '../../persistence/contract/control.ts'
import type { Change, ProcessRow } from '../../persistence/contract/rows.ts'
import type { Settled, StateInfo, WaitOptions } from '../../process/host/process-handle.ts'
import { isTerminal } from '../../process/state/machine.ts'
import { waitForEnd } from '../../process/step/wait-conditions.ts'
import { BaseHandle } from '../../process/handle/base-handle.ts'
import type { KnownTimes } from '../../process/handle/times.ts'
import { alarm, type Clock } from '../../shared/clock.ts'
import { NotReady, type ProcessLost } from '../../shared/errors.ts'
import type { Logger } from '../../shared/logger.ts'
import { limited, waitLimit, within } from '../../shared/wait-limit.ts'
import type { RowReader } from '../read/row-reader.ts'
import { changedInfo, stateInfo, UNKNOWN_STATE, type EndedRow } from '../read/state-info.ts'
import { enforceOverdueKill } from '../write/overdue-kill.ts'
import type { GroupCommit } from '../write/group-commit.ts'
import type { HandleRegistry, RegisteredHandle } from './handle-registry.ts'
import { notStored, timedOut } from './handle-errors.ts'
import { KeptOutcome } from './kept-outcome.ts'

/** The parts of a client that its handles read with. */
export interface WatchParts {
  readonly store: Control
  readonly codec: Codec
  readonly clock: Clock
  readonly logger: Logger
  readonly commits: GroupCommit
  readonly rows: RowReader
  readonly registry: HandleRegistry<RegisteredHandle>
}

/** Called once: without an argument at the end, or if the process is lost; with an error at a close. */
type Waiter = (closed?: Error) => void

/**
 * Knows the state of a stored process, and waits for its end.
 *
 * 1. The rows are the truth (C1). The handle caches what it has read or been notified of last, and
 *    settles once (C5).
 * 2. While a caller waits, the registry reports changes to the handle. The handle reads the row
 *    after the watch has begun, so that no end is missed (C8).
 */
export abstract class WatchedHandle extends BaseHandle implements RegisteredHandle {
  readonly pid: string
  readonly #parts: WatchParts
  #name: string
  #state: StateInfo = UNKNOWN_STATE
  #outcome: KeptOutcome | undefined
  #lost: Error | undefined
  /** Pending while the process is being stored, and rejected if it was not stored. */
  #submitting: Promise<void> | undefined
  /** Undefined while no caller waits. Most handles have one waiter, and a set takes much memory. */
  #waiters: Waiter | Set<Waiter> | undefined
  #refreshing: Promise<void> | undefined
  #refreshingAgain: Promise<void> | undefined
  /** Whether a change reported the end, so that only the outcome is still to be read. */
  #endNotified = false
  #cancelKill: (() => void) | undefined
  /** When the process was created, in wall-clock milliseconds; undefined if that was not read. */
  #submitted: number | undefined
  /** When the end was read. */
  #received: number | null = null

  protected constructor(parts: WatchParts, pid: string, name: string) {
    super()
    this.pid = pid
    this.#parts = parts
    this.#name = name
  }

  get name(): string {
    return this.#name
  }

  get state(): StateInfo {
    return this.#state
  }

  get done(): boolean {
    return this.#settled !== undefined
  }

  get #settled(): Settled<unknown> | undefined {
    return this.#outcome?.settled
  }

  // ---------- reading ----------

  async refresh(options: WaitOptions = {}): Promise<StateInfo> {
    waitLimit(options)
    if (this.#settled === undefined) this.#lost = undefined
    const reading = this.#settled === undefined ? this.refreshState() : this.#checkIsStored()
    await within(this.#parts.clock, reading, options, () => timedOut(this.pid))
    if (this.#lost !== undefined) throw this.#lost
    return this.#state
  }

  /** @internal Reads the row, and the outcome once the process has ended. Rejects if the store can't be read. */
  refreshState(): Promise<void> {
    if (this.#refreshing === undefined) {
      return (this.#refreshing = this.#readState().finally(() => {
        this.#refreshing = undefined
      }))
    }
    // The read in progress may have started too early for this caller. All callers share the next.
    return (this.#refreshingAgain ??= this.#refreshing
      .catch(() => {})
      .then(() => {
        this.#refreshingAgain = undefined
        return this.over ? undefined : this.refreshState()
      }))
  }

  /** As `refreshState`, for callers that do not wait for it: the next refresh tries again. */
  #tryToRefresh(): void {
    this.refreshState().catch((error: unknown) => this.reportUnread(error))
  }

  /** Reports a read that failed and is tried again. */
  protected reportUnread(error: unknown): void {
    this.#parts.logger.warn(
      { err: error, pid: this.pid },
      'the state of a process could not be read; trying again',
    )
  }

  async #readState(): Promise<void> {
    if (this.#submitting !== undefined && !(await this.#isStored(this.#submitting))) return
    if (!this.#endNotified) {
      const row = await this.#parts.rows.read(this.pid)
      if (this.over) return
      if (row === undefined) {
        this.#lose()
        return
      }
      // A change may have reported the end during the read.
      if (!this.#endNotified && !isTerminal(row.state)) {
        this.#name = row.className
        this.#submitted = row.createdAt
        this.#state = stateInfo(row, this.#parts.clock.now())
        this.#scheduleKill(row)
        this.changed()
        return
      }
    }
    const stored = await this.#parts.rows.load(this.pid)
    if (this.over) return
    this.#submitted = stored?.row.createdAt
    if (stored === undefined) this.#lose()
    else this.#settleAs(stored.row, () => stored.bundle().parts)
  }

  /** Waits until the process is stored. Returns whether it was. */
  async #isStored(submitting: Promise<void>): Promise<boolean> {
    try {
      await submitting
      this.#submitting = undefined
      return true
    } catch (error) {
      this.#lose(error as Error)
      return false
    }
  }

  /** @internal The process is being stored. Nothing is read of it before. */
  submitting(stored: Promise<void>): void {
    this.#submitting = stored
    // Callers that await the process get the error.
    stored.then(
      () => (this.#submitting = undefined),
      (error: unknown) => this.#lose(error as Error),
    )
  }

  override async submitted(options: WaitOptions = {}): Promise<void> {
    if (this.#submitting === undefined) return super.submitted(options)
    waitLimit(options)
    await within(this.#parts.clock, this.#submitting, options, () => timedOut(this.pid))
  }

  /** The outcome is final (C5). Only checks that the process has not been pruned. */
  async #checkIsStored(): Promise<void> {
    const row = await this.#parts.rows.read(this.pid)
    const isStored = row?.state === this.#state.label && row.updatedAt === this.#state.at.getTime()
    if (!isStored) this.#lost = this.notStored()
  }

  /** Any waiting client enforces an overdue kill, in case no engine does (C7). */
  #scheduleKill({ killRequested }: ProcessRow): void {
    if (killRequested === null || !this.awaited) return
    this.#cancelKill?.()
    const { clock, commits, logger } = this.#parts
    this.#cancelKill = alarm(clock, killRequested.deadline, () => {
      this.#cancelKill = undefined
      enforceOverdueKill(this.pid, killRequested.message, commits).then(
        () => this.#tryToRefresh(),
        (error: unknown) => logger.warn({ err: error, pid: this.pid }, 'a kill could not be enforced'),
      )
    })
  }

  // ---------- the end ----------

  #settleAs(row: EndedRow, saved: () => BundleParts): void {
    this.#name = row.className
    this.#outcome = new KeptOutcome(row, saved, this.#parts.codec)
    this.#state = this.#outcome.settled.state
    this.#received = this.#parts.clock.now()
    this.#notifyWaiters()
  }

  /** The value was dropped, so it is read no more. What callers have received stays theirs. */
  protected async forgetValue(): Promise<void> {
    if (this.#settled?.status !== 'fulfilled') return
    const stored = await this.#parts.rows.load(this.pid)
    // Another process may have the pid by now.
    if (stored?.row.updatedAt !== this.#state.at.getTime()) return
    this.#outcome = new KeptOutcome(stored.row, () => stored.bundle().parts, this.#parts.codec)
  }

  protected get timesOfRow(): Omit<KnownTimes, 'started'> {
    const completed = this.done ? this.#state.at.getTime() : null
    return { submitted: this.#submitted, completed, received: this.#received }
  }

  /** @internal When the process was launched. */
  submittedAt(time: number): void {
    this.#submitted ??= time
  }

  #lose(error: Error = this.notStored()): void {
    this.#lost = error
    this.#state = { ...this.#state, reason: 'lost' }
    this.#notifyWaiters()
  }

  protected notStored(): ProcessLost {
    return notStored(this.pid)
  }

  #notifyWaiters(closed?: Error): void {
    this.#cancelKill?.()
    const waiters = this.#waiters
    this.#waiters = undefined
    if (closed === undefined) this.#parts.registry.unwatch(this)
    if (waiters instanceof Set) for (const waiter of waiters) waiter(closed)
    else waiters?.(closed)
  }

  /** Returns how the process ended, or the error that it is not in the store. */
  protected requireSettled(): Settled<unknown> {
    if (this.#settled !== undefined) return this.#settled
    // A launch that could not be stored has an error of its own.
    if (this.#lost !== undefined)
      return { status: 'rejected', reason: this.#lost as ProcessLost, state: this.#state }
    throw new NotReady(
      `process ${this.pid} has not ended, as far as is known here; wait() or refresh() first`,
    )
  }

  protected readOutcome(options: WaitOptions): Promise<Settled<unknown>> {
    return this.#untilOver(options).then((isOver) => {
      if (!isOver) throw timedOut(this.pid)
      return this.takeOutcome()
    })
  }

  /** @internal Each reader gets a value of its own, so that no reader sees the changes of another. */
  takeOutcome(): Settled<unknown> {
    return this.#outcome?.take() ?? this.requireSettled()
  }

  // ---------- waiting ----------

  /** Something about the process may have changed. */
  protected abstract changed(): void

  protected callbackFailed(error: unknown): void {
    this.#parts.logger.error({ err: error, pid: this.pid }, 'a callback of onDone threw')
  }

  protected waitForEnd(options: WaitOptions): Promise<StateInfo | null> {
    return this.#untilOver(options).then((isOver) => {
      if (!isOver) return null
      if (this.#settled === undefined && this.#lost !== undefined) throw this.#lost
      return this.#state
    })
  }

  /*
   * A hundred thousand handles may wait at once. An async function that is suspended takes three times
   * the memory of a `then`, and a wait that nothing can end early needs neither timer nor signal.
   */

  /** Resolves to false if the time is up before the process has ended or is lost. */
  #untilOver(options: WaitOptions): Promise<boolean> {
    try {
      const limit = waitLimit(options)
      if (this.over) return OVER
      const { localEngine } = this.#parts.registry
      const wait = (): Promise<boolean> => this.#waitUntil(limit, options.signal)
      if (localEngine === undefined) return wait()
      return localEngine.whileWaiting(() => waitForEnd(this.pid, this.#name), wait)
    } catch (error) {
      return rejected(error)
    }
  }

  #waitUntil(limit: number, signal: AbortSignal | undefined): Promise<boolean> {
    if (limit === Number.POSITIVE_INFINITY && signal === undefined) {
      return new Promise((resolve, reject) => {
        this.#addWaiter((closed) => (closed === undefined ? resolve(true) : reject(closed)))
      })
    }
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      if (this.over) resolve(true)
      else if (limit === 0) this.refreshState().then(() => resolve(this.over), reject)
      else {
        const end = (settle: () => void): void => {
          stop()
          this.#removeWaiter(waiter)
          settle()
        }
        const waiter = (closed?: Error): void => end(() => (closed ? reject(closed) : resolve(true)))
        const late = (): void => end(() => resolve(false))
        const aborted = (reason: Error): void => end(() => reject(reason))
        const stop = limited(this.#parts.clock, limit, signal, late, aborted)
        this.#addWaiter(waiter)
      }
    })
  }

  /** @internal Calls back at the end. */
  whenOver(notify: (closed?: Error) => void): () => void {
    // A function of its own, since the same callback may be given twice.
    const waiter = (closed?: Error): void => notify(closed)
    if (this.over) notify()
    else this.#addWaiter(waiter)
    return () => this.#removeWaiter(waiter)
  }

  #addWaiter(waiter: Waiter): void {
    const { registry } = this.#parts
    if (this.#waiters !== undefined) {
      if (this.#waiters instanceof Set) this.#waiters.add(waiter)
      else this.#waiters = new Set([this.#waiters, waiter])
      return
    }
    try {
      registry.watch(this)
    } catch (error) {
      waiter(error as Error)
      return
    }
    this.#waiters = waiter
    // Read after the handle is watched, so that an end in between is not missed (C8). The engine of
    // this program notifies the handle of what it runs. What is not stored yet has not ended.
    if (this.#submitting === undefined && registry.localEngine?.willNotifyEnd(this.pid) !== true)
      this.#tryToRefresh()
  }

  #removeWaiter(waiter: Waiter): void {
    const waiters = this.#waiters
    if (waiters instanceof Set) {
      if (!waiters.delete(waiter) || waiters.size > 0) return
    } else if (waiters !== waiter) return
    this.#waiters = undefined
    this.#cancelKill?.()
    this.#parts.registry.unwatch(this)
  }

  /**
   * @internal Waits until the state is one of these, or the process has ended. Resolves to false at the
   * timeout.
   */
  until(isReached: (state: StateInfo) => boolean, options: WaitOptions): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const limit = waitLimit(options)
      options.signal?.throwIfAborted()
      let forget = (): void => {}
      let hasEnded = false
      const end = (settle: () => void): void => {
        hasEnded = true
        stop()
        forget()
        settle()
      }
      const check = (closed?: Error): void => {
        if (closed !== undefined) end(() => reject(closed))
        else if (this.#settled === undefined && this.#lost !== undefined) {
          const lost = this.#lost
          end(() => reject(lost))
        } else if (this.over || isReached(this.#state)) end(() => resolve(true))
      }
      const aborted = (reason: Error): void => end(() => reject(reason))
      const stop = limited(this.#parts.clock, limit, options.signal, () => end(() => resolve(false)), aborted)
      forget = this.listen(check)
      // A client that is closed has called back already.
      if (hasEnded) forget()
      else this.refreshState().then(() => check(), aborted)
    })
  }

  // ---------- for the client and the engine ----------

  /** @internal Whether a caller waits for the end. */
  get awaited(): boolean {
    return this.#waiters !== undefined
  }

  /** @internal Whether nothing more is read: the process has ended, or is not in the store. */
  get over(): boolean {
    return this.#settled !== undefined || this.#lost !== undefined
  }

  protected get lost(): Error | undefined {
    return this.#lost
  }

  /** @internal Whether the store has no such process, or has another one under its pid. */
  get gone(): boolean {
    return this.#lost !== undefined
  }

  /** @internal Updates the state from a committed change. */
  note(change: Change): void {
    if (this.over) return
    if (isTerminal(change.state)) {
      this.#endNotified = true
      const isReported = this.#parts.registry.localEngine?.isCommittingEnd(this.pid) === true
      if (!isReported) this.#tryToRefresh()
      return
    }
    this.#state = changedInfo(change, this.#state)
    if (change.name === 'kill requested') this.#tryToRefresh()
    this.changed()
  }

  /** @internal The local engine's commit has ended the process; without a row, it has not. */
  endCommitted(row: EndedRow | undefined, parts: BundleParts): void {
    if (this.over) return
    if (row === undefined) {
      this.#tryToRefresh()
      return
    }
    try {
      this.#settleAs(row, () => parts)
    } catch (error) {
      // The process has ended, even if its outcome can't be decoded here.
      this.reportUnread(error)
    }
  }

  /** @internal The client was closed: waits reject with this error. */
  close(error: Error): void {
    this.#notifyWaiters(error)
  }
}

const OVER = Promise.resolve(true)

async function rejected(error: unknown): Promise<never> {
  throw error
}
