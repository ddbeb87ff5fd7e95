import { suggestion } from '../shared/nearest.ts'
import { preview } from '../ports/plain.ts'
import { SpecError } from '../shared/errors.ts'

/** Refuses unknown options, and anything but an object. `where` names the options in messages. */
export function checkNames(options: unknown, known: readonly string[], where: string): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new SpecError(`${where} takes an object of options, not ${preview(options)}`)
  for (const name of Object.keys(options))
    if (!known.includes(name))
      throw new SpecError(`${where} has no option '${name}'${suggestion(name, known)}`)
}
