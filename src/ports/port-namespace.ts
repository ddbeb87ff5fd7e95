import { SpecError, type PortProblem } from '../shared/errors.ts'
import { suggestion } from '../shared/nearest.ts'
import { getOwn, setOwn } from '../shared/own.ts'
import { InputPort } from './input-port.ts'
import { PathRules } from './path-rules.ts'
import { frozenCopy, isPlainObject, preview } from './plain.ts'
import { checkOptions, type Port } from './port.ts'
import { PortGroup, type NamespaceOptions } from './port-group.ts'
import { checkName, cut, join, splitName, wrongName } from './port-name.ts'
import { undeclaredProblems } from './undeclared.ts'

/** Which ports `absorb` takes over, and how. */
export interface AbsorbOptions {
  /** Takes only these dotted names; an empty list takes none. */
  readonly include?: readonly string[] | undefined
  /** Takes all but these dotted names. */
  readonly exclude?: readonly string[] | undefined
  /** Properties that override those of the absorbed namespace. */
  readonly namespaceOptions?: NamespaceOptions | undefined
}

/** How values are taken over: as they are, or copied and frozen. */
type Keep = { seen: Map<object, object> | undefined } | undefined

/**
 * Ports and nested namespaces by name, with what is done to the values given for them: defaults are
 * filled in, and the values are checked.
 *
 * Only own properties of the values are read, and names are never used as paths into objects. So no
 * name (`constructor`, `__proto__`) reaches beyond the values that were given.
 */
export class PortNamespace extends PortGroup {
  #fillsIn: boolean | undefined

  /**
   * Returns the port or namespace under a dotted name. With `createDynamically` a dynamic namespace
   * creates the missing ones as namespaces with its own properties.
   *
   * @throws SpecError if there is no such port
   */
  getPort(name: string, { createDynamically = false }: { createDynamically?: boolean } = {}): Port {
    const [first, rest] = splitName(name)
    let port = this.get(first)
    if (port === undefined) {
      if (!this.dynamic || !createDynamically || this.excluded.has(first)) throw this.#unknown(first)
      port = this.#make(first, this.options())
      this.set(first, port)
    }
    if (rest === undefined) return port
    if (!(port instanceof PortNamespace))
      throw new SpecError(`'${first}' is a port: there is no '${rest}' in it`)
    return port.getPort(rest, { createDynamically })
  }

  /**
   * Returns the namespace under a dotted name, and creates it and those that contain it as needed.
   * `options` apply to the innermost namespace, which keeps its ports if it exists.
   *
   * @throws SpecError if a port of that name is in the way
   */
  createPortNamespace(name: string, options: NamespaceOptions = {}): PortNamespace {
    const [first, rest] = splitName(name)
    const known = this.get(first)
    if (known !== undefined && !(known instanceof PortNamespace))
      throw new SpecError(`'${first}' is a port already: it can't be a namespace too`)
    const at = known ?? this.#make(first, rest === undefined ? options : {})
    if (known === undefined) this.set(first, at)
    else if (rest === undefined) at.configure(options)
    return rest === undefined ? at : at.createPortNamespace(rest, options)
  }

  /**
   * Takes over the properties of another namespace and deep copies of its ports. A port of the same
   * name is replaced; namespaces of the same name are merged. Returns the dotted names that were
   * taken.
   *
   * @throws SpecError for `include` together with `exclude`, an unknown name, or an unknown option
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

  /** Returns the values that have a port in this namespace. */
  project(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const found: Record<string, unknown> = {}
    for (const [name, port] of this.list()) {
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
   * Returns new values with the defaults filled in. The given values are not changed, and
   * `undefined` counts as not given. A namespace that was not given is filled in if it is required
   * or if a port inside it has a default, unless it is declared with `populateDefaults: false`.
   */
  preProcess(values?: Readonly<Record<string, unknown>>): Record<string, unknown> {
    // Anything but an object stays as it is; `validate` reports it.
    return this.#fill(values, undefined) as Record<string, unknown>
  }

  /**
   * Like `preProcess`, but returns deeply frozen copies. Instances of classes other than the
   * built-in ones stay the same objects.
   */
  preProcessFrozen(values?: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    return this.#fill(values, { seen: undefined }) as Readonly<Record<string, unknown>>
  }

  /**
   * Returns all problems of the values, each with its dotted path. An optional namespace may be
   * left out, but one that is given, even as `{}`, must be complete. The validator is called last,
   * and only if there are no other problems.
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
    for (const [name, port] of this.list()) {
      const found = port.validate(getOwn(values, name), join(path, name))
      if (found.length > 0) problems = problems.concat(found)
    }
    for (const name of names)
      if (!this.has(name)) this.#checkUndeclared(name, values[name], join(path, name), problems)
    if (problems.length === 0) this.runValidator(values, path, problems)
    return problems
  }

  /**
   * As `validate`, for values some of which are not known yet: leaves out the ports with such a
   * value (`isOpen`), and the validators of the namespaces around it.
   */
  validateAround(values: unknown, path: string, isOpen: (value: unknown) => boolean): PortProblem[] {
    if (!isOpen(values)) return this.validate(values, path)
    if (!isPlainObject(values)) return []
    const problems: PortProblem[] = []
    for (const [name, port] of this.list()) {
      const value = getOwn(values, name)
      const inner = join(path, name)
      if (port instanceof PortNamespace) problems.push(...port.validateAround(value, inner, isOpen))
      else if (!isOpen(value)) problems.push(...port.validate(value, inner))
    }
    for (const name of Object.keys(values)) {
      if (this.has(name)) continue
      const isNamed = isOpen(values[name])
      this.#checkUndeclared(name, isNamed ? undefined : values[name], join(path, name), problems)
    }
    return problems
  }

  /**
   * Returns the problems of one value under a dotted name, which may be undeclared in a dynamic
   * namespace.
   */
  validateAt(name: string, value: unknown, path: string = this.name): PortProblem[] {
    const [first, rest] = cut(name)
    const port = this.get(first)
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
    this.sealPorts()
    if (this.default !== undefined && typeof this.default !== 'function') {
      const [problem] = this.validate(this.preProcess())
      if (problem !== undefined)
        throw new SpecError(
          `the default of the namespace '${this.name}' does not fit it: ${problem.port}: ${problem.message}`,
        )
    }
    super.seal()
  }

  /** A deep copy that is not sealed. */
  override clone(): PortNamespace {
    // `Port.clone` makes an instance of the class of `this`.
    return super.clone() as PortNamespace
  }

  #make(name: string, options: NamespaceOptions): PortNamespace {
    checkName(name)
    // Subclasses keep the constructor's parameters, so that nested namespaces are of the same
    // class.
    return new (this.constructor as typeof PortNamespace)(name, options)
  }

  #absorb(other: PortNamespace, rules: PathRules, prefix: string, taken: string[]): void {
    this.configure(other.options())
    // Set after the schema, since setting a schema makes the namespace dynamic.
    this.dynamic = other.dynamic
    for (const name of [...other.excluded, ...rules.unknown(other)])
      if (!this.has(name)) this.excluded.add(name)
    for (const [name, port] of other) {
      if (!rules.takes(name)) {
        if (!this.has(name)) this.excluded.add(name)
        continue
      }
      taken.push(prefix + name)
      if (!(port instanceof PortNamespace)) {
        this.set(name, port.clone())
        continue
      }
      const known = this.get(name)
      const into = known instanceof PortNamespace ? known : this.#emptied(port)
      if (into !== known) this.set(name, into)
      into.#absorb(port, rules.below(name, port), `${prefix}${name}.`, taken)
    }
  }

  /** Returns a copy of a namespace without its ports. */
  #emptied(port: PortNamespace): PortNamespace {
    const made = port.clone()
    for (const name of port.keys()) made.delete(name)
    return made
  }

  #fill(values: unknown, keep: Keep): unknown {
    let given = values
    if (given === undefined)
      given = typeof this.default === 'function' ? (this.default as () => unknown)() : (this.default ?? {})
    if (!isPlainObject(given)) return given
    const filled: Record<string, unknown> = {}
    for (const [name, port] of this.list()) {
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
      if (this.has(name)) continue
      const value = given[name]
      // Kept even if undefined, so that `validate` reports a misspelled name.
      if (value !== undefined || !this.dynamic)
        setOwn(filled, name, keep === undefined ? value : keepFrozen(value, keep))
    }
    return keep === undefined ? filled : Object.freeze(filled)
  }

  /** Whether the parsed values contain this namespace even if it was not given. */
  #isFilledIn(): boolean {
    if (this.#fillsIn !== undefined) return this.#fillsIn
    const fills = this.populateDefaults && (this.required || this.hasDefault() || this.#hasInnerDefault())
    if (this.sealed) this.#fillsIn = fills
    return fills
  }

  #hasInnerDefault(): boolean {
    for (const port of this.values()) {
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
    if (!this.dynamic) return this.#unknownText(name)
    if (this.excluded.has(name)) return 'was excluded when it was exposed, so it is not accepted'
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
    return `there is no port '${name}'${suggestion(name, this.keys())}`
  }
}

function keepFrozen(value: unknown, keep: NonNullable<Keep>): unknown {
  if (typeof value !== 'object' || value === null) return value
  return frozenCopy(value, (keep.seen ??= new Map()))
}
