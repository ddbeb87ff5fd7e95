import * as shared from '../shared/errors.ts'
import { isNative } from '../shared/kinds.ts'

/**
 * The name of a Damson error class, which stays the same in each copy of the package and in
 * minified code.
 */
const BRAND = Symbol.for('damson.error.brand')

interface ErrorClass {
  readonly prototype: Error
}

/** The error classes that are restored, by the name under which they are saved. */
const byName = new Map<string, ErrorClass>(
  [
    Error,
    EvalError,
    RangeError,
    ReferenceError,
    SyntaxError,
    TypeError,
    URIError,
    AggregateError,
    DOMException,
  ].map((errorClass) => [errorClass.name, errorClass]),
)
for (const errorClass of Object.values(shared)) byName.set(String(Reflect.get(errorClass, BRAND)), errorClass)

/** The name of the nearest class of an error that is restored. */
export function errorClassName(error: object): string {
  for (let at: unknown = Object.getPrototypeOf(error); at !== null; at = Object.getPrototypeOf(at)) {
    const made: unknown = Object.getOwnPropertyDescriptor(at, 'constructor')?.value
    if (typeof made !== 'function') continue
    const brand: unknown = Object.getOwnPropertyDescriptor(made, BRAND)?.value
    if (typeof brand === 'string' && byName.has(brand)) return brand
    // A built-in class of another realm is a different object with the same name.
    if (Object.is(byName.get(made.name), made) || (byName.has(made.name) && isNative(made))) return made.name
  }
  return 'Error'
}

/**
 * Makes an error of a class without running its constructor.
 *
 * @returns undefined if there is no such class
 */
export function newError(className: string, name: unknown, message: unknown): Error | undefined {
  const errorClass = byName.get(className)
  if (errorClass === undefined) return undefined
  if (className === 'DOMException') return new DOMException(String(message), String(name))
  // The runtime still treats an `Error` with another prototype as an error, unlike an object of
  // `Object.create`.
  const error = Object.setPrototypeOf(new Error(), errorClass.prototype) as Error
  if (message !== error.message) hidden(error, 'message', message)
  if (name !== error.name) hidden(error, 'name', name)
  return error
}

/** Sets a member that is not enumerable, as the constructors of errors do. */
export function hidden(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, enumerable: false, configurable: true, writable: true })
}
