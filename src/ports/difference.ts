import { isPlainObject, preview } from './plain.ts'

/** A place where a schema changed the given value. */
export interface Difference {
  readonly path: readonly PropertyKey[]
  /** What the schema did there. */
  readonly what: string
}

/**
 * Returns the first difference between a value and the result of a schema, or undefined if the
 * schema left the value unchanged. Copies count as unchanged.
 */
export function differenceOf(value: unknown, made: unknown): Difference | undefined {
  return new Comparison().find(value, made, [])
}

class Comparison {
  /** The pairs compared so far, so that cycles end. */
  readonly #seen = new Map<object, Set<object>>()

  find(value: unknown, made: unknown, path: readonly PropertyKey[]): Difference | undefined {
    if (Object.is(value, made)) return undefined
    const changed = { path, what: `makes ${preview(made)} of ${preview(value)}` }
    if (typeof value !== 'object' || value === null || typeof made !== 'object' || made === null)
      return changed
    if (this.#isSeen(value, made)) return undefined
    if (Array.isArray(value) || Array.isArray(made)) {
      if (!Array.isArray(value) || !Array.isArray(made)) return changed
      if (value.length !== made.length)
        return { path, what: `makes a list of ${made.length} of one of ${value.length}` }
      return this.#inEach(
        value.map((item, index) => [index, item, made[index]] as const),
        path,
      )
    }
    if (isPlainObject(value) && isPlainObject(made)) return this.#inFields(value, made, path)
    if (Object.getPrototypeOf(value) !== Object.getPrototypeOf(made)) return changed
    if (value instanceof Date && made instanceof Date)
      return Object.is(value.getTime(), made.getTime()) ? undefined : changed
    if (value instanceof Map && made instanceof Map)
      return value.size === made.size
        ? this.#inEach(pairs([...value].flat(1), [...made].flat(1)), path)
        : changed
    if (value instanceof Set && made instanceof Set)
      return value.size === made.size ? this.#inEach(pairs([...value], [...made]), path) : changed
    return undefined
  }

  #inFields(
    value: Readonly<Record<string, unknown>>,
    made: Readonly<Record<string, unknown>>,
    path: readonly PropertyKey[],
  ): Difference | undefined {
    for (const key of Object.keys(value)) {
      // An undefined field counts as absent.
      if (value[key] === undefined && !Object.hasOwn(made, key)) continue
      if (!Object.hasOwn(made, key)) return { path: [...path, key], what: 'leaves it out' }
      const found = this.find(value[key], made[key], [...path, key])
      if (found !== undefined) return found
    }
    for (const key of Object.keys(made))
      if (!Object.hasOwn(value, key) && made[key] !== undefined)
        return { path: [...path, key], what: `fills in ${preview(made[key])}` }
    return undefined
  }

  #inEach(
    items: readonly (readonly [index: number, value: unknown, made: unknown])[],
    path: readonly PropertyKey[],
  ): Difference | undefined {
    for (const [index, value, made] of items) {
      const found = this.find(value, made, [...path, index])
      if (found !== undefined) return found
    }
    return undefined
  }

  #isSeen(value: object, made: object): boolean {
    const known = this.#seen.get(value)
    if (known?.has(made) === true) return true
    if (known === undefined) this.#seen.set(value, new Set([made]))
    else known.add(made)
    return false
  }
}

function pairs(
  values: readonly unknown[],
  made: readonly unknown[],
): (readonly [number, unknown, unknown])[] {
  return values.map((value, index) => [index, value, made[index]] as const)
}
