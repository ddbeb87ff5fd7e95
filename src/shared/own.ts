/*
 * Objects that are made from data. No key (`__proto__`, `constructor`) reaches beyond the object's own properties.
 */

/** Sets an own property. The key `__proto__` is a key like any other, and never reaches the prototype. */
export function setOwn(target: object, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  } else {
    ;(target as Record<string, unknown>)[key] = value
  }
}

/** An own property, `undefined` when there is none. */
export function getOwn(values: object, key: string): unknown {
  return Object.hasOwn(values, key) ? (values as Record<string, unknown>)[key] : undefined
}

/**
 * The object that holds the last part of a dotted name, and that part. Objects that are missing on the way are made. `root` comes before
 * the name in errors.
 *
 * @throws TypeError where something else than an object is in the way
 */
export function holderAt(target: object, name: string, root = ''): readonly [holder: object, key: string] {
  if (!name.includes('.')) return [target, name]
  const keys = name.split('.')
  const last = keys.pop() as string
  let at = target
  for (const [index, key] of keys.entries()) {
    let inner = getOwn(at, key)
    if (inner === undefined) setOwn(at, key, (inner = {}))
    if (!isHolder(inner)) {
      const path = `${root}${keys.slice(0, index + 1).join('.')}`
      throw new TypeError(`${root}${name} can't be set: ${path} is no object, but ${kindOfValue(inner)}`)
    }
    at = inner
  }
  return [at, last]
}

/** Sets a value under a dotted name. @throws TypeError as `holderAt` */
export function setAt(target: object, name: string, value: unknown): void {
  const [holder, key] = holderAt(target, name)
  setOwn(holder, key, value)
}

function kindOfValue(value: unknown): string {
  if (typeof value !== 'object') return typeof value
  return Array.isArray(value) ? 'a list' : 'an instance of a class'
}

function isHolder(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
