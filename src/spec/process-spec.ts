import { InputPort } from '../ports/input-port.ts'
import { toJsonSchema } from '../ports/json-schema.ts'
import { suggestion } from '../shared/nearest.ts'
import { OutputPort } from '../ports/output-port.ts'
import { isPlainObject, preview } from '../ports/plain.ts'
import type { Port, PortDescription } from '../ports/port.ts'
import type { NamespaceDescription } from '../ports/port-group.ts'
import { PortNamespace } from '../ports/port-namespace.ts'
import type { Expose, NamespaceNode, PortNode, PutPort } from '../ports/port-tree.ts'
import type { InstanceOf, Schema, ValueType } from '../ports/schema-type.ts'
import { PortValidationError, SpecError, type PortProblem } from '../shared/errors.ts'
import type { Duration } from '../shared/duration.ts'
import { ExitCode, type ExitCodes, type ExitCodeValue } from './exit-code.ts'
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
import { FailureRules } from './failure-rules.ts'
import type { OutlineStep } from './instructions.ts'
import type { RetryPolicy, SpecRetryOptions } from './retry-policy.ts'
import { SignalPorts } from './signal-ports.ts'
import { specOf } from './spec-of.ts'
import type { AnySpec, Chain, Definable, ExposableName, SpecOf } from './typing.ts'

/** What `getDescription` tells of a spec. */
export interface SpecDescription {
  readonly inputs: NamespaceDescription
  readonly outputs: NamespaceDescription
  readonly exitCodes: readonly { readonly code: number; readonly label: string; readonly message: string }[]
  readonly returns?: PortDescription
  /** Where there are any. */
  readonly signals?: Readonly<Record<string, PortDescription>>
  /** The outline of a work chain, a line for each part. */
  readonly outline?: readonly string[]
}

/**
 * What a process class declares: its inputs, outputs, exit codes and result.
 *
 * Each method changes this spec in place and returns it, so statements and chains do the same
 * thing; only a returned chain carries types. At first use of its class a spec is sealed, and
 * from then on every change is a `SpecError`.
 */
export class ProcessSpec<out In = {}, out Out = {}, out Returns = unknown, out Codes = {}, out Signals = {}> {
  /** The classes of the ports; a subclass of the spec may name its own. */
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

  /** The namespace that holds `inputs` and `outputs`. */
  readonly ports: PortNamespace
  readonly inputs: PortNamespace
  readonly outputs: PortNamespace
  readonly #exitCodes = new Map<string, ExitCode>()
  readonly #exposed = { inputs: [] as Exposure[], outputs: [] as Exposure[] }
  /** Where `out` found its ports; filled once nothing can change any more. */
  readonly #found = new Map<string, Port>()
  readonly #signals = new SignalPorts()
  readonly #failure = new FailureRules()
  #returns: OutputPort | undefined
  #makers: ExitCodes<Record<string, string>> | undefined
  #sealed = false

  constructor() {
    this.ports = new this.#classes.namespace()
    this.inputs = this.ports.createPortNamespace('inputs')
    this.outputs = this.ports.createPortNamespace('outputs')
  }

  /** Declares an input. A dotted name nests; a name that is there already is declared anew. */
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

  /** Declares an output. A dotted name nests; a name that is there already is declared anew. */
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

  /** Declares a namespace of inputs. One that is there keeps its ports and gets these options. */
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

  /** Declares a namespace of outputs. One that is there keeps its ports and gets these options. */
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
   * Takes over the inputs of another class, as deep copies, with the properties of their
   * namespace. Throws a `SpecError` for `include` together with `exclude`, and for a name or an
   * option that there is not.
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

  /** As `exposeInputs`, for outputs. */
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
   * Declares one way to end unsuccessfully: a number from 1 up, a label, and a message whose
   * `{names}` are filled in where the code is used. A label that is there is declared anew.
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
    if (!Number.isInteger(status) || status < 1)
      throw new SpecError(`the exit code '${label}' needs a whole number from 1 up, not ${preview(status)}`)
    if (typeof label !== 'string' || !/^[A-Za-z_]\w*$/.test(label) || label === '__proto__')
      throw new SpecError(
        `an exit code is labelled with letters, digits and '_', as in ERROR_TOO_LARGE, not ${preview(label)}`,
      )
    for (const known of this.#exitCodes.values())
      if (known.code === status && known.label !== label)
        throw new SpecError(`the exit codes ${known.label} and ${label} have the same number ${status}`)
    this.#exitCodes.set(label, new ExitCode(status, label, message))
    this.#makers = undefined
    return chained(this)
  }

  /** Declares what the last step returns; without it a returned value is `unknown` and not checked. */
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
   * Declares a message that a process takes: its name, one word, and what its payload has to be. One that is there is declared
   * anew.
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
   * Declares how failing steps are tried again: all of them, or one, which is given first (`W.prototype.pay`, or `'pay'`). What is
   * declared for one step stands for it in place of what is declared for all.
   *
   * @throws SpecError for an option that is wrong or that there is not
   */
  retry<This extends AnySpec>(this: This, options: SpecRetryOptions): This
  retry<This extends AnySpec>(this: This, step: OutlineStep, options: SpecRetryOptions): This
  retry<This extends AnySpec>(
    this: This,
    ...args: readonly [SpecRetryOptions] | readonly [OutlineStep, SpecRetryOptions]
  ): This {
    this.change()
    this.#failure.retry(...args)
    return this
  }

  /**
   * Declares how long one try of a step may take: of every step, or of one, which is given first. A step that takes longer fails with a
   * `StepTimeout`, which may be retried. `Infinity` is no limit.
   *
   * @throws SpecError for what is no duration, and for 0
   */
  timeout<This extends AnySpec>(this: This, duration: Duration): This
  timeout<This extends AnySpec>(this: This, step: OutlineStep, duration: Duration): This
  timeout<This extends AnySpec>(
    this: This,
    ...args: readonly [Duration] | readonly [OutlineStep, Duration]
  ): This {
    this.change()
    this.#failure.timeout(...args)
    return this
  }

  /**
   * Declares within what time of its creation a process has to end; else it excepts with `DeadlineExceeded`. `Infinity` is no limit.
   *
   * @throws SpecError for what is no duration, and for 0
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

  /** The exit codes by label: `exitCodes.ERROR_TOO_LARGE({ limit: 3 })`. A missing value is a `SpecError`. */
  get exitCodes(): ExitCodes<Record<string, string>> {
    if (this.#makers !== undefined) return this.#makers
    const makers = Object.create(null) as Record<string, (values?: Record<string, ExitCodeValue>) => ExitCode>
    for (const [label, code] of this.#exitCodes) makers[label] = (values) => code.format(values)
    return (this.#makers = Object.freeze(makers))
  }

  /**
   * An exit code as it can be given where a process ends: itself, its label, or its number, which need not be declared. Nothing for 0.
   *
   * @throws SpecError for a label that is not declared, a number below 0, and where the message needs values
   */
  findExitCode(given: ExitCode | string | number): ExitCode | undefined {
    if (given instanceof ExitCode) return given.code === 0 ? undefined : given
    if (given === 0) return undefined
    for (const known of this.#exitCodes.values())
      if (known.label === given || known.code === given) return known.format()
    if (typeof given === 'number' && Number.isInteger(given) && given > 0)
      return new ExitCode(given, `EXIT_${given}`, `ended with ${given}`)
    if (typeof given === 'number')
      throw new SpecError(
        `the number of an exit code is a whole one from 1 up, or 0 for success, not ${given}`,
      )
    throw new SpecError(`there is no exit code '${given}'${suggestion(given, this.#exitCodes.keys())}`)
  }

  /** The signals by their names. */
  get signals(): ReadonlyMap<string, Port> {
    return this.#signals.ports
  }

  /** Whether there is a signal of that name. */
  hasSignal(name: string): boolean {
    return this.#signals.ports.has(name)
  }

  /** How a step is tried again; nothing where its first failure is the last. */
  retryOf(step: string): RetryPolicy | undefined {
    return this.#failure.retryOf(step)
  }

  /** How many milliseconds one try of a step may take; nothing where there is no limit. */
  timeoutOf(step: string): number | undefined {
    return this.#failure.timeoutOf(step)
  }

  /** How many milliseconds after its creation a process has to have ended; nothing where there is no limit. */
  get deadlineAfter(): number | undefined {
    return this.#failure.deadlineAfter
  }

  /** The steps that `retry` and `timeout` were given by name, each once. */
  get retriedSteps(): readonly string[] {
    return this.#failure.named
  }

  /** Which inputs were exposed from which classes. */
  get exposedInputs(): readonly Exposure[] {
    return this.#exposed.inputs
  }

  /** Which outputs were exposed from which classes. */
  get exposedOutputs(): readonly Exposure[] {
    return this.#exposed.outputs
  }

  get sealed(): boolean {
    return this.#sealed
  }

  /** Ends all changes, of the ports too. Throws a `SpecError` for a default that does not fit. */
  seal(): void {
    this.ports.seal()
    this.#returns?.seal()
    this.#signals.seal()
    this.#sealed = true
  }

  /**
   * The inputs of a process: defaults filled in, checked, copied and frozen deeply. What was given
   * is neither changed nor frozen; instances of classes and typed arrays stay the same objects.
   * Throws a `PortValidationError` with all problems.
   */
  parseInputs(raw?: Readonly<Record<string, unknown>>): {
    readonly inputs: Readonly<Record<string, unknown>>
  } {
    const inputs = this.inputs.preProcessFrozen(raw)
    const problems = problemsOf(this.inputs, inputs, 'inputs')
    if (problems.length > 0) throw new PortValidationError(problems)
    return { inputs }
  }

  /** What is wrong with one output under a dotted name; `out` throws it. */
  checkOutput(name: string, value: unknown): PortProblem[] {
    if (value === undefined)
      return [
        {
          port: `outputs.${name}`,
          message: 'was given undefined, which is no value; emit null where there is none',
        },
      ]
    let port = this.#found.get(name)
    if (port === undefined) {
      port = this.outputs.find(name)
      if (port === undefined) return this.outputs.validateAt(name, value, 'outputs')
      if (this.#sealed) this.#found.set(name, port)
    }
    return port.validate(value, `outputs.${name}`)
  }

  /** What is wrong with the outputs of a process at its end, what is missing among it. */
  validateOutputs(outputs: unknown): PortProblem[] {
    return problemsOf(this.outputs, outputs, 'outputs')
  }

  /** What is wrong with the payload of a signal, or with its name. */
  checkSignal(name: string, value: unknown): PortProblem[] {
    return this.#signals.check(name, value)
  }

  /** What is wrong with what the last step returned. */
  checkResult(value: unknown): PortProblem[] {
    return this.#returns?.validate(value, 'result') ?? []
  }

  /** Whether `returns` was called. */
  get hasReturns(): boolean {
    return this.#returns !== undefined
  }

  /** What this spec declares, for people and programs. */
  getDescription(): SpecDescription {
    return {
      inputs: this.inputs.getDescription(),
      outputs: this.outputs.getDescription(),
      exitCodes: Array.from(this.#exitCodes.values(), ({ code, label, message }) => ({
        code,
        label,
        message,
      })),
      ...(this.#returns === undefined ? {} : { returns: this.#returns.getDescription() }),
      ...(this.signals.size === 0 ? {} : { signals: this.#signals.describe() }),
    }
  }

  /** The JSON Schema of the inputs as they are given, or of the outputs. */
  toJSONSchema(side: 'inputs' | 'outputs'): Record<string, unknown> {
    if (side !== 'inputs' && side !== 'outputs')
      throw new SpecError(`there are 'inputs' and 'outputs', not ${preview(side)}`)
    return toJsonSchema(this[side])
  }

  /** The JSON Schema of each signal's payload, by the names of the signals. */
  signalSchemas(): Record<string, Record<string, unknown>> {
    return this.#signals.schemas()
  }

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

// What a call changes of the types is what its declaration says.
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
function chained<T>(spec: AnySpec): T {
  return spec as T
}

/** What is wrong with all values of a process. Of the whole, none given and an empty object of them are the same. */
function problemsOf(namespace: PortNamespace, values: unknown, path: string): PortProblem[] {
  const isGiven = namespace.required || !isPlainObject(values) || Object.keys(values).length > 0
  return isGiven ? namespace.validate(values, path) : []
}
