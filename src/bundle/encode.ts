import { GIVE_HANDLES, isGroupLike } from '../shared/group-like.ts'
import { errorText } from '../shared/error-text.ts'
import { DamsonError, SerializationError } from '../shared/errors.ts'
import type { JsonValue } from '../shared/json.ts'
import { setOwn } from '../shared/own.ts'
import { isError, isPlainList, kindOf } from '../shared/kinds.ts'
import { binaryKind, toBase64 } from './binary.ts'
import { errorClassName } from './error-classes.ts'
import { MAX_DEPTH } from './plain-tree.ts'
import type { SavedType } from './saved-type.ts'
import { ValuePath } from './value-path.ts'

/** JSON under construction. */
type Node = Record<string, JsonValue> | JsonValue[]

/** Where the value contains an object first. */
interface FirstUse {
  readonly parent: Node
  readonly key: string
  /** The references in place of its further uses, which get the id of the object at the end. */
  refs: { $: 'ref'; id: number }[] | undefined
}

type Refusal = readonly [what: string, advice: string]

/** See `Codec.encode`; `lenient` as in `Codec.stringifyFailure`. */
export function encodeValue(
  value: unknown,
  path: string,
  types: ReadonlyMap<string, SavedType>,
  lenient = false,
): JsonValue {
  const at = new ValuePath(path)
  try {
    return new Encoder(at, types, lenient).encode(value)
  } catch (error) {
    if (error instanceof SerializationError) throw error
    const message =
      error instanceof RangeError && !(error instanceof DamsonError) && /call stack/i.test(error.message)
        ? DEPTH
        : `it can't be read: ${errorText(error)}`
    throw new SerializationError(at.toString(), message, { cause: error })
  }
}

const DEPTH = `it is nested more than ${MAX_DEPTH} levels deep. Keep such data flat: a list of items that name each other by id`

/**
 * Walks a value once, so that getters and the `encode` of types are called once. An object that is
 * met again becomes a reference. At the end each object with references gets an id, in the order of
 * first uses.
 */
class Encoder {
  readonly #path: ValuePath
  readonly #types: ReadonlyMap<string, SavedType>
  readonly #firstUses = new Map<object, FirstUse>()
  /** The values of registered types that are being encoded. */
  readonly #open = new Set<object>()
  /** Undoes what was noted of values if a member of an error turns out not to be savable. */
  readonly #undo: (() => void)[] | undefined
  #shared = false
  #depth = 0

  constructor(at: ValuePath, types: ReadonlyMap<string, SavedType>, lenient: boolean) {
    this.#path = at
    this.#types = types
    if (lenient) this.#undo = []
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
    const use = this.#firstUses.get(value)
    if (use !== undefined) {
      if (this.#open.has(value)) throw this.#refused(LEADS_BACK)
      const ref = { $: 'ref' as const, id: 0 }
      ;(use.refs ??= []).push(ref)
      this.#undo?.push(() => {
        use.refs?.pop()
        if (use.refs?.length === 0) use.refs = undefined
      })
      this.#shared = true
      setOwn(parent, key, ref)
      return
    }
    if (this.#depth >= MAX_DEPTH) throw new SerializationError(this.#path.toString(), DEPTH)
    this.#firstUses.set(value, { parent, key, refs: undefined })
    this.#undo?.push(() => this.#firstUses.delete(value))
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
    throw this.#refused(['a symbol', 'Save a string instead.'])
  }

  #object(value: object): JsonValue {
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype === Object.prototype) return this.#plain(value)
    if (prototype === Array.prototype && Array.isArray(value)) return this.#array(value)
    for (const type of this.#types.values()) if (type.is(value)) return this.#typed(value, type)
    if (prototype === null) return { $: 'dict', fields: this.#fields(value) }
    const known = this.#known(value)
    if (known !== undefined) return known
    if (isError(value)) return this.#error(value)
    if (isPlainList(value)) return this.#array(value)
    if (isForeignPlain(prototype as object)) return this.#plain(value)
    throw this.#refused(refusalOf(value))
  }

  #plain(value: object): JsonValue {
    const fields = this.#fields(value)
    return Object.hasOwn(fields, '$') ? { $: 'object', fields } : fields
  }

  #fields(value: object, keys = Object.keys(value)): Record<string, JsonValue> {
    const members = value as Readonly<Record<string, unknown>>
    const fields: Record<string, JsonValue> = {}
    for (const key of keys) {
      this.#path.push(key)
      this.#put(fields, key, members[key])
      this.#path.pop()
    }
    return fields
  }

  #array(value: readonly unknown[]): JsonValue {
    const keys = Object.keys(value)
    // Indices come first and in order, so the last key shows that there are no holes or named
    // members.
    const dense =
      keys.length === value.length && (keys.length === 0 || keys.at(-1) === String(keys.length - 1))
    if (!dense) {
      const items = this.#fields(value, keys)
      return { $: 'array', length: value.length, items }
    }
    return this.#items(value)
  }

  #items(
    values: Iterable<unknown>,
    step: (index: number) => Parameters<ValuePath['push']>[0] = (i) => i,
  ): JsonValue[] {
    const items: JsonValue[] = []
    for (const value of values) {
      this.#path.push(step(items.length))
      this.#put(items, String(items.length), value)
      this.#path.pop()
    }
    return items
  }

  #known(value: object): JsonValue | undefined {
    const kind = kindOf(value)
    const binary = binaryKind(kind)
    if (binary !== undefined) return { $: binary, base64: toBase64(value as ArrayBuffer | ArrayBufferView) }
    switch (kind) {
      case 'Date': {
        this.#noFields(value, 'Date')
        const time = Date.prototype.getTime.call(value)
        return { $: 'Date', value: Number.isNaN(time) ? null : new Date(time).toISOString() }
      }
      case 'Map':
        this.#noFields(value, 'Map')
        return { $: 'Map', entries: this.#entries(value as Map<unknown, unknown>) }
      case 'Set':
        this.#noFields(value, 'Set')
        return {
          $: 'Set',
          values: this.#items(value as Set<unknown>, (i) => ({ text: `.values()[${i}]` })),
        }
      case 'RegExp': {
        this.#noFields(value, 'RegExp')
        const { source, flags, lastIndex } = value as RegExp
        return { $: 'RegExp', source, flags, lastIndex }
      }
      case 'URL':
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
      this.#path.push({ text: `.keys()[${entries.length}]` })
      this.#put(entry, '0', key)
      this.#path.pop()
      const named = typeof key === 'string' || typeof key === 'number'
      this.#path.push({ text: named ? `.get(${JSON.stringify(key)})` : `.values()[${entries.length}]` })
      this.#put(entry, '1', value)
      this.#path.pop()
      entries.push(entry)
    }
    return entries
  }

  /** Saves the members of an error, but not whether they are inherited or enumerable. */
  #error(error: Error): JsonValue {
    const node: Record<string, JsonValue> = { $: 'Error' }
    const className = errorClassName(error)
    if (className !== 'Error') node['class'] = className
    const left: string[] = []
    for (const key of ['name', 'message'] as const) {
      if (!this.#member(node, error, key, left)) node[key] = key === 'name' ? className : ''
    }
    // `Error.prepareStackTrace` may return something other than text.
    if (typeof error.stack === 'string') node['stack'] = error.stack
    if (Object.hasOwn(error, 'cause')) this.#member(node, error, 'cause', left)
    const listed = Object.getOwnPropertyDescriptor(error, 'errors')?.enumerable === false
    if (listed) this.#member(node, error, 'errors', left)
    const keys = Object.keys(error).filter((key) => !ERROR_MEMBERS.has(key))
    const fields: Record<string, JsonValue> = {}
    for (const key of keys) this.#member(fields, error, key, left)
    if (left.length > 0) {
      const before = fields[NOT_SAVED]
      fields[NOT_SAVED] = [...(Array.isArray(before) ? (before as JsonValue[]) : []), ...left]
    }
    if (Object.keys(fields).length > 0) node['fields'] = fields
    return node
  }

  /**
   * Saves a member of an error and returns whether it was there. If the encoder is lenient, a
   * member that can't be saved is left out and reported in `left`.
   */
  #member(node: Node, error: Error, key: string, left: string[]): boolean {
    const undo = this.#undo
    const root = this.#path.toString()
    const [marks, steps, depth] = [undo?.length ?? 0, this.#path.length, this.#depth]
    try {
      this.#path.push(key)
      this.#put(node, key, Reflect.get(error, key))
      this.#path.pop()
      return true
    } catch (failure) {
      if (undo === undefined) throw failure
      for (const takeBack of undo.splice(marks).toReversed()) takeBack()
      this.#path.backTo(steps)
      this.#depth = depth
      const text = failure instanceof SerializationError ? failure.message : `${key}: ${errorText(failure)}`
      left.push(text.startsWith(`${root}.`) ? text.slice(root.length + 1) : text)
      return false
    }
  }

  #typed(value: object, type: SavedType): JsonValue {
    const node: Record<string, JsonValue> = { $: 'type', name: type.name }
    this.#open.add(value)
    this.#undo?.push(() => this.#open.delete(value))
    const data = type.encode(value)
    this.#path.push({ text: `<${type.name}>` })
    this.#put(node, 'data', data)
    this.#path.pop()
    this.#open.delete(value)
    return node
  }

  #noFields(value: object, kind: string): void {
    const [field] = Object.keys(value)
    if (field === undefined) return
    this.#path.push(field)
    throw this.#refused([`a field that was added to a ${kind}`, `Keep it beside the ${kind}.`])
  }

  #refused([what, advice]: Refusal): SerializationError {
    return new SerializationError(this.#path.toString(), `${what} can't be saved. ${advice}`)
  }

  /**
   * Gives ids to the objects with references, and wraps those that can't carry an id themselves.
   */
  #giveIds(): void {
    const shared = [...this.#firstUses.values()].filter(({ refs }) => refs !== undefined)
    for (const [index, { refs }] of shared.entries()) for (const ref of refs ?? []) ref.id = index + 1
    // Inner objects come first, so that the content of a wrapper is complete.
    for (let index = shared.length - 1; index >= 0; index--) {
      const { parent, key } = shared[index] as FirstUse
      const node = Reflect.get(parent, key) as Node
      setOwn(parent, key, withId(node, index + 1))
    }
  }
}

const LEADS_BACK: Refusal = [
  'a value of a registered type that leads back to itself',
  'Its type has to name what it refers to by an id, say.',
]

/** The field of a saved error that lists the members that could not be saved, and why. */
const NOT_SAVED = 'notSaved'

const ERROR_MEMBERS: ReadonlySet<string> = new Set(['name', 'message', 'stack', 'cause'])

function withId(node: Node, id: number): JsonValue {
  if (Array.isArray(node)) return { $: 'array', id, items: node }
  if (!Object.hasOwn(node, '$')) return { $: 'object', id, fields: node }
  const { $: kind, ...rest } = node
  return { $: kind as string, id, ...rest }
}

/**
 * Whether objects with this prototype are the plain ones of another realm (a worker's, a test
 * runner's).
 */
function isForeignPlain(prototype: object): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf')
}

/** Describes a value that can't be saved, and what to do about it. */
function refusalOf(value: object): Refusal {
  if (typeof value === 'function') {
    const name = value.name === '' ? 'a function' : `the function ${value.name}`
    return [name, 'Save its arguments, or the name of a method, and look the function up by that name.']
  }
  if (value instanceof Promise) return ['a promise', 'Await it, and save its result.']
  if (isGroupLike(value)) return ['a group', `Instead, ${GIVE_HANDLES}.`]
  const className = classNameOf(value)
  if (/^Weak(Map|Set|Ref)$/.test(className))
    return [`a ${className}`, 'Its content is not readable. Keep a list or a Map.']
  return [
    `an instance of ${className}`,
    `Save plain data instead, or register its class: \`types: [{ name: '${className}', is, encode, decode }]\`.`,
  ]
}

function classNameOf(value: object): string {
  const made: unknown = Reflect.get(value, 'constructor')
  return typeof made === 'function' && made.name !== '' ? made.name : 'an unnamed class'
}
