import { nearest } from './nearest.ts'

/** The names of the options of a type, each once: the compiler refuses a list that lacks one. */
export type OptionNames<O> = { readonly [K in keyof O]-?: true }

/**
 * Refuses options that do not exist. A misspelled option would be ignored otherwise, and a filter without its condition lets everything
 * through. `where` names the call in the message.
 *
 * @throws TypeError
 */
export function refuseUnknown<O extends object>(given: O, known: OptionNames<O>, where: string): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new TypeError(`${where} takes an object of options, not ${kindOf(given)}`)
  }
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(known, name)) throw new TypeError(`${where}: ${unknownOption(name, known)}`)
  }
}

function unknownOption(name: string, known: object): string {
  const names = Object.keys(known)
  const near = nearest(name, names)
  return near === undefined
    ? `unknown option ${JSON.stringify(name)}; there are ${names.join(', ')}`
    : `unknown option ${JSON.stringify(name)}: did you mean ${JSON.stringify(near)}?`
}

function kindOf(given: unknown): string {
  if (given === null) return 'null'
  return Array.isArray(given) ? 'an array' : `a ${typeof given}`
}
