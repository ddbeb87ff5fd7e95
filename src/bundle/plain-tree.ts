/**
 * The deepest nesting of lists and objects that is saved, far below the depth that would overflow
 * the stack.
 */
export const MAX_DEPTH = 1000

/** With more objects than this, a set finds one faster than a list. */
const FEW = 12

/**
 * Whether `JSON.stringify` encodes a value completely: it is plain JSON, contains no object twice,
 * and has no key `$`. This holds for most values, and for them the codec costs only this check.
 */
export function isPlainTree(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return isPlainLeaf(value)
  try {
    return new PlainTreeCheck().object(value, 0)
  } catch {
    // A getter or a proxy threw. The encoder finds out where.
    return false
  }
}

function isPlainLeaf(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0)
  return typeof value === 'string' || typeof value === 'boolean' || value === null
}

class PlainTreeCheck {
  readonly #few: object[] = []
  #many: Set<object> | undefined

  object(value: object, depth: number): boolean {
    if (depth >= MAX_DEPTH || !this.#isNew(value)) return false
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype === Object.prototype) return this.#fields(value as Record<string, unknown>, depth)
    return prototype === Array.prototype && Array.isArray(value) && this.#items(value, depth)
  }

  #fields(value: Record<string, unknown>, depth: number): boolean {
    for (const key in value) {
      if (key === '$') return false
      const field = value[key]
      if (typeof field === 'object' && field !== null) {
        if (!this.object(field, depth + 1)) return false
      } else if (!isPlainLeaf(field)) return false
    }
    return true
  }

  #items(value: readonly unknown[], depth: number): boolean {
    for (let i = 0; i < value.length; i++) {
      const item = value[i]
      if (typeof item === 'object' && item !== null) {
        if (!this.object(item, depth + 1)) return false
        // A hole reads as undefined, which is not a plain leaf.
      } else if (!isPlainLeaf(item)) return false
    }
    // A list with more keys than items has named members.
    return Object.keys(value).length === value.length
  }

  #isNew(value: object): boolean {
    if (this.#many !== undefined) {
      const before = this.#many.size
      return this.#many.add(value).size > before
    }
    if (this.#few.includes(value)) return false
    this.#few.push(value)
    if (this.#few.length > FEW) this.#many = new Set(this.#few)
    return true
  }
}
