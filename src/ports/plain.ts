/** An object of named values, as `{}` makes it; not an instance of a class, not an array. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // An object of another realm (a worker's, a test runner's) has that realm's Object.prototype.
  return (
    prototype === null ||
    prototype === Object.prototype ||
    (!Array.isArray(value) && Object.getPrototypeOf(prototype) === null)
  )
}

/**
 * A copy of plain objects and arrays, frozen all the way down; anything else in it is kept as it
 * is. What refers to itself, or to the same thing twice, does so in the copy; `seen` carries that over several copies.
 */
export function frozenCopy<T>(value: T, seen?: Map<object, object>): T {
  return typeof value === 'object' && value !== null ? (copy(value, seen ?? new Map()) as T) : value
}

function copy(value: object, seen: Map<object, object>): object {
  const known = seen.get(value)
  if (known !== undefined) return known
  if (Array.isArray(value)) {
    if (Object.getPrototypeOf(value) !== Array.prototype) return value
    const list: unknown[] = value.slice()
    seen.set(value, list)
    for (let i = 0; i < list.length; i += 1) {
      const item = list[i]
      if (typeof item === 'object' && item !== null) list[i] = copy(item, seen)
    }
    return Object.freeze(list)
  }
  if (!isPlainObject(value)) return value
  // Spreading makes own properties, also of one named `__proto__`.
  const made: Record<string, unknown> =
    Object.getPrototypeOf(value) === null ? Object.assign(Object.create(null) as object, value) : { ...value }
  seen.set(value, made)
  for (const key of Object.keys(made)) {
    const item = made[key]
    if (typeof item === 'object' && item !== null) made[key] = copy(item, seen)
  }
  return Object.freeze(made)
}

/** A short text of a value, for messages. */
export function preview(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}…` : value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return value.name === '' ? 'a function' : `the function ${value.name}`
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (isPlainObject(value)) return 'an object'
  const name = (Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null)?.constructor
    ?.name
  return typeof name === 'string' && name !== '' ? `an instance of ${name}` : 'an object'
}

/** Whether JSON holds this value as it is. */
export function isJson(value: unknown, depth = 0): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (depth > 50) return false
  if (Array.isArray(value)) return value.every((item) => isJson(item, depth + 1))
  return isPlainObject(value) && Object.values(value).every((item) => isJson(item, depth + 1))
}
