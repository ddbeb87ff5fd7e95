/// <reference lib="esnext.disposable" preserve="true" />
import { registeredName, type ClassRegistry } from '../bundle/loader.ts'
import type { Outcome } from '../persistence/contract/outcomes.ts'
import type { Store } from '../persistence/contract/store.ts'
import type { Create } from '../persistence/contract/writes.ts'
import { openStore } from '../persistence/open-store.ts'
import { copyOf } from '../ports/plain.ts'
import type { ActorClasses } from '../process/actor/actor-class.ts'
import { checkLaunch } from '../process/host/launch-arguments.ts'
import type { LaunchOptions } from '../process/host/launch-options.ts'
import type { Launched, ProcessHandle, ResultOf } from '../process/host/process-handle.ts'
import type { GroupOptions, ProcessGroup } from '../process/host/process-group.ts'
import type { AnyProcessClass } from '../process/host/process-object.ts'
import { referring } from '../process/references/reference.ts'
import type { LaunchArgs } from '../process/host/references.ts'
import type { Registrable } from '../process/step/self-consistent.ts'
import { ClosedError } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import { checkOptions, isFlag } from '../shared/options.ts'
import { checkName, checkText } from '../shared/text.ts'
import type { OutputsOf, PartialOutputsOf, SelfTyped } from '../spec/typing.ts'
import { CLIENT_OPTIONS, type ClientOptions } from './client-options.ts'
import { ClientParts } from './client-parts.ts'
import { ActorClient } from './actor-client.ts'
import type { StoredLaunch } from './group-client.ts'
import { checkPid } from './client-reader.ts'
import type { ClientHandle } from './handle/client-handle.ts'
import { ClientGroup } from './group/client-group.ts'
import { memberPids } from './group/given-pids.ts'
import { newGroupName } from '../shared/ids.ts'
import type { HandleRegistry } from './handle/handle-registry.ts'
import { killOnAbort } from './handle/kill-on-abort.ts'
import type { Launcher } from './launch/create-write.ts'
import { readHandle } from './handle/reference-file.ts'
import { pidOfKey } from './read/pids.ts'
import type { GroupCommit } from './write/group-commit.ts'

/** Names a process by its key instead of its pid. */
export interface ByKey {
  readonly key: string
}

/** Launches, watches and controls processes in a store. Engines run them, in this program or another. */
export class Client extends ActorClient {
  protected readonly logger: Logger
  protected readonly classes: ClassRegistry<AnyProcessClass>
  protected readonly actorClasses: ActorClasses
  /** The name under which histories show the requests of this client. */
  protected readonly name: string
  protected readonly killGrace: number
  protected readonly commits: GroupCommit
  readonly #ownsStore: boolean
  protected readonly handles: HandleRegistry<ClientHandle>
  #closing: Promise<void> | undefined

  /**
   * Opens an existing store. With `create: true`, creates the file if there is none.
   *
   * @throws PersistenceError if the store can't be opened, or no file exists at the path
   * @throws TypeError, RangeError or SpecError for a wrong option; nothing is opened then
   */
  static async open<const P extends readonly AnyProcessClass[]>(
    options: ClientOptions & { readonly processes?: (P & Registrable<P>) | undefined },
  ): Promise<Client> {
    checkOptions(options, CLIENT_OPTIONS, 'Client.open')
    const { clock, create = false } = options
    const store = await openStore(options.store, { clock, create })
    try {
      return new Client(store, options, `client ${globalThis.process?.pid ?? 'elsewhere'}`)
    } catch (error) {
      if (typeof options.store === 'string') await store.close()
      throw error
    }
  }

  /** Use `open`. */
  protected constructor(store: Store, options: ClientOptions, name: string) {
    super(new ClientParts(store, options, name))
    this.#ownsStore = typeof options.store === 'string'
    this.logger = this.parts.logger
    this.classes = this.parts.classes
    this.actorClasses = this.parts.actorClasses
    this.killGrace = this.parts.killGrace
    this.handles = this.parts.registry
    this.commits = this.parts.commits
    this.name = name
  }

  /**
   * Launches a process. The process is durable when the promise resolves.
   *
   * A launch by name checks the inputs against the schema that an engine has registered for the
   * name. If no engine has registered the class, the process waits until one has it. `explain`
   * reports this.
   *
   * @throws PortValidationError for invalid inputs, with all problems at once
   * @throws SerializationError for an input that can't be saved
   * @throws TypeError for an option of a wrong type, RangeError for a name of more than 1,024 bytes in UTF-8
   * @throws KeyConflictError if the key or pid belongs to a process of another class or with other
   *   inputs
   */
  // One signature for classes and names: with several, editors do not offer the names of inputs.
  launch<C extends AnyProcessClass | string>(
    processClass: C & SelfTyped<C>,
    ...rest: [...LaunchArgs<C>, options?: LaunchOptions]
  ): Promise<Launched<C>>
  launch(
    processClass: AnyProcessClass | string,
    inputs?: Readonly<Record<string, unknown>>,
    options?: LaunchOptions,
  ): Promise<ProcessHandle> {
    return this.#launch(processClass, inputs, options)
  }

  /**
   * Launches a process and resolves to its outputs, as `handle.outputs.all()` does. Rejects with
   * `ProcessUnsuccessful` if the process finished without success. With `{ raiseOnFailure: false }` the
   * call resolves to the emitted outputs, however the process ended.
   */
  execute<C extends AnyProcessClass>(
    processClass: C & SelfTyped<C>,
    ...rest: [...LaunchArgs<C>, options: LaunchOptions & { readonly raiseOnFailure: false }]
  ): Promise<PartialOutputsOf<C>>
  // The last overload, because compilers explain errors by the last one.
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
    const handle = await this.#launch(processClass, inputs, options)
    const { outputs } = handle
    try {
      return await (raiseOnFailure ? outputs.all() : outputs.all({ raiseOnFailure }))
    } finally {
      // No caller has the handle.
      if (options.retention === 'refs') await handle.release()
    }
  }

  /** Returns the handle of a process, the same object for the same pid. No I/O: `refresh()` checks that the process exists. */
  handle<R = unknown>(pid: string): ProcessHandle<R>
  /** As above, for a process of a known class. */
  handle<C extends AnyProcessClass>(
    processClass: C & SelfTyped<C>,
    pid: string,
  ): ProcessHandle<ResultOf<C>, C>
  /** Finds a process by its key. @throws ProcessLost if no process of the store has the key */
  handle<R = unknown>(by: ByKey): Promise<ProcessHandle<R>>
  /** As above, for a process of a known class. */
  handle<C extends AnyProcessClass>(
    processClass: C & SelfTyped<C>,
    by: ByKey,
  ): Promise<ProcessHandle<ResultOf<C>, C>>
  handle(given: AnyProcessClass | string | ByKey, which?: string | ByKey): unknown {
    const [processClass, by] = typeof given === 'function' ? [given, which] : [undefined, given]
    const handleOf = (pid: string): ClientHandle => {
      const handle = this.parts.handle(pid, processClass === undefined ? '' : registeredName(processClass))
      if (processClass !== undefined) handle.setClass(processClass)
      return handle
    }
    if (typeof by === 'object' && by !== null) return this.#pidOf(by).then(handleOf)
    checkPid(by)
    return handleOf(by)
  }

  async #pidOf(by: ByKey): Promise<string> {
    this.requireOpen()
    checkOptions(by, { key: true }, 'handle')
    checkText('handle: the key', by.key)
    return pidOfKey(this.store, by.key)
  }

  /**
   * Returns a group of processes, given by handles or pids, in their order. No I/O, and nothing is
   * stored: `group.refresh()` checks that the processes exist.
   *
   * @throws TypeError for a member that is neither a handle nor a pid; the message has its position
   */
  group<R = unknown>(
    members: Iterable<ProcessHandle<R> | string>,
    options: GroupOptions = {},
  ): ProcessGroup<R> {
    checkOptions(options, { name: true, ordered: isFlag }, 'group')
    const { name = newGroupName(), ordered = true } = options
    checkName('group: the name', name)
    return new ClientGroup<R>(this.parts, { pids: memberPids(members), name, ordered })
  }

  /** Opens what `handle.save` has written. @throws PersistenceError as `openGroup` does for a file */
  async openHandle<R = unknown>(path: string): Promise<ProcessHandle<R>> {
    this.requireOpen()
    const { pid } = await readHandle(path, this.store.id)
    return this.handle<R>(pid)
  }

  /**
   * Commits pending writes and releases the store. Pending waits reject with `ClosedError`. A second call
   * joins the first.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const left = this.handles.close()
    for (const handle of left)
      handle.close(new ClosedError('the client was closed during this wait; the process continues'))
    await this.parts.commits.close()
    await this.leave()
    await this.parts.session
      .close()
      .catch((error: unknown) =>
        this.logger.warn({ err: error }, 'what this client retained could not be released'),
      )
    if (this.#ownsStore) await this.store.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // ---------- for the engine ----------

  /**
   * Forgets the handle of an earlier process with this pid: a new process was created, here or in
   * another program.
   */
  protected renewed(pid: string, createdAt: number): void {
    this.handles.renew(pid, createdAt)
  }

  /** Called by `close` after the last write and before the store is closed. */
  protected async leave(): Promise<void> {}

  /** Validates the inputs, stores the process, and returns its handle. */
  protected async start(
    processClass: AnyProcessClass | string,
    inputs: Readonly<Record<string, unknown>> | undefined,
    options: LaunchOptions,
    launcher: Launcher,
  ): Promise<ProcessHandle> {
    const { launches } = this.parts
    const known = launches.classOf(processClass)
    const given = referring(inputs)
    const create =
      known === undefined
        ? await launches.createByName(processClass as string, given, options, launcher)
        : launches.createByClass(known, given, options, launcher)
    return this.launched(create, await this.commits.write(create), options, known)
  }

  /** Validates the inputs, and has a process of a known class stored. */
  protected override storeLaunch(
    processClass: AnyProcessClass,
    inputs: Readonly<Record<string, unknown>> | undefined,
    options: LaunchOptions,
    launcher: Launcher,
  ): StoredLaunch {
    const create = this.parts.launches.createByClass(processClass, referring(inputs), options, launcher)
    return { create, stored: this.commits.write(create) }
  }

  /** Returns the handle of the process that a `Create` stored or found. */
  protected launched(
    create: Create,
    outcome: Outcome,
    options: LaunchOptions = {},
    processClass?: AnyProcessClass,
  ): ProcessHandle {
    const pid = this.storedPid(create, outcome)
    const handle = this.parts.handle(pid, create.className)
    if (processClass !== undefined) handle.setClass(processClass)
    handle.launchedWith(create.parts)
    if (outcome.status === 'done' && outcome.existed !== true) handle.submittedAt(create.createdAt)
    killOnAbort(handle, options.signal, this.logger)
    return handle
  }

  async #launch(
    processClass: AnyProcessClass | string,
    inputs?: Readonly<Record<string, unknown>>,
    options: LaunchOptions = {},
  ): Promise<ProcessHandle> {
    this.requireOpen()
    checkLaunch(processClass, options)
    options.signal?.throwIfAborted()
    const launcher = this.launcher(options)
    if (!(launcher instanceof Promise)) return this.start(processClass, inputs, options, launcher)
    // Later changes by the caller are not launched.
    const given = copyOf(inputs)
    return this.start(processClass, given, options, await launcher)
  }

  protected requireOpen(): void {
    if (this.#closing !== undefined) throw new ClosedError('this client was closed; open another')
  }
}
