import { SerializationError } from '../../shared/errors.ts'
import { isJsonObject } from '../../shared/json.ts'

/**
 * A pid of a Python process that is a `uuid.UUID`, for a task that names one: Python does not take a
 * text in its place.
 */
export class Uuid {
  readonly text: string

  /** @throws TypeError for anything but a UUID in its usual form */
  constructor(text: string) {
    if (typeof text !== 'string' || !/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text))
      throw new TypeError(
        `a UUID looks like 01234567-89ab-cdef-0123-456789abcdef, not ${JSON.stringify(text)}`,
      )
    this.text = text.toLowerCase()
  }

  /** The UUID in its usual form. */
  toString(): string {
    return this.text
  }
}

/** The deepest nesting of a message, so that no peer can exhaust the stack. */
export const DEEPEST_MESSAGE = 200

/**
 * A copy of a message as its receiver gets it: null, booleans, numbers, strings, `Uuid`s, lists and plain
 * objects. A member that is undefined is left out, and undefined elsewhere becomes null.
 *
 * @throws SerializationError for anything else, with its path
 */
export function messageCopy(value: unknown, path: string, depth = 0): unknown {
  if (value === null || value === undefined) return null
  if (typeof value === 'boolean' || typeof value === 'number' || typeof value === 'bigint') return value
  if (typeof value === 'string') {
    if (!value.isWellFormed())
      throw new SerializationError(path, 'the text has half of a surrogate pair, which is not a character')
    return value
  }
  if (depth > DEEPEST_MESSAGE)
    throw new SerializationError(
      path,
      `the message nests more than ${DEEPEST_MESSAGE} levels deep, or contains itself`,
    )
  if (value instanceof Uuid) return value
  if (Array.isArray(value)) return value.map((item, i) => messageCopy(item, `${path}[${i}]`, depth + 1))
  if (isPlain(value)) {
    const copy: Record<string, unknown> = {}
    for (const [name, member] of Object.entries(value)) {
      if (member === undefined) continue
      if (!name.isWellFormed())
        throw new SerializationError(path, 'a name has half of a surrogate pair, which is not a character')
      Object.defineProperty(copy, name, {
        value: messageCopy(member, `${path}.${name}`, depth + 1),
        enumerable: true,
        writable: true,
        configurable: true,
      })
    }
    return copy
  }
  throw new SerializationError(
    path,
    `messages carry null, booleans, numbers, strings, lists and plain objects, not ${kindOf(value)}`,
  )
}

/** A received value with texts in place of its `Uuid`s. */
export function withoutUuids(value: unknown): unknown {
  if (value instanceof Uuid) return value.text
  if (Array.isArray(value)) return value.map(withoutUuids)
  if (!isPlain(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withoutUuids(member)]))
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (!isJsonObject(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null
}

function kindOf(value: unknown): string {
  if (typeof value !== 'object') return `a ${typeof value}`
  const { name } = (value as object).constructor
  return name === '' ? 'an object of a class' : `an object of the class ${name}`
}
