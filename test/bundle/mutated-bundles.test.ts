import { HAS_MORE, share } from '../run/extent.ts'
import * as fc from '../run/properties.ts'
import { describe, expect, it } from 'vitest'
import { Bundle, Continue, IncompatibleBundle, Process, type ProcessSpec, Wait } from 'damson'
import type { JsonValue } from '../../src/shared/json.ts'

/** Has everything that a bundle may hold. */
class Full extends Process {
  static override readonly persisted: readonly string[] = ['n', 'when']
  static override define(spec: ProcessSpec): void {
    spec.input('a').input('b', { default: 2 }).output('ns.x').output('ns.y', { required: false })
    spec.signal('go').retry({ attempts: 3 })
  }
  n = 1
  when = new Date(0)
  secrets = 0
  set secret(_: unknown) {
    this.secrets++
  }
  count(): number {
    return this.n
  }
  override run(): unknown {
    this.ctx['jobs'] = new Map([[1, { error: new RangeError('no', { cause: new Set([1n]) }) }]])
    this.out('ns.x', new Uint8Array([1, 2]))
    return new Continue(this.asks, Number.NaN, [new Error('x')])
  }
  asks(..._given: unknown[]): unknown {
    return new Wait(this.asks, { message: 'for it', data: { $: 1 }, receive: 'go', for: '1h' })
  }
  override loadInstanceState(bundle: Readonly<Record<string, unknown>>): void {
    if ('more' in bundle) this.ctx['more'] = (bundle['more'] as string).toUpperCase()
  }
  override saveInstanceState(bundle: Record<string, unknown>): void {
    bundle['more'] = 'more'
  }
}

async function textsOf(): Promise<string[]> {
  const process = new Full({ a: new Date(1) })
  const texts = [Bundle.from(process).text]
  for (let step = 0; step < 3; step++) {
    await process.step()
    texts.push(Bundle.from(process).text)
  }
  await process.pause('by the test')
  await process.resume({ kept: true })
  await process.sendSignal('go', new Map())
  texts.push(Bundle.from(process).text)
  await process.kill('enough')
  texts.push(Bundle.from(process).text)
  return texts
}

const texts = await textsOf()

/** Loads a bundle; gives what it throws, and sees to it that nothing beyond the process has changed. */
function failureOf(text: string): Error | undefined {
  try {
    const process = Bundle.parse(text).unbundle<Full>({ processes: [Full] })
    expect(Object.getPrototypeOf(process)).toBe(Full.prototype)
    expect(process.secrets).toBe(0)
    for (const key of Object.keys(process)) expect(['inputs', 'ctx', 'n', 'when', 'secrets']).toContain(key)
    return undefined
  } catch (error) {
    return error as Error
  }
}

function expectSound(text: string): void {
  const failure = failureOf(text)
  expect({ failure, isSound: failure === undefined || failure instanceof IncompatibleBundle }).toMatchObject({
    isSound: true,
  })
  expect(Object.keys(Object.prototype)).toEqual([])
}

const someJson = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonValue>,
  fc.constantFrom<JsonValue>(
    { $: 'undefined' },
    { $: 'bigint', value: '1' },
    { $: 'bigint', value: 'x' },
    { $: 'ref', id: 1 },
    { $: 'type', name: 'process', data: 'p' },
    { $: 'Map', entries: [] },
    { $: 'dict', fields: {} },
    { $: 'array', length: 4_294_967_296, items: {} },
    { $: 'Date', value: null },
    [],
    {},
    '',
    -1,
    1e300,
    JSON.parse('{"__proto__":{"polluted":1}}') as JsonValue,
  ),
)
const someKey = fc.constantFrom(
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'secret',
  'count',
  'effect',
  'pid',
  'inputs',
  '$',
  'id',
  'label',
  'args',
  'a.b',
  '',
)

type Place = { readonly holder: Record<string, JsonValue> | JsonValue[]; readonly key: string }

function placesIn(json: JsonValue): Place[] {
  if (typeof json !== 'object' || json === null) return []
  const holder = json as Place['holder']
  return Object.keys(json).flatMap((key) => [
    { holder, key },
    ...placesIn(Reflect.get(holder, key) as JsonValue),
  ])
}

const change = fc.record({
  where: fc.nat(),
  how: fc.constantFrom('set', 'add', 'delete', 'rename', 'copy'),
  key: someKey,
  value: someJson,
  from: fc.nat(),
})

describe('a bundle that was changed by hand', () => {
  it('loads or is an IncompatibleBundle, whatever was changed in it', HAS_MORE, () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        (text, changes) => {
          const json = JSON.parse(text) as JsonValue
          for (const { where, how, key, value, from } of changes) {
            const places = placesIn(json).filter((place) => !(place.holder === json && place.key === 'class'))
            if (places.length === 0) break
            const at = places[where % places.length] as Place
            const other = places[from % places.length] as Place
            const set = (name: string, made: unknown): void => {
              const own = {
                value: structuredClone(made),
                enumerable: true,
                configurable: true,
                writable: true,
              }
              Object.defineProperty(at.holder, name, own)
            }
            if (how === 'set') set(at.key, value)
            else if (how === 'copy') set(at.key, Reflect.get(other.holder, other.key))
            else if (how === 'delete') Reflect.deleteProperty(at.holder, at.key)
            else if (!Array.isArray(at.holder)) {
              set(key, how === 'add' ? value : at.holder[at.key])
              if (how === 'rename') Reflect.deleteProperty(at.holder, at.key)
            }
          }
          expectSound(JSON.stringify(json))
        },
      ),
      { numRuns: share(800, 3_000), seed: 20_261_128 },
    )
  })

  it('loads or is an IncompatibleBundle, wherever its text was cut or changed', HAS_MORE, () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.nat(),
        fc.nat(12),
        fc.string({ maxLength: 4 }),
        (text, at, length, put) => {
          const start = at % text.length
          const changed = text.slice(0, start) + put + text.slice(start + length)
          // Another class is another matter.
          fc.pre(changed.includes('"class":"Full"'))
          expectSound(changed)
        },
      ),
      { numRuns: share(300, 1_000), seed: 20_261_128 },
    )
  })

  const [text = ''] = texts
  it.each([
    'pid',
    'created',
    'seq',
    'version',
    'state',
    'inputs',
    'parsed',
    'outputs',
    'memory',
    'record',
    'launch',
    'paused',
    'status',
  ])(
    'loads or is an IncompatibleBundle where %s is nested a hundred thousand levels deep, or a bigint',
    (key) => {
      const deep = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`
      const rest = Object.entries(JSON.parse(text) as Record<string, JsonValue>).filter(
        ([name]) => name !== key,
      )
      for (const value of [deep, '{"$":"bigint","value":"1"}', '{"$":"undefined"}', '[]', '7.5']) {
        const members = [
          ...rest.map(([name, own]) => `"${name}":${JSON.stringify(own)}`),
          `"${key}":${value}`,
        ]
        expectSound(`{${members.join(',')}}`)
      }
    },
  )

  it.each([
    '{"__proto__":{"polluted":1}}',
    '{"count":5}',
    '{"secret":"x"}',
    '{"effect":1,"launch":2}',
    '{"constructor":{"name":"x"}}',
    '{"pid":"other"}',
    '{"inputs":{"a":1}}',
    '{"toString":1}',
    '{"_x":1}',
  ])('does not set the members %s, which the class does not name as persisted', (members) => {
    const { memory: _, ...rest } = JSON.parse(text) as Record<string, JsonValue>
    const changed = `${JSON.stringify(rest).slice(0, -1)},"memory":{"members":${members}}}`
    const failure = failureOf(changed)
    expect(failure).toBeInstanceOf(IncompatibleBundle)
    expect(failure?.message).toMatch(/has the member "\w+", and `Full.persisted` does not name it/)
  })
})
