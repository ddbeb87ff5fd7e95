import { isDeepStrictEqual } from 'node:util'
import { HAS_MORE, share } from '../run/extent.ts'
import * as fc from '../run/properties.ts'
import { describe, expect, it } from 'vitest'
import { Bundle, type BundleParts, outputPart, recordPart } from '../../src/bundle/bundle.ts'
import { Codec } from '../../src/bundle/codec.ts'
import { encodeMemory } from '../../src/bundle/memory-part.ts'
import { decodeBundle, encodeBundle } from '../../src/bundle/saved-form.ts'
import { IncompatibleBundle } from '../../src/shared/errors.ts'
import type { JsonValue } from '../../src/shared/json.ts'
import { anyRecord, anyValue } from './values.ts'

const codec = new Codec()

describe('any value that can be saved (C10)', () => {
  it('is byte for byte the same after saving, JSON, loading and saving again', HAS_MORE, () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const text = codec.stringify(value, 'ctx')
        const loaded = codec.parse(JSON.stringify(JSON.parse(text)), 'ctx')
        expect(codec.stringify(loaded, 'ctx')).toBe(text)
      }),
      { numRuns: share(80, 500) },
    )
  })

  it('comes back as it went', HAS_MORE, () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const text = codec.stringify(value)
        // To Node 20 no invalid date equals another.
        fc.pre(!text.includes('"$":"Date","value":null') && !text.includes('"$":"Date","id":'))
        expect(isDeepStrictEqual(codec.parse(text), value)).toBe(true)
      }),
      { numRuns: share(150, 500) },
    )
  })

  it('gives the same text each time, and the same as its JSON does', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const text = codec.stringify(value)
        expect(codec.stringify(value)).toBe(text)
        expect(JSON.stringify(codec.encode(value))).toBe(text)
      }),
    )
  })

  it('stays as it is if it is plain JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        // -0 is the one that JSON itself loses.
        fc.pre(
          !JSON.stringify(value).includes('"$"') &&
            isDeepStrictEqual(JSON.parse(JSON.stringify(value)), value),
        )
        expect(codec.stringify(value)).toBe(JSON.stringify(value))
        expect(codec.encode(value)).toEqual(value)
        expect(codec.parse(JSON.stringify(value))).toEqual(value)
      }),
    )
  })
})

describe('damaged JSON', () => {
  it('is refused as IncompatibleBundle or read, but nothing else happens', HAS_MORE, () => {
    fc.assert(
      fc.property(anyValue, fc.nat(), fc.jsonValue(), (value, where, other) => {
        const json = JSON.parse(codec.stringify(value)) as JsonValue
        const places = placesOf(json)
        const place = places[where % places.length]
        if (place !== undefined) place(other as JsonValue)
        const refused = thrownBy(() => codec.decode(json, 'ctx'))
        fc.pre(refused !== undefined)
        expect(refused).toBeInstanceOf(IncompatibleBundle)
        expect(refused?.message).toMatch(/^ctx/)
      }),
      { numRuns: share(150, 500) },
    )
  })

  it('is refused wherever its text was cut off', () => {
    fc.assert(
      fc.property(anyValue, fc.nat(), (value, where) => {
        const text = codec.stringify(value)
        expect(() => codec.parse(text.slice(0, where % text.length), 'ctx')).toThrow(IncompatibleBundle)
      }),
    )
  })
})

const anyParts: fc.Arbitrary<BundleParts> = fc
  .record({
    state: fc.record({
      label: fc.constantFrom('created', 'running'),
      args: fc.array(anyValue, { maxLength: 2 }),
    }),
    inputs: anyRecord,
    parsed: fc.option(anyRecord, { nil: undefined }),
    outputs: fc.dictionary(fc.string(), anyValue, { maxKeys: 4 }),
    ctx: anyRecord,
    members: anyRecord,
    instance: anyRecord,
    done: fc.dictionary(
      fc.string().map((name) => `effect:${name}`),
      anyValue,
    ),
    launch: fc.option(anyRecord, { nil: undefined }),
  })
  .map(({ state, inputs, parsed, outputs, done, launch, ...memory }) => {
    const parts: Record<string, string> = {
      state: codec.stringify(state),
      inputs: codec.stringify(inputs),
    }
    if (parsed !== undefined) parts['parsed'] = codec.stringify(parsed)
    const kept = encodeMemory(memory, codec)
    if (kept !== undefined) parts['memory'] = kept
    for (const [port, value] of Object.entries(outputs)) parts[outputPart(port)] = codec.stringify(value)
    for (const [name, value] of Object.entries(done)) parts[recordPart(name)] = codec.stringify(value)
    if (launch !== undefined) parts['launch'] = codec.stringify(launch)
    return parts
  })

const text = fc.string({ minLength: 1 })
const anyHead = fc.record(
  {
    pid: text,
    class: text,
    version: fc.nat(),
    created: fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    parent: text,
    seq: fc.nat(),
    paused: fc.record(
      { message: fc.string(), at: fc.constant('2026-01-31T12:00:00.000Z') },
      { requiredKeys: [] },
    ),
    status: fc.string(),
  },
  { requiredKeys: ['pid', 'class', 'version', 'created', 'seq'] },
)

describe('any bundle (C10)', () => {
  it('is byte for byte the same after saving, JSON, loading and saving again', HAS_MORE, () => {
    fc.assert(
      fc.property(anyHead, anyParts, (head, parts) => {
        const bundle = Bundle.fromParts(head, parts)
        const loaded = Bundle.parse(JSON.stringify(bundle))
        expect(loaded.text).toBe(bundle.text)
        expect(loaded.text).toBe(JSON.stringify(bundle))
        expect(loaded.head).toEqual(head)
        expect(loaded.parts).toEqual(parts)
        expect(encodeBundle(loaded.head, decodeBundle(loaded, codec), codec).text).toBe(bundle.text)
      }),
      { numRuns: share(100, 200) },
    )
  })
})

/** Ways to replace one value somewhere in the JSON. */
function placesOf(json: JsonValue): ((value: JsonValue) => void)[] {
  if (typeof json !== 'object' || json === null) return []
  return Object.keys(json).flatMap((key) => [
    (value: JsonValue) => void Object.defineProperty(json, key, { value, enumerable: true }),
    () => void Reflect.deleteProperty(json, key),
    ...placesOf(Reflect.get(json, key) as JsonValue),
  ])
}

function thrownBy(act: () => unknown): Error | undefined {
  try {
    act()
    return undefined
  } catch (error) {
    return error as Error
  }
}
