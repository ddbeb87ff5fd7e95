import { SpecError } from '../shared/errors.ts'

/** A value for the message of an exit code. */
export type ExitCodeValue = string | number | bigint | boolean

/** The names in the braces of a message: `'limit'` for `'above {limit}'`. */
export type Placeholders<M> = string extends M
  ? string
  : M extends `${string}{${infer Name}}${infer Rest}`
    ? Name | Placeholders<Rest>
    : never

/** A declared way to finish without success. */
export class ExitCode {
  /** The number for programs, from 1 up. */
  readonly code: number
  readonly label: string
  readonly message: string

  constructor(code: number, label: string, message: string) {
    this.code = code
    this.label = label
    this.message = message
  }

  /**
   * Returns this exit code with the values in its message.
   *
   * @throws SpecError for a missing value
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

/** The functions `exitCodes.NAME({ limit: 3 })` by the declared labels and messages. */
export type ExitCodes<Codes> = string extends keyof Codes
  ? { readonly [label: string]: MakeAnyExitCode }
  : { readonly [L in keyof Codes]: MakeExitCode<Codes[L]> }

// A method type, so that a function which requires certain values is assignable too.
type MakeAnyExitCode = { make(values?: Readonly<Record<string, ExitCodeValue>>): ExitCode }['make']

type MakeExitCode<M> = [Placeholders<M>] extends [never]
  ? () => ExitCode
  : string extends Placeholders<M>
    ? (values?: Readonly<Record<string, ExitCodeValue>>) => ExitCode
    : (values: { readonly [N in Placeholders<M>]: ExitCodeValue }) => ExitCode
