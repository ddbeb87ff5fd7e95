import { SpecError } from '../shared/errors.ts'
import { frozenCopy, isFreezable, isJson, preview } from './plain.ts'
import { Port, type PortDescription, type PortOptions } from './port.ts'

export interface InputPortOptions extends PortOptions {
  /**
   * The value if none is given. It makes the port optional. A plain value is checked at once. A
   * function is called for each process and returns a new value each time.
   */
  readonly default?: unknown
}

/** A value that a process receives. */
export class InputPort extends Port {
  #default: unknown
  /** Whether the port has changed since its default was checked. */
  #unchecked = true
  #frozen: unknown
  #isShared = true

  /** @throws SpecError as `Port` does, and for a plain default that does not fit the port */
  constructor(name: string, options: InputPortOptions = {}) {
    super(name, options)
    this.#default = options.default
    this.#checkDefault()
  }

  override get required(): boolean {
    return super.required && !this.hasDefault()
  }
  override set required(required: boolean) {
    super.required = required
  }

  /** The declared default, or undefined if there is none. */
  get default(): unknown {
    return this.#default
  }
  set default(value: unknown) {
    this.change()
    this.#default = value
    this.#checkDefault()
  }

  /** Whether the port has a default. */
  hasDefault(): boolean {
    return this.#default !== undefined
  }

  /**
   * Returns the default for one process: the result of a function, a frozen value that processes
   * share, or a copy of a value that can't be frozen.
   */
  defaultValue(): unknown {
    if (typeof this.#default === 'function') return (this.#default as () => unknown)()
    return this.#isShared ? this.#frozen : frozenCopy(this.#frozen)
  }

  override seal(): void {
    if (this.#unchecked) this.#checkDefault()
    super.seal()
  }

  override options(): InputPortOptions {
    return { ...super.options(), default: this.#default }
  }

  override getDescription(): PortDescription {
    const description = super.getDescription()
    return this.hasDefault() ? { ...description, default: describeDefault(this.#default) } : description
  }

  protected override optionNames(): readonly string[] {
    return [...super.optionNames(), 'default']
  }

  protected override change(): void {
    super.change()
    this.#unchecked = true
  }

  #checkDefault(): void {
    this.#unchecked = false
    if (this.#default === undefined || typeof this.#default === 'function') return
    this.#frozen = frozenCopy(this.#default)
    this.#isShared = isFreezable(this.#frozen)
    const [problem] = this.validate(this.#frozen)
    if (problem !== undefined) {
      this.#unchecked = true
      throw new SpecError(`the default of the port '${this.name}' does not fit it: ${problem.message}`)
    }
  }
}

/** Describes a default: by itself if JSON represents it exactly, or in words. */
export function describeDefault(value: unknown): unknown {
  if (typeof value === 'function') return 'made for each process'
  return isJson(value) ? value : preview(value)
}
