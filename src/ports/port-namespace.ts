import type { PortProblem } from '../shared/errors.ts'
import { SpecError } from '../shared/errors.ts'
import { describeDefault, InputPort } from './input-port.ts'
import { suggestion } from '../shared/nearest.ts'
import { PathRules } from './path-rules.ts'
import { getOwn, setOwn } from '../shared/own.ts'
import { frozenCopy, isPlainObject, preview } from './plain.ts'
import { Port, checkOptions, type PortDescription, type PortOptions } from './port.ts'
import { checkName, cut, join, splitName, wrongName } from './port-name.ts'
import type { InstanceOf, Schema } from './schema-type.ts'
import { undeclaredProblems } from './undeclared.ts'

/** As those of a port; `schema` and `instanceOf` speak of the undeclared values, and make the namespace dynamic. */
export interface NamespaceOptions extends PortOptions {
  /** Whether it accepts undeclared ports, nested at will; `false` unless said otherwise. */
  readonly dynamic?: boolean | undefined
  /** The values when the namespace is not given, or a function that makes them for each process. */
  readonly default?: unknown
  /** `false`: when the namespace is not given, the defaults inside it are not filled in. */
  readonly populateDefaults?: boolean | undefined
}

export interface AbsorbOptions {
  /** Only these dotted names; none for an empty list. */
  readonly include?: readonly string[] | undefined
  /** All but these dotted names. */
  readonly exclude?: readonly string[] | undefined
  /** Properties of the namespace that win over those of the absorbed one. */
  readonly namespaceOptions?: NamespaceOptions | undefined
}

export interface NamespaceDescription extends PortDescription {
  readonly dynamic: boolean
  readonly populateDefaults: boolean
  readonly ports: Readonly<Record<string, PortDescription | NamespaceDescription>>
}

/** How values are taken over: as they are, or copied and frozen. */
type Keep = { seen: Map<object, object> | undefined } | undefined

/**
 * A group of ports and of further groups; a Map-like of them by their names.
 *
 * Values are found by own property only and names are never used as paths into objects, so that
 * no name (`constructor`, `__proto__`) reaches beyond the values that were given.
 */
export class PortNamespace extends Port {
  readonly #ports = new Map<string, Port>()
  /** Names left out when this was exposed: dynamic or not, they are not accepted. */
  readonly #excluded = new Set<string>()
  #dynamic: boolean
  #default: unknown
  #populateDefaults: boolean
  /** The ports as a list, once they can't change any more. */
  #entries: readonly (readonly [string, Port])[] | undefined
  #fillsIn: boolean | undefined

  constructor(name = '', options: NamespaceOptions = {}) {
    super(name, options)
    this.#dynamic =
      options.dynamic === true || options.schema !== undefined || options.instanceOf !== undefined
    this.#default = options.default
    this.#populateDefaults = options.populateDefaults ?? true
  }

  // Setting what undeclared values must be makes no sense unless they are accepted.
  override get schema(): Schema | undefined {
    return super.schema
  }
  override set schema(schema: Schema | undefined) {
    super.schema = schema
    if (schema !== undefined) this.#dynamic = true
  }

  override get instanceOf(): InstanceOf | undefined {
    return super.instanceOf
  }
  override set instanceOf(instanceOf: InstanceOf | undefined) {
    super.instanceOf = instanceOf
    if (instanceOf !== undefined) this.#dynamic = true
  }

  get dynamic(): boolean {
    return this.#dynamic
  }
  set dynamic(dynamic: boolean) {
    this.change()
    this.#dynamic = dynamic
  }

  get populateDefaults(): boolean {
    return this.#populateDefaults
  }
  set populateDefaults(populateDefaults: boolean) {
    this.change()
    this.#populateDefaults = populateDefaults
  }

  get default(): unknown {
    return this.#default
  }
  set default(value: unknown) {
    this.change()
    this.#default = value
  }

  hasDefault(): boolean {
    return this.#default !== undefined
  }

  get size(): number {
    return this.#ports.size
  }
  get(name: string): Port | undefined {
    return this.#ports.get(name)
  }
  has(name: string): boolean {
    return this.#ports.has(name)
  }
  keys(): IterableIterator<string> {
    return this.#ports.keys()
  }
  values(): IterableIterator<Port> {
    return this.#ports.values()
  }
  entries(): IterableIterator<[string, Port]> {
    return this.#ports.entries()
  }
  [Symbol.iterator](): IterableIterator<[string, Port]> {
    return this.#ports.entries()
  }

  /** Puts a port under its name in place of one that is there. Throws a `SpecError` for a name that can't be. */
  set(name: string, port: Port): this {
    this.change()
    checkName(name)
    if (!(port instanceof Port)) throw new SpecError(`'${name}' must be a Port, not ${preview(port)}`)
    if (port.name !== name) throw new SpecError(`the port '${port.name}' can't go by the name '${name}'`)
    this.#ports.set(name, port)
    this.#excluded.delete(name)
    return this
  }

  delete(name: string): boolean {
    this.change()
    return this.#ports.delete(name)
  }

  /** The port or namespace under a dotted name, or nothing. */
  find(name: string): Port | undefined {
    const [first, rest] = cut(name)
    const port = this.#ports.get(first)
    if (rest === undefined) return port
    return port instanceof PortNamespace ? port.find(rest) : undefined
  }

  /**
   * The port or namespace under a dotted name. With `createDynamically` a dynamic namespace makes
   * what is missing: a namespace with its own properties. Throws a `SpecError` when there is none.
   */
  getPort(name: string, { createDynamically = false }: { createDynamically?: boolean } = {}): Port {
    const [first, rest] = splitName(name)
    let port = this.#ports.get(first)
    if (port === undefined) {
      if (!this.#dynamic || !createDynamically || this.#excluded.has(first)) throw this.#unknown(first)
      port = this.#make(first, this.options())
      this.set(first, port)
    }
    if (rest === undefined) return port
    if (!(port instanceof PortNamespace))
      throw new SpecError(`'${first}' is a port: there is no '${rest}' in it`)
    return port.getPort(rest, { createDynamically })
  }

  /**
   * The namespace under a dotted name, made with all that lead to it unless it is there. `options`
   * are those of the last one; one that is there gets them too and keeps its ports. Throws a
   * `SpecError` when a port is in the way.
   */
  createPortNamespace(name: string, options: NamespaceOptions = {}): PortNamespace {
    const [first, rest] = splitName(name)
    const known = this.#ports.get(first)
    if (known !== undefined && !(known instanceof PortNamespace))
      throw new SpecError(`'${first}' is a port already: it can't be a namespace too`)
    const at = known ?? this.#make(first, rest === undefined ? options : {})
    if (known === undefined) this.set(first, at)
    else if (rest === undefined) at.configure(options)
    return rest === undefined ? at : at.createPortNamespace(rest, options)
  }

  /** Sets those properties that `options` has. */
  configure(options: NamespaceOptions): void {
    checkOptions(this.optionNames(), options, this.name)
    const has = (option: keyof NamespaceOptions) => Object.hasOwn(options, option)
    if (has('schema')) this.schema = options.schema
    if (has('instanceOf')) this.instanceOf = options.instanceOf
    if (has('dynamic')) this.dynamic = options.dynamic === true
    if (has('required')) this.required = options.required ?? true
    if (has('validator')) this.validator = options.validator
    if (has('default')) this.default = options.default
    if (has('populateDefaults')) this.populateDefaults = options.populateDefaults ?? true
    if (has('help')) this.help = options.help
  }

  /**
   * Takes over the properties of another namespace and deep copies of its ports. Ports of the
   * same name are replaced, namespaces of the same name are joined. Returns the dotted names that
   * were taken. Throws a `SpecError` for `include` together with `exclude`, for a name that is not
   * there, and for an unknown option.
   */
  absorb(other: PortNamespace, { include, exclude, namespaceOptions = {} }: AbsorbOptions = {}): string[] {
    if (!(other instanceof PortNamespace))
      throw new SpecError(`only a PortNamespace can be absorbed, not ${preview(other)}`)
    checkOptions(this.optionNames(), namespaceOptions, this.name)
    const taken: string[] = []
    this.#absorb(other, new PathRules(other, include, exclude), '', taken)
    this.configure(namespaceOptions)
    return taken
  }

  /** Those of the values that have a port here. */
  project(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const found: Record<string, unknown> = {}
    for (const [name, port] of this.#list()) {
      const value = getOwn(values, name)
      if (value === undefined) continue
      setOwn(
        found,
        name,
        port instanceof PortNamespace && !port.dynamic && isPlainObject(value) ? port.project(value) : value,
      )
    }
    return found
  }

  /**
   * New values with the defaults filled in. What was given is not changed, and `undefined` counts
   * as not given. A namespace that was not given is filled in when it is required or when
   * something inside it has a default, unless it says `populateDefaults: false`.
   */
  preProcess(values?: Readonly<Record<string, unknown>>): Record<string, unknown> {
    // What is no object of values stays as it is, for `validate` to tell.
    return this.#fill(values, undefined) as Record<string, unknown>
  }

  /** As `preProcess`, but copied and frozen, deeply. Instances of classes that are not JavaScript's own stay the same objects. */
  preProcessFrozen(values?: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    return this.#fill(values, { seen: undefined }) as Readonly<Record<string, unknown>>
  }

  /**
   * What is wrong with the values, all of it, each with its dotted path. A namespace that is not
   * required may be left out; one that is given, if only as `{}`, has to be complete. The validator is called last, if the rest fits.
   */
  override validate(values?: unknown, path: string = this.name): PortProblem[] {
    if (values === undefined) {
      if (!this.required) return []
      values = {}
    }
    if (!isPlainObject(values))
      return [{ port: path, message: `must be an object of values, not ${preview(values)}` }]
    const names = Object.keys(values)
    let problems: PortProblem[] = []
    for (const [name, port] of this.#list()) {
      const found = port.validate(getOwn(values, name), join(path, name))
      if (found.length > 0) problems = problems.concat(found)
    }
    for (const name of names)
      if (!this.#ports.has(name)) this.#checkUndeclared(name, values[name], join(path, name), problems)
    if (problems.length === 0) this.runValidator(values, path, problems)
    return problems
  }

  /** What is wrong with one value under a dotted name, by what is declared there or accepted undeclared. */
  validateAt(name: string, value: unknown, path: string = this.name): PortProblem[] {
    const [first, rest] = cut(name)
    const port = this.#ports.get(first)
    const here = join(path, first)
    if (port === undefined) {
      const wrong = this.#unaccepted(first) ?? (rest === undefined ? undefined : wrongName(rest))
      return wrong === undefined
        ? this.#undeclared(value, join(path, name))
        : [{ port: here, message: wrong }]
    }
    if (rest === undefined) return port.validate(value, here)
    if (port instanceof PortNamespace) return port.validateAt(rest, value, here)
    return [{ port: here, message: `is a port: there is no '${rest}' in it` }]
  }

  override seal(): void {
    if (this.sealed) return
    for (const port of this.#ports.values()) port.seal()
    this.#entries = [...this.#ports]
    if (this.#default !== undefined && typeof this.#default !== 'function') {
      const [problem] = this.validate(this.preProcess())
      if (problem !== undefined)
        throw new SpecError(
          `the default of the namespace '${this.name}' does not fit it: ${problem.port}: ${problem.message}`,
        )
    }
    super.seal()
  }

  override clone(): PortNamespace {
    const made = super.clone() as PortNamespace
    made.#dynamic = this.#dynamic
    for (const name of this.#excluded) made.#excluded.add(name)
    for (const [name, port] of this.#ports) made.#ports.set(name, port.clone())
    return made
  }

  override options(): NamespaceOptions {
    return {
      ...super.options(),
      dynamic: this.#dynamic,
      default: this.#default,
      populateDefaults: this.#populateDefaults,
    }
  }

  override getDescription(): NamespaceDescription {
    return {
      ...super.getDescription(),
      ...(this.hasDefault() ? { default: describeDefault(this.#default) } : {}),
      dynamic: this.#dynamic,
      populateDefaults: this.#populateDefaults,
      ports: Object.fromEntries(Array.from(this.#ports, ([name, port]) => [name, port.getDescription()])),
    }
  }

  protected override optionNames(): readonly string[] {
    return [...super.optionNames(), 'dynamic', 'default', 'populateDefaults']
  }

  #list(): Iterable<readonly [string, Port]> {
    return this.#entries ?? this.#ports
  }

  #make(name: string, options: NamespaceOptions): PortNamespace {
    checkName(name)
    // A subclass keeps the constructor's parameters, so that what it makes is of its class too.
    return new (this.constructor as typeof PortNamespace)(name, options)
  }

  #absorb(other: PortNamespace, rules: PathRules, prefix: string, taken: string[]): void {
    this.configure(other.options())
    // After the schema, which would make it dynamic.
    this.dynamic = other.dynamic
    for (const name of [...other.#excluded, ...rules.unknown(other)])
      if (!this.has(name)) this.#excluded.add(name)
    for (const [name, port] of other) {
      if (!rules.takes(name)) {
        if (!this.has(name)) this.#excluded.add(name)
        continue
      }
      taken.push(prefix + name)
      if (!(port instanceof PortNamespace)) {
        this.set(name, port.clone())
        continue
      }
      const known = this.#ports.get(name)
      const into = known instanceof PortNamespace ? known : this.#emptied(port)
      if (into !== known) this.set(name, into)
      into.#absorb(port, rules.below(name, port), `${prefix}${name}.`, taken)
    }
  }

  /** A copy of a namespace without its ports. */
  #emptied(port: PortNamespace): PortNamespace {
    const made = port.clone()
    made.#ports.clear()
    return made
  }

  #fill(values: unknown, keep: Keep): unknown {
    let given = values
    if (given === undefined)
      given = typeof this.#default === 'function' ? (this.#default as () => unknown)() : (this.#default ?? {})
    if (!isPlainObject(given)) return given
    const filled: Record<string, unknown> = {}
    for (const [name, port] of this.#list()) {
      let value = getOwn(given, name)
      if (port instanceof PortNamespace) {
        if (value !== undefined || port.#isFilledIn()) value = port.#fill(value, keep)
      } else if (value !== undefined) {
        if (keep !== undefined) value = keepFrozen(value, keep)
      } else if (port instanceof InputPort && port.hasDefault()) {
        value = port.defaultValue()
        if (keep !== undefined && typeof port.default === 'function') value = keepFrozen(value, keep)
      }
      if (value !== undefined) filled[name] = value
    }
    for (const name of Object.keys(given)) {
      if (this.#ports.has(name)) continue
      const value = given[name]
      // A misspelled name is to be told of, even with nothing under it.
      if (value !== undefined || !this.#dynamic)
        setOwn(filled, name, keep === undefined ? value : keepFrozen(value, keep))
    }
    return keep === undefined ? filled : Object.freeze(filled)
  }

  /** Whether this stands in the parsed values though it was not given. */
  #isFilledIn(): boolean {
    if (this.#fillsIn !== undefined) return this.#fillsIn
    const fills = this.#populateDefaults && (this.required || this.hasDefault() || this.#hasInnerDefault())
    if (this.sealed) this.#fillsIn = fills
    return fills
  }

  #hasInnerDefault(): boolean {
    for (const port of this.#ports.values()) {
      if (port instanceof PortNamespace) {
        if (port.populateDefaults && (port.hasDefault() || port.#hasInnerDefault())) return true
      } else if (port instanceof InputPort && port.hasDefault()) return true
    }
    return false
  }

  #checkUndeclared(name: string, value: unknown, path: string, problems: PortProblem[]): void {
    const wrong = this.#unaccepted(name)
    if (wrong !== undefined) problems.push({ port: path, message: wrong })
    else if (value !== undefined) problems.push(...this.#undeclared(value, path))
  }

  #unaccepted(name: string): string | undefined {
    if (!this.#dynamic) return this.#unknownText(name)
    if (this.#excluded.has(name)) return 'was excluded when it was exposed, so it is not accepted'
    if (!name.isWellFormed()) return wrongName(name)
    return name === '' || name === '__proto__' ? `'${name}' can't be the name of a port` : undefined
  }

  #undeclared(value: unknown, path: string): PortProblem[] {
    return undeclaredProblems(value, path, this.schema, (value, path) => this.checkValue(value, path))
  }

  #unknown(name: string): SpecError {
    return new SpecError(`in the namespace '${this.name}' ${this.#unknownText(name)}`)
  }

  #unknownText(name: string): string {
    if (name.includes('.') && this.find(name) !== undefined) {
      const [first, rest] = cut(name)
      return `there is no port of this name, but one that nests; write { ${first}: { ${rest}: … } }`
    }
    return `there is no port '${name}'${suggestion(name, this.#ports.keys())}`
  }
}

function keepFrozen(value: unknown, keep: NonNullable<Keep>): unknown {
  if (typeof value !== 'object' || value === null) return value
  return frozenCopy(value, (keep.seen ??= new Map()))
}
