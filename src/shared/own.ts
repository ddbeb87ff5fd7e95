/*
 * Properties of objects that are made from data. No key (`__proto__`, `constructor`) reaches beyond
 * the object's own properties. Nothing else in src sets a property under a dotted name.
 */

/** Sets an own property. Even the key `__proto__` never reaches the prototype. */
export function setOwn(target: object, key: string, value: unknown): void {
  if (key === '__proto__') defineOwn(target, key, value)
  else (target as Record<string, unknown>)[key] = value
}

/** Defines an own property. Runs no setter, and also replaces a property that is read-only. */
export function defineOwn(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
}

/** Returns an own property, or undefined if there is none. */
export function getOwn(values: object, key: string): unknown {
  return Object.hasOwn(values, key) ? (values as Record<string, unknown>)[key] : undefined
}

/** Sets each own property. Where both values are plain objects, sets those within them. */
export function mergeOwn(target: object, values: object): void {
  for (const [key, value] of Object.entries(values)) {
    const inner = getOwn(target, key)
    if (isHolder(inner) && isHolder(value)) mergeOwn(inner, value)
    else setOwn(target, key, value)
  }
}

/**
 * Returns the object under a path of keys, and creates missing objects on the way. `replace` is
 * called with a value on the way that is not a plain object, and its index. Unless it throws, a new
 * object replaces that value.
 */
export function objectAt(
  target: object,
  keys: readonly string[],
  replace: (value: unknown, index: number) => void = () => {},
): object {
  let at = target
  for (const [index, key] of keys.entries()) {
    let inner = getOwn(at, key)
    if (!isHolder(inner)) {
      if (inner !== undefined) replace(inner, index)
      setOwn(at, key, (inner = {}))
    }
    at = inner as object
  }
  return at
}

/**
 * Returns the object that holds the last part of a dotted name, and that part. Missing objects on
 * the way are made. `root` precedes the name in errors.
 *
 * @throws TypeError if a value other than a plain object is on the way
 */
export function holderAt(target: object, name: string, root = ''): readonly [holder: object, key: string] {
  if (!name.includes('.')) return [target, name]
  const keys = name.split('.')
  const last = keys.pop() as string
  const holder = objectAt(target, keys, (value, index) => {
    const path = `${root}${keys.slice(0, index + 1).join('.')}`
    throw new TypeError(`${root}${name} can't be set: ${path} is not an object, but ${kindOfValue(value)}`)
  })
  return [holder, last]
}

/**
 * Sets a value under a dotted name.
 *
 * @throws TypeError as `holderAt` does
 */
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
