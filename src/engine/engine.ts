/* This file is longer than 400 lines, because it builds all parts of an engine and connects them. */
import { hostname } from 'node:os'
import { Client } from '../client/client.ts'
import type { StoredLaunch } from '../client/group-client.ts'
import { registeredName } from '../bundle/loader.ts'
import { BY_A_CALLER, createWrite, retryOf, type Launcher } from '../client/launch/create-write.ts'
import { openStore } from '../persistence/open-store.ts'
import type { Capabilities, LoadableClass } from '../persistence/contract/engines.ts'
import type { Outcome } from '../persistence/contract/outcomes.ts'
import type { Change } from '../persistence/contract/rows.ts'
import type { Store } from '../persistence/contract/store.ts'
import type { Create } from '../persistence/contract/writes.ts'
import type { AnyProcessClass } from '../process/host/process-object.ts'
import type { LaunchOptions } from '../process/host/launch-options.ts'
import type { ProcessHandle } from '../process/host/process-handle.ts'
import { construct } from '../process/host/construction.ts'
import { prunePolicy } from '../spec/prune-policy.ts'
import { checkClass } from '../process/definition/process-definition.ts'
import { referring } from '../process/references/reference.ts'
import { isTerminal } from '../process/state/machine.ts'
import { noContext } from '../process/step/current-process.ts'
import { alarm } from '../shared/clock.ts'
import { milliseconds } from '../shared/duration.ts'
import { ClosedError } from '../shared/errors.ts'
import { checkOptions, isDuration } from '../shared/options.ts'
import { newPid } from '../shared/ids.ts'
import { specOf } from '../spec/process-spec.ts'
import type { Registrable } from '../process/step/self-consistent.ts'
import { Actors } from './actors.ts'
import { CallHost } from './call-host.ts'
import { Scheduler } from './scheduler.ts'
import { classRows, loadable, loadableActors } from './loadable.ts'
import { DurableHost } from './durable-host.ts'
import { ENGINE_OPTIONS, type CloseOptions, type EngineOptions } from './engine-options.ts'
import { ExecutionControl } from './execution-control.ts'
import { Executions } from './executions.ts'
import { Executor } from './executor.ts'
import { StepJournalWriter } from './step-journal-writer.ts'
import { InputGathering } from './input-gathering.ts'
import { onStopSignals } from './stop-signals.ts'
import { HandleSupport, outcomeNow } from './handle-support.ts'
import { LaunchQueue } from './launch-queue.ts'
import { Pruner } from './pruner.ts'
import { RemoteControl } from './remote-control.ts'
import { ResultCollector } from './result-collector.ts'
import { UnknownClasses } from './unknown-classes.ts'

/**
 * Milliseconds between two scans of the store. A scan finds dead engines, and changes that were not
 * reported.
 */
const SCAN_INTERVAL = 1_000

/**
 * A client that also runs the processes of a store.
 *
 * An engine claims processes that are ready, and holds a claim while a step runs or waits inside
 * its code. A process that waits between steps, is paused or has ended exists only in the store.
 * Whatever happens to the program, the store is the truth.
 */
// Keeps C1.
export class Engine extends Client {
  readonly #id: string
  #classes: readonly LoadableClass[]
  /** The labels that a launch may ask for, each once. */
  readonly #labels: readonly string[]
  /** Names of classes that the loader does not know, or could not load. */
  readonly #unloadable = new Set<string>()
  readonly #unknown: UnknownClasses
  readonly #executor: Executor
  readonly #actors: Actors
  readonly #scheduler: Scheduler
  readonly #executions: Executions
  readonly #queue: LaunchQueue
  readonly #host: DurableHost
  readonly #pruner: Pruner
  readonly #collector: ResultCollector
  readonly #remote: RemoteControl | undefined
  #stopWatching: (() => void) | undefined
  #stopSignals: (() => void) | undefined
  #cancelScan: (() => void) | undefined
  #scanning: Promise<void> | undefined
  /** The next time at which something is due, as far as is known here. */
  #due: number | undefined
  #cancelDue: (() => void) | undefined
  #closing: Promise<void> | undefined

  /**
   * Opens a store and starts to run what is ready in it.
   *
   * @throws PersistenceError if the store can't be opened
   * @throws SpecError for a class whose `define` is wrong, or two classes of one name
   */
  static override async open<const P extends readonly AnyProcessClass[]>(
    options: EngineOptions & { readonly processes?: (P & Registrable<P>) | undefined },
  ): Promise<Engine> {
    checkOptions(options, ENGINE_OPTIONS, 'Engine.open')
    const lease = milliseconds(options.lease ?? '10s')
    if (lease < 100) throw new RangeError(`a lease of ${lease} ms is too short: give 100 ms or more`)
    const concurrency = options.concurrency ?? 100
    const store = await openStore(options.store, { clock: options.clock, create: options.create ?? true })
    try {
      const engine = new Engine(store, options, concurrency)
      await engine.#begin(lease, concurrency, options.handleSignals ?? true)
      return engine
    } catch (error) {
      if (typeof options.store === 'string') await store.close()
      throw error
    }
  }

  /** Use `open`. */
  protected constructor(store: Store, options: EngineOptions, concurrency: number) {
    const id = newPid()
    super(store, options, `engine ${id}`)
    this.#id = id
    this.launchesAhead = concurrency
    this.#classes = [...loadable(this.classes), ...loadableActors(this.actorClasses)]
    const labels = [...new Set(options.labels)]
    this.#labels = labels
    const { name, commits, handles, classes, codec, clock, logger, killGrace } = this
    const { launched } = this.parts
    const shared = { store, commits, handles, launched, classes, codec, clock, logger, killGrace }
    const engine = { id, name, ...shared }
    // Each part is given those that are built before it.
    const executions = new Executions()
    const queue = new LaunchQueue()
    const scheduler = new Scheduler({ engine: id, store, concurrency, labels, clock, logger, queue })
    const control = new ExecutionControl(engine, executions)
    const journal = new StepJournalWriter(engine, scheduler, control)
    const others = {
      start: this.start.bind(this),
      startGroup: this.startGroup.bind(this),
      outcome: (pid: string, outputs?: boolean) => outcomeNow(this.handle(pid), outputs),
    }
    const host = new DurableHost({ engine, executions, scheduler, control, journal, others })
    const gathering = new InputGathering(engine, () => this.#closing !== undefined)
    const callHost = new CallHost({ engine, executions, scheduler, control, journal, others })
    const called = { engine, executions, scheduler, control, gathering, host: callHost }
    this.#actors = new Actors(this.actorClasses, called)
    this.#executor = new Executor({
      engine,
      executions,
      queue,
      scheduler,
      control,
      journal,
      host,
      gathering,
      actors: this.#actors,
    })
    scheduler.connect(this.#executor)
    scheduler.claimClasses(this.#classes)
    this.#executions = executions
    this.#host = host
    this.#queue = queue
    this.#scheduler = scheduler
    this.#pruner = new Pruner(
      { ...engine, actors: this.actorClasses },
      options.prune && prunePolicy(options.prune),
    )
    this.#collector = new ResultCollector(engine)
    this.#unknown = new UnknownClasses(engine)
    const { communicator } = options
    this.#remote =
      communicator && new RemoteControl({ communicator, engine, client: this.parts, executions, host })
    this.handles.localEngine = new HandleSupport(queue, executions)
  }

  /** The engine's own id: the owner of what it runs. */
  get id(): string {
    return this.#id
  }

  /**
   * Stops cleanly: claims nothing more, lets running steps end or aborts them at the
   * deadline, and gives back its claims. No process is excepted or killed by this. A second call
   * returns the same promise.
   */
  // Keeps C12.
  override close(options: CloseOptions = {}): Promise<void> {
    checkOptions(options, { drain: isDuration }, 'close')
    this.#closing ??= this.#close(milliseconds(options.drain ?? '30s'))
    return this.#closing
  }

  async #begin(lease: number, concurrency: number, handleSignals: boolean): Promise<void> {
    for (const [, processClass] of this.classes) checkClass(processClass)
    // First, since a server that can't be reached fails it.
    await this.#remote?.start()
    await this.store.describe(classRows(this.classes))
    await this.store.join({
      id: this.#id,
      host: hostname(),
      osPid: process.pid,
      lease,
      concurrency,
      ...this.#runs,
    })
    this.#stopWatching = this.store.watch((changes, missed) => this.#note(changes, missed))
    if (handleSignals)
      this.#stopSignals = onStopSignals(() =>
        this.close().catch((error: unknown) => this.#report(error, 'the engine could not be closed')),
      )
    await this.#remote?.learn()
    await this.#scan()
    this.#pruner.start()
    this.#collector.start()
  }

  get #runs(): Capabilities {
    return { classes: this.#classes, labels: this.#labels }
  }

  /** Scans the store. A scan that is asked for during another one comes after it. */
  #scan(): Promise<void> {
    const before = this.#scanning
    const scan = (): Promise<void> => noContext(() => this.#scanOnce())
    const scanning = (before === undefined ? scan() : before.then(scan)).finally(() => {
      if (this.#scanning === scanning) this.#scanning = undefined
    })
    return (this.#scanning = scanning)
  }

  /**
   * One scan: loads wanted classes, takes back processes of dead engines (C11), drains for a
   * suspect, and sets the timer for what is due. If that fails, the next scan tries again.
   */
  async #scanOnce(): Promise<void> {
    if (this.#closing !== undefined) return
    this.#cancelScan?.()
    try {
      if (this.classes.loads) await this.#learn()
      const since = this.#scheduler.claimCount
      const { ready, suspects, nextDeadline, nextDue } = await this.store.recover(this.#runs)
      const drains =
        suspects && this.#scheduler.mayDrain && (await this.store.drain({ engine: this.#id, ...this.#runs }))
      this.#scheduler.scanned({ ready, suspects, drains, since })
      if (nextDeadline !== null) this.#armDue(nextDeadline)
      if (nextDue !== null) this.#armDue(nextDue)
    } catch (error) {
      this.#report(error, 'a scan of the store failed; the next one tries again')
    }
    if (this.#closing !== undefined) return
    this.#cancelScan?.()
    this.#cancelScan = this.clock.after(SCAN_INTERVAL, () => void this.#scan(), 'look')
  }

  /**
   * Asks the loader once for each class that a process in the store needs, and registers those that
   * it has loaded (C9).
   */
  async #learn(): Promise<void> {
    for (const { name } of await this.store.wanted()) {
      if (this.#unloadable.has(name) || this.actorClasses.find(name) !== undefined) continue
      try {
        if (this.classes.find(name) === undefined) this.#unloadable.add(name)
      } catch (error) {
        this.#unloadable.add(name)
        this.#report(error, `the class ${name} could not be loaded; its processes are left to other engines`)
      }
    }
    const classes = [...loadable(this.classes), ...loadableActors(this.actorClasses)]
    if (classes.length === this.#classes.length) return
    await this.store.describe(classRows(this.classes))
    this.#classes = classes
    this.#scheduler.claimClasses(this.#classes)
  }

  /** Sets one timer for the earliest time at which a process becomes ready or a kill is due. */
  #armDue(time: number): void {
    if (this.#closing !== undefined || (this.#due !== undefined && this.#due <= time)) return
    this.#cancelDue?.()
    this.#due = time
    this.#cancelDue = alarm(this.clock, time, () => {
      this.#due = undefined
      this.#scheduler.manyReady()
      void this.#scan()
    })
  }

  #note(changes: readonly Change[], missed: boolean): void {
    // The rows show what the store no longer reports (C8).
    if (missed) {
      this.#executor.catchUp()
      void this.#actors.catchUp()
      this.#remote?.catchUp()
      void this.#scan()
    }
    for (const change of changes) {
      if (change.name === 'created') this.renewed(change.pid, change.at)
      // A queued launch leaves the queue at its first change after `created`: someone else has
      // changed it, or it has started.
      if (change.name !== 'created') this.#queue.take(change.pid)
      try {
        this.#executor.note(change)
        this.#actors.note(change)
        this.#remote?.note(change)
      } catch (error) {
        // A damaged entry must not prevent the others from being noted (C9).
        this.#report(error, 'a change of a process could not be handled')
      }
      if (change.ready && !this.#queue.has(change.pid)) this.#scheduler.oneReady()
      if (change.dueAt !== null) this.#armDue(change.dueAt)
      if (isTerminal(change.state)) this.#collector.processEnded()
    }
  }

  protected override async start(
    processClass: AnyProcessClass | string,
    inputs: Readonly<Record<string, unknown>> | undefined,
    options: LaunchOptions,
    launcher: Launcher = BY_A_CALLER,
  ): Promise<ProcessHandle> {
    const known = this.parts.launches.classOf(processClass)
    if (known === undefined) {
      this.#unknown.launched(processClass as string)
      return super.start(processClass, inputs, options, launcher)
    }
    const { create, stored } = this.storeLaunch(known, inputs, options, launcher)
    return this.launched(create, await stored, options, known)
  }

  protected override storeLaunch(
    processClass: AnyProcessClass,
    inputs: Readonly<Record<string, unknown>> | undefined,
    options: LaunchOptions,
    launcher: Launcher,
  ): StoredLaunch {
    const { inputs: given, refers } = referring(inputs)
    if (options.retention !== undefined) this.#collector.expect()
    if (this.#mayRun(processClass, options, refers))
      return this.#store(processClass, given, options, launcher)
    return super.storeLaunch(processClass, given, options, launcher)
  }

  /** Whether a launched process may run here at once. Warns of a class that is not registered here. */
  #mayRun(known: AnyProcessClass, { pid, delay, after, worker }: LaunchOptions, refers: boolean): boolean {
    // A process of a class that is not registered here is left to an engine that has the class
    // (C9).
    const isRegistered = this.classes.has(known)
    if (!isRegistered) this.#unknown.launched(registeredName(known))
    // A second launch under a pid must not start a second execution. Its answer reports the first
    // process.
    const again = pid !== undefined && (this.#executions.find(pid) !== undefined || this.#queue.has(pid))
    // A process for a label that this engine does not have is left to an engine that has it.
    const hasLabel = worker === undefined || this.#labels.includes(worker)
    return isRegistered && hasLabel && !again && delay === undefined && after === undefined && !refers
  }

  /**
   * Makes a process and stores it. The caller does not get the process: an async function would
   * hold it until the commit is answered, even if it is no longer needed.
   */
  #store(
    processClass: AnyProcessClass,
    inputs: Readonly<Record<string, unknown>> | undefined,
    options: LaunchOptions,
    launcher: Launcher,
  ): StoredLaunch {
    const begins = this.#scheduler.takeSlot()
    try {
      const process = construct(processClass, inputs, {
        pid: options.pid,
        host: this.#host,
        logger: this.logger,
        created: new Date(this.clock.now()),
        retry: retryOf(options),
      })
      const create = createWrite(process, options, launcher, specOf(processClass).deadlineAfter)
      process.holdSaved()
      if (begins) return { create, stored: this.#executor.launch(process, create) }
      // The first commit of a queued process is its claim, and hooks run before that commit. They
      // must not run unclaimed.
      const waits = !process.hooked && this.#queue.add(process, create)
      return { create, stored: this.#wait(create, waits) }
    } catch (error) {
      if (begins) this.#scheduler.giveBackSlot()
      throw error
    }
  }

  /**
   * Creates a process for which no slot is free. It starts here in its turn, unless another engine
   * claims it first. `waits`: whether it is in the launch queue.
   */
  async #wait(create: Create, waits: boolean): Promise<Outcome> {
    const { pid } = create
    const stored = waits ? undefined : this.#scheduler.launchStoring()
    let outcome: Outcome | undefined
    try {
      return (outcome = await this.commits.write(create))
    } finally {
      stored?.()
      const isNew = outcome?.status === 'done' && outcome.existed !== true && outcome.pause === undefined
      if (waits && isNew) {
        this.#queue.markDurable(pid)
        this.#scheduler.launchQueued()
      } else if (waits) {
        this.#queue.take(pid)
        // The process may be stored anyway, for any engine to claim.
        if (outcome === undefined) this.#scheduler.oneReady()
      }
    }
  }

  async #close(drain: number): Promise<void> {
    this.#stopSignals?.()
    this.#cancelScan?.()
    this.#cancelDue?.()
    this.#scheduler.stop()
    this.#queue.clear()
    await this.#pruner.stop()
    await this.#collector.stop()
    await this.#executor.drain(
      drain,
      new ClosedError(
        'the engine is closing; the step runs again when another engine takes over the process',
      ),
    )
    await this.#scheduler.settled()
    await this.#remote?.stop()
    await super.close()
  }

  protected override async leave(): Promise<void> {
    this.#stopWatching?.()
    try {
      await this.store.leave(this.#id)
    } catch (error) {
      // Claims that are still held end with the lease. The close itself continues.
      this.#report(error, 'the engine could not give its claims back')
    }
  }

  #report(error: unknown, message: string): void {
    if (error instanceof ClosedError && this.#closing !== undefined) return
    this.logger.error({ err: error, engine: this.#id }, message)
  }
}
