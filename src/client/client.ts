import type { BundleParts } from '../bundle/bundle.ts'
import { killedStateText } from '../process/state/saved-state.ts'
import { Codec, type SavedType } from '../bundle/codec.ts'
import {
  ClassRegistry,
  isListOfClasses,
  isLoader,
  mangledName,
  registeredName,
  type Loader,
} from '../bundle/loader.ts'
import { isListOfTypes } from '../bundle/saved-type.ts'
import { checkBulkFilter, type BulkFilter } from '../persistence/rules/paging.ts'
import { openStore } from '../persistence/open-store.ts'
import type { Checkpoint } from '../persistence/contract/persister.ts'
import type { ListFilter } from '../persistence/contract/control.ts'
import type { Done, Outcome } from '../persistence/contract/outcomes.ts'
import type { ProcessRow } from '../persistence/contract/rows.ts'
import type { Store } from '../persistence/contract/store.ts'
import type { Create, Write } from '../persistence/contract/writes.ts'
import type { AnyProcessClass } from '../process/host/process-object.ts'
import type { EventRecord, LaunchOptions, ProcessHandle, ResultOf } from '../process/host/process-handle.ts'
import { checkLaunch } from '../process/host/launch-arguments.ts'
import { isTerminal } from '../process/state/machine.ts'
import { construct } from '../process/host/construction.ts'
import { ProcessState } from '../process/state/process-state.ts'
import { systemClock, type Clock } from '../shared/clock.ts'
import { milliseconds, type Duration } from '../shared/duration.ts'
import {
  ClosedError,
  InvalidStateError,
  KeyConflictError,
  ProcessKilled,
  ProcessLost,
  LeaseLost,
  SpecError,
} from '../shared/errors.ts'
import { guardedLogger, silentLogger, type Logger } from '../shared/logger.ts'
import { checkOptions, isClock, isDuration, isFlag, isLogger, type OptionNames } from '../shared/options.ts'
import { checkText, wellFormed } from '../shared/text.ts'
import { specOf } from '../spec/process-spec.ts'
import type { AllSelfTyped, LaunchArgs, OutputsOf, PartialOutputsOf, SelfTyped } from '../spec/typing.ts'
import { GroupCommit } from './write/group-commit.ts'
import type { EndedRow } from './read/state-info.ts'
import { detailsOf, type ProcessDetails } from './read/details.ts'
import { eventRecord } from './read/event.ts'
import { explain } from './read/explain.ts'
import { HandleRegistry } from './handle/handle-registry.ts'
import { LaunchingHost } from './launch/launching-host.ts'
import { BY_A_CALLER, createByName, createWrite, retryOf, type Launcher } from './launch/create.ts'
import { ClientHandle, type HandleContext } from './handle/client-handle.ts'
import { summary, type ProcessList, type ProcessSummary } from './read/summary.ts'
import { enforceDue } from './write/due-kill.ts'
import { restartWrites, resubmitWrite, type RestartOptions } from './launch/restart.ts'
import { SignalChecks } from './launch/signal-schemas.ts'

export interface ClientOptions {
  /** The path of an SQLite file, `':memory:'`, or a store. A store that is given stays open when the client closes. */
  readonly store: string | Store
  /** Whether a file is made at a path where there is none. Default: false for a client, true for an engine. */
  readonly create?: boolean | undefined
  /** Classes that can then also be launched by their name, with validation here. */
  readonly processes?: readonly AnyProcessClass[] | undefined
  /** Finds classes that are not among `processes` by the names that come up, say by importing modules. */
  readonly loader?: Loader<AnyProcessClass> | undefined
  /** Own classes in saved values. */
  readonly types?: readonly SavedType[] | undefined
  /** How long a killed step has before it is fenced. Default 10 s. */
  readonly killGrace?: Duration | undefined
  readonly clock?: Clock | undefined
  readonly logger?: Logger | undefined
}

export const CLIENT_OPTIONS: OptionNames<ClientOptions> = {
  store: true,
  create: isFlag,
  processes: isListOfClasses,
  loader: isLoader,
  types: isListOfTypes,
  killGrace: isDuration,
  clock: isClock,
  logger: isLogger,
}

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
  readonly #launching: LaunchingHost
  readonly #ownsStore: boolean
  readonly #handles: HandleRegistry
  readonly #context: HandleContext
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
    this.#launching = new LaunchingHost(this.codec, this.clock)
    const signals = new SignalChecks(this.classes, () => store.classes())
    this.#handles = new HandleRegistry(store, this.clock)
    this.#context = {
      store,
      codec: this.codec,
      clock: this.clock,
      logger: this.logger,
      name,
      killGrace: this.killGrace,
      write: (write) => this.write(write),
      watch: (handle) => this.#handles.watch(handle),
      unwatch: (handle) => this.#handles.unwatch(handle),
      whileWaiting: (handle, wait) => this.whileWaiting(handle, wait),
      checkSignal: (...of) => signals.check(...of),
      restart: (pid) => this.restart(pid),
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
    handle.isOf(given)
    return handle
  }

  /**
   * Processes, newest first, a page at a time (50 unless told). A process on the page whose kill is stored and whose time to end is up is
   * ended first (C7).
   */
  async list(filter: ListFilter = {}): Promise<ProcessList> {
    this.#requireOpen()
    let page = await this.store.list(filter)
    const now = this.clock.now()
    const enforced = await Promise.all(
      page.rows.map((row) => enforceDue(row, now, (write) => this.write(write))),
    )
    if (enforced.includes(true)) page = await this.store.list(filter)
    return { processes: page.rows.map((row) => summary(row, now)), next: page.next }
  }

  /**
   * Returns one process as `list` does, or undefined if the store has no such process. If its kill is stored and its
   * time to end is up, it is ended first (C7).
   */
  async find(pid: string): Promise<ProcessSummary | undefined> {
    this.#requireOpen()
    checkPid(pid)
    const row = await this.#current(pid)
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
    await this.#current(pid)
    const stored = await this.store.load(pid)
    if (stored === undefined) throw new ProcessLost(pid, `there is no process ${pid} in this store`)
    return detailsOf(stored, this.store, this.codec, this.clock.now())
  }

  /** Why a process is not moving, in plain words. @throws ProcessLost */
  async explain(pid: string): Promise<string> {
    this.#requireOpen()
    checkPid(pid)
    return explain(this.#context, pid)
  }

  /** What happened to a process, oldest first; empty where there is none. */
  async history(pid: string): Promise<readonly EventRecord[]> {
    this.#requireOpen()
    checkPid(pid)
    return (await this.store.history(pid)).map(eventRecord)
  }

  async checkpoints(pid: string): Promise<readonly Checkpoint[]> {
    this.#requireOpen()
    checkPid(pid)
    return this.store.getProcessCheckpoints(pid)
  }

  /** Asks all that have not ended to pause; resolves to how many were asked, once that is stored (C7). */
  async pauseAll(filter: BulkFilter = {}, message?: string): Promise<number> {
    checkBulkFilter(filter, 'pauseAll')
    return this.#requestAll('pause', filter, wellFormed(message) ?? null)
  }

  async playAll(filter: BulkFilter = {}): Promise<number> {
    checkBulkFilter(filter, 'playAll')
    return this.#requestAll('play', filter, null)
  }

  async killAll(
    filter: BulkFilter = {},
    message?: string,
    options: { readonly force?: boolean } = {},
  ): Promise<number> {
    checkBulkFilter(filter, 'killAll')
    checkOptions(options, { force: isFlag }, 'killAll')
    return this.#requestAll(
      'kill',
      filter,
      wellFormed(message) ?? null,
      options.force === true ? 0 : this.killGrace,
    )
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
    return (await handle.retried()) ?? handle
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
    for (;;) {
      const writes = await restartWrites(this.store, pid, options, this.clock.now())
      const outcomes = await this.#commits.writeAll(writes)
      const [create, outcome] = [writes.at(-1) as Create, outcomes.at(-1) as Outcome]
      if (outcome.status === 'done') return this.launched(create, outcome)
      const left = outcomes.filter(({ status }) => status === 'done')
      await Promise.all(
        left.map((done) => this.handle((done as Done).pid).kill('its parent was not restarted')),
      )
      // The parent has ended just now: the new process has none. Or what it was to take over has changed meanwhile.
      if (outcome.status !== 'ended' && outcome.status !== 'fenced') return this.launched(create, outcome)
    }
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
    const create = await resubmitWrite(this.store, pid, this.clock.now())
    return this.launched(create, await this.write(create))
  }

  /**
   * Deletes the ended processes that the filter lets through, with all that is stored of them, and frees their keys. Resolves to how
   * many. Their handles know no more than they did, and `refresh()` rejects with `ProcessLost`. A pid may be used again: the new process has
   * a handle of its own. Children that are left have no parent any more.
   */
  async prune(filter: BulkFilter = {}): Promise<number> {
    checkBulkFilter(filter, 'prune')
    const state = [filter.state ?? ENDED].flat().filter((one) => isTerminal(one))
    return this.#writeAll({ ...filter, state }, ({ pid }) => ({ kind: 'prune', pid }))
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
    const left = this.#handles.close()
    for (const handle of left)
      handle.abandon(new ClosedError('the client was closed while this was waited for; the process goes on'))
    await this.#commits.close()
    await this.leave()
    if (this.#ownsStore) await this.store.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  // ---------- for the engine ----------

  protected write(write: Write): Promise<Outcome> {
    return this.#commits.write(write)
  }

  /** As `write`, for who needs no promise. What is called must not throw. */
  protected send(write: Write, answered: (outcome: Outcome) => void, failed: (error: unknown) => void): void {
    this.#commits.send(write, answered, failed)
  }

  /** Tells the handle of a process, if there is one, how it ended here. */
  protected ended(pid: string, row: EndedRow | undefined, parts: BundleParts): void {
    this.#handles.find(pid)?.ended(row, parts)
  }

  /** A process was created under this pid, by anyone. */
  protected renewed(pid: string, createdAt: number): void {
    this.#handles.renew(pid, createdAt)
  }

  /** When nothing more is written, and before the store is given back. */
  protected async leave(): Promise<void> {}

  /** Around a wait for a handle. The engine lets somebody else have the slot of the step that waits. */
  protected whileWaiting<T>(_handle: ClientHandle, wait: () => Promise<T>): Promise<T> {
    return wait()
  }

  /** Validates, saves, and gives the handle. */
  protected async start(
    processClass: AnyProcessClass | string,
    inputs: Readonly<Record<string, unknown>> | undefined,
    options: LaunchOptions,
    launcher: Launcher,
  ): Promise<ProcessHandle> {
    const known = typeof processClass === 'string' ? this.classes.find(processClass) : processClass
    if (known !== undefined) this.#requireRegistered(known)
    const create =
      known === undefined
        ? await this.#createByName(processClass as string, inputs, options, launcher)
        : createWrite(
            construct(known, inputs, {
              pid: options.pid,
              host: this.#launching,
              created: new Date(this.clock.now()),
              retry: retryOf(options),
            }),
            options,
            launcher,
            specOf(known).deadlineAfter,
          )
    return this.launched(create, await this.write(create), options, known)
  }

  /** The handle of what a `Create` made, or found. */
  protected launched(
    create: Create,
    outcome: Outcome,
    options: LaunchOptions = {},
    processClass?: AnyProcessClass,
  ): ProcessHandle {
    switch (outcome.status) {
      case 'done': {
        if (outcome.existed === false) this.#handles.renew(outcome.pid)
        const handle = this.#intern(outcome.pid, create.className)
        if (processClass !== undefined) handle.isOf(processClass)
        killOnAbort(handle, options.signal, this.logger)
        return handle
      }
      case 'refused':
        throw outcome.error
      case 'conflict':
        throw new KeyConflictError(`${outcome.reason}; nothing was launched`)
      case 'fenced':
      case 'held':
        throw new LeaseLost('another engine has taken over the process that launches; nothing was launched')
      case 'ended':
        throw new ProcessKilled(
          create.parent ?? '',
          'the process that launches has ended or is being killed; nothing was launched',
        )
      case 'missing':
        throw new InvalidStateError(`the process that launches, ${create.parent}, is not in this store`)
    }
  }

  async #createByName(
    name: string,
    inputs: Readonly<Record<string, unknown>> | undefined,
    options: LaunchOptions,
    launcher: Launcher,
  ): Promise<Create> {
    // What the caller changes after the call is not launched.
    const given = this.codec.copy(inputs ?? {}) as Readonly<Record<string, unknown>>
    // A class that no engine has registered so far may be by one that comes later (C9).
    const described = (await this.store.classes()).find((row) => row.name === name)
    return createByName(
      described ?? { name, version: 1, inputs: '{}' },
      given,
      this.clock.now(),
      options,
      launcher,
      this.codec,
    )
  }

  /** Reads the row of a process, after a kill whose time is up. */
  async #current(pid: string): Promise<ProcessRow | undefined> {
    const row = await this.store.read(pid)
    if (row === undefined) return undefined
    const isEnforced = await enforceDue(row, this.clock.now(), (write) => this.write(write))
    return isEnforced ? this.store.read(pid) : row
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

  /** @throws SpecError where another class is registered here under the name of this one: that would run */
  #requireRegistered(processClass: AnyProcessClass): void {
    const name = registeredName(processClass)
    const registered = this.classes.find(name)
    if (registered === undefined || registered === processClass) return
    throw new SpecError(
      `the class ${name} that is launched is not the class ${name} in \`processes\`, whose code would run: ` +
        'launch that one, or give one of them another `static processName`. A module that is loaded twice makes two classes of each',
    )
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
    return this.#handles.intern(this.#context, pid, name)
  }

  #requestAll(
    request: 'pause' | 'play' | 'kill',
    filter: BulkFilter,
    message: string | null,
    grace = 0,
  ): Promise<number> {
    return this.#writeAll({ ...filter, state: filter.state ?? LIVING }, ({ pid }) => ({
      kind: 'request',
      pid,
      id: globalThis.crypto.randomUUID(),
      request,
      message,
      grace,
      by: this.name,
      killedState: request === 'kill' ? killedStateText(message) : null,
      tree: false,
    }))
  }

  /** A write for each process that the filter lets through, a page at a time; resolves to how many were done. */
  async #writeAll(filter: ListFilter, writeFor: (row: ProcessRow) => Write): Promise<number> {
    this.#requireOpen()
    let done = 0
    let after: string | undefined
    do {
      const page = await this.store.list({ ...filter, limit: PAGE, after })
      const outcomes = await Promise.all(page.rows.map((row) => this.write(writeFor(row))))
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
