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
import { checkText, wellFormed } from '../shared/text.ts'
import { isHandle } from './state/awaits.ts'
import { definitionOf } from './definition/process-definition.ts'
import type { ExitCodeInfo } from './state/commands.ts'
import { effect, type EffectContext, type EffectOptions } from './step/effect.ts'
import type { ProcessCallback } from './runner/callbacks.ts'
import type { LaunchOptions, ProcessHandle, ResultOf } from './host/process-handle.ts'
import type { HookResult } from './definition/hooks.ts'
import { recreate, takeConstruction, type PendingConstruction } from './host/construction.ts'
import type { Host } from './host/host.ts'
import { HOSTED, type AnyProcessClass, type Hosted, type ProcessObject } from './host/process-object.ts'
import { checkLaunch } from './host/launch-arguments.ts'
import { ProcessRunner } from './runner/process-runner.ts'
import type { ProcessEventMap } from './host/events.ts'
import type { ProcessListener } from './host/listener.ts'
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
import type { ReceiveOptions } from './step/signal-receiver.ts'
import { currentRun } from './step/current-process.ts'
import type { ProcessState } from './state/process-state.ts'
import type { CurrentStep } from './step/current-step.ts'
import { isTerminated } from './step/run-state.ts'
import type { OperationKind, Use } from './step/step-journal.ts'
import type { EvictOptions } from './step/suspension.ts'

let runnerOf: (process: Process) => ProcessRunner

/**
 * A unit of work that runs step by step and is saved between them. A step is a method; what it returns chooses the next state
 * (`Continue`, `Wait`, `Stop`, `Kill`; anything else is the result). A process runs at once and in memory with `execute()`, or out
 * of a store by an engine.
 *
 * `C` is the class itself, `class Add extends Process<typeof Add>`: it types inputs, outputs and exit codes by what `define` returns.
 */
export class Process<C = Untyped> implements ProcessObject {
  // ---------- of the class ----------

  /** The spec class of this process class and those that extend it. */
  static readonly specClass: SpecClass = ProcessSpec
  /** The version of the saved form. Raise it together with an `upgrade`. */
  static readonly version: number = 1
  /** Lifts a saved form of an older version by one or more versions; see `SavedForm`. It has to be synchronous. */
  static upgrade?(form: SavedForm): SavedForm | void
  /** Names of own fields that are saved, besides `ctx`. Those of the classes it extends are added. */
  static readonly persisted: readonly string[] = []

  /** The name under which the class is registered and saved. Its own by default; set it where code is minified. */
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

  /** What this class is and takes, for people. */
  static getDescription(this: Definable & { readonly processName: string }): {
    readonly name: string
    readonly spec: SpecDescription
  } {
    return { name: this.processName, spec: specOf(this).getDescription() }
  }

  /**
   * A process from its saved form, with its fields, `ctx`, outputs and state; inputs are not checked again. It runs in memory.
   *
   * @throws UnknownProcessClass where the context does not name the class of the bundle; without one it has to be this class
   * @throws IncompatibleBundle where it is damaged, or of a version that the class can't lift
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

  /** The process whose step, hook or listener is running here, also after an `await` in it. */
  static current(): Process | undefined {
    return currentRun()?.process as Process | undefined
  }

  // ---------- what it is made of ----------

  /** Type only: the class by which this process is typed. */
  declare readonly '~class': C
  /** The inputs with defaults filled in, frozen deeply. */
  readonly inputs: InputsOf<C>
  /**
   * What the process keeps between its steps; saved at each transition. Type it in a class with
   * `declare ctx: { jobs: string[] }`.
   */
  // `any` lets a class declare whatever it keeps, interfaces too; nothing of ours reads it.
  // oxlint-disable-next-line typescript/no-explicit-any
  ctx: Record<string, any> = {}
  readonly #runner: ProcessRunner

  static {
    runnerOf = (process) => process.#runner
  }

  /**
   * Checks the inputs; the state is then `created`. `onCreate` is called before the fields of subclasses are set.
   *
   * @throws PortValidationError for inputs that do not fit, with all problems
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
  /** What the process says of itself, else where in its outline it is; the message of the pause while it is paused. */
  get status(): string | undefined {
    const { paused, status, state } = this.#runner.data
    const at = state.label === 'running' || state.label === 'waiting' ? state.at : undefined
    return paused?.message ?? status ?? at
  }
  /** How often the present step has been begun, this time included; 1 unless it is retried. */
  get attempt(): number {
    return this.#runner.attempt
  }
  /** Sets the status. While the process is paused with a message, that goes on to show until it is played. */
  setStatus(status: string | undefined): void {
    if (status !== undefined) checkText('setStatus: a status', status, { empty: true })
    this.#runner.data.status = status
  }
  /** The inputs as they were given, frozen; undefined when none were. */
  get rawInputs(): Readonly<Record<string, unknown>> | undefined {
    return this.#runner.data.rawInputs
  }
  /** What was emitted so far. */
  get outputs(): PartialOutputsOf<C> {
    return this.#runner.data.outputs as PartialOutputsOf<C>
  }
  /** Makers of the exit codes that the class declares: `return this.exitCodes.ERROR_TOO_LARGE({ limit: 3 })`. */
  get exitCodes(): ExitCodesOf<C> {
    return this.#runner.data.definition.spec.exitCodes
  }
  get logger(): Logger {
    return this.#runner.data.logger
  }
  /** Aborts, with the reason, when the process is killed, its step's time or its own is up, or it is taken from this program. */
  get signal(): AbortSignal {
    return this.#runner.signal
  }
  /** The events of this process; see `ProcessEventMap`. */
  get events(): EventEmitter<ProcessEventMap<Process>> {
    return this.#runner.notifier.events as unknown as EventEmitter<ProcessEventMap<Process>>
  }

  // ---------- how it ended ----------

  hasTerminated(): boolean {
    return isTerminated(this.#runner.data)
  }

  /**
   * What the last step returned, or the outputs where it returned nothing.
   *
   * @throws ProcessExcepted whose cause is the process's own error
   * @throws ProcessKilled
   * @throws InvalidStateError while it has not ended
   */
  result(): ResultOf<C> {
    return this.#runner.result.value() as ResultOf<C>
  }

  /**
   * Resolves to the outputs when the process has finished, successful or not, so that some may be missing; rejects as `result()`
   * throws. Also rejects when the process is taken from this program (`LeaseLost`) or closed. A rejection that nobody
   * looks at is not reported as unhandled.
   */
  future(): Promise<PartialOutputsOf<C>> {
    return this.#runner.result.future() as Promise<PartialOutputsOf<C>>
  }

  /**
   * Whether it came to its end with all outputs and no exit code.
   *
   * @throws InvalidStateError unless it is finished
   */
  successful(): boolean {
    const { state, pid } = this.#runner.data
    if (state.label !== 'finished')
      throw new InvalidStateError(`the process ${pid} is not finished: it is ${state.label}`)
    return state.successful
  }

  /** As `successful()`, and false where that throws. */
  get isSuccessful(): boolean {
    return this.#runner.data.state.label === 'finished' && this.#runner.data.state.successful
  }

  /** The exit code it finished with, if it did. */
  get exitCode(): ExitCodeInfo | undefined {
    return this.#runner.data.state.label === 'finished' ? this.#runner.data.state.exitCode : undefined
  }

  killed(): boolean {
    return this.#runner.data.state.label === 'killed'
  }

  /**
   * The message given to `kill`; empty if there was none.
   *
   * @throws InvalidStateError unless it was killed
   */
  killedMessage(): string {
    const { state, pid } = this.#runner.data
    if (state.label !== 'killed')
      throw new InvalidStateError(`the process ${pid} was not killed: it is ${state.label}`)
    return state.message ?? ''
  }

  /** Whether a kill is recorded and not carried out yet. */
  get isKilling(): boolean {
    return this.#runner.requests.killing !== undefined && !this.#runner.isOver
  }

  /** What the process threw, as it was thrown; undefined unless it is excepted. */
  exception(): unknown {
    return this.#runner.data.state.label === 'excepted' ? this.#runner.data.state.error : undefined
  }

  get isExcepted(): boolean {
    return this.#runner.data.state.label === 'excepted'
  }

  // ---------- running ----------

  /** The first step. It may be asynchronous, as every step. */
  run(): unknown {
    return
  }

  /**
   * Runs to the end, here and now, and resolves to the outputs. With `{ raiseOnFailure: false }` it resolves to what was emitted, however the
   * process ended.
   *
   * @throws ProcessUnsuccessful when it finished without success
   * @throws ProcessExcepted whose cause is the process's own error
   * @throws ProcessKilled
   * @throws ClosedError when it has ended or was closed before
   * @throws InvalidStateError when it is being run already
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
   * Makes one transition. Waits first, if the process is paused, for a `play`; if it waits, for what wakes it. A pause interrupts
   * that and counts as one step.
   *
   * @throws InvalidStateError when it has ended, or is being run already
   * @throws LeaseLost when the process is not this program's any more
   */
  step(): Promise<void> {
    return this.#runner.driver.step()
  }

  /** Steps until it has ended, however it ends. Does nothing if it has. */
  stepUntilTerminated(): Promise<void> {
    return this.#runner.driver.runToEnd()
  }

  // ---------- control ----------

  /**
   * Pausing_ at the next boundary between steps, and interrupts waiting. Resolves to true once it is paused, to false when the pause
   * was called off by `play` or the process ended first; from within the process itself to true once recorded.
   */
  pause(message?: string): Promise<boolean> {
    return this.#runner.askPause(wellFormed(message))
  }

  /** Goes on, or calls a pause off that has not come about. False when the process has ended. */
  play(): Promise<boolean> {
    return this.#runner.askPlay()
  }

  /**
   * Kills the process: at once, or when the step that runs has ended; its command is dropped. `force` does not wait for the step: what
   * that does later is ignored. True when it was recorded, false when the process has ended.
   */
  async kill(message?: string, options: { readonly force?: boolean | undefined } = {}): Promise<boolean> {
    checkOptions(options, { force: isFlag }, 'kill')
    return this.#runner.askKill(wellFormed(message), options.force ?? false)
  }

  /** Ends a `Wait` with a value; kept for the next one while the process does not wait. False when the process has ended. */
  resume(value?: unknown): Promise<boolean> {
    return this.#runner.askResume(value)
  }

  /**
   * Sends the process a signal that its class declares; kept until it is received. From other programs: `handle.signal`.
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

  /** Excepts the process with this error, at once or when the step that runs has ended. False when it has ended. */
  fail(error: unknown): Promise<boolean> {
    return this.#runner.askFail(error)
  }

  /** Ends it here without a transition: runs the cleanups, and `onClose`. Comes by itself when the process has ended. */
  close(): Promise<void> {
    return this.#runner.lifetime.close()
  }

  // ---------- for its steps ----------

  /**
   * Emits an output. It is checked at once, and saved with the step's command.
   *
   * @throws PortValidationError for a name or value that does not fit
   * @throws SerializationError for a value that can't be saved, where the process is run out of a store (C10)
   * @throws ClosedError when the process has ended
   */
  protected out<const Name extends OutputName<C>>(port: Name, value: OutputValue<C, Name>): void {
    this.#runner.outputEmitter.emit(port, value)
  }

  /**
   * Starts a child. Resolves once it is durable (C2), not when it ends.
   *
   * @throws SpecError for what is no process class
   * @throws TypeError for an unknown option, or a pid, key or label that is none
   * @throws PortValidationError for inputs that do not fit
   */
  protected launch(
    processClass: string,
    inputs?: Readonly<Record<string, unknown>>,
    options?: LaunchOptions,
  ): Promise<ProcessHandle>
  // Last, since compilers tell what is wrong with the last overload.
  protected launch<D extends AnyProcessClass>(
    processClass: D & SelfTyped<D>,
    ...args: LaunchChildArgs<D>
  ): Promise<ProcessHandle<ResultOf<D>, D>>
  protected launch(
    processClass: AnyProcessClass | string,
    inputs?: Readonly<Record<string, unknown>>,
    options: LaunchOptions = {},
  ): Promise<ProcessHandle> {
    const runner = this.#runner
    const { host, inStep } = runner.data
    const work = async (branch: string): Promise<ProcessHandle> => {
      runner.assertOpen()
      checkLaunch(processClass, options)
      const { barrier } = runner.currentStep
      if (barrier !== undefined) await barrier
      return host.launch(runner, processClass, inputs, options, branch)
    }
    if (!inStep || runner.code.isStaleAttempt) return Operation.of(work(''))
    return runner.currentStep.journal.operation('launch', nameOf(processClass), ({ branch }) => work(branch))
  }

  /**
   * Does something once (C6): resolves to what `action` gave, after that is durable; when the step runs again, after a crash or to be
   * retried, to the same without calling `action`. A crash in between calls it again with the same `idempotencyKey`.
   *
   * A name that comes again in a step counts on. Where the step does several things at the same time it is refused, unless it comes in the
   * same turn or certainly after the first: scope it by `branch`.
   *
   * @throws SerializationError for a result that can't be saved, where the process is run out of a store (C10)
   * @throws ProcessKilled once a kill of the process is stored, before `action` is called
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

  /** Sleeps within the step, also through a crash: the time at which it ends is kept. `name` tells what for. */
  protected sleep(name: string, duration: Duration, options: EvictOptions = {}): Promise<void> {
    return operate(this, 'sleep', name, ({ suspension }, use) => suspension.sleep(use, duration, options))
  }

  /**
   * Waits within the step for a signal that the class declares, and resolves to its payload. One that came before counts (C8), the oldest
   * first.
   *
   * @throws WaitTimeout when the time is up; so too when the step runs again
   * @throws PortValidationError for a payload that does not fit, where it was sent unchecked
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
   * Waits within the step for processes, and resolves to their results, in the shape in which their handles were given.
   *
   * @throws ProcessError of the first that failed, as `handle.result()` does
   */
  protected join<const H extends Joined>(
    name: string,
    handles: H,
    options: EvictOptions = {},
  ): Promise<JoinedResults<H>> {
    return operate(this, 'join', name, ({ suspension }, use) =>
      suspension.join(use, handles, options),
    ) as Promise<JoinedResults<H>>
  }

  /**
   * Runs a part of the step as a branch of it, and resolves to what `action` gives. Within it, also after an `await`, the names of effects,
   * waits and launches are its own: the effect `charge` in the branch `book` has the record and the key `book/charge`. With that, parts of
   * a step that run at the same time may use the same names. Branches nest.
   *
   * ```ts
   * await Promise.all(items.map((item) => this.branch(item.id, () => this.buy(item))))
   * ```
   *
   * @throws SpecError for a name that is in use: a branch of that name is in progress
   * @throws InvalidStateError outside a step
   */
  protected branch<T>(name: string, action: () => T | PromiseLike<T>): Promise<Awaited<T>> {
    return operate(this, 'branch', name, ({ journal }) => journal.inBranch(name, action))
  }

  /**
   * Keeps the process as it was when its step began, with what the step has done by name, under a tag, until it is pruned:
   * `Client.restart(pid, { from: tag })` goes on from there. Durable when it resolves. In memory it does nothing.
   */
  protected checkpoint(tag: string): Promise<void> {
    const work = async (): Promise<void> => {
      checkText('checkpoint: the tag', tag)
      const { run } = stepOf(this as unknown as Process, 'checkpoint')
      await run.host.checkpoint(run.hosted, tag)
    }
    return Operation.of(work())
  }

  /**
   * The inputs that were exposed from a class, for launching it: as `spec.exposeInputs(Class, { namespace })` took them over.
   *
   * @throws SpecError where that class was not exposed under that namespace
   */
  // Typed by `Own`, which is `C`: with that itself the compiler would have to compare too much wherever it compares two processes.
  protected exposedInputs<Own, D extends AnyProcessClass, const N extends string = ''>(
    this: { readonly '~class': Own },
    processClass: D,
    namespace?: N,
    options?: ExposedOptions,
  ): ExposedInputs<SpecOf<Own>['~in'], D, N> {
    const { definition, inputs } = runnerOf(this as unknown as Process).data
    // What was exposed is what the class of this process declares.
    return exposedInputs(definition.spec, inputs, processClass, namespace, options) as never
  }

  /**
   * Of the outputs of a process, those that this class exposes from its class, as `outMany` takes them.
   *
   * @throws SpecError where that class was not exposed under that namespace
   */
  protected exposedOutputs<D extends AnyProcessClass, const N extends string = ''>(
    outputs: Readonly<Record<string, unknown>>,
    processClass: D,
    namespace?: N,
    options?: ExposedOptions,
  ): ExposedOutputs<D, N>
  /** As above, from the handle of a process: its outputs are waited for, and it has to succeed, as for `outputs.all()`. */
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
   * Emits several outputs, as `out` does; what is undefined is left out. Names may be dotted, or nest as objects do.
   *
   * @throws PortValidationError for the first name or value that does not fit
   */
  // Typed as `exposedInputs` is.
  protected outMany<Own>(this: { readonly '~class': Own }, outputs: SeveralOutputs<Own>): void {
    runnerOf(this as unknown as Process).outputEmitter.emitAll(outputs)
  }

  /** Runs a callback soon, as part of this process; a step's command waits for it. If it fails the process excepts. */
  callSoon<A extends readonly unknown[]>(callback: (...args: A) => unknown, ...args: A): ProcessCallback {
    return this.#runner.callbacks.callSoon(() => callback(...args))
  }

  /** Calls back when the process is closed, last added first. What it throws is logged. */
  addCleanup(cleanup: () => unknown): void {
    this.#runner.callbacks.addCleanup(cleanup)
  }

  addProcessListener(listener: ProcessListener<Process>): void {
    if ((listener as unknown) === this)
      throw new InvalidStateError('a process does not listen to itself: it has hooks for that')
    this.#runner.notifier.add(listener)
  }

  removeProcessListener(listener: ProcessListener<Process>): void {
    this.#runner.notifier.remove(listener)
  }

  /** What it tells of itself, for people and programs. */
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
    return `${this.#runner.data.definition.name}<${this.pid}> (${this.state}${this.paused ? ', paused' : ''})`
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

  /** Puts what else is to be saved into `bundle`; it comes back to `loadInstanceState`. */
  saveInstanceState(_bundle: Record<string, unknown>): void {}

  /** Takes back what `saveInstanceState` had put there. Fields, `ctx` and persisted members are set before. */
  loadInstanceState(_bundle: Readonly<Record<string, unknown>>): void {}

  /** The form in which inputs are saved, where they can't be saved as they are. */
  encodeInputArgs(inputs: Readonly<Record<string, unknown>>): unknown {
    return inputs
  }

  /** The inputs from what `encodeInputArgs` gave. */
  decodeInputArgs(encoded: unknown): Readonly<Record<string, unknown>> {
    return encoded as Readonly<Record<string, unknown>>
  }

  // ---------- for subclasses: hooks ----------
  // All are empty and need no super call. Those of exiting and entering run before the transition is committed: an error there
  // excepts the process. Those of having entered run after it: an error there excepts in the next commit, and is only
  // logged when there is none. After a crash they may run again (at least once).

  /** Before any state is entered. */
  protected onEntering(_to: ProcessState): HookResult {}
  /** After any state was entered. */
  protected onEntered(_from: ProcessState): HookResult {}
  /** Before any state is left. */
  protected onExiting(_to: ProcessState): HookResult {}
  /** A new process, its inputs checked; fields of subclasses are not set yet. What it throws comes out of `new`. */
  protected onCreate(): void {}
  protected onRun(): HookResult {}
  protected onRunning(): HookResult {}
  protected onExitRunning(): HookResult {}
  protected onWait(_data: unknown): HookResult {}
  protected onWaiting(): HookResult {}
  protected onExitWaiting(): HookResult {}
  protected onPausing(_message: string | undefined): HookResult {}
  protected onPaused(_message: string | undefined): HookResult {}
  protected onPlaying(): HookResult {}
  protected onFinish(_result: unknown, _successful: boolean): HookResult {}
  protected onFinished(): HookResult {}
  protected onExcept(_error: unknown): HookResult {}
  protected onExcepted(): HookResult {}
  protected onKill(_message: string): HookResult {}
  protected onKilled(): HookResult {}
  /** Before an output is checked and kept; what it throws comes out of `out`. */
  protected onOutputEmitting(_port: string, _value: unknown): void {}
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

/** What a user gave beside the inputs. */
function given(options: ProcessOptions = {}): PendingConstruction {
  checkOptions(options, OPTIONS, 'the options of a process')
  if (options.pid !== undefined) checkText('the options of a process: the pid', options.pid)
  return { ...options }
}

/** The host of a process that is made with these options, unless something else runs it. */
function memoryHostOf(options: Pick<ProcessOptions, 'types' | 'clock'> | undefined): Host {
  return options?.types === undefined && options?.clock === undefined
    ? memoryHost
    : new MemoryHost(options.types, options.clock)
}

/**
 * @internal The step that a process runs.
 *
 * @throws InvalidStateError where no step runs; `what` is what needs one
 */
export function stepOf(process: Process, what: string): CurrentStep {
  return runnerOf(process).stepFor(what)
}

/** Does something as an operation of the step that runs. */
function operate<T>(
  process: object,
  kind: OperationKind,
  name: string,
  work: (step: CurrentStep, use: Use) => Promise<T>,
): Promise<T> {
  let step: CurrentStep
  try {
    step = stepOf(process as Process, kind)
  } catch (error) {
    return Operation.of(Promise.reject(error as Error))
  }
  return step.journal.operation(kind, name, (use) => work(step, use))
}

/** What a launch is called in messages. */
function nameOf(processClass: unknown): string {
  return typeof processClass === 'function' ? processClass.name : String(processClass)
}
