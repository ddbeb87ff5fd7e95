import { createContext, runInContext } from 'node:vm'
import { types as nodeTypes } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Codec } from '../../src/bundle/codec.ts'
import * as errors from '../../src/shared/errors.ts'
import { Vector, vectorType } from './vector.ts'

const codec = new Codec([vectorType])

function saved<T>(value: T): T {
  return codec.parse(codec.stringify(value, 'ctx'), 'ctx') as T
}

describe('what is written', () => {
  it.each([
    ['plain JSON as it is', { b: 1, a: ['x', null, true] }, '{"b":1,"a":["x",null,true]}'],
    ['undefined', { a: undefined }, '{"a":{"$":"undefined"}}'],
    ['numbers that JSON has not', [Number.NaN, -0, -Infinity], '[{"$":"NaN"},{"$":"-0"},{"$":"-Infinity"}]'],
    ['a bigint', 12n, '{"$":"bigint","value":"12"}'],
    ['a date', new Date(0), '{"$":"Date","value":"1970-01-01T00:00:00.000Z"}'],
    ['an invalid date', new Date(Number.NaN), '{"$":"Date","value":null}'],
    ['a Map', new Map([['k', 1]]), '{"$":"Map","entries":[["k",1]]}'],
    ['a Set', new Set(['k']), '{"$":"Set","values":["k"]}'],
    ['a pattern', /a+/g, '{"$":"RegExp","source":"a+","flags":"g","lastIndex":0}'],
    ['a URL', new URL('http://a.b/c'), '{"$":"URL","value":"http://a.b/c"}'],
    ['bytes', new Uint8Array([1, 2, 3]), '{"$":"Uint8Array","base64":"AQID"}'],
    ['a Buffer, and nothing of the memory around it', Buffer.from('hi'), '{"$":"Buffer","base64":"aGk="}'],
    ['an own key `$`', { $: 'Date' }, '{"$":"object","fields":{"$":"Date"}}'],
    // oxlint-disable-next-line no-sparse-arrays -- holes are what this is about
    ['a list with holes', [, 1, ,], '{"$":"array","length":3,"items":{"1":1}}'],
    [
      'a list with named members',
      Object.assign([1], { of: 2 }),
      '{"$":"array","length":1,"items":{"0":1,"of":2}}',
    ],
    [
      'an object without a prototype',
      Object.assign(Object.create(null), { a: 1 }),
      '{"$":"dict","fields":{"a":1}}',
    ],
    ['a registered type', new Vector(1, 2), '{"$":"type","name":"Vector","data":[1,2]}'],
  ])('is readable: %s', (_what, value, text) => {
    expect(codec.stringify(value, 'ctx')).toBe(text)
    expect(codec.stringify(codec.parse(text, 'ctx'), 'ctx')).toBe(text)
    expect(saved(value)).toStrictEqual(value)
  })

  it('gives an id only to what is there more than once', () => {
    const twice = { n: 1 }
    expect(codec.stringify({ once: {}, a: twice, b: [twice] })).toBe(
      '{"once":{},"a":{"$":"object","id":1,"fields":{"n":1}},"b":[{"$":"ref","id":1}]}',
    )
  })

  it('calls getters once, and keeps what they give', () => {
    let calls = 0
    const value = {
      when: new Date(0),
      get count() {
        calls++
        return calls
      },
    }
    expect(codec.encode(value)).toMatchObject({ count: 1 })
  })

  it('shares nothing with the value that was encoded', () => {
    const value = { list: [1] }
    const json = codec.encode(value)
    value.list.push(2)
    expect(json).toEqual({ list: [1] })
  })
})

describe('what comes back', () => {
  it('is of the same class, for each kind of bytes', () => {
    const bytes = Uint8Array.from({ length: 16 }, (_, i) => i * 17)
    const views: (new (buffer: ArrayBuffer) => ArrayBufferView)[] = [
      Int8Array,
      Uint8Array,
      Uint8ClampedArray,
      Int16Array,
      Uint16Array,
      Int32Array,
      Uint32Array,
      Float32Array,
      Float64Array,
      BigInt64Array,
      BigUint64Array,
      DataView,
    ]
    for (const view of views) {
      const value = new view(bytes.slice().buffer)
      expect(saved(value)).toStrictEqual(value)
      expect(Object.getPrototypeOf(saved(value))).toBe(view.prototype)
    }
    expect(saved(bytes.buffer)).toStrictEqual(bytes.buffer)
    expect(Buffer.isBuffer(saved(Buffer.from(bytes)))).toBe(true)
  })

  it('keeps only the part of a buffer that a view shows', () => {
    const part = saved(new Uint8Array([1, 2, 3, 4]).subarray(1, 3))
    expect([...part]).toEqual([2, 3])
    expect(part.buffer.byteLength).toBe(2)
  })

  it('is the same object wherever the same was', () => {
    const map = new Map<unknown, unknown>()
    const shared = { map, at: new Date(5), bytes: Buffer.from('x'), point: new Vector(1, 2) }
    map.set(shared, shared.at)
    const back = saved({ a: shared, b: [shared], ...shared, set: new Set([shared]) })
    expect(back.b[0]).toBe(back.a)
    expect([...back.set][0]).toBe(back.a)
    expect(back.map.get(back.a)).toBe(back.at)
    expect(back.bytes).toBe(back.a.bytes)
    expect(back.point).toBe(back.a.point)
  })

  it('is the same object also among many', () => {
    const rows: { n: number }[] = Array.from({ length: 50 }, (_, n) => ({ n }))
    rows.push(rows[40] as { n: number })
    const back = saved(rows)
    expect(back).toEqual(rows)
    expect(back[50]).toBe(back[40])
  })

  it('leads back to itself as it did', () => {
    const error = new Error('loop')
    error.cause = error
    const list: unknown[] = [error]
    const value = { list, self: undefined as unknown, map: new Map() }
    list.push(list)
    value.self = value
    value.map.set(value.map, value)
    const back = saved(value)
    expect(back.self).toBe(back)
    expect(back.list[1]).toBe(back.list)
    expect(back.map.get(back.map)).toBe(back)
    expect((back.list[0] as Error).cause).toBe(back.list[0])
  })

  it('has its keys in the same order, and `__proto__` is a key like any other', () => {
    const text = '{"1":0,"z":1,"__proto__":{"admin":{"$":"undefined"}},"a":2}'
    const back = codec.parse(text) as Record<string, unknown>
    expect(Object.keys(back)).toEqual(['1', 'z', '__proto__', 'a'])
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype)
    expect(back['admin']).toBeUndefined()
    expect(codec.stringify(back)).toBe(text)
    expect(codec.stringify(codec.parse('{"__proto__":1}'))).toBe('{"__proto__":1}')
  })

  it('reads `$` however the JSON writes it', () => {
    expect(codec.parse('{"\\u0024":"NaN"}')).toBeNaN()
  })

  it('comes from another realm, a worker or a test runner, as from this one', () => {
    const foreign: unknown = runInContext(
      '({ list: [1, { a: undefined }], error: new Error("far") })',
      createContext(),
    )
    const back = saved(foreign) as { list: unknown[]; error: Error }
    expect(back.list).toStrictEqual([1, { a: undefined }])
    expect(back.error).toBeInstanceOf(Error)
    expect(back.error.message).toBe('far')
  })

  it('is as deep as a thousand levels', () => {
    let deep: unknown = new Map()
    for (let i = 1; i < 1000; i++) deep = new Map([['in', deep]])
    const text = codec.stringify(deep)
    expect(codec.stringify(codec.parse(text))).toBe(text)
  })

  it('holds registered types in each other, and in a list that they refer to', () => {
    const list: unknown[] = []
    list.push(new Vector(new Vector(1, undefined), list))
    const back = saved(list) as [Vector]
    expect(back[0].x).toEqual(new Vector(1, undefined))
    expect(back[0].y).toBe(back)
  })
})

describe('errors', () => {
  it('keep name, message, stack, cause and their own fields', () => {
    const error = Object.assign(new RangeError('far', { cause: new Error('near') }), {
      at: 3n,
      seen: [new Date(0)],
    })
    const back = saved(error)
    expect(back).toBeInstanceOf(RangeError)
    expect(nodeTypes.isNativeError(back)).toBe(true)
    expect(back.stack).toBe(error.stack)
    expect(back.cause).toEqual(error.cause)
    expect(back).toMatchObject({ message: 'far', at: 3n, seen: [new Date(0)] })
    expect(Object.keys(back)).toEqual(['at', 'seen'])
  })

  it('come back as their class where it is JavaScript’s own', () => {
    for (const made of [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError, Error]) {
      expect(Object.getPrototypeOf(saved(new made('x')))).toBe(made.prototype)
    }
    const all = saved(new AggregateError([new TypeError('one'), 2], 'all'))
    expect(all).toBeInstanceOf(AggregateError)
    expect(all.errors).toEqual([new TypeError('one'), 2])
    const aborted = saved(new DOMException('stop', 'AbortError'))
    expect(aborted).toBeInstanceOf(DOMException)
    expect(aborted).toMatchObject({ name: 'AbortError', message: 'stop', code: 20 })
  })

  it('come back as their class where it is Damson’s', () => {
    const problem = new TypeError('no')
    const cases = [
      new errors.PortValidationError([{ port: 'inputs.a', message: 'wrong', cause: problem }]),
      new errors.UpstreamFailed('p1', 'p2', 'the other failed'),
      new errors.SerializationError('ctx.a', 'a function cannot be saved'),
      new errors.WaitTimeout('late', ['p1'], 3),
      new errors.GroupError([new errors.ProcessKilled('p1', 'gone')]),
    ]
    for (const error of cases) {
      const back = saved(error)
      expect(Object.getPrototypeOf(back)).toBe(Object.getPrototypeOf(error))
      expect(back).toEqual(error)
      expect([back.name, back.code, back.message]).toEqual([error.name, error.code, error.message])
    }
    expect(saved(cases[1])).toBeInstanceOf(errors.ProcessError)
    const [validation] = saved(cases.slice(0, 1)) as [errors.PortValidationError]
    expect(validation.problems[0]?.cause).toBe(validation.cause)
  })

  it('have their name, message and cause once, also where these were assigned', () => {
    const error = Object.assign(new Error('x'), { name: 'Named', message: 'told', cause: 1, stack: 'here' })
    expect(codec.stringify(error)).toBe(
      '{"$":"Error","name":"Named","message":"told","stack":"here","cause":1}',
    )
    expect(codec.stringify(saved(error))).toBe(codec.stringify(error))
  })

  it('come back as the nearest class that is known, with their own name, and without running code', () => {
    let made = 0
    class CardRefused extends errors.NonRetryableError {
      readonly card = 'x1'
      constructor() {
        super('refused')
        made++
      }
    }
    class Odd extends Error {
      override name = 'OddError'
    }
    const back = saved(new CardRefused())
    expect(made).toBe(1)
    expect(back).toBeInstanceOf(errors.NonRetryableError)
    expect(back).not.toBeInstanceOf(CardRefused)
    expect(back).toMatchObject({ name: 'CardRefused', code: 'NON_RETRYABLE', card: 'x1' })
    const odd = saved(new Odd('?'))
    expect(odd).toBeInstanceOf(Error)
    expect(String(odd)).toBe('OddError: ?')
  })

  it('keep a field that their class has as a getter', () => {
    const error = Object.defineProperty(new DOMException('stop', 'AbortError'), 'code', {
      value: 'X',
      enumerable: true,
    })
    expect(saved(error).code).toBe('X')
  })

  it('may be registered as an own type', () => {
    class Own extends Error {}
    const own = new Codec([
      {
        name: 'Own',
        is: (e) => e instanceof Own,
        encode: (e) => (e as Own).message,
        decode: (m) => new Own(m as string),
      },
    ])
    expect(own.parse(own.stringify(new Own('mine')))).toBeInstanceOf(Own)
  })
})
