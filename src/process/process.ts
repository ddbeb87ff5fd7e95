/*
 * This file is longer than 400 lines. It declares the one class that users extend, so all its members
 * stand in one class body with their doc comments. The members only pass calls on to `runner/` and
 * `step/`.
 */
import type { AbortSignal } from '../shared/abort-signal.ts'
import type { EventEmitter } from 'eventemitter3'
import { SAVE, type Bundle } from '../bundle/bundle.ts'
import { loaderOf, type LoadContext, type Loader, type NamedClass } from '../bundle/loader.ts'
import type { SavedForm } from '../bundle/saved-form.ts'
import { isListOfTypes } from '../bundle/saved-type.ts'
import { frozenCopy } from '../ports/plain.ts'
import { exposedInputs, exposedOutputs, type ExposedOptions } from '../spec/exposed-values.ts'
import {
  type Definable,
  ProcessSpec,
  type SpecClass,
  type SpecDescription,
  specOf,
  type SpecOf,
} from '../spec/process-spec.ts'
import type {
  ExitCodesOf,
  ExposedInputs,
  ExposedOutputs,
  InputsOf,
  OutputName,
  OutputsOf,
  OutputValue,
  PartialOutputsOf,
  SelfTyped,
  SignalName,
  SignalValue,
} from '../spec/typing.ts'
import { AlreadyDone, InvalidStateError, PortValidationError } from '../shared/errors.ts'
import type { Duration } from '../shared/duration.ts'
import type { Logger } from '../shared/logger.ts'
import { checkOptions, isClock, isFlag, isLogger, type OptionNames } from '../shared/options.ts'
import { checkName, checkText, wellFormed } from '../shared/text.ts'
import { isHandle } from './state/awaits.ts'
import { definitionOf } from './definition/process-definition.ts'
import type { PruneOptions } from '../spec/prune-policy.ts'
import type { ExitCodeInfo } from './state/commands.ts'
import { processText } from './state/process-text.ts'
import { effect, transaction, type EffectContext, type EffectOptions } from './step/effect.ts'
import type { ProcessCallback } from './runner/callbacks.ts'
import type { Transaction } from './host/transaction.ts'
import type { LaunchOptions } from './host/launch-options.ts'
import type { Launched, MemberResult, ProcessHandle, ResultOf } from './host/process-handle.ts'
import {
  checkGroupLaunch,
  type Columns,
  type GroupLaunchOptions,
  type InputsSource,
  type MapOptions,
} from './host/group-options.ts'
import type { ProcessGroup } from './host/process-group.ts'
import type { RefableInputs } from './host/references.ts'
import { rowsOf, withLists } from './group/columns.ts'
import type { HookResult } from './definition/hooks.ts'
import { recreate, takeConstruction, type PendingConstruction } from './host/construction.ts'
import type { Host } from './host/host.ts'
import { HOSTED, type AnyProcessClass, type Hosted, type ProcessObject } from './host/process-object.ts'
import { checkLaunch } from './host/launch-arguments.ts'
import type { Broadcast } from './host/remote.ts'
import { ProcessRunner } from './runner/process-runner.ts'
import { answerMessage, hearBroadcast } from './runner/remote.ts'
import type { ProcessEventMap } from './host/events.ts'
import type { ProcessListener } from './host/listener.ts'
import { inChunks } from './memory/chunk.ts'
import { MemoryHost, memoryHost } from './memory/memory-host.ts'
import { Operation } from './step/operation.ts'
import type {
  ConstructArgs,
  Joined,
  JoinedResults,
  LaunchChildArgs,
  ProcessOptions,
  SeveralOutputs,
  StatusInfo,
  Untyped,
} from './host/process-types.ts'
import type { PrintOptions } from './step/reports.ts'
import type { ReceiveOptions } from './step/signal-receiver.ts'
import { currentRun } from './step/current-process.ts'
import type { ProcessState } from './state/process-state.ts'
import type { Progress } from './state/report.ts'
import type { CurrentStep } from './step/current-step.ts'
import { isTerminated } from './step/run-state.ts'
import type { OperationKind, Use } from './step/step-journal.ts'
import type { EvictOptions, JoinOptions } from './step/suspension.ts'

let runnerOf: (process: object) => ProcessRunner

/**
 * A unit of work that runs step by step and is saved between steps. A step is a method. The value
 * that it returns chooses the next state: a `Continue`, `Wait`, `Stop` or `Kill`; anything else is
 * the result. `execute()` runs a process in memory; an engine runs it out of a store.
 *
 * `C` is the class itself, `class Add extends Process<typeof Add>`. It types inputs, outputs and
 * exit codes by what `define` returns.
 */
export class Process<C = Untyped> implements ProcessObject {
  // ---------- of the class ----------

  /** The spec class of this process class and those that extend it. */
  static readonly specClass: SpecClass = ProcessSpec
  /** The version of the saved form. Raise it together with an `upgrade`. */
  static readonly version: number = 1
  /**
   * Upgrades a saved form of an older version by one or more versions; see `SavedForm`. Must be
   * synchronous.
   */
  static upgrade?(form: SavedForm): SavedForm | void
  /**
   * Names of the instance fields that are saved besides `ctx`, in addition to those of the base
   * classes.
   */
  static readonly persisted: readonly string[] = []
  /**
   * When engines delete ended processes of this class with everything that is stored about them:
   * `{ after: '30d' }`, `{ keep: 1000 }`, or both. A process is kept for as long as an unfinished
   * one needs it. Default: the option `prune` of the engine; without that, nothing is deleted.
   */
  static readonly prune?: PruneOptions | undefined

  /**
   * The name under which the class is registered and saved. Default: the name of the class. Set it
   * if code is minified.
   */
  static get processName(): string {
    return this.name
  }

  /** Declares inputs, outputs and exit codes. Return the chain to type them. */
  static define(_spec: ProcessSpec): unknown {
    return
  }

  /** The sealed spec of this class. */
  static spec<This extends Definable>(this: This): SpecOf<This> {
    return specOf(this)
  }

  /** Describes the class and its ports, for people. */
  static getDescription(this: Definable & { readonly processName: string }): {
    readonly name: string
    readonly spec: SpecDescription
  } {
    return { name: this.processName, spec: specOf(this).getDescription() }
  }

  /**
   * Makes a process from its saved form, with its fields, `ctx`, outputs and state. Inputs are not
   * checked again. The process runs in memory.
   *
   * @throws UnknownProcessClass if the context does not know the class of the bundle; without a
   * context, if that is not this class
   * @throws IncompatibleBundle if the bundle is damaged, or has a version that the class can't
   *   upgrade
   */
  static recreateFrom<T>(this: abstract new (...args: never) => T, bundle: Bundle, context?: LoadContext): T {
    const own = context?.loader === undefined && context?.processes === undefined
    // Only process classes have this method, and what they load are such.
    const loader = loaderOf<NamedClass>(own ? { processes: [this] } : (context as LoadContext<NamedClass>))
    return recreate(bundle, {
      loader: loader as Loader<AnyProcessClass>,
      logger: context?.logger,
      host: memoryHostOf(context),
    }).process as T
  }

  /** The process whose step, hook or listener is calling this, also after an `await`. */
  static current(): Process | undefined {
    return currentRun()?.process as Process | undefined
  }

  // ---------- data ----------

  /** Type only: the class by which this process is typed. */
  declare readonly '~class': C
  /** The inputs with defaults filled in, frozen deeply. */
  readonly inputs: InputsOf<C>
  /**
   * What the process keeps between its steps. It is saved at each transition. Type it in a class
   * with `declare ctx: { jobs: string[] }`.
   */
  // `any` lets a class declare whatever it keeps, interfaces too; nothing of ours reads it.
  // oxlint-disable-next-line typescript/no-explicit-any
  ctx: Record<string, any> = {}
  readonly #runner: ProcessRunner

  static {
    runnerOf = (process) => (process as Process).#runner
  }

  /**
   * Checks the inputs. The state is then `created`. `onCreate` is called before the fields of
   * subclasses are set.
   *
   * @throws PortValidationError with all problems of the inputs
   */
  constructor(...[inputs, options]: ConstructArgs<C>) {
    const definition = definitionOf(new.target)
    const construction = takeConstruction(new.target) ?? given(options)
    const runner = new ProcessRunner(
      this,
      definition,
      construction,
      construction.host ?? memoryHostOf(options),
    )
    const { data } = runner
    this.#runner = runner
    if (construction.bundle === undefined) {
      data.rawInputs = inputs === undefined ? undefined : frozenCopy(inputs as Record<string, unknown>)
      data.inputs = definition.spec.parseInputs(data.rawInputs).inputs
      if (construction.referring !== undefined) runner.keepReferences(construction.referring)
    } else runner.load(construction.bundle)
    this.inputs = data.inputs as InputsOf<C>
    if (construction.bundle === undefined) definition.hooks.onCreate?.call(this)
  }

  get pid(): string {
    return this.#runner.data.pid
  }
  get creationTime(): Date {
    return new Date(this.#runner.data.createdAt)
  }
  get state(): ProcessState {
    return this.#runner.data.state.label
  }
  get paused(): boolean {
    return this.#runner.data.paused !== undefined
  }
  /**
   * While the process is paused with a message, that message. Otherwise the status that the process
   * set, or else its position in its outline.
   */
  get status(): string | undefined {
    const { paused, status, state } = this.#runner.data
    const at = state.label === 'running' || state.label === 'waiting' ? state.at : undefined
    return paused?.message ?? status ?? at
  }
  /** The number of the current attempt at the step; 1 unless the step is retried. */
  get attempt(): number {
    return this.#runner.attempt
  }
  /**
   * Sets the status. While the process is paused with a message, that message is shown instead. An
   * engine stores the status with the next commit of the process, and within a second at the latest.
   */
  setStatus(status: string | undefined): void {
    if (status !== undefined) checkText('setStatus: a status', status, { empty: true })
    const { data } = this.#runner
    data.status = status
    if (data.inStep) data.host.status?.(data.hosted, status)
  }
  /**
   * Prints a line into the log of the process, which `handle.logs()` and `damson logs` show. An
   * engine stores it with the next commit of the process, and within a second at the latest. A step
   * that runs again prints again; each entry has its time and attempt. About a million characters
   * are kept for a process. Beyond that, the log ends with a line that reports the limit.
   *
   * @throws TypeError for anything but a string, and for an unknown stream
   */
  print(text: string, options: PrintOptions = {}): void {
    this.#runner.reporting.print(text, options)
  }
  /**
   * Reports the progress of the process:
   * `this.progress({ done: 3, total: 10, message: 'relaxing' })`. The report replaces the last one,
   * and is stored as the status is.
   *
   * @throws TypeError or RangeError for anything but numbers from 0 and a string
   */
  progress(progress: Progress): void {
    this.#runner.reporting.progress(progress)
  }
  /**
   * Adds an event of your own to the history of the process. `handle.events()` gives it as
   * `{ name: 'event', data: { name, at, data } }`. The event is stored as a printed line is, and
   * added again when the step runs again.
   *
   * @throws TypeError for a name that is not text or is empty
   * @throws SerializationError for data that can't be saved or has more than 64,000 characters
   */
  addEvent(name: string, data?: unknown): void {
    this.#runner.reporting.event(name, data)
  }
  /** The inputs as they were given, frozen; undefined when none were. */
  get rawInputs(): Readonly<Record<string, unknown>> | undefined {
    return this.#runner.data.rawInputs
  }
  /** The outputs emitted so far. */
  get outputs(): PartialOutputsOf<C> {
    return this.#runner.data.outputs as PartialOutputsOf<C>
  }
  /**
   * Functions that make the exit codes of the class: `return this.exitCodes.ERROR_TOO_LARGE({
   * limit: 3 })`.
   */
  get exitCodes(): ExitCodesOf<C> {
    return this.#runner.data.definition.spec.exitCodes
  }
  /**
   * The logger of the engine, or the one passed to the constructor. What it writes at `info`,
   * `warn` and `error` is also stored with the process, where `handle.logs()` reads it.
   */
  get logger(): Logger {
    return this.#runner.reporting.logger
  }
  /**
   * Aborts, with the reason, when the process is killed, when the time limit of the step or of the
   * process has passed, or when this program loses the process.
   */
  get signal(): AbortSignal {
    return this.#runner.signal
  }
  /** The events of this process; see `ProcessEventMap`. */
  get events(): EventEmitter<ProcessEventMap<Process>> {
    // The runner emits events of this process, and knows it as a `ProcessObject`.
    return this.#runner.notifier.events as EventEmitter<ProcessEventMap<Process>>
  }

  // ---------- how it ended ----------

  /** Whether the process has ended. */
  hasTerminated(): boolean {
    return isTerminated(this.#runner.data)
  }

  /**
   * What the last step returned, or the outputs if that step returned nothing.
   *
   * @throws ProcessExcepted whose cause is the process's own error
   * @throws ProcessKilled
   * @throws InvalidStateError while the process has not ended
   */
  result(): ResultOf<C> {
    return this.#runner.result.value() as ResultOf<C>
  }

  /**
   * Resolves to the outputs when the process has finished. If it finished unsuccessfully, some may
   * be missing. Rejects with the errors that `result()` throws, and also when this program loses
   * the process (`LeaseLost`) or closes it. An unhandled rejection is not reported.
   */
  future(): Promise<PartialOutputsOf<C>> {
    return this.#runner.result.future() as Promise<PartialOutputsOf<C>>
  }

  /**
   * Whether the process finished with all required outputs and without a failing exit code.
   *
   * @throws InvalidStateError unless the process is finished
   */
  successful(): boolean {
    const { state, pid } = this.#runner.data
    if (state.label !== 'finished')
      throw new InvalidStateError(`the process ${pid} is not finished: it is ${state.label}`)
    return state.successful
  }

  /** As `successful()`, but false if that throws. */
  get isSuccessful(): boolean {
    return this.#runner.data.state.label === 'finished' && this.#runner.data.state.successful
  }

  /** The exit code with which the process finished, if there is one. */
  get exitCode(): ExitCodeInfo | undefined {
    return this.#runner.data.state.label === 'finished' ? this.#runner.data.state.exitCode : undefined
  }

  /** Whether the process was killed. */
  killed(): boolean {
    return this.#runner.data.state.label === 'killed'
  }

  /**
   * The message given to `kill`; empty if there was none.
   *
   * @throws InvalidStateError unless the process was killed
   */
  killedMessage(): string {
    const { state, pid } = this.#runner.data
    if (state.label !== 'killed')
      throw new InvalidStateError(`the process ${pid} was not killed: it is ${state.label}`)
    return state.message ?? ''
  }

  /** Whether a kill is recorded but not carried out yet. */
  get isKilling(): boolean {
    return this.#runner.requests.killing !== undefined && !this.#runner.isOver
  }

  /** The value that the process threw; undefined unless the process is excepted. */
  exception(): unknown {
    return this.#runner.data.state.label === 'excepted' ? this.#runner.data.state.error : undefined
  }

  get isExcepted(): boolean {
    return this.#runner.data.state.label === 'excepted'
  }

  // ---------- running ----------

  /** The first step. Like every step, it may be asynchronous. */
  run(): unknown {
    return
  }

  /**
   * Runs the process in memory to its end, and resolves to the outputs. If the process waits, so
   * does this call. With `{ raiseOnFailure: false }` it resolves to what was emitted, however the
   * process ended.
   *
   * @throws ProcessUnsuccessful when the process finished without success
   * @throws ProcessExcepted whose cause is the process's own error
   * @throws ProcessKilled
   * @throws ClosedError when the process has ended or was closed before
   * @throws InvalidStateError when the process is being run already
   */
  async execute(options: { readonly raiseOnFailure: false }): Promise<PartialOutputsOf<C>>
  async execute(options?: { readonly raiseOnFailure?: true | undefined }): Promise<OutputsOf<C>>
  async execute(options: { readonly raiseOnFailure?: boolean | undefined } = {}): Promise<unknown> {
    checkOptions(options, { raiseOnFailure: isFlag }, 'execute')
    const { raiseOnFailure = true } = options
    const runner = this.#runner
    runner.assertOpen()
    await runner.driver.runToEnd()
    return runner.outputs(raiseOnFailure)
  }

  /**
   * Makes one transition. If the process is paused, the call first waits for a `play`; if the
   * process waits, for the end of its wait. A pause interrupts that and counts as one step.
   *
   * @throws InvalidStateError when the process has ended, or is being run already
   * @throws LeaseLost when another program has taken the process over
   */
  step(): Promise<void> {
    return this.#runner.driver.step()
  }

  /** Steps until the process has ended, however it ends. Does nothing if it has ended already. */
  stepUntilTerminated(): Promise<void> {
    return this.#runner.driver.runToEnd()
  }

  // ---------- control ----------

  /**
   * Pauses the process at the next boundary between steps; interrupts waiting. Resolves to true
   * once the process is paused, and to false if `play` cancelled the pause or the process ended
   * first. A call from within the process itself resolves to true once the pause is recorded.
   */
  pause(message?: string): Promise<boolean> {
    return this.#runner.askPause(wellFormed(message))
  }

  /**
   * Lets a paused process continue, or cancels a pause that has not taken effect. Resolves to false
   * if the process has ended.
   */
  play(): Promise<boolean> {
    return this.#runner.askPlay()
  }

  /**
   * Kills the process: at once, or when the running step has ended; the command of that step is
   * dropped. `force` does not wait for the step, and ignores what the step does later. Resolves to
   * true once the kill is recorded, and to false if the process has ended.
   */
  async kill(message?: string, options: { readonly force?: boolean | undefined } = {}): Promise<boolean> {
    checkOptions(options, { force: isFlag }, 'kill')
    return this.#runner.askKill(wellFormed(message), options.force ?? false)
  }

  /**
   * Ends a `Wait` with a value. If the process does not wait, the value is kept for its next
   * `Wait`. Resolves to false if the process has ended.
   */
  resume(value?: unknown): Promise<boolean> {
    return this.#runner.askResume(value)
  }

  /**
   * Sends the process a signal that its class declares. The signal is kept until the process
   * receives it. Other programs use `handle.signal`.
   *
   * @throws PortValidationError for a name that is not declared or a payload that does not fit
   * @throws AlreadyDone when the process has ended
   */
  async sendSignal(name: string, ...[payload]: readonly unknown[]): Promise<void> {
    const problems = this.#runner.data.definition.spec.checkSignal(name, payload)
    if (problems.length > 0) throw new PortValidationError(problems)
    if (!(await this.#runner.askSignal(name, payload)))
      throw new AlreadyDone(
        `the process ${this.pid} has ended (${this.state}): it receives no signal any more`,
      )
  }

  /**
   * Excepts the process with this error, at once or when the running step has ended. Resolves to
   * false if the process has ended.
   */
  fail(error: unknown): Promise<boolean> {
    return this.#runner.askFail(error)
  }

  /**
   * Answers an RPC to the pid of the process, if its engine was opened with a communicator: returns
   * the answer, or throws. By default it takes the intents `status`, `pause`, `play` and `kill` of
   * plumpy's controllers, and answers the last three with a `PendingReply` that resolves once the
   * request is stored. Override it to answer messages of your own, and pass the others on to
   * `super`.
   *
   * It is called on the object that runs in the engine that gets the message. If there is none, it
   * is called on an object made from the saved process, and changes to that object are not saved.
   *
   * @throws TypeError for an unknown intent
   */
  messageReceive(message: unknown): unknown {
    return answerMessage(this.#runner.data, message)
  }

  /**
   * Receives broadcasts, except those about changes of state. By default it carries out the
   * subjects `pause`, `play` and `kill`. If a class overrides it, it is called for one process at a
   * time. It is called on the same object as `messageReceive`.
   */
  broadcastReceive(broadcast: Broadcast): unknown {
    return hearBroadcast(this.#runner.data, broadcast)
  }

  /**
   * Closes the process in this program without a transition: runs the cleanups and `onClose`. A
   * process that ends is closed automatically.
   */
  close(): Promise<void> {
    return this.#runner.closing.close()
  }

  // ---------- for its steps ----------

  /**
   * Emits an output. It is checked at once, and saved with the command of the step.
   *
   * @throws PortValidationError for a name or value that does not fit
   * @throws SerializationError for a value that can't be saved, if the process runs out of a
   * store
   * @throws ClosedError when the process has ended
   */
  protected out<const Name extends OutputName<C>>(port: Name, value: OutputValue<C, Name>): void {
    this.#runner.outputEmitter.emit(port, value)
  }

  /**
   * Starts a child. Resolves once it is durable, not when it ends.
   *
   * @throws SpecError for anything but a process class
   * @throws TypeError for an unknown option, or an invalid pid, key or label
   * @throws PortValidationError for inputs that do not fit
   */
  // One signature for classes and names: with several, editors do not offer the names of inputs.
  protected launch<D extends AnyProcessClass | string>(
    processClass: D & SelfTyped<D>,
    ...args: LaunchChildArgs<D>
  ): Promise<Launched<D>>
  protected launch(
    processClass: AnyProcessClass | string,
    inputs?: Readonly<Record<string, unknown>>,
    options: LaunchOptions = {},
  ): Promise<ProcessHandle> {
    return this.#launching(processClass, async (host, branch) => {
      checkLaunch(processClass, options)
      return host.launch(this.#runner, processClass, inputs, options, branch)
    })
  }

  /**
   * Starts a child for each of the inputs, as a group. Resolves once all of them are durable. When
   * the step runs again, after a crash or as a retry, it finds the same children and the same group.
   *
   * @throws GroupLaunchError for inputs that do not fit, can't be saved or can't be read
   * @throws KeyConflictError if the name is that of a group of another class or with other inputs
   * @throws TypeError or RangeError for a wrong option
   */
  protected launchAll<D extends AnyProcessClass | string>(
    processClass: D & SelfTyped<D>,
    inputs: InputsSource<RefableInputs<D>>,
    options: GroupLaunchOptions = {},
  ): Promise<ProcessGroup<MemberResult<D>>> {
    return this.#launchAll(
      'launchAll',
      processClass,
      () => inputs as InputsSource<Readonly<Record<string, unknown>>>,
      options,
    )
  }

  /**
   * Starts a child for each value of the inputs that are marked with `each`, as a group. The other
   * inputs are the same for all of them.
   *
   * @throws RangeError for columns of different lengths, unless `lengths` is `'shortest'`
   * @throws as `launchAll`
   */
  protected map<D extends AnyProcessClass | string>(
    processClass: D & SelfTyped<D>,
    inputs: Columns<D>,
    { lengths, ...options }: MapOptions = {},
  ): Promise<ProcessGroup<MemberResult<D>>> {
    const rows = async (): Promise<Iterable<Readonly<Record<string, unknown>>>> =>
      rowsOf(await withLists(inputs, options.signal), lengths)
    return this.#launchAll('map', processClass, rows, options)
  }

  #launchAll<R>(
    where: string,
    processClass: AnyProcessClass | string,
    inputs: () =>
      | InputsSource<Readonly<Record<string, unknown>>>
      | Promise<InputsSource<Readonly<Record<string, unknown>>>>,
    groupOptions: GroupLaunchOptions,
  ): Promise<ProcessGroup<R>> {
    return this.#launching(processClass, async (host, branch) => {
      const { own: settings, ofMembers: options } = checkGroupLaunch(where, processClass, groupOptions)
      const given = { processClass, inputs: await inputs() }
      const launched = inChunks(Process, given, settings.chunkSize)
      const launch = { where, inputs: launched.inputs, settings, options }
      return (await host.launchAll(this.#runner, launched.processClass, launch, branch)) as ProcessGroup<R>
    })
  }

  /** Launches something as an operation of the running step. */
  #launching<T>(processClass: unknown, launch: (host: Host, branch: string) => Promise<T>): Promise<T> {
    const runner = this.#runner
    const { host, inStep } = runner.data
    const work = async (branch: string): Promise<T> => {
      runner.assertOpen()
      const { barrier } = runner.currentStep
      if (barrier !== undefined) await barrier
      return launch(host, branch)
    }
    if (!inStep || runner.code.isStaleAttempt) return Operation.of(work(''))
    return runner.currentStep.journal.operation('launch', nameOf(processClass), ({ branch }) => work(branch))
  }

  /**
   * Does something once. Resolves to what `action` returned, once that is durable. When the
   * step runs again, after a crash or as a retry, it resolves to the same without calling `action`.
   * A crash before the result is durable calls `action` again with the same `idempotencyKey`.
   *
   * If a step uses a name again, the uses are counted. If the step does several things at the same
   * time, the second use is refused unless it comes in the same turn or certainly after the first.
   * Use `branch` to distinguish such uses.
   *
   * @throws SerializationError for a result that can't be saved, if the process runs out of a
   * store
   * @throws ProcessKilled, without calling `action`, once a kill of the process is stored
   * @throws InvalidStateError outside a step
   */
  protected effect<T>(
    name: string,
    action: (context: EffectContext) => T | PromiseLike<T>,
    options: EffectOptions = {},
  ): Promise<Awaited<T>> {
    return operate(this, 'effect', name, (step, use) => effect(step, use, action, options)) as Promise<
      Awaited<T>
    >
  }

  /**
   * Writes rows of your own exactly once. Calls `action` with a transaction of the store's
   * database, and stores what it returns in the same transaction. Afterwards it behaves like an
   * effect: a step that runs again gets the same value, and `action` is not called.
   *
   * If `action` throws, nothing that it wrote is stored. It may be called again after a crash, a
   * pause or a lost connection, but only one call counts. Anything that it does outside of `tx` is
   * therefore not part of the transaction. Keep it short: other programs wait for its locks. On
   * SQLite it must not be asynchronous.
   *
   * ```ts
   * await this.transaction('debit', (tx: SqliteTransaction) => {
   *   tx.run('UPDATE account SET balance = balance - ? WHERE id = ?', this.inputs.amount, this.inputs.account)
   * })
   * ```
   *
   * @throws SpecError if the process runs in memory, or in a store that is neither an SQLite file nor on
   * Postgres
   * @throws SerializationError for a value that can't be saved
   * @throws ProcessKilled, without calling `action`, once a kill of the process is stored
   * @throws InvalidStateError outside a step
   */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the action says which it is
  protected transaction<T, Tx extends Transaction = Transaction>(
    name: string,
    action: (tx: Tx, context: EffectContext) => T,
    options: EffectOptions = {},
  ): Promise<Awaited<T>> {
    return operate(this, 'effect', name, (step, use) =>
      transaction(step, use, action as (tx: Transaction, context: EffectContext) => unknown, options),
    ) as Promise<Awaited<T>>
  }

  /**
   * Sleeps within the step. The time at which the sleep ends is recorded, so that it holds across
   * crashes. `name` says what the sleep is for.
   */
  protected sleep(name: string, duration: Duration, options: EvictOptions = {}): Promise<void> {
    return operate(this, 'sleep', name, ({ suspension }, use) => suspension.sleep(use, duration, options))
  }

  /**
   * Waits within the step for a signal that the class declares, and resolves to its payload.
   * Signals that came before count, the oldest first.
   *
   * @throws WaitTimeout when the timeout has passed, again when the step runs again
   * @throws PortValidationError for a payload that does not fit and was sent unchecked
   */
  protected receive<const Name extends SignalName<C>>(
    signal: Name,
    options: ReceiveOptions = {},
  ): Promise<SignalValue<C, Name>> {
    const { as = signal } = options
    return operate(this, 'receive', as, ({ receiver }, use) =>
      receiver.receive(use, signal, options),
    ) as Promise<SignalValue<C, Name>>
  }

  /**
   * Waits within the step for processes, and resolves to their results in the shape in which the
   * handles were given. With `outputs: true` it resolves to their outputs.
   *
   * @throws ProcessError of the first process that failed, as `handle.result()` does, or
   * `handle.outputs.all()`
   */
  protected join<const H extends Joined, O extends boolean = false>(
    name: string,
    handles: H,
    options: JoinOptions & { readonly outputs?: O } = {},
  ): Promise<JoinedResults<H, O>> {
    return operate(this, 'join', name, ({ suspension }, use) =>
      suspension.join(use, handles, options),
    ) as Promise<JoinedResults<H, O>>
  }

  /**
   * Runs a part of the step as a branch of it, and resolves to what `action` returns. Names of
   * effects, waits and launches within the branch, also after an `await`, belong to the branch: the
   * effect `charge` in the branch `book` has the record and the key `book/charge`. So parts of a
   * step that run at the same time may use the same names. Branches nest.
   *
   * ```ts
   * await Promise.all(items.map((item) => this.branch(item.id, () => this.buy(item))))
   * ```
   *
   * @throws SpecError while a branch of that name is in progress
   * @throws InvalidStateError outside a step
   */
  protected branch<T>(name: string, action: () => T | PromiseLike<T>): Promise<Awaited<T>> {
    return operate(this, 'branch', name, ({ journal }) => journal.inBranch(name, action))
  }

  /**
   * Keeps a checkpoint under a tag until the process is pruned: the process as it was when its step
   * began, with what the step has recorded by name. `Client.restart(pid, { from: tag })` continues
   * from there. The checkpoint is durable when the promise resolves. In memory this does nothing.
   */
  protected checkpoint(tag: string): Promise<void> {
    const work = async (): Promise<void> => {
      checkName('checkpoint: the tag', tag)
      const { run } = stepOf(this, 'checkpoint')
      await run.host.checkpoint(run.hosted, tag)
    }
    return Operation.of(work())
  }

  /**
   * The inputs that this class exposes from another class with
   * `spec.exposeInputs(Class, { namespace })`, for launching that class.
   *
   * @throws SpecError if this class does not expose that one under that namespace
   */
  // Typed by `Own`, which is `C`. With `C` itself the compiler would have to compare too much
  // wherever it compares two processes.
  protected exposedInputs<Own, D extends AnyProcessClass, const N extends string = ''>(
    this: { readonly '~class': Own },
    processClass: D,
    namespace?: N,
    options?: ExposedOptions,
  ): ExposedInputs<SpecOf<Own>['~in'], D, N> {
    const { definition, inputs } = runnerOf(this).data
    // What was exposed is what the class of this process declares.
    return exposedInputs(definition.spec, inputs, processClass, namespace, options) as never
  }

  /**
   * The outputs of a process that this class exposes from the class of that process, as `outMany`
   * takes them.
   *
   * @throws SpecError if that class was not exposed under that namespace
   */
  protected exposedOutputs<D extends AnyProcessClass, const N extends string = ''>(
    outputs: Readonly<Record<string, unknown>>,
    processClass: D,
    namespace?: N,
    options?: ExposedOptions,
  ): ExposedOutputs<D, N>
  /**
   * As above, from the handle of a process. Waits for the outputs of the process, which has to
   * succeed, as for `outputs.all()`.
   */
  protected exposedOutputs<D extends AnyProcessClass, const N extends string = ''>(
    child: ProcessHandle,
    processClass: D,
    namespace?: N,
    options?: ExposedOptions,
  ): Promise<ExposedOutputs<D, N>>
  protected exposedOutputs(
    from: ProcessHandle | Readonly<Record<string, unknown>>,
    processClass: AnyProcessClass,
    namespace?: string,
    options?: ExposedOptions,
  ): unknown {
    const { spec } = this.#runner.data.definition
    const exposed = (outputs: Readonly<Record<string, unknown>>): unknown =>
      exposedOutputs(spec, outputs, processClass, namespace, options)
    if (!isHandle(from)) return exposed(from)
    return from.outputs.all().then((outputs) => exposed(outputs))
  }

  /**
   * Emits several outputs, as `out` does, except those that are undefined. Names may be dotted, or
   * the values nested objects.
   *
   * @throws PortValidationError for the first name or value that does not fit
   */
  // Typed as `exposedInputs` is.
  protected outMany<Own>(this: { readonly '~class': Own }, outputs: SeveralOutputs<Own>): void {
    runnerOf(this).outputEmitter.emitAll(outputs)
  }

  /**
   * Runs a callback soon, as part of this process. The command of a running step waits for the
   * callback. If the callback fails, the process excepts.
   */
  callSoon<A extends readonly unknown[]>(callback: (...args: A) => unknown, ...args: A): ProcessCallback {
    return this.#runner.callbacks.callSoon(() => callback(...args))
  }

  /**
   * Adds a callback for when the process is closed. The callback that was added last runs first.
   * Errors of callbacks are logged.
   */
  addCleanup(cleanup: () => unknown): void {
    this.#runner.callbacks.addCleanup(cleanup)
  }

  /** Calls the methods of a listener on the events of this process. Listeners are not saved. */
  addProcessListener(listener: ProcessListener<Process>): void {
    if ((listener as unknown) === this)
      throw new InvalidStateError('a process does not listen to itself: it has hooks for that')
    this.#runner.notifier.add(listener)
  }

  /** Removes a listener that `addProcessListener` added. */
  removeProcessListener(listener: ProcessListener<Process>): void {
    this.#runner.notifier.remove(listener)
  }

  /** Describes the process, for people and programs. */
  getStatusInfo(): StatusInfo {
    return {
      pid: this.pid,
      className: this.#runner.data.definition.name,
      state: this.state,
      paused: this.paused,
      status: this.status,
      creationTime: this.creationTime,
      processString: String(this),
    }
  }

  toString(): string {
    return processText(this.#runner.data.definition.name, this.pid, this.state, this.paused)
  }

  // ---------- for its host ----------

  /** What the host of the process may do with it. */
  get [HOSTED](): Hosted {
    return this.#runner
  }

  // ---------- for subclasses: saving ----------

  /** For `Bundle.from`. */
  [SAVE](): Bundle {
    return this.#runner.bundle()
  }

  /** Puts more values to save into `bundle`. `loadInstanceState` gets them back. */
  saveInstanceState(_bundle: Record<string, unknown>): void {}

  /**
   * Restores the values that `saveInstanceState` saved. Fields, `ctx` and persisted members are set
   * before it is called.
   */
  loadInstanceState(_bundle: Readonly<Record<string, unknown>>): void {}

  /** The form in which inputs are saved, if they can't be saved as they are. */
  encodeInputArgs(inputs: Readonly<Record<string, unknown>>): unknown {
    return inputs
  }

  /** Decodes what `encodeInputArgs` returned. */
  decodeInputArgs(encoded: unknown): Readonly<Record<string, unknown>> {
    return encoded as Readonly<Record<string, unknown>>
  }

  // ---------- for subclasses: hooks ----------
  // All hooks are empty and need no super call. The exiting and entering hooks run before the
  // transition is committed: an error in them excepts the process. The entered hooks run after the
  // commit: an error in them excepts the process in the next commit, and is only logged if there is
  // none. Hooks run at least once: after a crash they may run again.

  /** Before any state is entered. */
  protected onEntering(_to: ProcessState): HookResult {}
  /** After any state was entered. */
  protected onEntered(_from: ProcessState): HookResult {}
  /** Before any state is left. */
  protected onExiting(_to: ProcessState): HookResult {}
  /**
   * Called for a new process once its inputs are checked. Fields of subclasses are not set yet.
   * `new` throws what this throws.
   */
  protected onCreate(): void {}
  /** Before `running` is entered. */
  protected onRun(): HookResult {}
  /** After `running` was entered. */
  protected onRunning(): HookResult {}
  /** Before `running` is left. */
  protected onExitRunning(): HookResult {}
  /** Before `waiting` is entered, with the data of the `Wait`. */
  protected onWait(_data: unknown): HookResult {}
  /** After `waiting` was entered. */
  protected onWaiting(): HookResult {}
  /** Before `waiting` is left. */
  protected onExitWaiting(): HookResult {}
  /** Before the process is paused. */
  protected onPausing(_message: string | undefined): HookResult {}
  /** After the process was paused. */
  protected onPaused(_message: string | undefined): HookResult {}
  /** Before a paused process continues. */
  protected onPlaying(): HookResult {}
  /** Before `finished` is entered. */
  protected onFinish(_result: unknown, _successful: boolean): HookResult {}
  /** After `finished` was entered. */
  protected onFinished(): HookResult {}
  /** Before `excepted` is entered. */
  protected onExcept(_error: unknown): HookResult {}
  /** After `excepted` was entered. */
  protected onExcepted(): HookResult {}
  /** Before `killed` is entered. */
  protected onKill(_message: string): HookResult {}
  /** After `killed` was entered. */
  protected onKilled(): HookResult {}
  /** Before an output is checked and kept. `out` throws what this throws. */
  protected onOutputEmitting(_port: string, _value: unknown): void {}
  /** After an output was checked and kept. */
  protected onOutputEmitted(_port: string, _value: unknown, _dynamic: boolean): void {}
  /** After a terminal state was entered and the future has settled. */
  protected onTerminated(): HookResult {}
  /** After the cleanups. */
  protected onClose(): HookResult {}
}

const OPTIONS: OptionNames<ProcessOptions> = {
  pid: true,
  logger: isLogger,
  types: isListOfTypes,
  clock: isClock,
}

/** The options that a user gave in addition to the inputs. */
function given(options: ProcessOptions = {}): PendingConstruction {
  checkOptions(options, OPTIONS, 'the options of a process')
  if (options.pid !== undefined) checkName('the options of a process: the pid', options.pid)
  return { ...options }
}

/** The host of a process that is constructed with these options, unless something else runs it. */
function memoryHostOf(options: Pick<ProcessOptions, 'types' | 'clock'> | undefined): Host {
  return options?.types === undefined && options?.clock === undefined
    ? memoryHost
    : new MemoryHost(options.types, options.clock)
}

/**
 * @internal The step that a process runs.
 *
 * @throws InvalidStateError if no step runs; `what` is what needs one
 */
export function stepOf(process: object, what: string): CurrentStep {
  return runnerOf(process).stepFor(what)
}

/** Does something as an operation of the running step. */
function operate<T>(
  process: object,
  kind: OperationKind,
  name: string,
  work: (step: CurrentStep, use: Use) => Promise<T>,
): Promise<T> {
  let step: CurrentStep
  try {
    step = stepOf(process, kind)
  } catch (error) {
    return Operation.of(Promise.reject(error as Error))
  }
  return step.journal.operation(kind, name, (use) => work(step, use))
}

/** The name of a launch in messages. */
function nameOf(processClass: unknown): string {
  return typeof processClass === 'function' ? processClass.name : String(processClass)
}
