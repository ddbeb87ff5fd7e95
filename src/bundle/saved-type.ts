import { hasAll, shown } from '../shared/options.ts'
import { checkText } from '../shared/text.ts'

/**
 * How values of an own class are saved. Registered under a name, which is saved with them and must stay the same for as long
 * as bundles with it are to be loaded.
 *
 * It is asked about everything that is not plain JSON, before the kinds that the codec knows itself. What `encode` gives may be anything
 * that can be saved, other registered types too. A value that leads back to itself through its own data is refused. Where a list
 * or object holds the value and the value refers back to that, `decode` gets it before it is complete: it may keep it, not look into it.
 */
export interface SavedType<T = unknown, D = unknown> {
  readonly name: string
  is(value: unknown): boolean
  encode(value: T): D
  decode(data: D): T
}

const isSavedType = hasAll('a saved type', ['is', 'encode', 'decode'])

/** @throws TypeError for what is no list of saved types */
export function isListOfTypes(what: string, value: unknown): void {
  if (!Array.isArray(value)) throw new TypeError(`${what} takes a list of saved types, not ${shown(value)}`)
  for (const [index, type] of value.entries()) {
    isSavedType(`${what}[${index}]`, type)
    checkText(`${what}[${index}].name`, (type as SavedType).name)
  }
}
