import { SpecError } from '../shared/errors.ts'
import { frozenCopy, isFreezable, isJson, preview } from './plain.ts'
import { Port, type PortDescription, type PortOptions } from './port.ts'

export interface InputPortOptions extends PortOptions {
  /**
   * The value when none is given: a plain one, which is checked at once, or a function that is
   * called for each process and so gives a fresh value each time. It makes the port optional.
   */
  readonly default?: unknown
}

/** A value that a process receives. */
export class InputPort extends Port {
  #default: unknown
  /** Set anew after the default was last checked. */
  #unchecked = true
  #frozen: unknown
  #isShared = true

  /** Also throws a `SpecError` for a plain default that does not fit the port. */
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

  /** As it was declared; `undefined` when there is none. */
  get default(): unknown {
    return this.#default
  }
  set default(value: unknown) {
    this.change()
    this.#default = value
    this.#checkDefault()
  }

  hasDefault(): boolean {
    return this.#default !== undefined
  }

  /**
   * The default for one process: a function is called, what can be frozen is shared, and of
   * anything else each process has its own.
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

/** A default for a description: as it is where JSON holds it, else in words. */
export function describeDefault(value: unknown): unknown {
  if (typeof value === 'function') return 'made for each process'
  return isJson(value) ? value : preview(value)
}
