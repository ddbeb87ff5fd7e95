import { milliseconds } from './duration.ts'
import { nearest } from './nearest.ts'

/**
 * Throws if an option has an invalid value. `what` names the option: `Engine.open: concurrency`.
 */
export type OptionCheck = (what: string, value: unknown) => void

/**
 * The options of a type with the checks of their values, or `true` for a value that is checked
 * elsewhere. The compiler refuses an object that lacks an option.
 */
export type OptionNames<O> = { readonly [K in keyof O]-?: true | OptionCheck }

/**
 * Refuses unknown options and invalid values. Otherwise a misspelled option would be ignored, and a
 * filter without its condition would match everything. `where` names the call in the message. An
 * option that is undefined counts as absent.
 *
 * @throws TypeError for an unknown option, and the error of a check
 */
export function checkOptions<O extends object>(given: O, known: OptionNames<O>, where: string): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new TypeError(
      `${where} takes an object of options, not ${typeof given === 'string' ? 'a string' : shown(given)}`,
    )
  }
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(known, name)) throw new TypeError(`${where}: ${unknownOption(name, known)}`)
    const check = known[name as keyof O]
    const value: unknown = given[name as keyof O]
    if (typeof check === 'function' && value !== undefined) check(`${where}: ${name}`, value)
  }
}

// ---------- checks ----------

export function isFlag(what: string, value: unknown): void {
  if (typeof value !== 'boolean') throw new TypeError(`${what} is true or false, not ${shown(value)}`)
}

/** @throws RangeError for a value that is not a duration */
export function isDuration(what: string, value: unknown): void {
  try {
    milliseconds(value as number)
  } catch (error) {
    throw new RangeError(`${what}: ${(error as Error).message}`, { cause: error })
  }
}

/**
 * @throws TypeError for a value that is not a number, RangeError for a number that is not a whole
 * one from 1
 */
export function isCount(what: string, value: unknown): void {
  if (typeof value !== 'number')
    throw new TypeError(`${what} takes a whole number from 1, not ${shown(value)}`)
  if (!Number.isInteger(value) || value < 1)
    throw new RangeError(`${what} is ${value}: give a whole number from 1`)
}

export function isAbortSignal(what: string, value: unknown): void {
  if (!hasMethods(value, ['addEventListener', 'throwIfAborted']))
    throw new TypeError(
      `${what} takes an AbortSignal, such as the \`signal\` of an AbortController, not ${shown(value)}`,
    )
}

/** Returns the check of an object that has these methods. `kind` describes it in the message. */
export function hasAll(kind: string, methods: readonly string[]): OptionCheck {
  return (what, value) => {
    if (!hasMethods(value, methods))
      throw new TypeError(
        `${what} takes ${kind}, an object with the methods ${methods.join(', ')}, not ${shown(value)}`,
      )
  }
}

export const isLogger: OptionCheck = hasAll('a logger', ['debug', 'info', 'warn', 'error'])
export const isClock: OptionCheck = hasAll('a clock', ['now', 'after'])

function hasMethods(value: unknown, methods: readonly string[]): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  return methods.every((name) => typeof Reflect.get(value, name) === 'function')
}

/** Describes an invalid value for a message. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return value.length > 40 ? 'a long text' : JSON.stringify(value)
  if (typeof value === 'function')
    return value.name === '' ? 'a function' : `the class or function ${value.name}`
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

function unknownOption(name: string, known: object): string {
  const names = Object.keys(known)
  const near = nearest(name, names)
  return near === undefined
    ? `unknown option ${JSON.stringify(name)}; there are ${names.join(', ')}`
    : `unknown option ${JSON.stringify(name)}: did you mean ${JSON.stringify(near)}?`
}
