/** How many levels of lists and objects are saved. It is far below what would overflow the stack, on the way back too. */
export const MAX_DEPTH = 1000

/** Above so many objects a set finds one faster than a list. */
const FEW = 12

/**
 * Whether `JSON.stringify` gives all there is to a value: it is plain JSON, nothing is in it twice, and no key is `$`. Most
 * values are, and for them this look is all that the codec costs.
 */
export function isPlainTree(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return isPlainLeaf(value)
  try {
    return new Look().object(value, 0)
  } catch {
    // A getter threw, or a proxy. Encoding it finds out where.
    return false
  }
}

function isPlainLeaf(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0)
  return typeof value === 'string' || typeof value === 'boolean' || value === null
}

class Look {
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
        // A hole is undefined, and so no leaf either.
      } else if (!isPlainLeaf(item)) return false
    }
    // More keys than items: it has named members.
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
