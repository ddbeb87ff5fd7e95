/*
 * Over 400 lines: this is one public class, and most lines are the type parameters of its methods
 * and the types that refer to the class itself.
 */
import { InputPort } from '../ports/input-port.ts'
import { toJsonSchema } from '../ports/json-schema.ts'
import { OutputPort } from '../ports/output-port.ts'
import { isPlainObject, preview } from '../ports/plain.ts'
import type { Port, PortDescription } from '../ports/port.ts'
import type { NamespaceDescription } from '../ports/port-group.ts'
import { PortNamespace } from '../ports/port-namespace.ts'
import type { AnyPathOf, Expose, IsAny, NamespaceNode, PortNode, PutPort } from '../ports/port-tree.ts'
import type { InstanceOf, Schema, ValueType } from '../ports/schema-type.ts'
import { PortValidationError, SpecError, type PortProblem } from '../shared/errors.ts'
import type { Duration } from '../shared/duration.ts'
import { lengthProblem } from '../shared/text.ts'
import { DeclaredExitCodes } from './declared-exit-codes.ts'
import type { ExitCode, ExitCodes } from './exit-code.ts'
import type {
  Default,
  ExposeOptions,
  Exposure,
  PortClasses,
  TypedInputOptions,
  TypedNamespaceOptions,
  TypedPortOptions,
  TypedSignalOptions,
} from './options.ts'
import { FailureDeclarations } from './failure-declarations.ts'
import type { OutlineStep } from './instructions.ts'
import type { Mark, NamedOf, TextReference } from './named-methods.ts'
import type { RetryPolicy, SpecRetryOptions } from './retry-policy.ts'
import { SignalPorts } from './signal-ports.ts'
import { SpecRegistry } from './spec-registry.ts'

/** A process class: anything with a `static define(spec)`, as in plumpy. */
export interface Definable {
  /** Declares the ports, exit codes and signals of the class. */
  define(spec: ProcessSpec): unknown
}

/** Any spec, typed or not. */
// `any` marks "untyped" for the types of this folder, and every typed spec is assignable to it.
// oxlint-disable-next-line typescript/no-explicit-any
export type AnySpec = ProcessSpec<any, any, any, any, any>
/** The spec of a class whose `define` returns nothing: everything is `unknown`. */
// oxlint-disable-next-line typescript/no-explicit-any -- as above
export type UntypedSpec = ProcessSpec<any, any, unknown, any, any>

/** What a class may set as its `specClass`: `ProcessSpec` or a subclass of it. */
export type SpecClass = new () => AnySpec

/** The spec that a class's `define` returns. */
export type SpecOf<C> = C extends { define(spec: ProcessSpec): infer S }
  ? S extends AnySpec
    ? S
    : UntypedSpec
  : UntypedSpec

/**
 * A class of specs as a function of types: `spec` is the class with the type parameters `in`, `out`
 * and so on. A method of `ProcessSpec` thus returns a `WorkChainSpec` when it is called on one, and
 * this file need not know that class.
 */
export interface SpecKind {
  readonly in: unknown
  readonly out: unknown
  readonly returns: unknown
  readonly codes: unknown
  readonly signals: unknown
  readonly spec: ProcessSpec<this['in'], this['out'], this['returns'], this['codes'], this['signals']>
}

/**
 * What a method of a spec returns: a spec of the same kind with these types. `N` carries the
 * methods that the spec names.
 */
export type Chain<
  This extends { readonly '~kind': SpecKind },
  In,
  Out,
  Returns,
  Codes,
  Signals,
  N = NamedOf<This>,
> = (This['~kind'] & {
  readonly in: In
  readonly out: Out
  readonly returns: Returns
  readonly codes: Codes
  readonly signals: Signals
})['spec'] &
  Mark<N>

/** What a method of a spec returns that changes no types, and names these methods. */
export type Named<This extends AnySpec, N> = [N] extends [never]
  ? This
  : Chain<
      This,
      This['~in'],
      This['~out'],
      This['~returns'],
      This['~codes'],
      This['~signals'],
      N | NamedOf<This>
    >

/** The dotted names that can be included or excluded when a class is exposed. */
export type ExposableName<Tree> = IsAny<Tree> extends true ? string : AnyPathOf<Tree>

/** What `getDescription` returns. */
export interface SpecDescription {
  readonly inputs: NamespaceDescription
  readonly outputs: NamespaceDescription
  readonly exitCodes: readonly { readonly code: number; readonly label: string; readonly message: string }[]
  readonly returns?: PortDescription
  /** Absent if there are none. */
  readonly signals?: Readonly<Record<string, PortDescription>>
  /** The outline of a work chain, a line for each part. */
  readonly outline?: readonly string[]
}

/**
 * What a process class declares: its inputs, outputs, exit codes, signals, result, retries and time
 * limits.
 *
 * Each method changes this spec in place and returns it, so statements and chains have the same
 * effect, but only a returned chain carries types. The first use of the class seals its spec. From
 * then on every change throws a `SpecError`.
 */
export class ProcessSpec<out In = {}, out Out = {}, out Returns = unknown, out Codes = {}, out Signals = {}> {
  /** The classes of the ports. A subclass of the spec may name its own. */
  static readonly portClasses: PortClasses = {
    input: InputPort,
    output: OutputPort,
    namespace: PortNamespace,
  }

  /** Type only: the tree of inputs. */
  declare readonly '~in': In
  /** Type only: the tree of outputs. */
  declare readonly '~out': Out
  /** Type only: what the last step returns. */
  declare readonly '~returns': Returns
  /** Type only: the messages of the exit codes by their labels. */
  declare readonly '~codes': Codes
  /** Type only: the payloads of the signals by their names. */
  declare readonly '~signals': Signals
  /** Type only: the class that a chain of calls returns. */
  declare readonly '~kind': SpecKind

  /** The namespace that holds `inputs` and `outputs`. */
  readonly ports: PortNamespace
  readonly inputs: PortNamespace
  readonly outputs: PortNamespace
  readonly #exitCodes = new DeclaredExitCodes()
  readonly #exposed = { inputs: [] as Exposure[], outputs: [] as Exposure[] }
  /** The ports that `checkOutput` has found, filled in once the spec is sealed. */
  readonly #found = new Map<string, Port>()
  readonly #signals = new SignalPorts()
  readonly #failure = new FailureDeclarations(this)
  #returns: OutputPort | undefined
  #sealed = false

  constructor() {
    this.ports = new this.#classes.namespace()
    this.inputs = this.ports.createPortNamespace('inputs')
    this.outputs = this.ports.createPortNamespace('outputs')
  }

  /** Declares an input, or declares it again. A dotted name declares it in a namespace. */
  input<
    This extends AnySpec,
    const Name extends string,
    const S extends Schema | undefined = undefined,
    const I extends InstanceOf | undefined = undefined,
    R extends boolean = true,
    D extends Default<S, I> = never,
  >(
    this: This,
    name: Name,
    options?: TypedInputOptions<S, I, R, D>,
  ): Chain<
    This,
    PutPort<This['~in'], Name, PortNode<ValueType<S, I>, R, D>>,
    This['~out'],
    This['~returns'],
    This['~codes'],
    This['~signals']
  > {
    this.#declare(this.inputs, name, (last) => new this.#classes.input(last, options))
    return chained(this)
  }

  /** Declares an output, or declares it again. A dotted name declares it in a namespace. */
  output<
    This extends AnySpec,
    const Name extends string,
    const S extends Schema | undefined = undefined,
    const I extends InstanceOf | undefined = undefined,
    R extends boolean = true,
  >(
    this: This,
    name: Name,
    options?: TypedPortOptions<S, I, R>,
  ): Chain<
    This,
    This['~in'],
    PutPort<This['~out'], Name, PortNode<ValueType<S, I>, R, never>>,
    This['~returns'],
    This['~codes'],
    This['~signals']
  > {
    this.#declare(this.outputs, name, (last) => new this.#classes.output(last, options))
    return chained(this)
  }

  /** Declares a namespace of inputs. An existing one keeps its ports and takes these options. */
  inputNamespace<
    This extends AnySpec,
    const Name extends string,
    const S extends Schema | undefined = undefined,
    const I extends InstanceOf | undefined = undefined,
    Dynamic extends boolean = false,
    R extends boolean = true,
    D = never,
    P extends boolean = true,
  >(
    this: This,
    name: Name,
    options?: TypedNamespaceOptions<S, I, Dynamic, R, D, P>,
  ): Chain<
    This,
    PutPort<This['~in'], Name, NamespaceNode<S, I, Dynamic, R, D, P>>,
    This['~out'],
    This['~returns'],
    This['~codes'],
    This['~signals']
  > {
    this.change()
    this.inputs.createPortNamespace(name, options)
    return chained(this)
  }

  /** Declares a namespace of outputs. An existing one keeps its ports and takes these options. */
  outputNamespace<
    This extends AnySpec,
    const Name extends string,
    const S extends Schema | undefined = undefined,
    const I extends InstanceOf | undefined = undefined,
    Dynamic extends boolean = false,
    R extends boolean = true,
  >(
    this: This,
    name: Name,
    options?: TypedNamespaceOptions<S, I, Dynamic, R, never, true>,
  ): Chain<
    This,
    This['~in'],
    PutPort<This['~out'], Name, NamespaceNode<S, I, Dynamic, R, never, true>>,
    This['~returns'],
    This['~codes'],
    This['~signals']
  > {
    this.change()
    this.outputs.createPortNamespace(name, options)
    return chained(this)
  }

  /**
   * Takes over the inputs of another class, as deep copies, with the properties of their namespace.
   *
   * @throws SpecError for `include` together with `exclude`, and for an unknown name or option
   */
  exposeInputs<
    This extends AnySpec,
    C extends Definable,
    const O extends ExposeOptions<ExposableName<SpecOf<C>['~in']>> = {},
  >(
    this: This,
    processClass: C,
    options?: O,
  ): Chain<
    This,
    Expose<This['~in'], SpecOf<C>['~in'], O>,
    This['~out'],
    This['~returns'],
    This['~codes'],
    This['~signals']
  > {
    this.#expose('inputs', processClass, options)
    return chained(this)
  }

  /** Like `exposeInputs`, for outputs. */
  exposeOutputs<
    This extends AnySpec,
    C extends Definable,
    const O extends ExposeOptions<ExposableName<SpecOf<C>['~out']>> = {},
  >(
    this: This,
    processClass: C,
    options?: O,
  ): Chain<
    This,
    This['~in'],
    Expose<This['~out'], SpecOf<C>['~out'], O>,
    This['~returns'],
    This['~codes'],
    This['~signals']
  > {
    this.#expose('outputs', processClass, options)
    return chained(this)
  }

  /**
   * Declares one way to end unsuccessfully: a number from 1 up, a label, and a message with
   * `{names}` for the values that are given when the exit code is used. The same label may be
   * declared again.
   */
  exitCode<This extends AnySpec, const L extends string, const M extends string>(
    this: This,
    status: number,
    label: L,
    message: M,
  ): Chain<
    This,
    This['~in'],
    This['~out'],
    This['~returns'],
    PutKey<This['~codes'], L, M>,
    This['~signals']
  > {
    this.change()
    this.#exitCodes.declare(status, label, message)
    return chained(this)
  }

  /**
   * Declares what the last step returns. Otherwise its value has the type `unknown` and is not
   * checked.
   */
  returns<
    This extends AnySpec,
    const S extends Schema | undefined = undefined,
    const I extends InstanceOf | undefined = undefined,
    R extends boolean = true,
  >(
    this: This,
    options: TypedPortOptions<S, I, R>,
  ): Chain<
    This,
    This['~in'],
    This['~out'],
    R extends false ? ValueType<S, I> | undefined : ValueType<S, I>,
    This['~codes'],
    This['~signals']
  > {
    this.change()
    this.#returns = new this.#classes.output('result', options)
    return chained(this)
  }

  /**
   * Declares a signal that a process receives: its name, which is one word, and the conditions on
   * its payload. The same name may be declared again.
   */
  signal<
    This extends AnySpec,
    const Name extends string,
    const S extends Schema | undefined = undefined,
    const I extends InstanceOf | undefined = undefined,
  >(
    this: This,
    name: Name,
    options?: TypedSignalOptions<S, I>,
  ): Chain<
    This,
    This['~in'],
    This['~out'],
    This['~returns'],
    This['~codes'],
    PutKey<This['~signals'], Name, ValueType<S, I>>
  > {
    this.change()
    this.#signals.declare(name, options)
    return chained(this)
  }

  /**
   * Declares how failed steps are retried: all steps, or the one given first (`W.prototype.pay`, or
   * `'pay'`). A declaration for one step replaces the declaration for all steps.
   *
   * @throws SpecError for an unknown or invalid option
   */
  retry<This extends AnySpec>(this: This, options: SpecRetryOptions): This
  retry<This extends AnySpec, S extends OutlineStep>(
    this: This,
    step: S,
    options: SpecRetryOptions,
  ): Named<This, TextReference<'name', S>>
  retry(...args: readonly [SpecRetryOptions] | readonly [OutlineStep, SpecRetryOptions]): unknown {
    this.change()
    this.#failure.retry(...args)
    return this
  }

  /**
   * Declares how long one attempt may take, for all steps or for the one given first. A step that
   * takes longer fails with a `StepTimeout`, which may be retried. `Infinity` means no limit.
   *
   * @throws SpecError for an invalid duration, and for 0
   */
  timeout<This extends AnySpec>(this: This, duration: Duration): This
  timeout<This extends AnySpec, S extends OutlineStep>(
    this: This,
    step: S,
    duration: Duration,
  ): Named<This, TextReference<'name', S>>
  timeout(...args: readonly [Duration] | readonly [OutlineStep, Duration]): unknown {
    this.change()
    this.#failure.timeout(...args)
    return this
  }

  /**
   * Declares how long after its creation a process must have ended. Otherwise it excepts with
   * `DeadlineExceeded`. `Infinity` means no limit.
   *
   * @throws SpecError for an invalid duration, and for 0
   */
  deadline<This extends AnySpec>(this: This, duration: Duration): This {
    this.change()
    this.#failure.deadline(duration)
    return this
  }

  /** Whether there is an input port or namespace of that dotted name. */
  hasInput(name: string): boolean {
    return this.inputs.find(name) !== undefined
  }

  /** Whether there is an output port or namespace of that dotted name. */
  hasOutput(name: string): boolean {
    return this.outputs.find(name) !== undefined
  }

  /**
   * Functions that make the exit codes, by label: `exitCodes.ERROR_TOO_LARGE({ limit: 3 })`. They
   * throw a `SpecError` if a value for the message is missing.
   */
  get exitCodes(): ExitCodes<Record<string, string>> {
    return this.#exitCodes.makers
  }

  /**
   * Returns the exit code for an exit code, a label, or a number, which need not be declared.
   * Returns undefined for 0, which means success.
   *
   * @throws SpecError for an undeclared label, for a negative number, and if the message needs
   * values
   */
  findExitCode(given: ExitCode | string | number): ExitCode | undefined {
    return this.#exitCodes.find(given)
  }

  /** The declared signals by name. */
  get signals(): ReadonlyMap<string, Port> {
    return this.#signals.ports
  }

  /** Whether there is a signal of that name. */
  hasSignal(name: string): boolean {
    return this.#signals.ports.has(name)
  }

  /** The retry policy of a step, or undefined if it is not retried. */
  retryOf(step: string): RetryPolicy | undefined {
    return this.#failure.retryOf(step)
  }

  /** The time limit of one attempt at a step in milliseconds, or undefined if there is none. */
  timeoutOf(step: string): number | undefined {
    return this.#failure.timeoutOf(step)
  }

  /**
   * The time from the creation of a process to its deadline in milliseconds, or undefined if there
   * is none.
   */
  get deadlineAfter(): number | undefined {
    return this.#failure.deadlineAfter
  }

  /** The steps with a `retry` or `timeout` of their own, each once. */
  get retriedSteps(): readonly string[] {
    return this.#failure.named
  }

  /** The inputs exposed from other classes. */
  get exposedInputs(): readonly Exposure[] {
    return this.#exposed.inputs
  }

  /** The outputs exposed from other classes. */
  get exposedOutputs(): readonly Exposure[] {
    return this.#exposed.outputs
  }

  get sealed(): boolean {
    return this.#sealed
  }

  /**
   * Ends all changes of the spec and its ports.
   *
   * @throws SpecError for a default that does not fit
   */
  seal(): void {
    this.ports.seal()
    this.#returns?.seal()
    this.#signals.seal()
    this.#sealed = true
  }

  /**
   * Returns the inputs of a process as deeply frozen copies with the defaults filled in. The given
   * values are neither changed nor frozen. Instances of classes and typed arrays stay the same
   * objects.
   *
   * @throws PortValidationError with all problems
   */
  parseInputs(raw?: Readonly<Record<string, unknown>>): {
    readonly inputs: Readonly<Record<string, unknown>>
  } {
    const inputs = this.inputs.preProcessFrozen(raw)
    const problems = problemsOf(this.inputs, inputs, 'inputs')
    if (problems.length > 0) throw new PortValidationError(problems)
    return { inputs }
  }

  /** Returns the problems of one output under a dotted name. */
  checkOutput(name: string, value: unknown): PortProblem[] {
    if (value === undefined)
      return [
        {
          port: `outputs.${name}`,
          message: 'was given undefined, which is not a value; emit null if there is none',
        },
      ]
    let port = this.#found.get(name)
    if (port === undefined) {
      const tooLong = lengthProblem(name)
      if (tooLong !== undefined) return [{ port: 'outputs', message: `the name of an output ${tooLong}` }]
      port = this.outputs.find(name)
      if (port === undefined) return this.outputs.validateAt(name, value, 'outputs')
      if (this.#sealed) this.#found.set(name, port)
    }
    return port.validate(value, `outputs.${name}`)
  }

  /** Returns the problems of all outputs of a process at its end, including missing ones. */
  validateOutputs(outputs: unknown): PortProblem[] {
    return problemsOf(this.outputs, outputs, 'outputs')
  }

  /** Returns the problems of the payload of a signal, or of its name. */
  checkSignal(name: string, value: unknown): PortProblem[] {
    return this.#signals.check(name, value)
  }

  /** Returns the problems of the value that the last step returned. */
  checkResult(value: unknown): PortProblem[] {
    return this.#returns?.validate(value, 'result') ?? []
  }

  /** Whether `returns` was called. */
  get hasReturns(): boolean {
    return this.#returns !== undefined
  }

  /** Describes the declarations, for people and programs. */
  getDescription(): SpecDescription {
    return {
      inputs: this.inputs.getDescription(),
      outputs: this.outputs.getDescription(),
      exitCodes: this.#exitCodes.describe(),
      ...(this.#returns === undefined ? {} : { returns: this.#returns.getDescription() }),
      ...(this.signals.size === 0 ? {} : { signals: this.#signals.describe() }),
    }
  }

  /** Returns the JSON Schema of the inputs as a launcher gives them, or of the outputs. */
  toJSONSchema(side: 'inputs' | 'outputs'): Record<string, unknown> {
    if (side !== 'inputs' && side !== 'outputs')
      throw new SpecError(`there are 'inputs' and 'outputs', not ${preview(side)}`)
    return toJsonSchema(this[side])
  }

  /** Returns the JSON Schemas of the payloads by the names of the signals. */
  signalSchemas(): Record<string, Record<string, unknown>> {
    return this.#signals.schemas()
  }

  /** The description of the spec as JSON. */
  toString(): string {
    return JSON.stringify(this.getDescription(), undefined, 2)
  }

  get #classes(): PortClasses {
    return (this.constructor as typeof ProcessSpec).portClasses
  }

  /** Called before each change. Throws a `SpecError` once the spec is sealed. */
  protected change(): void {
    if (this.#sealed) throw new SpecError('this spec is sealed: its class is in use; change it in define')
  }

  #declare(side: PortNamespace, name: string, make: (last: string) => Port): void {
    this.change()
    if (typeof name !== 'string') throw new SpecError(`the name of a port is text, not ${preview(name)}`)
    const tooLong = lengthProblem(name)
    if (tooLong !== undefined) throw new SpecError(`the name of a port ${tooLong}`)
    const dot = name.lastIndexOf('.')
    const last = name.slice(dot + 1)
    const into = dot === -1 ? side : side.createPortNamespace(name.slice(0, dot))
    if (into.get(last) instanceof PortNamespace)
      throw new SpecError(`'${name}' is a namespace already: it can't be a port too`)
    into.set(last, make(last))
  }

  #expose(side: 'inputs' | 'outputs', processClass: Definable, options: ExposeOptions = {}): void {
    this.change()
    const source = specOf(processClass)[side]
    const { namespace = '', ...rules } = options
    const into = namespace === '' ? this[side] : this[side].createPortNamespace(namespace)
    const ports = into.absorb(source, rules)
    this.#exposed[side].push({ processClass, namespace, ports })
  }
}

type PutKey<Known, Name extends string, T> = (Name extends keyof Known ? Omit<Known, Name> : Known) & {
  readonly [K in Name]: T
}

// The declaration of each method states how it changes the types.
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
function chained<T>(spec: AnySpec): T {
  return spec as T
}

/**
 * The problems of all values of a process. If no values are required, an empty object counts as not
 * given.
 */
function problemsOf(namespace: PortNamespace, values: unknown, path: string): PortProblem[] {
  const isGiven = namespace.required || !isPlainObject(values) || Object.keys(values).length > 0
  return isGiven ? namespace.validate(values, path) : []
}

const registry = new SpecRegistry<AnySpec>(ProcessSpec)

/**
 * Returns the sealed spec of a class.
 *
 * @throws SpecError if the class has no `define`, or if its `define` is wrong
 */
export function specOf<C extends Definable>(processClass: C): SpecOf<C> {
  // The class's own `define` made the spec of the class.
  return registry.of(processClass) as SpecOf<C>
}
