import { SpecError } from '../shared/errors.ts'
import { describeDefault } from './input-port.ts'
import { preview } from './plain.ts'
import { Port, checkOptions, type PortDescription, type PortOptions } from './port.ts'
import { checkName, cut } from './port-name.ts'
import type { InstanceOf, Schema } from './schema-type.ts'

/**
 * The options of a namespace. `schema` and `instanceOf` apply to the undeclared values, and make
 * the namespace dynamic.
 */
export interface NamespaceOptions extends PortOptions {
  /** Whether undeclared values are accepted, at any depth. Default `false`. */
  readonly dynamic?: boolean | undefined
  /**
   * The values to use if the namespace is not given, or a function that makes them for each
   * process.
   */
  readonly default?: unknown
  /**
   * Whether to fill in the defaults of the ports inside if the namespace is not given. Default
   * `true`.
   */
  readonly populateDefaults?: boolean | undefined
}

export interface NamespaceDescription extends PortDescription {
  readonly dynamic: boolean
  readonly populateDefaults: boolean
  readonly ports: Readonly<Record<string, PortDescription | NamespaceDescription>>
}

/**
 * The ports of a namespace by name, accessed as in a `Map`, and the properties of the namespace.
 */
export class PortGroup extends Port {
  readonly #ports = new Map<string, Port>()
  readonly #excluded = new Set<string>()
  #dynamic: boolean
  #default: unknown
  #populateDefaults: boolean
  /** The ports as a list, filled in by sealing. */
  #entries: readonly (readonly [string, Port])[] | undefined

  constructor(name = '', options: NamespaceOptions = {}) {
    super(name, options)
    this.#dynamic =
      options.dynamic === true || options.schema !== undefined || options.instanceOf !== undefined
    this.#default = options.default
    this.#populateDefaults = options.populateDefaults ?? true
  }

  // A condition on undeclared values implies that they are accepted.
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

  /**
   * Adds a port, or replaces the one of that name.
   *
   * @throws SpecError for a name that no port can have
   */
  set(name: string, port: Port): this {
    this.change()
    checkName(name)
    if (!(port instanceof Port)) throw new SpecError(`'${name}' must be a Port, not ${preview(port)}`)
    if (port.name !== name)
      throw new SpecError(`the port '${port.name}' can't be added under the name '${name}'`)
    this.#ports.set(name, port)
    this.#excluded.delete(name)
    return this
  }

  delete(name: string): boolean {
    this.change()
    return this.#ports.delete(name)
  }

  /** Returns the port or namespace under a dotted name, or undefined if there is none. */
  find(name: string): Port | undefined {
    const [first, rest] = cut(name)
    const port = this.#ports.get(first)
    if (rest === undefined) return port
    return port instanceof PortGroup ? port.find(rest) : undefined
  }

  /** Sets the properties that are keys of `options`, even if their value is undefined. */
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

  override clone(): PortGroup {
    const made = super.clone() as PortGroup
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

  /** Names excluded when this namespace was exposed. They are refused even if it is dynamic. */
  protected get excluded(): Set<string> {
    return this.#excluded
  }

  /** The ports by name. Faster than `entries` once the namespace is sealed. */
  protected list(): Iterable<readonly [string, Port]> {
    return this.#entries ?? this.#ports
  }

  /** Seals each port, but not the namespace itself. */
  protected sealPorts(): void {
    for (const port of this.#ports.values()) port.seal()
    this.#entries = [...this.#ports]
  }
}
