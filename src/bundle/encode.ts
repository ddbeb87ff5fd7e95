import { DamsonError, SerializationError } from '../shared/errors.ts'
import type { JsonValue } from '../shared/json.ts'
import { setOwn } from '../shared/own.ts'
import { binaryKind, toBase64 } from './binary.ts'
import { errorClassName } from './error-classes.ts'
import { MAX_DEPTH } from './plain-tree.ts'
import type { SavedType } from './saved-type.ts'
import { Trail } from './trail.ts'

/** JSON in the making. */
type Node = Record<string, JsonValue> | JsonValue[]

/** Where an object was met first. */
interface Place {
  readonly parent: Node
  readonly key: string
  /** What stands at its further places, to be given its id. */
  refs: { $: 'ref'; id: number }[] | undefined
}

type Refusal = readonly [what: string, advice: string]

/** See `Codec.encode`. */
export function encodeValue(value: unknown, path: string, types: ReadonlyMap<string, SavedType>): JsonValue {
  const trail = new Trail(path)
  try {
    return new Encoder(trail, types).encode(value)
  } catch (error) {
    if (error instanceof SerializationError) throw error
    const message =
      error instanceof RangeError && !(error instanceof DamsonError) && /call stack/i.test(error.message)
        ? DEPTH
        : `it can't be read: ${textOf(error)}`
    throw new SerializationError(trail.toString(), message, { cause: error })
  }
}

const DEPTH = `it is nested more than ${MAX_DEPTH} levels deep. Keep such data flat: a list of items that name each other by id`

/**
 * Walks a value once, so getters and `encode` of types are called once. What is met again gets a reference; at the end what has
 * references gets its id, in the order of first places.
 */
class Encoder {
  readonly #trail: Trail
  readonly #types: ReadonlyMap<string, SavedType>
  readonly #places = new Map<object, Place>()
  /** Values of registered types that are just being encoded. */
  readonly #open = new Set<object>()
  #shared = false
  #depth = 0

  constructor(trail: Trail, types: ReadonlyMap<string, SavedType>) {
    this.#trail = trail
    this.#types = types
  }

  encode(value: unknown): JsonValue {
    const root: { value: JsonValue } = { value: null }
    this.#put(root, 'value', value)
    if (this.#shared) this.#giveIds()
    return root.value
  }

  #put(parent: Node, key: string, value: unknown): void {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) {
      setOwn(parent, key, this.#leaf(value))
      return
    }
    const place = this.#places.get(value)
    if (place !== undefined) {
      if (this.#open.has(value)) throw this.#refused(LEADS_BACK)
      const ref = { $: 'ref' as const, id: 0 }
      ;(place.refs ??= []).push(ref)
      this.#shared = true
      setOwn(parent, key, ref)
      return
    }
    if (this.#depth >= MAX_DEPTH) throw new SerializationError(this.#trail.toString(), DEPTH)
    this.#places.set(value, { parent, key, refs: undefined })
    this.#depth++
    setOwn(parent, key, this.#object(value))
    this.#depth--
  }

  #leaf(value: unknown): JsonValue {
    if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value
    if (typeof value === 'number') {
      if (Object.is(value, -0)) return { $: '-0' }
      return Number.isFinite(value) ? value : { $: String(value) }
    }
    if (value === undefined) return { $: 'undefined' }
    if (typeof value === 'bigint') return { $: 'bigint', value: String(value) }
    throw this.#refused(['a symbol', 'Save a text instead.'])
  }

  #object(value: object): JsonValue {
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype === Object.prototype) return this.#plain(value as Record<string, unknown>)
    if (prototype === Array.prototype && Array.isArray(value)) return this.#array(value)
    for (const type of this.#types.values()) if (type.is(value)) return this.#typed(value, type)
    if (prototype === null) return { $: 'dict', fields: this.#fields(value as Record<string, unknown>) }
    const known = this.#known(value, prototype as object)
    if (known !== undefined) return known
    if (isError(value)) return this.#error(value)
    if (isForeignPlain(value, prototype as object)) {
      return Array.isArray(value) ? this.#array(value) : this.#plain(value as Record<string, unknown>)
    }
    throw this.#refused(refusalOf(value))
  }

  #plain(value: Record<string, unknown>): JsonValue {
    const fields = this.#fields(value)
    return Object.hasOwn(fields, '$') ? { $: 'object', fields } : fields
  }

  #fields(value: Readonly<Record<string, unknown>>, keys = Object.keys(value)): Record<string, JsonValue> {
    const fields: Record<string, JsonValue> = {}
    for (const key of keys) {
      this.#trail.push(key)
      this.#put(fields, key, value[key])
      this.#trail.pop()
    }
    return fields
  }

  #array(value: readonly unknown[]): JsonValue {
    const keys = Object.keys(value)
    // Indices come first, in order: so this says that there are no holes and no named members.
    const dense =
      keys.length === value.length && (keys.length === 0 || keys.at(-1) === String(keys.length - 1))
    if (!dense) {
      const items = this.#fields(value as unknown as Record<string, unknown>, keys)
      return { $: 'array', length: value.length, items }
    }
    return this.#items(value)
  }

  #items(
    values: Iterable<unknown>,
    step: (index: number) => Parameters<Trail['push']>[0] = (i) => i,
  ): JsonValue[] {
    const items: JsonValue[] = []
    for (const value of values) {
      this.#trail.push(step(items.length))
      // `put` sets the item by its index.
      this.#put(items, String(items.length), value)
      this.#trail.pop()
    }
    return items
  }

  #known(value: object, prototype: object): JsonValue | undefined {
    const binary = binaryKind(prototype)
    if (binary !== undefined) return { $: binary, base64: toBase64(value as ArrayBuffer | ArrayBufferView) }
    switch (prototype) {
      case Date.prototype: {
        this.#noFields(value, 'Date')
        const time = Date.prototype.getTime.call(value)
        return { $: 'Date', value: Number.isNaN(time) ? null : new Date(time).toISOString() }
      }
      case Map.prototype:
        this.#noFields(value, 'Map')
        return { $: 'Map', entries: this.#entries(value as Map<unknown, unknown>) }
      case Set.prototype:
        this.#noFields(value, 'Set')
        return {
          $: 'Set',
          values: this.#items(value as Set<unknown>, (i) => ({ text: `.values()[${i}]` })),
        }
      case RegExp.prototype: {
        this.#noFields(value, 'RegExp')
        const { source, flags, lastIndex } = value as RegExp
        return { $: 'RegExp', source, flags, lastIndex }
      }
      case URL.prototype:
        this.#noFields(value, 'URL')
        return { $: 'URL', value: (value as URL).href }
      default:
        return undefined
    }
  }

  #entries(map: Map<unknown, unknown>): JsonValue[] {
    const entries: JsonValue[] = []
    for (const [key, value] of map) {
      const entry: JsonValue[] = []
      this.#trail.push({ text: `.keys()[${entries.length}]` })
      this.#put(entry, '0', key)
      this.#trail.pop()
      const named = typeof key === 'string' || typeof key === 'number'
      this.#trail.push({ text: named ? `.get(${JSON.stringify(key)})` : `.values()[${entries.length}]` })
      this.#put(entry, '1', value)
      this.#trail.pop()
      entries.push(entry)
    }
    return entries
  }

  /** Errors keep what they tell; that a member is inherited or enumerable is not kept. */
  #error(error: Error): JsonValue {
    const node: Record<string, JsonValue> = { $: 'Error' }
    const className = errorClassName(error)
    if (className !== 'Error') node['class'] = className
    for (const key of ['name', 'message'] as const) this.#member(node, error, key)
    // Whoever sets `Error.prepareStackTrace` may get something else than text.
    if (typeof error.stack === 'string') node['stack'] = error.stack
    if (Object.hasOwn(error, 'cause')) this.#member(node, error, 'cause')
    const listed = Object.getOwnPropertyDescriptor(error, 'errors')?.enumerable === false
    if (listed) this.#member(node, error, 'errors')
    const keys = Object.keys(error).filter((key) => !ERROR_MEMBERS.has(key))
    if (keys.length > 0) {
      node['fields'] = this.#fields(error as unknown as Readonly<Record<string, unknown>>, keys)
    }
    return node
  }

  #member(node: Node, error: Error, key: string): void {
    this.#trail.push(key)
    this.#put(node, key, Reflect.get(error, key))
    this.#trail.pop()
  }

  #typed(value: object, type: SavedType): JsonValue {
    const node: Record<string, JsonValue> = { $: 'type', name: type.name }
    this.#open.add(value)
    const data = type.encode(value)
    this.#trail.push({ text: `<${type.name}>` })
    this.#put(node, 'data', data)
    this.#trail.pop()
    this.#open.delete(value)
    return node
  }

  #noFields(value: object, kind: string): void {
    const [field] = Object.keys(value)
    if (field === undefined) return
    this.#trail.push(field)
    throw this.#refused([`a field that was added to a ${kind}`, `Keep it beside the ${kind}.`])
  }

  #refused([what, advice]: Refusal): SerializationError {
    return new SerializationError(this.#trail.toString(), `${what} can't be saved. ${advice}`)
  }

  /** Gives ids to what is there more than once, and puts the wrapper that carries them where it is needed. */
  #giveIds(): void {
    const shared = [...this.#places.values()].filter(({ refs }) => refs !== undefined)
    for (const [index, { refs }] of shared.entries()) for (const ref of refs ?? []) ref.id = index + 1
    // The inner ones first: what a wrapper takes over is complete then.
    for (let index = shared.length - 1; index >= 0; index--) {
      const { parent, key } = shared[index] as Place
      const node = Reflect.get(parent, key) as Node
      setOwn(parent, key, withId(node, index + 1))
    }
  }
}

const LEADS_BACK: Refusal = [
  'a value of a registered type that leads back to itself',
  'Its type has to name what it refers to by an id, say.',
]

const ERROR_MEMBERS: ReadonlySet<string> = new Set(['name', 'message', 'stack', 'cause'])

function withId(node: Node, id: number): JsonValue {
  if (Array.isArray(node)) return { $: 'array', id, items: node }
  if (!Object.hasOwn(node, '$')) return { $: 'object', id, fields: node }
  const { $: kind, ...rest } = node
  return { $: kind as string, id, ...rest }
}

function isError(value: object): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]'
}

/** A plain object or list of another realm (a worker's, a test runner's). */
function isForeignPlain(value: object, prototype: object): boolean {
  if (Array.isArray(value)) {
    // A subclass has its prototype one level further from the end than a list.
    const above: unknown = Object.getPrototypeOf(prototype)
    return (
      prototype !== Array.prototype && Array.isArray(prototype) && above !== null && !Array.isArray(above)
    )
  }
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf')
}

/** What it is that can't be saved, and what to do about it. */
function refusalOf(value: object): Refusal {
  if (typeof value === 'function') {
    const name = value.name === '' ? 'a function' : `the function ${value.name}`
    return [name, 'Save what it is called with, or the name of a method, and find the function by that.']
  }
  if (value instanceof Promise) return ['a promise', 'Await it, and save what it gives.']
  const className = classNameOf(value)
  if (/^Weak(Map|Set|Ref)$/.test(className))
    return [`a ${className}`, 'What it holds is not known. Keep a list or a Map.']
  return [
    `an instance of ${className}`,
    `Save plain data instead, or register its class: \`types: [{ name: '${className}', is, encode, decode }]\`.`,
  ]
}

function classNameOf(value: object): string {
  const made: unknown = Reflect.get(value, 'constructor')
  return typeof made === 'function' && made.name !== '' ? made.name : 'an unnamed class'
}

function textOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error)
  } catch {
    return 'it threw something that has no text'
  }
}
