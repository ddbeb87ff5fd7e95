import { copyOfKind, isPlainList, kindOf } from '../shared/kinds.ts'
import { GIVE_HANDLES, isGroupLike } from '../shared/group-like.ts'
import { getOwn, setOwn } from '../shared/own.ts'

/** Whether a value is a plain object, not an array or an instance of a class. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // An object of another realm (a test runner's, for example) has the Object.prototype of that
  // realm.
  return (
    prototype === null ||
    prototype === Object.prototype ||
    (!Array.isArray(value) && Object.getPrototypeOf(prototype) === null)
  )
}

/** The value under these names, through plain objects; undefined if there is none. */
export function valueAt(values: unknown, names: readonly string[]): unknown {
  let at = values
  for (const name of names) at = isPlainObject(at) ? getOwn(at, name) : undefined
  return at
}

/**
 * Copies plain objects, lists, dates, maps, sets and bytes. Plain objects and lists are deeply
 * frozen. An object of any other class stays the same object. References to the same object stay
 * shared in the copy, also in cycles. Several copies with the same `seen` share them too.
 */
export function frozenCopy<T>(value: T, seen?: Map<object, object>): T {
  return typeof value === 'object' && value !== null ? (new Copying(true, seen).copy(value) as T) : value
}

/** Like `frozenCopy`, but freezes nothing. */
export function copyOf<T>(value: T): T {
  return typeof value === 'object' && value !== null ? (new Copying(false).copy(value) as T) : value
}

/** What is nested deeper is copied in a loop, so that no depth overflows the stack. */
const MAX_RECURSION = 500

class Copying {
  readonly #frozen: boolean
  readonly #seen: Map<object, object>
  #depth = 0
  /** Copies whose content is not copied yet. */
  #shallow: object[] | undefined

  constructor(frozen: boolean, seen: Map<object, object> = new Map<object, object>()) {
    this.#frozen = frozen
    this.#seen = seen
  }

  copy(value: object): unknown {
    const made = this.#of(value)
    for (let left = this.#shallow?.pop(); left !== undefined; left = this.#shallow?.pop()) this.#fill(left)
    return made
  }

  #of(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value
    const known = this.#seen.get(value)
    if (known !== undefined) return known
    if (isPlainList(value)) return this.#list(value)
    if (isPlainObject(value)) return this.#object(value)
    const kind = kindOf(value)
    if (kind === undefined) return value
    const made = copyOfKind(value, kind)
    this.#seen.set(value, made)
    return kind === 'Map' || kind === 'Set' ? this.#filledSoon(made) : made
  }

  #list(value: readonly unknown[]): unknown {
    // `slice` would return a list of the realm of this list.
    const list: unknown[] =
      Object.getPrototypeOf(value) === Array.prototype ? value.slice() : Array.from(value)
    this.#seen.set(value, list)
    return this.#filledSoon(list)
  }

  #object(value: Readonly<Record<string, unknown>>): unknown {
    // Spreading copies own properties, even one named `__proto__`.
    const made: Record<string, unknown> =
      Object.getPrototypeOf(value) === null
        ? Object.assign(Object.create(null) as object, value)
        : { ...value }
    this.#seen.set(value, made)
    return this.#filledSoon(made)
  }

  #filledSoon<T extends object>(made: T): T {
    if (this.#depth === MAX_RECURSION) (this.#shallow ??= []).push(made)
    else {
      this.#depth += 1
      this.#fill(made)
      this.#depth -= 1
    }
    return made
  }

  /** Replaces the content of a copy by copies. */
  #fill(made: object): void {
    if (Array.isArray(made)) {
      for (let i = 0; i < made.length; i += 1) {
        const item: unknown = made[i]
        if (typeof item === 'object' && item !== null) made[i] = this.#of(item)
      }
    } else if (made instanceof Map) {
      const entries = Array.from(made as Map<unknown, unknown>)
      made.clear()
      for (const [key, item] of entries) made.set(this.#of(key), this.#of(item))
      return
    } else if (made instanceof Set) {
      const items = Array.from(made as Set<unknown>)
      made.clear()
      for (const item of items) made.add(this.#of(item))
      return
    } else {
      for (const key of Object.keys(made)) {
        const item = (made as Record<string, unknown>)[key]
        if (typeof item === 'object' && item !== null) setOwn(made, key, this.#of(item))
      }
    }
    if (this.#frozen) Object.freeze(made)
  }
}

/** Whether freezing protects a value from changes: it contains only plain objects and lists. */
export function isFreezable(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (!isPlainList(value) && !isPlainObject(value)) return false
  return Object.values(value).every(isFreezable)
}

/** Describes a value for messages. */
export function preview(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}…` : value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return value.name === '' ? 'a function' : `the function ${value.name}`
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (isPlainObject(value)) return 'an object'
  if (isGroupLike(value)) return `a group: ${GIVE_HANDLES}`
  const name = (Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null)?.constructor
    ?.name
  return typeof name === 'string' && name !== '' ? `an instance of ${name}` : 'an object'
}

/** Whether JSON represents this value exactly. */
export function isJson(value: unknown, depth = 0): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (depth > 50) return false
  if (Array.isArray(value)) return value.every((item) => isJson(item, depth + 1))
  return isPlainObject(value) && Object.values(value).every((item) => isJson(item, depth + 1))
}
