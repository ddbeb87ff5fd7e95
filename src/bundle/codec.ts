import { copyOf } from '../ports/plain.ts'
import { IncompatibleBundle, SerializationError, SpecError } from '../shared/errors.ts'
import type { JsonValue } from '../shared/json.ts'
import { decodeValue } from './decode.ts'
import { encodeValue } from './encode.ts'
import { isPlainTree } from './plain-tree.ts'
import type { SavedType } from './saved-type.ts'

export type { SavedType }

/**
 * Turns values into JSON and back, so that they come back as they went (C10).
 *
 * Plain JSON stays as it is. Anything else is `{ "$": kind, … }`, and an object that has a key `$` of its own is `{ "$": "object", "fields": … }`:
 *
 * | value | JSON |
 * | --- | --- |
 * | `undefined`, `NaN`, `Infinity`, `-Infinity`, `-0` | `{ "$": "NaN" }` |
 * | a bigint | `{ "$": "bigint", "value": "12" }` |
 * | `Date` (invalid: null), `URL` | `{ "$": "Date", "value": "2026-01-31T12:00:00.000Z" }` |
 * | `RegExp` | `{ "$": "RegExp", "source": "a+", "flags": "g", "lastIndex": 0 }` |
 * | `Map`, `Set` | `{ "$": "Map", "entries": [[key, value]] }`, `{ "$": "Set", "values": […] }` |
 * | `ArrayBuffer`, typed arrays, `DataView`, `Buffer` | `{ "$": "Float64Array", "base64": "…" }` |
 * | errors | `{ "$": "Error", "class": "TypeError", "name", "message", "stack", "cause", "errors", "fields" }` |
 * | an object without a prototype | `{ "$": "dict", "fields": {…} }` |
 * | a list with holes or named members | `{ "$": "array", "length": 3, "items": { "1": … } }` |
 * | a value of a registered type | `{ "$": "type", "name": "Vector", "data": … }` |
 * | what is in the value a second time, cycles too | `{ "$": "ref", "id": 1 }`; its first place has the same `id` |
 *
 * Errors come back as instances of the nearest class that is JavaScript's own or Damson's, with their own name; nothing of the user's
 * runs. What is of another realm (`node:vm`) comes back as what it is, in this one. A view of bytes comes back with bytes of its own: two views of one buffer do not share it any more.
 * Getters are saved as what they give. Not saved: keys that are symbols or not enumerable, and that something was frozen.
 * Everything else is refused, naming where it is.
 */
export class Codec {
  readonly #types: ReadonlyMap<string, SavedType>

  /**
   * `types` are the own classes that may be saved.
   *
   * @throws SpecError for two types of one name
   */
  constructor(types: readonly SavedType[] = []) {
    const byName = new Map<string, SavedType>()
    for (const type of types) {
      if (byName.has(type.name)) {
        throw new SpecError(
          `two saved types are named ${type.name}: what is saved by one could be loaded by the other`,
        )
      }
      byName.set(type.name, type)
    }
    this.#types = byName
  }

  /**
   * The value as JSON; no part of it is shared with the value. `path` names the value in errors.
   *
   * @throws SerializationError for what can't be saved, with the path to it
   */
  encode(value: unknown, path = ''): JsonValue {
    return encodeValue(value, path, this.#types)
  }

  /**
   * What was encoded.
   *
   * @throws IncompatibleBundle where it is damaged or its types are not registered here
   */
  decode(json: JsonValue, path = ''): unknown {
    return decodeValue(json, path, this.#types)
  }

  /**
   * The value as it would come back after it was saved, sharing nothing with it. What can't be saved is copied as far as it can be:
   * saving it will tell.
   */
  copy(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value
    if (isPlainTree(value)) return copyOf(value)
    try {
      return this.decode(this.encode(value))
    } catch (error) {
      if (error instanceof SerializationError) return copyOf(value)
      throw error
    }
  }

  /**
   * The value as JSON text: always the same for the same value.
   *
   * @throws SerializationError for what can't be saved, with the path to it
   */
  stringify(value: unknown, path = ''): string {
    return isPlainTree(value) ? JSON.stringify(value) : this.#text(this.encode(value, path), path)
  }

  /**
   * As `stringify`, for what was thrown: a member of an error that can't be saved, such as a function, is left out, and the field
   * `notSaved` of that error says which and why. So its name, code, message and cause are kept.
   *
   * @throws SerializationError for anything else that can't be saved
   */
  stringifyFailure(value: unknown, path = ''): string {
    return this.#text(encodeValue(value, path, this.#types, true), path)
  }

  #text(json: JsonValue, path: string): string {
    try {
      return JSON.stringify(json)
    } catch (error) {
      throw new SerializationError(
        path === '' ? 'value' : path,
        `it is too large to be saved: ${(error as Error).message}`,
        {
          cause: error,
        },
      )
    }
  }

  /**
   * What was stringified.
   *
   * @throws IncompatibleBundle where it is damaged or its types are not registered here
   */
  parse(text: string, path = ''): unknown {
    let json: JsonValue
    try {
      json = JSON.parse(text) as JsonValue
    } catch (error) {
      throw new IncompatibleBundle(
        `${path === '' ? 'value' : path}: damaged, this is no JSON: ${(error as Error).message}`,
        {
          cause: error,
        },
      )
    }
    // Without a key `$`, however it is written, there is nothing to decode.
    return text.includes('"$"') || text.includes('\\u0024') ? this.decode(json, path) : json
  }
}
