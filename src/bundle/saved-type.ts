import { hasAll, shown } from '../shared/options.ts'
import { checkText } from '../shared/text.ts'

/**
 * Saves the values of a user's class. The name is saved with them, and must stay the same as long
 * as bundles with such values exist.
 *
 * The codec asks registered types about every value that is not plain JSON, before it tries the
 * kinds that it knows itself. `encode` may return anything that can be saved, including values of
 * registered types. A value that leads back to itself through its own data is refused. If a value
 * refers to the list or object that holds it, `decode` receives that list or object before it is
 * complete: it may keep it, but not read it.
 */
export interface SavedType<T = unknown, D = unknown> {
  readonly name: string
  /** Whether a value is of this type. */
  is(value: unknown): boolean
  /** Converts a value to values that can be saved. */
  encode(value: T): D
  /** Converts back what `encode` returned. */
  decode(data: D): T
}

const isSavedType = hasAll('a saved type', ['is', 'encode', 'decode'])

/** @throws TypeError for anything but a list of saved types */
export function isListOfTypes(what: string, value: unknown): void {
  if (!Array.isArray(value)) throw new TypeError(`${what} takes a list of saved types, not ${shown(value)}`)
  for (const [index, type] of value.entries()) {
    isSavedType(`${what}[${index}]`, type)
    checkText(`${what}[${index}].name`, (type as SavedType).name)
  }
}
