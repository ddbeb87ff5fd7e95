import { SpecError, type PortProblem } from '../shared/errors.ts'
import { isError, isNative, kindOf } from '../shared/kinds.ts'
import { suggestion } from '../shared/nearest.ts'
import { isJson, preview } from './plain.ts'
import type { Constructor, InstanceOf, Schema } from './schema-type.ts'
import { checkOf, isStandardSchema, type Check } from './schema-check.ts'

/**
 * A check of the user. It is called last, and only for a given value that passes the other checks.
 * It returns a message about the problem, or nothing.
 */
export type Validator<T = unknown, P = Port> = (value: T, port: P) => string | null | undefined | void

/** The conditions of a port on its value. */
export interface PortOptions {
  /** A JSON Schema, checked by ajv, or any synchronous Standard Schema. */
  readonly schema?: Schema | undefined
  /** A constructor, or a list of constructors of which one must fit. */
  readonly instanceOf?: InstanceOf | undefined
  /** Whether a value must be given. Default `true`. */
  readonly required?: boolean | undefined
  // `never` accepts validators of any type of value.
  readonly validator?: Validator<never, never> | undefined
  readonly help?: string | undefined
}

/** The description of a port that `getDescription` returns. */
export interface PortDescription {
  readonly name: string
  readonly required: boolean
  readonly schema?: unknown
  readonly instanceOf?: readonly string[]
  readonly default?: unknown
  readonly help?: string
}

/** A named value. Its properties may be changed until its spec is sealed. */
export class Port {
  readonly name: string
  #schema: Schema | undefined
  #check: Check | undefined
  #instanceOf: InstanceOf | undefined
  #required: boolean
  #validator: Validator<never, never> | undefined
  #help: string | undefined
  #sealed = false

  /** @throws SpecError for an unknown option or an invalid schema */
  constructor(name: string, options: PortOptions = {}) {
    this.name = name
    this.#required = options.required ?? true
    checkOptions(this.optionNames(), options, name)
    this.#setSchema(options.schema)
    this.#setInstanceOf(options.instanceOf)
    this.#setValidator(options.validator)
    this.#help = options.help
  }

  get schema(): Schema | undefined {
    return this.#schema
  }
  set schema(schema: Schema | undefined) {
    this.change()
    this.#setSchema(schema)
  }

  get instanceOf(): InstanceOf | undefined {
    return this.#instanceOf
  }
  set instanceOf(instanceOf: InstanceOf | undefined) {
    this.change()
    this.#setInstanceOf(instanceOf)
  }

  get required(): boolean {
    return this.#required
  }
  set required(required: boolean) {
    this.change()
    this.#required = required
  }

  get validator(): Validator<never, never> | undefined {
    return this.#validator
  }
  set validator(validator: Validator<never, never> | undefined) {
    this.change()
    this.#setValidator(validator)
  }

  get help(): string | undefined {
    return this.#help
  }
  set help(help: string | undefined) {
    this.change()
    this.#help = help
  }

  get sealed(): boolean {
    return this.#sealed
  }

  /** Ends all changes. A later change throws a `SpecError`. */
  seal(): void {
    this.#sealed = true
  }

  /**
   * Returns all problems of a value. `undefined` means that no value was given. `path` is the
   * dotted name in the problems, by default the name of the port.
   */
  validate(value?: unknown, path: string = this.name): PortProblem[] {
    if (value === undefined)
      return this.required ? [{ port: path, message: 'is required, but was not given' }] : []
    const problems = this.checkValue(value, path)
    if (problems.length === 0) this.runValidator(value, path, problems)
    return problems
  }

  /**
   * Returns an unsealed port of the same class, name and options. A subclass with further state
   * overrides this method.
   */
  clone(): Port {
    // Subclasses keep the constructor's parameters, since `portClasses` makes ports with them.
    const made = new (this.constructor as new (name: string, options: PortOptions) => Port)(
      this.name,
      this.options(),
    )
    return Object.assign(made, this)
  }

  /** The options that make an equal port. */
  options(): PortOptions {
    return {
      schema: this.#schema,
      instanceOf: this.#instanceOf,
      required: this.#required,
      validator: this.#validator,
      help: this.#help,
    }
  }

  /** Describes this port, for people and programs. */
  getDescription(): PortDescription {
    return {
      name: this.name,
      required: this.required,
      ...(this.#schema === undefined ? {} : { schema: describeSchema(this.#schema) }),
      ...(this.#instanceOf === undefined
        ? {}
        : { instanceOf: classesOf(this.#instanceOf).map(({ name }) => name) }),
      ...(this.#help === undefined ? {} : { help: this.#help.trim() }),
    }
  }

  /** The description of the port as JSON. */
  toString(): string {
    return JSON.stringify(this.getDescription())
  }

  /** The names of the options of this class of ports. */
  protected optionNames(): readonly string[] {
    return ['schema', 'instanceOf', 'required', 'validator', 'help']
  }

  /** Called before each change. Throws a `SpecError` once the port is sealed. */
  protected change(): void {
    if (this.#sealed)
      throw new SpecError(
        `the port '${this.name}' can't be changed any more: its spec is sealed; change it in define`,
      )
  }

  /** Returns the problems of a value by class and schema only. */
  protected checkValue(value: unknown, path: string): PortProblem[] {
    if (this.#instanceOf !== undefined) {
      const message = classProblem(value, this.#instanceOf)
      if (message !== undefined) return [{ port: path, message }]
    }
    const messages = this.#check?.(value)
    return messages === undefined ? [] : messages.map((message) => ({ port: path, message }))
  }

  /** Adds the problem that the validator of the port reports. */
  protected runValidator(value: unknown, path: string, problems: PortProblem[]): void {
    if (this.#validator === undefined) return
    try {
      const said: unknown = (this.#validator as Validator<unknown, this>)(value, this)
      if (said === undefined || said === null) return
      if (said instanceof Promise) void said.catch(() => undefined)
      const message =
        typeof said === 'string'
          ? said
          : `its validator returned ${preview(said)}; a validator returns a message at once, or nothing`
      problems.push({ port: path, message })
    } catch (error) {
      problems.push({ port: path, message: `its validator threw ${String(error)}`, cause: error })
    }
  }

  #setSchema(schema: Schema | undefined): void {
    this.#check = schema === undefined ? undefined : atPort(this.name, () => checkOf(schema))
    this.#schema = schema
  }

  #setInstanceOf(instanceOf: InstanceOf | undefined): void {
    const classes = instanceOf === undefined ? undefined : classesOf(instanceOf)
    if (classes?.length === 0 || classes?.every((one) => typeof one === 'function') === false)
      throw new SpecError(
        `the port '${this.name}': instanceOf takes a constructor or several, not ${preview(instanceOf)}`,
      )
    this.#instanceOf = instanceOf
  }

  #setValidator(validator: Validator<never, never> | undefined): void {
    if (validator !== undefined && typeof validator !== 'function')
      throw new SpecError(`the port '${this.name}': a validator is a function, not ${preview(validator)}`)
    this.#validator = validator
  }
}

/** Refuses unknown options. */
export function checkOptions(known: readonly string[], options: object, name: string): void {
  for (const option of Object.keys(options))
    if (!known.includes(option))
      throw new SpecError(`the port '${name}' has no option '${option}'${suggestion(option, known)}`)
}

function atPort<T>(name: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof SpecError)) throw error
    throw new SpecError(`the port '${name}': ${error.message}`, { cause: error.cause })
  }
}

function classesOf(instanceOf: InstanceOf): readonly Constructor[] {
  return (Array.isArray(instanceOf) ? instanceOf : [instanceOf]) as readonly Constructor[]
}

const plain = new Map<unknown, string>([
  [Number, 'number'],
  [String, 'string'],
  [Boolean, 'boolean'],
  [BigInt, 'bigint'],
  [Function, 'function'],
])

function classProblem(value: unknown, instanceOf: InstanceOf): string | undefined {
  for (const one of classesOf(instanceOf))
    if (
      typeof value === plain.get(one) ||
      value instanceof (one as new () => unknown) ||
      isForeignOne(value, one)
    )
      return undefined
  const names = classesOf(instanceOf).map((one) => plain.get(one) ?? one.name)
  return `must be of the class ${names.join(' or ')}, not ${preview(value)}`
}

/** Whether a value is an instance of the same built-in class in another realm (`node:vm`). */
function isForeignOne(value: unknown, one: Constructor): boolean {
  if (typeof value !== 'object' || value === null || !isNative(one)) return false
  return (
    kindOf(value) === one.name ||
    (isError(value) && ((one as unknown) === Error || errorNames(value).has(one.name)))
  )
}

/** The names of the built-in classes in the prototype chain of an error. */
function errorNames(error: Error): ReadonlySet<string> {
  const names = new Set<string>()
  for (let at: unknown = error; at !== null; at = Object.getPrototypeOf(at)) {
    const made: unknown = Object.getOwnPropertyDescriptor(at, 'constructor')?.value
    if (typeof made === 'function' && isNative(made)) names.add(made.name)
  }
  return names
}

function describeSchema(schema: Schema): unknown {
  if (isStandardSchema(schema)) return `a schema of ${schema['~standard'].vendor}`
  return isJson(schema) ? schema : { ...schema }
}
