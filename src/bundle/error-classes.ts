import * as shared from '../shared/errors.ts'
import { isNative } from '../shared/kinds.ts'

/** Carried by Damson's own error classes: a name that holds across copies of the package and where code is minified. */
const BRAND = Symbol.for('damson.error.brand')

interface ErrorClass {
  readonly prototype: Error
}

/** The error classes that come back as themselves, by the name under which they are saved. */
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

/** The name of the nearest class of an error that comes back as itself. */
export function errorClassName(error: object): string {
  for (let at: unknown = Object.getPrototypeOf(error); at !== null; at = Object.getPrototypeOf(at)) {
    const made: unknown = Object.getOwnPropertyDescriptor(at, 'constructor')?.value
    if (typeof made !== 'function') continue
    const brand: unknown = Object.getOwnPropertyDescriptor(made, BRAND)?.value
    if (typeof brand === 'string' && byName.has(brand)) return brand
    // One of another realm is a class of its own, of the same name.
    if (Object.is(byName.get(made.name), made) || (byName.has(made.name) && isNative(made))) return made.name
  }
  return 'Error'
}

/**
 * An error of that class, without running a constructor of it.
 *
 * @returns undefined where there is no such class
 */
export function newError(className: string, name: unknown, message: unknown): Error | undefined {
  const errorClass = byName.get(className)
  if (errorClass === undefined) return undefined
  if (className === 'DOMException') return new DOMException(String(message), String(name))
  // An `Error` whose prototype is replaced stays one to the runtime, which `Object.create` would not give.
  const error = Object.setPrototypeOf(new Error(), errorClass.prototype) as Error
  if (message !== error.message) hidden(error, 'message', message)
  if (name !== error.name) hidden(error, 'name', name)
  return error
}

/** Sets a member as the constructors of errors do: it is not enumerable. */
export function hidden(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, enumerable: false, configurable: true, writable: true })
}
