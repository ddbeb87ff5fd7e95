import { errorText } from '../shared/error-text.ts'
import { IncompatibleBundle } from '../shared/errors.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../shared/json.ts'
import { setOwn } from '../shared/own.ts'
import type { BinaryKind } from '../shared/kinds.ts'
import { fromBase64, isBinaryKind } from './binary.ts'
import { hidden, newError } from './error-classes.ts'
import type { SavedType } from './saved-type.ts'
import { ValuePath } from './value-path.ts'

/** See `Codec.decode`. */
export function decodeValue(json: JsonValue, path: string, types: ReadonlyMap<string, SavedType>): unknown {
  const at = new ValuePath(path)
  try {
    return new Decoder(at, types).value(json)
  } catch (error) {
    if (error instanceof IncompatibleBundle) throw error
    const message = errorText(error)
    throw new IncompatibleBundle(`${at.toString()}: can't be read: ${message}`, { cause: error })
  }
}

const LEAVES: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['undefined', undefined],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
  ['-0', -0],
])

/** Restores only what the encoder wrote: a missing or an extra key is an error. */
class Decoder {
  readonly #path: ValuePath
  readonly #types: ReadonlyMap<string, SavedType>
  readonly #byId = new Map<number, unknown>()

  constructor(at: ValuePath, types: ReadonlyMap<string, SavedType>) {
    this.#path = at
    this.#types = types
  }

  value(json: JsonValue): unknown {
    if (typeof json !== 'object' || json === null) return json
    if (Array.isArray(json)) return this.#items(json, [])
    const object = json as JsonObject
    return Object.hasOwn(object, '$') ? this.#kind(object) : this.#fields(object, {})
  }

  #kind(json: JsonObject): unknown {
    const { $: kind } = json
    if (typeof kind !== 'string')
      throw this.#damaged(`\`$\` should name a kind, and is ${JSON.stringify(kind)}`)
    if (LEAVES.has(kind)) {
      this.#only(json)
      return LEAVES.get(kind)
    }
    if (isBinaryKind(kind)) return this.#binary(json, kind)
    switch (kind) {
      case 'ref':
        return this.#ref(json)
      case 'object':
        this.#only(json, 'id', 'fields')
        return this.#fields(this.#object(json, 'fields'), this.#named(json, {}))
      case 'dict':
        this.#only(json, 'id', 'fields')
        return this.#fields(this.#object(json, 'fields'), this.#named(json, Object.create(null) as object))
      case 'array':
        return this.#array(json)
      case 'bigint': {
        this.#only(json, 'value')
        const text = this.#text(json, 'value')
        const value = BigInt(text)
        if (String(value) !== text) throw this.#damaged(`${JSON.stringify(text)} is not a bigint`)
        return value
      }
      case 'Date':
        return this.#date(json)
      case 'URL': {
        this.#only(json, 'id', 'value')
        return this.#named(json, new URL(this.#text(json, 'value')))
      }
      case 'RegExp':
        return this.#regExp(json)
      case 'Map':
        return this.#map(json)
      case 'Set': {
        this.#only(json, 'id', 'values')
        const set = this.#named(json, new Set())
        const values = this.#list(json, 'values')
        for (const value of this.#items(values, [])) set.add(value)
        if (set.size !== values.length) throw this.#damaged('the Set contains a value twice')
        return set
      }
      case 'Error':
        return this.#error(json)
      case 'type':
        return this.#typed(json)
      default:
        throw this.#damaged(
          `there is no kind ${JSON.stringify(kind)}: a newer release saved it, or it was changed`,
        )
    }
  }

  #fields<T extends object>(json: JsonObject, into: T): T {
    for (const key of Object.keys(json)) {
      this.#path.push(key)
      setOwn(into, key, this.value(json[key] as JsonValue))
      this.#path.pop()
    }
    return into
  }

  #items(json: readonly JsonValue[], into: unknown[]): unknown[] {
    for (let i = 0; i < json.length; i++) {
      this.#path.push(i)
      into.push(this.value(json[i] as JsonValue))
      this.#path.pop()
    }
    return into
  }

  #array(json: JsonObject): unknown[] {
    if (Array.isArray(json['items'])) {
      this.#only(json, 'id', 'items')
      return this.#items(this.#list(json, 'items'), this.#named(json, []))
    }
    this.#only(json, 'id', 'length', 'items')
    const items = this.#object(json, 'items')
    const { length } = json
    const array: unknown[] = this.#named(json, [])
    if (typeof length !== 'number') throw this.#wrong(json, 'length', 'a number')
    array.length = length
    if (Object.hasOwn(items, 'length')) throw this.#damaged('a list has no item `length`')
    this.#fields(items, array)
    if (array.length !== length) throw this.#damaged(`it has items beyond its length ${length}`)
    return array
  }

  #date(json: JsonObject): Date {
    this.#only(json, 'id', 'value')
    const value = json['value']
    const date = new Date(value === null ? Number.NaN : this.#text(json, 'value'))
    if (value !== null && (Number.isNaN(date.getTime()) || date.toISOString() !== value)) {
      throw this.#damaged(`${JSON.stringify(value)} is not a date`)
    }
    return this.#named(json, date)
  }

  #regExp(json: JsonObject): RegExp {
    this.#only(json, 'id', 'source', 'flags', 'lastIndex')
    const pattern = new RegExp(this.#text(json, 'source'), this.#text(json, 'flags'))
    if (typeof json['lastIndex'] !== 'number') throw this.#wrong(json, 'lastIndex', 'a number')
    pattern.lastIndex = json['lastIndex']
    return this.#named(json, pattern)
  }

  #map(json: JsonObject): Map<unknown, unknown> {
    this.#only(json, 'id', 'entries')
    const map = this.#named(json, new Map<unknown, unknown>())
    const entries = this.#list(json, 'entries')
    for (const [index, entry] of entries.entries()) {
      this.#path.push({ text: `.entries()[${index}]` })
      if (!Array.isArray(entry) || entry.length !== 2) throw this.#damaged('it should be [key, value]')
      const [key, value] = this.#items(entry, [])
      map.set(key, value)
      this.#path.pop()
    }
    if (map.size !== entries.length) throw this.#damaged('the Map contains a key twice')
    return map
  }

  #binary(json: JsonObject, kind: BinaryKind): object {
    this.#only(json, 'id', 'base64')
    const value = fromBase64(kind, this.#text(json, 'base64'))
    if (value === undefined) throw this.#damaged(`its bytes are no ${kind}`)
    return this.#named(json, value)
  }

  #error(json: JsonObject): Error {
    this.#only(json, 'id', 'class', 'name', 'message', 'stack', 'cause', 'errors', 'fields')
    const className = json['class'] === undefined ? 'Error' : this.#text(json, 'class')
    const error = newError(className, this.#member(json, 'name'), this.#member(json, 'message'))
    if (error === undefined) {
      throw this.#damaged(
        `there is no error class ${JSON.stringify(className)}: a newer release saved it, or it was changed`,
      )
    }
    this.#named(json, error)
    // Without a saved stack, the error would show the stack of its loading.
    hidden(error, 'stack', json['stack'] === undefined ? undefined : this.#text(json, 'stack'))
    for (const key of ['cause', 'errors']) {
      if (json[key] !== undefined) hidden(error, key, this.#member(json, key))
    }
    if (json['fields'] === undefined) return error
    // Defined, not assigned, since a class may have an accessor under that name.
    const fields = this.#fields(this.#object(json, 'fields'), {})
    return Object.defineProperties(error, Object.getOwnPropertyDescriptors(fields))
  }

  #member(json: JsonObject, key: string): unknown {
    const member = json[key]
    if (member === undefined) throw this.#wrong(json, key, 'there')
    this.#path.push(key)
    const value = this.value(member)
    this.#path.pop()
    return value
  }

  #typed(json: JsonObject): unknown {
    this.#only(json, 'id', 'name', 'data')
    const name = this.#text(json, 'name')
    const type = this.#types.get(name)
    if (type === undefined) {
      const known = [...this.#types.keys()].toSorted().join(', ')
      throw this.#damaged(
        `no saved type named ${name} is registered here (${known === '' ? 'none is' : `registered: ${known}`}): add it to \`types\``,
      )
    }
    const data = this.#member(json, 'data')
    return this.#named(json, type.decode(data))
  }

  #ref(json: JsonObject): unknown {
    this.#only(json, 'id')
    const id = json['id'] as number
    if (!this.#byId.has(id))
      throw this.#damaged(`it refers to ${JSON.stringify(json['id'])}, which does not exist`)
    return this.#byId.get(id)
  }

  /** Registers an object by its id before it is filled, since its content may refer to it. */
  #named<T>(json: JsonObject, value: T): T {
    const id = json['id']
    if (id === undefined) return value
    if (typeof id !== 'number') throw this.#wrong(json, 'id', 'a number')
    if (this.#byId.has(id)) throw this.#damaged(`the id ${id} occurs twice`)
    this.#byId.set(id, value)
    return value
  }

  #only(json: JsonObject, ...keys: readonly string[]): void {
    for (const key of Object.keys(json)) {
      if (key !== '$' && !keys.includes(key)) {
        throw this.#damaged(`the kind ${JSON.stringify(json['$'])} has no key ${JSON.stringify(key)}`)
      }
    }
  }

  #text(json: JsonObject, key: string): string {
    const value = json[key]
    if (typeof value === 'string') return value
    throw this.#wrong(json, key, 'a text')
  }

  #object(json: JsonObject, key: string): JsonObject {
    const value = json[key]
    if (isJsonObject(value)) return value
    throw this.#wrong(json, key, 'an object')
  }

  #list(json: JsonObject, key: string): readonly JsonValue[] {
    const value = json[key]
    if (Array.isArray(value)) return value
    throw this.#wrong(json, key, 'a list')
  }

  #wrong(json: JsonObject, key: string, should: string): IncompatibleBundle {
    return this.#damaged(
      `\`${key}\` of the kind ${JSON.stringify(json['$'])} should be ${should}, and is ${JSON.stringify(json[key])}`,
    )
  }

  #damaged(what: string): IncompatibleBundle {
    return new IncompatibleBundle(`${this.#path.toString()}: damaged, ${what}`)
  }
}
