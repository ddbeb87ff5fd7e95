import { SpecError } from '../shared/errors.ts'

/** What may be filled into the message of an exit code. */
export type ExitCodeValue = string | number | bigint | boolean

/** The names in braces of a message: `'limit'` of `'above {limit}'`. */
export type Placeholders<M> = string extends M
  ? string
  : M extends `${string}{${infer Name}}${infer Rest}`
    ? Name | Placeholders<Rest>
    : never

/** One way in which a process ends unsuccessfully, that its class declares. */
export class ExitCode {
  /** The number that programs see, from 1 up. */
  readonly code: number
  readonly label: string
  readonly message: string

  constructor(code: number, label: string, message: string) {
    this.code = code
    this.label = label
    this.message = message
  }

  /**
   * This exit code with `{name}` in its message replaced. Throws a `SpecError` that names a missing
   * value.
   */
  format(values: Readonly<Record<string, ExitCodeValue>> = {}): ExitCode {
    const message = this.message.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      const value = Object.hasOwn(values, name) ? values[name] : undefined
      if (value === undefined)
        throw new SpecError(`the exit code ${this.label} needs a value for {${name}}: ${this.message}`)
      return String(value)
    })
    return new ExitCode(this.code, this.label, message)
  }
}

/** `exitCodes.NAME({ limit: 3 })`, by the labels and messages that were declared. */
export type ExitCodes<Codes> = string extends keyof Codes
  ? { readonly [label: string]: MakeAnyExitCode }
  : { readonly [L in keyof Codes]: MakeExitCode<Codes[L]> }

// As the type of a method, so that a maker that asks for certain values is one too.
type MakeAnyExitCode = { make(values?: Readonly<Record<string, ExitCodeValue>>): ExitCode }['make']

type MakeExitCode<M> = [Placeholders<M>] extends [never]
  ? () => ExitCode
  : string extends Placeholders<M>
    ? (values?: Readonly<Record<string, ExitCodeValue>>) => ExitCode
    : (values: { readonly [N in Placeholders<M>]: ExitCodeValue }) => ExitCode
