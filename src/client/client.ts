import type { BundleParts } from '../bundle/bundle.ts'
import { Codec, type SavedType } from '../bundle/codec.ts'
import { ClassRegistry, mangledName, registeredName } from '../bundle/loader.ts'
import type { ListFilter } from '../persistence/contract/control.ts'
import type { Outcome } from '../persistence/contract/outcomes.ts'
import type { Checkpoint } from '../persistence/contract/persister.ts'
import type { ProcessRow } from '../persistence/contract/rows.ts'
import type { Store } from '../persistence/contract/store.ts'
import type { Create, Write } from '../persistence/contract/writes.ts'
import { openStore } from '../persistence/open-store.ts'
import { checkBulkFilter, type BulkFilter } from '../persistence/rules/paging.ts'
import { checkLaunch } from '../process/host/launch-arguments.ts'
import type { EventRecord, LaunchOptions, ProcessHandle, ResultOf } from '../process/host/process-handle.ts'
import type { AnyProcessClass } from '../process/host/process-object.ts'
import type { HandleRequest } from '../process/step/handle-base.ts'
import { isTerminal } from '../process/state/machine.ts'
import { ProcessState } from '../process/state/process-state.ts'
import { systemClock, type Clock } from '../shared/clock.ts'
import { milliseconds } from '../shared/duration.ts'
import { ClosedError, ProcessLost } from '../shared/errors.ts'
import { guardedLogger, silentLogger, type Logger } from '../shared/logger.ts'
import { checkOptions, isFlag } from '../shared/options.ts'
import { checkText, wellFormed } from '../shared/text.ts'
import type { AllSelfTyped, LaunchArgs, OutputsOf, PartialOutputsOf, SelfTyped } from '../spec/typing.ts'
import { CLIENT_OPTIONS, type ClientOptions } from './client-options.ts'
import { ClientHandle, type HandleParts } from './handle/client-handle.ts'
import { HandleRegistry } from './handle/handle-registry.ts'
import { BY_A_CALLER, requireCreated, type Launcher } from './launch/create.ts'
import { Launches } from './launch/launches.ts'
import type { RestartOptions } from './launch/restart.ts'
import { Restarter } from './launch/restarter.ts'
import { SignalSchemas } from './launch/signal-schemas.ts'
import { detailsOf, type ProcessDetails } from './read/details.ts'
import { eventRecord } from './read/event.ts'
import { explain } from './read/explain.ts'
import { RowReader } from './read/row-reader.ts'
import type { EndedRow } from './read/state-info.ts'
import { summary, type ProcessList, type ProcessSummary } from './read/summary.ts'
import { GroupCommit } from './write/group-commit.ts'
import { Requests } from './write/requests.ts'

/** Processes in one page of a bulk request. */
const PAGE = 500
const LIVING = Object.values(ProcessState).filter((state) => !isTerminal(state))
const ENDED = Object.values(ProcessState).filter((state) => isTerminal(state))

/** Launches, watches and controls processes in a store. It runs none: an engine does, here or in another program. */
export class Client {
  readonly store: Store
  protected readonly codec: Codec
  protected readonly clock: Clock
  protected readonly logger: Logger
  protected readonly classes: ClassRegistry<AnyProcessClass>
  /** Who asks, for histories. */
  protected readonly name: string
  protected readonly killGrace: number
  readonly #commits: GroupCommit
  readonly #rows: RowReader
  readonly #requests: Requests
  readonly #launches: Launches
  readonly #restarter: Restarter
  readonly #ownsStore: boolean
  /** The handles of this client. */
  protected readonly handles: HandleRegistry<ClientHandle>
  readonly #handleParts: HandleParts
  #closing: Promise<void> | undefined

  /**
   * Opens a store that exists; with `create: true`, a new one where there is none.
   *
   * @throws PersistenceError where the store can't be opened, or no file exists at the path
   * @throws TypeError, RangeError or SpecError for a wrong option; nothing is opened then
   */
  static async open<const P extends readonly AnyProcessClass[]>(
    options: ClientOptions & { readonly processes?: (P & AllSelfTyped<P>) | undefined },
  ): Promise<Client> {
    checkOptions(options, CLIENT_OPTIONS, 'Client.open')
    const { clock, create = false } = options
    const store = await openStore(options.store, { clock, create })
    try {
      return new Client(store, options, `client ${processId()}`)
    } catch (error) {
      if (typeof options.store === 'string') await store.close()
      throw error
    }
  }

  /** Use `open`. */
  protected constructor(store: Store, options: ClientOptions, name: string) {
    this.store = store
    this.#ownsStore = typeof options.store === 'string'
    this.clock = options.clock ?? systemClock
    this.logger = guardedLogger(options.logger ?? silentLogger)
    this.codec = new Codec([...(options.types ?? []), this.#handleType()])
    this.classes = new ClassRegistry(options.processes, options.loader)
    for (const [className, processClass] of this.classes) {
      const warning = mangledName(processClass)
      if (warning !== undefined) this.logger.warn({ class: className }, warning)
    }
    this.name = name
    this.killGrace = milliseconds(options.killGrace ?? '10s')
    this.#commits = new GroupCommit(store, this.logger)
    this.#rows = new RowReader(store, this.#commits, this.clock)
    this.#requests = new Requests(this.#commits, name, this.killGrace)
    this.#launches = new Launches(store, this.codec, this.clock, this.classes)
    this.#restarter = new Restarter(store, this.#commits, this.#requests, this.clock)
    this.handles = new HandleRegistry(store, this.clock)
    this.#handleParts = {
      store,
      codec: this.codec,
      clock: this.clock,
      logger: this.logger,
      commits: this.#commits,
      rows: this.#rows,
      requests: this.#requests,
      signals: new SignalSchemas(this.classes, store),
      restarter: this.#restarter,
      registry: this.handles,
    }
  }

  /**
   * Launches a process; it is durable when this resolves (C2).
   *
   * @throws PortValidationError for inputs that do not fit, all problems at once
   * @throws SerializationError for an input that can't be saved
   * @throws KeyConflictError when the key or pid is in use by another class or with other inputs
   *
   * By name: the inputs are checked against what engines have registered for that name, if any has; a name that nobody has
   * registered so far waits for an engine that does, and `explain` says so.
   */
  launch(
    name: string,
    inputs?: Readonly<Record<string, unknown>>,
    options?: LaunchOptions,
  ): Promise<ProcessHandle>
  // Last, since compilers tell what is wrong with the last overload.
  launch<C extends AnyProcessClass>(
    processClass: C & SelfTyped<C>,
    ...rest: [...LaunchArgs<C>, options?: LaunchOptions]
  ): Promise<ProcessHandle<ResultOf<C>, C>>
  launch(
    processClass: AnyProcessClass | string,
    inputs?: Readonly<Record<string, unknown>>,
    options?: LaunchOptions,
  ): Promise<ProcessHandle> {
    return this.#launch(processClass, inputs, options)
  }

  /**
   * Launches a process and resolves to its outputs, as `handle.outputs.all()` does: it rejects with `ProcessUnsuccessful` where the process
   * finished without success. With `{ raiseOnFailure: false }` it resolves to what was emitted, however the process ended.
   */
  execute<C extends AnyProcessClass>(
    processClass: C & SelfTyped<C>,
    ...rest: [...LaunchArgs<C>, options: LaunchOptions & { readonly raiseOnFailure: false }]
  ): Promise<PartialOutputsOf<C>>
  // Last, since compilers tell what is wrong with the last overload.
  execute<C extends AnyProcessClass>(
    processClass: C & SelfTyped<C>,
    ...rest: [...LaunchArgs<C>, options?: LaunchOptions & { readonly raiseOnFailure?: true | undefined }]
  ): Promise<OutputsOf<C>>
  async execute(
    processClass: AnyProcessClass,
    inputs?: Readonly<Record<string, unknown>>,
    {
      raiseOnFailure = true,
      ...options
    }: LaunchOptions & { readonly raiseOnFailure?: boolean | undefined } = {},
  ): Promise<unknown> {
    const { outputs } = await this.#launch(processClass, inputs, options)
    return raiseOnFailure ? outputs.all() : outputs.all({ raiseOnFailure })
  }

  /** The handle of a process; the same object for the same pid. No I/O: `refresh()` tells whether there is one. */
  handle<R = unknown>(pid: string): ProcessHandle<R>
  /** As above, typed by the class that the process is known to be of. */
  handle<C extends AnyProcessClass>(
    processClass: C & SelfTyped<C>,
    pid: string,
  ): ProcessHandle<ResultOf<C>, C>
  handle(given: AnyProcessClass | string, pid?: string): unknown {
    if (typeof given === 'string') {
      checkPid(given)
      return this.#intern(given, '')
    }
    checkPid(pid)
    const handle = this.#intern(pid, registeredName(given))
    handle.setClass(given)
    return handle
  }

  /**
   * Processes, newest first, a page at a time (50 unless told). A process on the page whose kill is stored and whose time to end is up is
   * ended first (C7).
   */
  async list(filter: ListFilter = {}): Promise<ProcessList> {
    this.#requireOpen()
    const page = await this.#rows.list(filter)
    const now = this.clock.now()
    return { processes: page.rows.map((row) => summary(row, now)), next: page.next }
  }

  /**
   * Returns one process as `list` does, or undefined if the store has no such process. If its kill is stored and its
   * time to end is up, it is ended first (C7).
   */
  async find(pid: string): Promise<ProcessSummary | undefined> {
    this.#requireOpen()
    checkPid(pid)
    const row = await this.#rows.read(pid)
    return row && summary(row, this.clock.now())
  }

  /** Returns how many processes match the filter in each state. */
  async count(filter: ListFilter = {}): Promise<Readonly<Record<ProcessState, number>>> {
    this.#requireOpen()
    return this.store.count(filter)
  }

  /**
   * Returns everything that is stored about a process: what it waits for and what is kept for it, its inputs, outputs and
   * result. If its kill is stored and its time to end is up, it is ended first (C7).
   *
   * @throws ProcessLost
   */
  async inspect(pid: string): Promise<ProcessDetails> {
    this.#requireOpen()
    checkPid(pid)
    await this.#rows.read(pid)
    const stored = await this.store.load(pid)
    if (stored === undefined) throw new ProcessLost(pid, `there is no process ${pid} in this store`)
    return detailsOf(stored, this.store, this.codec, this.clock.now())
  }

  /** Why a process is not moving, in plain words. @throws ProcessLost */
  async explain(pid: string): Promise<string> {
    this.#requireOpen()
    checkPid(pid)
    return explain(this.#rows, this.store, this.clock, pid)
  }

  /** What happened to a process, oldest first; empty where there is none. */
  async history(pid: string): Promise<readonly EventRecord[]> {
    this.#requireOpen()
    checkPid(pid)
    return (await this.store.history(pid)).map(eventRecord)
  }

  /** The checkpoints that a process has kept. */
  async checkpoints(pid: string): Promise<readonly Checkpoint[]> {
    this.#requireOpen()
    checkPid(pid)
    return this.store.getProcessCheckpoints(pid)
  }

  /** Pauses all unfinished processes that the filter lets through. Resolves to their number, once all pauses are stored (C7). */
  async pauseAll(filter: BulkFilter = {}, message?: string): Promise<number> {
    checkBulkFilter(filter, 'pauseAll')
    return this.#requestAll(filter, { kind: 'pause', message: wellFormed(message) })
  }

  /** Plays all unfinished processes that the filter lets through. Resolves to their number. */
  async playAll(filter: BulkFilter = {}): Promise<number> {
    checkBulkFilter(filter, 'playAll')
    return this.#requestAll(filter, { kind: 'play' })
  }

  /** Kills all unfinished processes that the filter lets through. Resolves to their number. */
  async killAll(
    filter: BulkFilter = {},
    message?: string,
    options: { readonly force?: boolean } = {},
  ): Promise<number> {
    checkBulkFilter(filter, 'killAll')
    checkOptions(options, { force: isFlag }, 'killAll')
    return this.#requestAll(filter, {
      kind: 'kill',
      message: wellFormed(message),
      force: options.force === true,
    })
  }

  /**
   * Lets a process that failed go on: one that backs off runs now, one that is paused since its retries ran out or it crashed plays with a
   * fresh budget, one that ended unsuccessfully is restarted. Resolves to its handle, or to that of the new process. Where there is nothing to
   * retry, nothing happens.
   *
   * @throws ProcessLost
   */
  async retry(pid: string): Promise<ProcessHandle> {
    this.#requireOpen()
    checkPid(pid)
    const handle = this.#intern(pid, '')
    const retried = await handle.retried()
    return retried === undefined ? handle : this.#intern(retried, handle.name)
  }

  /**
   * Makes a new process that goes on from where an ended one was: with its context, members and outputs, and the record of the step that
   * failed, whose effects are not done again. The old one stays as it is.
   *
   * By default it goes on from where an unsuccessful one was before it ended; `from` names a checkpoint that it kept with `this.checkpoint(tag)`.
   *
   * @throws ProcessLost
   * @throws InvalidStateError for a process that has not ended
   * @throws CheckpointNotFound where there is nothing to go on from
   */
  async restart(pid: string, options: RestartOptions = {}): Promise<ProcessHandle> {
    this.#requireOpen()
    checkPid(pid)
    checkOptions(options, { from: true }, 'restart')
    if (options.from !== undefined) checkText('restart: the tag `from`', options.from)
    const { pid: restarted, className } = await this.#restarter.restart(pid, options)
    return this.#intern(restarted, className)
  }

  /**
   * Makes a new process of the inputs of an ended one. Defaults and validators run anew, where an engine begins it.
   *
   * @throws ProcessLost
   * @throws InvalidStateError for a process that has not ended
   */
  async resubmit(pid: string): Promise<ProcessHandle> {
    this.#requireOpen()
    checkPid(pid)
    const { pid: resubmitted, className } = await this.#restarter.resubmit(pid)
    return this.#intern(resubmitted, className)
  }

  /**
   * Deletes the ended processes that the filter lets through, with all that is stored of them, and frees their keys. Resolves to how
   * many. Their handles know no more than they did, and `refresh()` rejects with `ProcessLost`. A pid may be used again: the new process has
   * a handle of its own. Children that are left have no parent any more.
   */
  async prune(filter: BulkFilter = {}): Promise<number> {
    checkBulkFilter(filter, 'prune')
    const state = [filter.state ?? ENDED].flat().filter((one) => isTerminal(one))
    return this.#writeAll({ ...filter, state }, ({ pid }) => this.write({ kind: 'prune', pid }))
  }

  /**
   * Writes what is under way and gives back the store. Waits that are pending reject with `ClosedError`. A second call joins
   * the first.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const left = this.handles.close()
    for (const handle of left)
      handle.close(new ClosedError('the client was closed while this was waited for; the process goes on'))
    await this.#commits.close()
    await this.leave()
    if (this.#ownsStore) await this.store.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  // ---------- for the engine ----------

  /** Commits one write together with others. */
  protected write(write: Write): Promise<Outcome> {
    return this.#commits.write(write)
  }

  /** As `write`, for who needs no promise. What is called must not throw. */
  protected send(write: Write, answered: (outcome: Outcome) => void, failed: (error: unknown) => void): void {
    this.#commits.send(write, answered, failed)
  }

  /** Tells the handle of a process, if there is one, how it ended here. */
  protected ended(pid: string, row: EndedRow | undefined, parts: BundleParts): void {
    this.handles.find(pid)?.endCommitted(row, parts)
  }

  /** A process was created under this pid, by anyone. */
  protected renewed(pid: string, createdAt: number): void {
    this.handles.renew(pid, createdAt)
  }

  /** When nothing more is written, and before the store is given back. */
  protected async leave(): Promise<void> {}

  /** Validates, saves, and gives the handle. */
  protected async start(
    processClass: AnyProcessClass | string,
    inputs: Readonly<Record<string, unknown>> | undefined,
    options: LaunchOptions,
    launcher: Launcher,
  ): Promise<ProcessHandle> {
    const known = this.#launches.classOf(processClass)
    const create =
      known === undefined
        ? await this.#launches.createByName(processClass as string, inputs, options, launcher)
        : this.#launches.createByClass(known, inputs, options, launcher)
    return this.launched(create, await this.write(create), options, known)
  }

  /** The handle of what a `Create` made, or found. */
  protected launched(
    create: Create,
    outcome: Outcome,
    options: LaunchOptions = {},
    processClass?: AnyProcessClass,
  ): ProcessHandle {
    const { pid, existed } = requireCreated(create, outcome)
    if (existed === false) this.handles.renew(pid)
    const handle = this.#intern(pid, create.className)
    if (processClass !== undefined) handle.setClass(processClass)
    killOnAbort(handle, options.signal, this.logger)
    return handle
  }

  async #launch(
    processClass: AnyProcessClass | string,
    inputs?: Readonly<Record<string, unknown>>,
    options: LaunchOptions = {},
  ): Promise<ProcessHandle> {
    this.#requireOpen()
    checkLaunch(processClass, options)
    options.signal?.throwIfAborted()
    return this.start(processClass, inputs, options, BY_A_CALLER)
  }

  /** Handles may be kept in a context and given as inputs: they come back as the handles of this client. */
  #handleType(): SavedType<ClientHandle, string> {
    return {
      name: 'process',
      is: (value) => value instanceof ClientHandle,
      encode: ({ pid }) => pid,
      decode: (pid) => this.#intern(pid, ''),
    }
  }

  #intern(pid: string, name: string): ClientHandle {
    const known = this.handles.find(pid)
    if (known?.gone === false) return known
    const handle = new ClientHandle(this.#handleParts, pid, name)
    this.handles.add(handle)
    return handle
  }

  /** The filter finds the members of a tree themselves, so each request is to one process alone. */
  #requestAll(filter: BulkFilter, request: HandleRequest): Promise<number> {
    const living = { ...filter, state: filter.state ?? LIVING }
    return this.#writeAll(living, ({ pid }) => this.#requests.request(pid, request, false))
  }

  /** Writes once per process that the filter lets through, a page at a time. Resolves to the number of writes done. */
  async #writeAll(filter: ListFilter, write: (row: ProcessRow) => Promise<Outcome>): Promise<number> {
    this.#requireOpen()
    let done = 0
    let after: string | undefined
    do {
      const page = await this.store.list({ ...filter, limit: PAGE, after })
      const outcomes = await Promise.all(page.rows.map(write))
      done += outcomes.filter(({ status }) => status === 'done').length
      after = page.next
    } while (after !== undefined)
    return done
  }

  #requireOpen(): void {
    if (this.#closing !== undefined) throw new ClosedError('this client was closed; open another')
  }
}

/** @throws TypeError for what can't be the pid of a process */
function checkPid(pid: unknown): asserts pid is string {
  checkText('the pid', pid)
}

/** How this program is told from others in a history. */
function processId(): string {
  return String(globalThis.process?.pid ?? 'elsewhere')
}

function killOnAbort(handle: ProcessHandle, signal: AbortSignal | undefined, logger: Logger): void {
  if (signal === undefined) return
  const kill = (): void => {
    const message = signal.reason instanceof Error ? signal.reason.message : String(signal.reason)
    handle.kill(message).catch((error: unknown) => {
      logger.error({ err: error, pid: handle.pid }, 'a process could not be killed when its signal aborted')
    })
  }
  if (signal.aborted) {
    kill()
    return
  }
  signal.addEventListener('abort', kill, { once: true })
  handle.onDone(() => signal.removeEventListener('abort', kill))
}
