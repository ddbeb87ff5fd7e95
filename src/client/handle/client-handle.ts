import type { BundleParts } from '../../bundle/bundle.ts'
import { killedStateText } from '../../process/state/saved-state.ts'
import type { Codec } from '../../bundle/codec.ts'
import type { Control } from '../../persistence/contract/control.ts'
import { decodeEventData } from '../../persistence/contract/history-event.ts'
import type { Outcome } from '../../persistence/contract/outcomes.ts'
import type { Change, ProcessRow } from '../../persistence/contract/rows.ts'
import type { Write } from '../../persistence/contract/writes.ts'
import type { AnyProcessClass } from '../../process/host/process-object.ts'
import type {
  EventRecord,
  Outputs,
  ProcessHandle,
  ResultOptions,
  Settled,
  StateInfo,
  TreeOptions,
  WaitOptions,
} from '../../process/host/process-handle.ts'
import { unsuccessfulError } from '../../process/runner/result.ts'
import { isTerminal } from '../../process/state/machine.ts'
import { withinStep } from '../../process/step/operation.ts'
import { alarm, type Clock } from '../../shared/clock.ts'
import {
  AlreadyDone,
  NotReady,
  PortValidationError,
  ProcessLost,
  WaitTimeout,
  type PortProblem,
  type ProcessError,
} from '../../shared/errors.ts'
import type { Logger } from '../../shared/logger.ts'
import { checkOptions, isFlag } from '../../shared/options.ts'
import { checkText, wellFormed } from '../../shared/text.ts'
import { waitLimit } from '../../shared/wait-limit.ts'
import { endingParts, missingOf, settledOf } from './outcome.ts'
import { outputsOf } from '../read/outputs.ts'
import { stateInfo, type EndedRow } from '../read/state-info.ts'
import { eventRecord } from '../read/event.ts'
import { explain } from '../read/explain.ts'
import { enforceDue } from '../write/due-kill.ts'
import { limited, within } from './time-limit.ts'

/** What handles need of their client. */
export interface HandleContext {
  readonly store: Control
  readonly codec: Codec
  readonly clock: Clock
  readonly logger: Logger
  /** Who asks, for the history. */
  readonly name: string
  /** Milliseconds that a killed process has until it is fenced. */
  readonly killGrace: number
  readonly write: (write: Write) => Promise<Outcome>
  /**
   * From now on this handle is told of changes to its process. Nothing is lost in between: look after asking.
   *
   * @throws ClosedError when nothing will be heard any more
   */
  watch(handle: ClientHandle): void
  unwatch(handle: ClientHandle): void
  /** Around every wait for an end. */
  whileWaiting<T>(handle: ClientHandle, wait: () => Promise<T>): Promise<T>
  /** What is wrong with a signal to a process of that class. */
  checkSignal(
    className: string,
    processClass: AnyProcessClass | undefined,
    signal: string,
    payload: unknown,
  ): Promise<readonly PortProblem[]>
  /** Makes a new process of one that ended unsuccessfully. */
  restart(pid: string): Promise<ProcessHandle>
}

type Waiter = (abandoned?: Error) => void

/** Who runs processes in this program. */
export interface Runner {
  /** Whether it does or will run this one, so that its end is still to come, and certain to be told. */
  willNotifyEnd(pid: string): boolean
  /** Whether it is just writing the end of this one, and will say what came of that (`ClientHandle.ended`). */
  isCommittingEnd(pid: string): boolean
}

/** The one implementation of `ProcessHandle`: knows what the store told last, and settles once. */
export class ClientHandle implements ProcessHandle {
  readonly pid: string
  readonly outputs: Outputs
  readonly #context: HandleContext
  #name: string
  #class: AnyProcessClass | undefined
  #state: StateInfo
  #settled: Settled<unknown> | undefined
  /** Decodes the outcome once more, where its value can be changed. */
  #readAgain: (() => Settled<unknown>) | undefined
  #isGiven = false
  /** Called once when the process has ended or is lost, or when nothing more will be heard of it. */
  readonly #waiters = new Set<Waiter>()
  #lost: ProcessLost | undefined
  #looking: Promise<void> | undefined
  #lookingAgain: Promise<void> | undefined
  /** Whether its end was told, and only what it ended with is to be read. */
  #endNotified = false
  #runner: Runner | undefined
  #disarm: (() => void) | undefined
  /** The check of the signal that was sent last. */
  #checking: Promise<void> | undefined

  constructor(context: HandleContext, pid: string, name: string, state?: StateInfo) {
    this.#context = context
    this.pid = pid
    this.#name = name
    this.#state = state ?? UNKNOWN
    this.outputs = {
      all: (options?: ResultOptions) => withinStep(this.#allOutputs(options)) as Promise<never>,
      snapshot: () => this.#snapshot() as Promise<never>,
    }
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

  async refresh(options: WaitOptions = {}): Promise<StateInfo> {
    waitLimit(options)
    if (this.#settled === undefined) this.#lost = undefined
    const looking = this.#settled === undefined ? this.look() : this.#lookForRow()
    await within(this.#context.clock, looking, options, () => this.#timedOut())
    if (this.#lost !== undefined) throw this.#lost
    return this.#state
  }

  wait(options: WaitOptions = {}): Promise<StateInfo | null> {
    return withinStep(this.#wait(options))
  }

  async #wait(options: WaitOptions): Promise<StateInfo | null> {
    if (!(await this.#waitForEnd(options))) return null
    if (this.#settled === undefined && this.#lost !== undefined) throw this.#lost
    return this.#state
  }

  result(options?: ResultOptions & { readonly raiseOnFailure?: true }): Promise<unknown>
  result(options: ResultOptions & { readonly raiseOnFailure: false }): Promise<unknown>
  result(options: ResultOptions = {}): Promise<unknown> {
    return withinStep(this.#result(options))
  }

  async #result(options: ResultOptions): Promise<unknown> {
    const settled = await this.#outcome(options)
    if (settled.status === 'fulfilled') return settled.value
    if (options.raiseOnFailure === false) return settled.reason
    throw settled.reason
  }

  outcome(options: WaitOptions = {}): Promise<Settled<unknown>> {
    return withinStep(this.#outcome(options))
  }

  async #outcome(options: WaitOptions): Promise<Settled<unknown>> {
    if (!(await this.#waitForEnd(options))) throw this.#timedOut()
    if (this.#settled !== undefined) return this.#handOut(this.#settled)
    return { status: 'rejected', reason: this.#lost as ProcessLost, state: this.#state }
  }

  /** The outcome for one reader: each has a value of its own, so that none sees what another changes in it. */
  #handOut(settled: Settled<unknown>): Settled<unknown> {
    if (this.#isGiven && this.#readAgain !== undefined) return this.#readAgain()
    this.#isGiven = true
    return settled
  }

  successful(): boolean {
    return this.#requireSettled().status === 'fulfilled' && this.#state.successful
  }

  exception(): ProcessError | null {
    const settled = this.#requireSettled()
    return settled.status === 'rejected' ? settled.reason : null
  }

  onDone(callback: (handle: this) => void, options: { readonly signal?: AbortSignal } = {}): () => void {
    if (options.signal?.aborted) return () => {}
    let called = false
    let isDone!: () => void
    const call = (abandoned?: Error): void => {
      if (called || abandoned !== undefined) return
      called = true
      options.signal?.removeEventListener('abort', takeBack)
      isDone()
    }
    // By way of a promise, it is called in the asynchronous context of whoever asked for it, not in that in which the process has ended.
    const over = new Promise<void>((resolve) => (isDone = resolve))
    void over.then(() => {
      setImmediate(() => {
        if (options.signal?.aborted) return
        // It may be asynchronous, whatever its type says.
        new Promise((resolve) => resolve(callback(this))).catch((error: unknown) => {
          this.#context.logger.error({ err: error, pid: this.pid }, 'a callback of onDone threw')
        })
      })
    })
    const takeBack = (): void => {
      called = true
      this.#forget(call)
      options.signal?.removeEventListener('abort', takeBack)
    }
    options.signal?.addEventListener('abort', takeBack, { once: true })
    if (this.#isOver()) call()
    else this.#remember(call)
    return takeBack
  }

  async pause(message?: string, options: TreeOptions = {}): Promise<boolean> {
    checkOptions(options, { tree: isFlag }, 'pause')
    return this.#request('pause', wellFormed(message) ?? null, options)
  }

  async play(options: TreeOptions = {}): Promise<boolean> {
    checkOptions(options, { tree: isFlag }, 'play')
    return this.#request('play', null, options)
  }

  async kill(message?: string, options: TreeOptions & { readonly force?: boolean } = {}): Promise<boolean> {
    checkOptions(options, { tree: isFlag, force: isFlag }, 'kill')
    const grace = options.force === true ? 0 : this.#context.killGrace
    return this.#request('kill', wellFormed(message) ?? null, options, grace)
  }

  async resume(value?: unknown): Promise<boolean> {
    const { codec, name } = this.#context
    const outcome = await this.#context.write({
      kind: 'resume',
      pid: this.pid,
      id: globalThis.crypto.randomUUID(),
      value: codec.stringify(value, 'value'),
      by: name,
    })
    return this.#answer(outcome)
  }

  async signal(name: string, payload?: unknown): Promise<void> {
    checkText('the name of a signal', name)
    const { codec, name: by } = this.#context
    // Now, and not when it is sent: what the caller changes after the call is not sent.
    const value = codec.stringify(payload, `signals.${name}`)
    const sent = typeof payload === 'object' ? codec.parse(value) : payload
    // One after the other, so that they are stored in the order of the calls, whatever a check has to read.
    const checked = (this.#checking ?? Promise.resolve()).then(() => this.#checkSignal(name, sent))
    this.#checking = checked.catch(() => {})
    await checked
    const outcome = await this.#context.write({
      kind: 'signal',
      pid: this.pid,
      id: globalThis.crypto.randomUUID(),
      name,
      value,
      by,
    })
    if (await this.#answer(outcome)) return
    throw new AlreadyDone(
      `process ${this.pid} has ended (${this.#state.label}), so that it receives no signal ${name} any more`,
    )
  }

  async retry(): Promise<boolean> {
    return (await this.retried()) !== undefined
  }

  async explain(): Promise<string> {
    return explain(this.#context, this.pid)
  }

  async history(): Promise<readonly EventRecord[]> {
    const entries = await this.#context.store.history(this.pid)
    // Each process has at least the entry of its creation.
    if (entries.length === 0) throw this.#notThere()
    return entries.map(eventRecord)
  }

  toJSON(): { readonly $process: string } {
    return { $process: this.pid }
  }

  // ---------- for the client ----------

  /** @internal Whether somebody waits for the end. */
  get awaited(): boolean {
    return this.#waiters.size > 0
  }

  /** @internal Whether nothing more is read of the process: it has ended, or is not there. */
  get over(): boolean {
    return this.#isOver()
  }

  /** @internal Whether the store has no such process, or has another one under its pid. */
  get gone(): boolean {
    return this.#lost !== undefined
  }

  /** @internal The handle of what goes on: this one, or that of a new process; undefined where there is nothing to retry. */
  async retried(): Promise<ProcessHandle | undefined> {
    const outcome = await this.#write('retry', null, { tree: false })
    if (await this.#answer(outcome))
      return outcome.status === 'done' && outcome.applied === true ? this : undefined
    return this.#state.successful ? undefined : this.#context.restart(this.pid)
  }

  /** @internal What was launched: by its class signals are checked. */
  isOf(processClass: AnyProcessClass): void {
    this.#class = processClass
  }

  /** @internal While that one says that it tells of this process, nothing has to be read before waiting for the end. */
  follow(runner: Runner): void {
    this.#runner = runner
  }

  /** @internal Takes in a committed change. */
  note(change: Change): void {
    if (this.#isOver()) return
    if (isTerminal(change.state)) {
      this.#endNotified = true
      if (this.#runner?.isCommittingEnd(this.pid) !== true) this.#tryToLook()
      return
    }
    const message = messageOf(change)
    this.#state = {
      label: change.state,
      terminal: false,
      successful: false,
      paused: change.paused,
      at: new Date(change.at),
      ...(message !== undefined && { message }),
    }
    if (change.name === 'kill requested') this.#tryToLook()
  }

  /** @internal Takes in the end that was just committed here; without a row, what was to be its end is not. */
  ended(row: EndedRow | undefined, parts: BundleParts): void {
    if (this.#isOver()) return
    if (row === undefined) {
      this.#tryToLook()
      return
    }
    try {
      this.#settleAs(row, () => parts)
    } catch (error) {
      // What can't be decoded here is no business of the process that has ended.
      this.#notRead(error)
    }
  }

  /** @internal Reads the row, and what the process ended with. A failing store changes nothing. */
  look(): Promise<void> {
    if (this.#looking === undefined) {
      return (this.#looking = this.#look().finally(() => {
        this.#looking = undefined
      }))
    }
    // A look that has begun may have read before what the caller is to see: there is one more for all who ask meanwhile.
    return (this.#lookingAgain ??= this.#looking
      .catch(() => {})
      .then(() => {
        this.#lookingAgain = undefined
        return this.#isOver() ? undefined : this.look()
      }))
  }

  /** As `look`, for those who do not wait for it: the next look tries again. */
  #tryToLook(): void {
    this.look().catch((error: unknown) => this.#notRead(error))
  }

  #notRead(error: unknown): void {
    this.#context.logger.warn(
      { err: error, pid: this.pid },
      'the state of a process could not be read; trying again',
    )
  }

  async #look(): Promise<void> {
    if (!this.#endNotified) {
      const { store, clock, write } = this.#context
      const seen = await store.read(this.pid)
      const isDue = seen !== undefined && (await enforceDue(seen, clock.now(), write))
      const row = isDue ? await store.read(this.pid) : seen
      if (this.#isOver()) return
      if (row === undefined) {
        this.#lose()
        return
      }
      // Its end may have been told while that was read.
      if (!this.#endNotified && !isTerminal(row.state)) {
        this.#name = row.className
        this.#state = stateInfo(row, this.#context.clock.now())
        this.#armKill(row)
        return
      }
    }
    const stored = await this.#context.store.load(this.pid)
    if (this.#isOver()) return
    if (stored === undefined) this.#lose()
    else this.#settleAs(stored.row, () => stored.bundle().parts)
  }

  #settleAs(row: EndedRow, saved: () => BundleParts): void {
    this.#name = row.className
    const { codec } = this.#context
    let parts: BundleParts = {}
    const settled = (this.#settled = settledOf(row, () => (parts = saved()), codec))
    if (settled.status === 'fulfilled' && typeof settled.value === 'object') {
      const kept = endingParts(parts)
      this.#readAgain = () => settledOf(row, () => kept, codec)
    }
    this.#state = this.#settled.state
    this.#settle()
  }

  /** How a process ended is final (C5), and not read again; whether it is still there is. */
  async #lookForRow(): Promise<void> {
    const row = await this.#context.store.read(this.pid)
    const isThere = row?.state === this.#state.label && row.updatedAt === this.#state.at.getTime()
    if (!isThere) this.#lost = this.#notThere()
  }

  #lose(): void {
    this.#lost = this.#notThere()
    this.#state = { ...this.#state, reason: 'lost' }
    this.#settle()
  }

  #notThere(): ProcessLost {
    return new ProcessLost(
      this.pid,
      `there is no process ${this.pid} in this store: the pid is wrong, it is another store, or it was pruned`,
    )
  }

  #settle(): void {
    this.#disarm?.()
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    this.#context.unwatch(this)
    for (const waiter of waiters) waiter()
  }

  /** @internal Nothing more will be heard of the process: those who wait are told why. */
  abandon(reason: Error): void {
    this.#disarm?.()
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const waiter of waiters) waiter(reason)
  }

  /** A client that waits does a kill whose deadline passes, where no engine does (C7). */
  #armKill(row: ProcessRow): void {
    if (row.killRequested === null || !this.awaited) return
    this.#disarm?.()
    const { clock } = this.#context
    const message = row.killRequested.message
    this.#disarm = alarm(clock, row.killRequested.deadline, () => {
      this.#disarm = undefined
      this.#context.write({ kind: 'enforce', pid: this.pid, killedState: killedStateText(message) }).then(
        () => this.#tryToLook(),
        (error: unknown) =>
          this.#context.logger.warn({ err: error, pid: this.pid }, 'a kill could not be enforced'),
      )
    })
  }

  // ---------- waiting ----------

  #isOver(): boolean {
    return this.#settled !== undefined || this.#lost !== undefined
  }

  #remember(waiter: Waiter): void {
    if (this.#waiters.size === 0) {
      try {
        this.#context.watch(this)
      } catch (error) {
        waiter(error as Error)
        return
      }
    }
    this.#waiters.add(waiter)
    // Looked at after it is watched, so that an end in between is not missed (C8). While it runs here, its end is still to come.
    if (this.#waiters.size === 1 && this.#runner?.willNotifyEnd(this.pid) !== true) this.#tryToLook()
  }

  #forget(waiter: Waiter): void {
    this.#waiters.delete(waiter)
    if (this.#waiters.size > 0) return
    this.#disarm?.()
    this.#context.unwatch(this)
  }

  async #waitForEnd(options: WaitOptions): Promise<boolean> {
    waitLimit(options)
    return this.#isOver() || this.#context.whileWaiting(this, () => this.#ended(options))
  }

  /** Whether it ended (or is lost) before the time-out. */
  #ended(options: WaitOptions): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const limit = waitLimit(options)
      if (this.#isOver()) {
        resolve(true)
        return
      }
      if (limit === 0) {
        this.look().then(() => resolve(this.#isOver()), reject)
        return
      }
      const ended = (abandoned?: Error): void => {
        stop()
        if (abandoned === undefined) resolve(true)
        else reject(abandoned)
      }
      const stop = limited(
        this.#context.clock,
        limit,
        options.signal,
        () => {
          this.#forget(ended)
          resolve(false)
        },
        (reason) => {
          this.#forget(ended)
          reject(reason)
        },
      )
      this.#remember(ended)
    })
  }

  #timedOut(): WaitTimeout {
    return new WaitTimeout(
      `process ${this.pid} had not ended when the time was up; it goes on`,
      [this.pid],
      1,
    )
  }

  #requireSettled(): Settled<unknown> {
    if (this.#settled !== undefined) return this.#settled
    if (this.#lost !== undefined) return { status: 'rejected', reason: this.#lost, state: this.#state }
    throw new NotReady(
      `process ${this.pid} has not ended, as far as is known here; wait() or refresh() first`,
    )
  }

  async #allOutputs(options: ResultOptions = {}): Promise<unknown> {
    const { raiseOnFailure = true } = options
    const settled = await this.#outcome(options)
    if (raiseOnFailure && settled.status === 'rejected') throw settled.reason
    const parts = await this.#parts()
    if (raiseOnFailure && !settled.state.successful) {
      const { exitCode, message } = settled.state
      const missing = missingOf(parts, this.#context.codec)
      throw unsuccessfulError(this.pid, this.#name, { exitCode, message, missing })
    }
    return outputsOf(parts, this.#context.codec)
  }

  async #snapshot(): Promise<unknown> {
    return outputsOf(await this.#parts(), this.#context.codec)
  }

  async #parts(): Promise<BundleParts> {
    const stored = await this.#context.store.load(this.pid)
    if (stored === undefined) {
      throw new ProcessLost(this.pid, `there is no process ${this.pid} in this store, or no longer`)
    }
    return stored.bundle().parts
  }

  // ---------- control ----------

  async #request(
    request: 'pause' | 'play' | 'kill',
    message: string | null,
    options?: TreeOptions,
    grace = 0,
  ): Promise<boolean> {
    return this.#answer(await this.#write(request, message, options, grace))
  }

  #write(
    request: 'pause' | 'play' | 'kill' | 'retry',
    message: string | null,
    { tree = true }: TreeOptions = {},
    grace = 0,
  ): Promise<Outcome> {
    return this.#context.write({
      kind: 'request',
      pid: this.pid,
      id: globalThis.crypto.randomUUID(),
      request,
      message,
      grace,
      by: this.#context.name,
      killedState: request === 'kill' ? killedStateText(message) : null,
      tree,
    })
  }

  async #checkSignal(name: string, payload: unknown): Promise<void> {
    if (this.#name === '' && !this.#isOver()) await this.look()
    if (this.#lost !== undefined) throw this.#lost
    const problems = await this.#context.checkSignal(this.#name, this.#class, name, payload)
    if (problems.length > 0) throw new PortValidationError(problems)
  }

  async #answer(outcome: Outcome): Promise<boolean> {
    if (outcome.status === 'refused') throw outcome.error
    if (outcome.status === 'missing') {
      throw new ProcessLost(
        this.pid,
        `there is no process ${this.pid} in this store: nothing was asked of it`,
      )
    }
    // It is stored, whether or not the row can be read just now.
    await this.look().catch((error: unknown) => this.#notRead(error))
    return outcome.status === 'done'
  }
}

const UNKNOWN: StateInfo = {
  label: 'created',
  terminal: false,
  successful: false,
  paused: false,
  at: new Date(0),
}

/** Why it stands still, where a change says so. */
function messageOf(change: Change): string | undefined {
  if (!change.paused && change.state !== 'waiting') return undefined
  const { message } = (decodeEventData(change) ?? {}) as { readonly message?: unknown }
  return typeof message === 'string' ? message : undefined
}
