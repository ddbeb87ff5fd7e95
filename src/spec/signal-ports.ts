import { toJsonSchema } from '../ports/json-schema.ts'
import { nearest } from '../shared/nearest.ts'
import { preview } from '../ports/plain.ts'
import { Port, type PortDescription, type PortOptions } from '../ports/port.ts'
import { PortNamespace } from '../ports/port-namespace.ts'
import { SpecError, type PortProblem } from '../shared/errors.ts'
import { lengthProblem } from '../shared/text.ts'

/** The payload of a signal. It is optional unless a schema or class requires it. */
class SignalPort extends Port {
  override validate(value?: unknown, path: string = this.name): PortProblem[] {
    const problems = this.checkValue(value, path)
    if (problems.length === 0 && value !== undefined) this.runValidator(value, path, problems)
    return problems
  }

  protected override optionNames(): readonly string[] {
    return super.optionNames().filter((name) => name !== 'required')
  }
}

/** The signals that a spec declares, by name. */
export class SignalPorts {
  readonly #ports = new Map<string, Port>()

  get ports(): ReadonlyMap<string, Port> {
    return this.#ports
  }

  declare(name: unknown, options: PortOptions | undefined): void {
    if (typeof name !== 'string' || !/^[\p{L}_$][\p{L}\p{N}_$-]*$/u.test(name) || name === '__proto__')
      throw new SpecError(`a signal is named by one word, as in 'approval', not ${preview(name)}`)
    const tooLong = lengthProblem(name)
    if (tooLong !== undefined) throw new SpecError(`the name of a signal ${tooLong}`)
    this.#ports.set(name, new SignalPort(name, options))
  }

  check(name: string, value: unknown): PortProblem[] {
    const port = this.#ports.get(name)
    const path = `signals.${name}`
    if (port !== undefined) return port.validate(value, path)
    return [{ port: path, message: `there is no signal '${name}'${this.#others(name)}` }]
  }

  describe(): Readonly<Record<string, PortDescription>> {
    return Object.fromEntries(Array.from(this.#ports, ([name, port]) => [name, port.getDescription()]))
  }

  schemas(): Record<string, Record<string, unknown>> {
    return Object.fromEntries(
      Array.from(this.#ports, ([name, port]) => {
        const { $schema, properties } = toJsonSchema(new PortNamespace('signals').set(name, port))
        return [name, { $schema, ...(properties as Record<string, object>)[name] }]
      }),
    )
  }

  seal(): void {
    for (const port of this.#ports.values()) port.seal()
  }

  #others(wrong: string): string {
    const names = [...this.#ports.keys()]
    if (names.length === 0) return ': this class declares none'
    const near = nearest(wrong, names)
    const all = `${names.length === 1 ? 'is' : 'are'} ${names.map((name) => `'${name}'`).join(', ')}`
    return near === undefined ? `; there ${all}` : `; did you mean '${near}'? There ${all}`
  }
}
