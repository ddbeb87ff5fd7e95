import { copyOf } from '../ports/plain.ts'
import { IncompatibleBundle, SerializationError, SpecError } from '../shared/errors.ts'
import type { JsonValue } from '../shared/json.ts'
import { decodeValue } from './decode.ts'
import { encodeValue } from './encode.ts'
import { isPlainTree } from './plain-tree.ts'
import type { SavedType } from './saved-type.ts'

export type { SavedType }

/**
 * Encodes values as JSON, and restores them exactly.
 *
 * Plain JSON stays as it is. Any other value becomes `{ "$": kind, … }`, and an object with a key
 * `$` becomes `{ "$": "object", "fields": … }`:
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
 * | an object that the value contains again, also in a cycle | `{ "$": "ref", "id": 1 }`; its first use has the same `id` |
 *
 * An error comes back as an instance of its nearest class that is built in or Damson's own, with
 * its own name. No code of the user runs. Objects of another realm (`node:vm`) come back as objects
 * of this one. Each view of bytes comes back with its own bytes, so two views of one buffer no
 * longer share it. A getter is saved as the value that it returns. Symbol keys, non-enumerable
 * keys, and whether an object was frozen are not saved. Every other value is refused with the path
 * to it.
 */
// Keeps C10.
export class Codec {
  readonly #types: ReadonlyMap<string, SavedType>

  /**
   * `types` are the user's classes that may be saved.
   *
   * @throws SpecError for two types of the same name
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
   * Encodes a value as JSON that shares no part with it. `path` names the value in errors.
   *
   * @throws SerializationError for a value that can't be saved, with the path to it
   */
  encode(value: unknown, path = ''): JsonValue {
    return encodeValue(value, path, this.#types)
  }

  /**
   * Restores an encoded value.
   *
   * @throws IncompatibleBundle if the JSON is damaged or one of its types is not registered
   */
  decode(json: JsonValue, path = ''): unknown {
    return decodeValue(json, path, this.#types)
  }

  /**
   * Returns a copy as saving and loading the value would make it. A value that can't be saved is
   * copied as far as possible; saving it reports the error later.
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
   * Encodes a value as JSON text, which is always the same for equal values.
   *
   * @throws SerializationError for a value that can't be saved, with the path to it
   */
  stringify(value: unknown, path = ''): string {
    return isPlainTree(value) ? JSON.stringify(value) : this.#text(this.encode(value, path), path)
  }

  /**
   * Like `stringify`, for a thrown value. A member of an error that can't be saved, such as a
   * function, is left out and listed in the field `notSaved` of that error. So the name, code,
   * message and cause are kept.
   *
   * @throws SerializationError for any other value that can't be saved
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
   * Restores a value from its JSON text.
   *
   * @throws IncompatibleBundle if the text is damaged or one of its types is not registered
   */
  parse(text: string, path = ''): unknown {
    let json: JsonValue
    try {
      json = JSON.parse(text) as JsonValue
    } catch (error) {
      throw new IncompatibleBundle(
        `${path === '' ? 'value' : path}: damaged, it is not JSON: ${(error as Error).message}`,
        {
          cause: error,
        },
      )
    }
    // Without a key `$`, which JSON may also escape, there is nothing to decode.
    return text.includes('"$"') || text.includes('\\u0024') ? this.decode(json, path) : json
  }
}
