import { ValuePath } from '../../bundle/value-path.ts'
import { isPlainObject } from '../../ports/plain.ts'
import { isPlainList, kindOf } from '../../shared/kinds.ts'
import { setOwn } from '../../shared/own.ts'

type Step = Parameters<ValuePath['push']>[0]

/** The collection in which an object was met first, and the step from there to the object. */
interface Link {
  readonly holder: object
  readonly step: Step
}

/**
 * Finds the objects of some kind in a nested value: in its lists, plain objects, maps (also their
 * keys) and sets. It enters nothing else, so no iterator is consumed. `replaced` returns the value
 * with other values in place of those objects.
 */
export class Search {
  readonly #root: object
  /** The objects that were found, in the order in which they were met. */
  readonly found: readonly object[]
  readonly #links: ReadonlyMap<object, Link>
  /** For each object, the collections that hold it, on the way to the found objects. */
  readonly #holders: ReadonlyMap<object, readonly object[]>

  private constructor(
    root: object,
    found: readonly object[],
    links: ReadonlyMap<object, Link>,
    holders: ReadonlyMap<object, readonly object[]>,
  ) {
    this.#root = root
    this.found = found
    this.#links = links
    this.#holders = holders
  }

  /**
   * Finds the wanted objects; returns undefined if there are none. Does not look deeper than
   * `maxDepth` levels.
   */
  static for(
    root: unknown,
    isWanted: (value: object) => boolean,
    maxDepth = Number.POSITIVE_INFINITY,
  ): Search | undefined {
    // Most values hold none, so that is checked first, without recording where everything is.
    if (typeof root !== 'object' || root === null || !holdsAny(root, isWanted)) return undefined
    const found: object[] = []
    const links = new Map<object, Link>()
    const holders = new Map<object, object[]>()
    if (isWanted(root)) return new Search(root, [root], links, holders)
    let level: object[] = [root]
    const seen = new Set([root])
    for (let depth = 0; level.length > 0 && depth < maxDepth; depth++) {
      const next: object[] = []
      for (const holder of level) {
        eachIn(holder, (item, step) => {
          if (typeof item !== 'object' || item === null) return
          const known = holders.get(item)
          if (known === undefined) holders.set(item, [holder])
          else if (known.at(-1) !== holder) known.push(holder)
          if (seen.has(item)) return
          seen.add(item)
          links.set(item, { holder, step })
          if (isCollection(item)) next.push(item)
          else if (isWanted(item)) found.push(item)
        })
      }
      level = next
    }
    return found.length === 0 ? undefined : new Search(root, found, links, holders)
  }

  /** The path to an object that was found, from this root. */
  pathTo(item: object, root: string): string {
    const steps: Step[] = []
    for (let link = this.#links.get(item); link !== undefined; link = this.#links.get(link.holder))
      steps.push(link.step)
    const path = new ValuePath(root)
    for (const step of steps.toReversed()) path.push(step)
    return path.toString()
  }

  /**
   * Returns the value with other values in place of the found objects. The collections around them
   * are copied, and the copies share and contain each other as before. Everything else is the same
   * object.
   */
  replaced(values: ReadonlyMap<object, unknown>): unknown {
    if (values.has(this.#root)) return values.get(this.#root)
    const copies = new Map<object, object>()
    const left = this.found.filter((item) => values.has(item))
    for (let item = left.pop(); item !== undefined; item = left.pop()) {
      for (const holder of this.#holders.get(item) ?? []) {
        if (copies.has(holder)) continue
        copies.set(holder, emptyLike(holder))
        left.push(holder)
      }
    }
    const renewed = (item: unknown): unknown => {
      if (typeof item !== 'object' || item === null) return item
      return values.has(item) ? values.get(item) : (copies.get(item) ?? item)
    }
    for (const [holder, copy] of copies) fill(copy, holder, renewed)
    return copies.get(this.#root) ?? this.#root
  }
}

function isCollection(value: object): boolean {
  if (isPlainList(value) || isPlainObject(value)) return true
  const kind = kindOf(value)
  return kind === 'Map' || kind === 'Set'
}

function holdsAny(root: object, isWanted: (value: object) => boolean): boolean {
  if (!isCollection(root)) return isWanted(root)
  const left = [root]
  let seen: Set<object> | undefined
  let isHeld = false
  for (let holder = left.pop(); holder !== undefined; holder = left.pop()) {
    eachIn(holder, (item) => {
      if (isHeld || typeof item !== 'object' || item === null) return
      if (!isCollection(item)) isHeld = isWanted(item)
      else if (!(seen ??= new Set([root])).has(item)) {
        seen.add(item)
        left.push(item)
      }
    })
    if (isHeld) return true
  }
  return false
}

/** Calls back with each item directly in a collection. */
function eachIn(holder: object, take: (item: unknown, step: Step) => void): void {
  if (Array.isArray(holder)) {
    for (let index = 0; index < holder.length; index++) take(holder[index], index)
  } else if (isPlainObject(holder)) {
    for (const key in holder) if (Object.hasOwn(holder, key)) take(holder[key], key)
  } else if (kindOf(holder) === 'Map') {
    let index = 0
    for (const [key, item] of holder as Map<unknown, unknown>) {
      take(key, { text: `.keys()[${index}]` })
      const isNamed = typeof key === 'string' || typeof key === 'number'
      take(item, { text: isNamed ? `.get(${JSON.stringify(key)})` : `.values()[${index}]` })
      index++
    }
  } else {
    let index = 0
    for (const item of holder as Set<unknown>) take(item, { text: `.values()[${index++}]` })
  }
}

function emptyLike(holder: object): object {
  if (Array.isArray(holder)) return Array.from({ length: holder.length })
  if (isPlainObject(holder))
    return Object.getPrototypeOf(holder) === null ? (Object.create(null) as object) : {}
  return kindOf(holder) === 'Map' ? new Map() : new Set()
}

function fill(copy: object, holder: object, renewed: (item: unknown) => unknown): void {
  if (copy instanceof Map) {
    for (const [key, item] of holder as Map<unknown, unknown>) copy.set(renewed(key), renewed(item))
  } else if (copy instanceof Set) {
    for (const item of holder as Set<unknown>) copy.add(renewed(item))
  } else {
    for (const key of Object.keys(holder))
      setOwn(copy, key, renewed((holder as Readonly<Record<string, unknown>>)[key]))
  }
}
