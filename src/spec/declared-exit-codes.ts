import { preview } from '../ports/plain.ts'
import { SpecError } from '../shared/errors.ts'
import { suggestion } from '../shared/nearest.ts'
import { ExitCode, type ExitCodes, type ExitCodeValue } from './exit-code.ts'

/** The exit codes that a spec declares, by their labels. */
export class DeclaredExitCodes {
  readonly #codes = new Map<string, ExitCode>()
  #makers: ExitCodes<Record<string, string>> | undefined

  declare(status: number, label: string, message: string): void {
    if (!Number.isInteger(status) || status < 1)
      throw new SpecError(`the exit code '${label}' needs a whole number from 1 up, not ${preview(status)}`)
    if (typeof label !== 'string' || !/^[A-Za-z_]\w*$/.test(label) || label === '__proto__')
      throw new SpecError(
        `an exit code is labelled with letters, digits and '_', as in ERROR_TOO_LARGE, not ${preview(label)}`,
      )
    for (const known of this.#codes.values())
      if (known.code === status && known.label !== label)
        throw new SpecError(`the exit codes ${known.label} and ${label} have the same number ${status}`)
    this.#codes.set(label, new ExitCode(status, label, message))
    this.#makers = undefined
  }

  /** Makes an exit code of the values for its message: `makers.ERROR_TOO_LARGE({ limit: 3 })`. */
  get makers(): ExitCodes<Record<string, string>> {
    if (this.#makers !== undefined) return this.#makers
    const makers = Object.create(null) as Record<string, (values?: Record<string, ExitCodeValue>) => ExitCode>
    for (const [label, code] of this.#codes) makers[label] = (values) => code.format(values)
    return (this.#makers = Object.freeze(makers))
  }

  find(given: ExitCode | string | number): ExitCode | undefined {
    if (given instanceof ExitCode) return given.code === 0 ? undefined : given
    if (given === 0) return undefined
    for (const known of this.#codes.values())
      if (known.label === given || known.code === given) return known.format()
    if (typeof given === 'number' && Number.isInteger(given) && given > 0)
      return new ExitCode(given, `EXIT_${given}`, `ended with ${given}`)
    if (typeof given === 'number')
      throw new SpecError(
        `the number of an exit code is a whole number from 1 up, or 0 for success, not ${given}`,
      )
    throw new SpecError(`there is no exit code '${given}'${suggestion(given, this.#codes.keys())}`)
  }

  describe(): readonly { readonly code: number; readonly label: string; readonly message: string }[] {
    return Array.from(this.#codes.values(), ({ code, label, message }) => ({ code, label, message }))
  }
}
