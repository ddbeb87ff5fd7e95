import { describe, expect, it } from 'vitest'
import { Codec, type SavedType } from '../../src/bundle/codec.ts'
import { IncompatibleBundle, SerializationError, SpecError } from '../../src/shared/errors.ts'
import { Vector, vectorType } from './vector.ts'

const codec = new Codec()

function refusal(value: unknown, from = codec): SerializationError {
  try {
    from.stringify(value, 'ctx')
  } catch (error) {
    if (error instanceof SerializationError) return error
    throw error
  }
  throw new Error('it was saved')
}

class Job {
  readonly id = 1
}

describe('what can’t be saved is refused where it is (C10)', () => {
  it.each<[string, unknown]>([
    ['ctx.jobs[3].callback', { jobs: [0, 1, 2, { callback: () => 1 }] }],
    ['ctx', () => 1],
    ['ctx["a-b"][""]', { 'a-b': { '': Symbol('s') } }],
    ['ctx.get("a").b', new Map([['a', { b: new Job() }]])],
    [
      'ctx.values()[1]',
      new Map<unknown, unknown>([
        [1, 1],
        [{}, Promise.resolve()],
      ]),
    ],
    [
      'ctx.keys()[1]',
      new Map<unknown, unknown>([
        [1, 1],
        [new WeakMap(), 1],
      ]),
    ],
    ['ctx.s.values()[1]', { s: new Set([1, new WeakSet()]) }],
    ['ctx.cause.request', new Error('x', { cause: Object.assign(new Error('y'), { request: () => 1 }) })],
    ['ctx.errors[1]', new AggregateError([1, new Job()])],
    ['ctx.toJSON', { toJSON: () => 1 }],
    [
      'ctx.a',
      {
        get a() {
          throw new Error('not now')
        },
      },
    ],
    ['ctx.at.extra', { at: Object.assign(new Date(), { extra: 1 }) }],
    ['ctx[0]', [new (class Dates extends Map {})()]],
    ['ctx[0]', [new (class List extends Array {})()]],
    ['ctx[0]', [new Number(1)]],
    ['ctx[0]', [new Proxy(new Map(), {})]],
    ['ctx[0]', [new Proxy(Job, {})]],
    ['ctx[0]', [new SharedArrayBuffer(8)]],
  ])('names %s', (path, value) => {
    expect(refusal(value).path).toBe(path)
  })

  it('says what it is and what to do', () => {
    expect(refusal({ job: new Job() }).message).toBe(
      "ctx.job: an instance of Job can't be saved. Save plain data instead, or register its class: `types: [{ name: 'Job', is, encode, decode }]`.",
    )
    expect(refusal([Promise.resolve()]).message).toContain('Await it')
    const thrown = refusal({
      get a() {
        throw new TypeError('not now')
      },
    })
    expect(thrown.message).toContain('not now')
    expect(thrown.cause).toBeInstanceOf(TypeError)
  })

  it('refuses what is nested too deeply, however deep it is', () => {
    for (const levels of [1001, 100_000]) {
      let list: unknown = []
      let linked: unknown = { at: new Date() }
      for (let i = 1; i < levels; i++) {
        list = [list]
        linked = { next: linked }
      }
      expect(refusal(list).message).toContain('more than 1000 levels')
      expect(refusal(linked).message).toContain('more than 1000 levels')
    }
  })

  it('refuses a value of a registered type that leads back to itself', () => {
    const loop = { x: 1, y: [] as unknown[] }
    const vector = new Vector(1, loop)
    loop.y.push(vector)
    const error = refusal({ v: vector }, new Codec([vectorType]))
    expect(error.path).toBe('ctx.v<Vector>[1].y[0]')
    expect(error.message).toContain('leads back to itself')
  })

  it('refuses two saved types of one name', () => {
    expect(() => new Codec([vectorType, vectorType] as SavedType[])).toThrow(SpecError)
  })

  it('names a type that throws', () => {
    const broken = new Codec([
      {
        name: 'Job',
        is: (value) => value instanceof Job,
        encode: () => {
          throw new Error('no encoding')
        },
        decode: () => new Job(),
      },
    ])
    expect(refusal({ jobs: [new Job()] }, broken).message).toBe("ctx.jobs[0]: it can't be read: no encoding")
  })
})

describe('what was not saved so is refused when it is read', () => {
  it.each([
    ['no JSON', '{"a":'],
    ['nothing', ''],
    ['an unknown kind', '{"a":{"$":"Tensor","id":1}}'],
    ['no kind', '{"a":{"$":5}}'],
    ['a reference to nothing', '{"a":{"$":"ref","id":1}}'],
    ['an id twice', '[{"$":"array","id":1,"items":[]},{"$":"array","id":1,"items":[]}]'],
    ['a date that is none', '{"$":"Date","value":"2026-02-30"}'],
    ['a number that is not a bigint', '{"$":"bigint","value":"1.5"}'],
    ['an empty bigint', '{"$":"bigint","value":""}'],
    ['bytes that are no base64', '{"$":"Uint8Array","base64":"A?=="}'],
    ['bytes that do not make whole numbers', '{"$":"Float64Array","base64":"AQID"}'],
    ['a pair of three', '{"$":"Map","entries":[[1,2,3]]}'],
    ['a key twice', '{"$":"Map","entries":[[1,2],[1,3]]}'],
    ['a member twice', '{"$":"Set","values":[1,1]}'],
    ['a key too many', '{"$":"NaN","value":1}'],
    ['a missing key', '{"$":"Set"}'],
    ['a pattern that is none', '{"$":"RegExp","source":"(","flags":"","lastIndex":0}'],
    ['a URL that is none', '{"$":"URL","value":"nowhere"}'],
    ['a list shorter than its items', '{"$":"array","length":1,"items":{"3":1}}'],
    ['an error class that is none', '{"$":"Error","class":"Vector","name":"x","message":"y"}'],
    ['an error without a message', '{"$":"Error","name":"x"}'],
    ['a type that is not registered', '{"$":"type","name":"Vector","data":[1,2]}'],
  ])('%s', (_what, text) => {
    expect(() => codec.parse(text, 'ctx')).toThrow(IncompatibleBundle)
  })

  it('says where, and what to do', () => {
    const read = (text: string) => () => codec.parse(text, 'ctx')
    expect(read('{"jobs":[1,{"$":"Tensor"}]}')).toThrow(/^ctx\.jobs\[1\]: damaged, there is no kind "Tensor"/)
    expect(read('[{"$":"type","name":"Vector","data":1}]')).toThrow(
      /^ctx\[0\].*Vector is registered here.*add it to `types`/,
    )
    const types = new Codec([
      {
        ...vectorType,
        decode: () => {
          throw new Error('not a vector')
        },
      },
    ])
    expect(() => types.parse('[{"$":"type","name":"Vector","data":1}]', 'ctx')).toThrow(
      "ctx[0]: can't be read: not a vector",
    )
  })

  it('does not overflow the stack', () => {
    const deep = `${'{"$":"Set","values":['.repeat(100_000)}1${']}'.repeat(100_000)}`
    expect(() => codec.parse(deep, 'ctx')).toThrow(IncompatibleBundle)
  })
})
