import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { Codec } from '../../src/bundle/codec.ts'
import { SerializationError } from '../../src/shared/errors.ts'

const codec = new Codec()
const again = (value: unknown): Error & Record<string, unknown> =>
  codec.parse(codec.stringifyFailure(value, 'state')) as Error & Record<string, unknown>

class HttpError extends Error {
  override name = 'HttpError'
  readonly code = 'ECONNRESET'
  readonly config = { url: 'http://x', transform: (value: unknown) => value }
}

describe('an error with a member that cannot be saved', () => {
  it('keeps its name, code, message and cause, and notes what was left out', () => {
    const back = again(new HttpError('no answer', { cause: new TypeError('socket hang up') }))
    expect(back).toMatchObject({ name: 'HttpError', code: 'ECONNRESET', message: 'no answer' })
    expect(back.cause).toBeInstanceOf(TypeError)
    expect(back['config']).toBeUndefined()
    expect(back['notSaved']).toEqual([
      expect.stringMatching(/^config\.transform: the function transform can't be saved/),
    ])
  })

  it('is so at any depth: a cause, a list of errors, what an error holds', () => {
    const inner = new HttpError('inner')
    const many = new AggregateError([inner, new Error('other')], 'many', { cause: inner })
    const back = again(Object.assign(new Error('outer', { cause: many }), { seen: [inner] }))
    const list = (back.cause as AggregateError).errors as Error[]
    expect(list.map(({ message }) => message)).toEqual(['inner', 'other'])
    expect((back.cause as Error).cause).toBe(list[0])
    expect((back['seen'] as unknown[])[0]).toBe(list[0])
    expect(list[0]).toMatchObject({ code: 'ECONNRESET', notSaved: [expect.any(String)] })
  })

  it('may lead back to itself, and what only its member referred to is not referred to', () => {
    const shared = { n: 1 }
    const error = Object.assign(new Error('round'), {
      self: {},
      nested: {},
      bad: { shared, fn: () => {} },
      good: { shared },
    })
    error.self = error
    error.nested = { error, fn: () => {} }
    const back = again(error)
    expect(back['self']).toBe(back)
    expect(back['good']).toEqual({ shared: { n: 1 } })
    expect(back['notSaved']).toHaveLength(2)
    expect(codec.stringify(back)).toBe(codec.stringify(again(back)))
  })

  it('is so where a getter throws, or the cause is none of what can be saved', () => {
    const error = new Error('here', { cause: () => {} })
    Object.defineProperty(error, 'request', {
      enumerable: true,
      get: () => {
        throw new Error('gone')
      },
    })
    const back = again(error)
    expect(back.message).toBe('here')
    expect(back['notSaved']).toEqual([expect.stringMatching(/^cause: /), 'request: gone'])
  })

  it('is refused where it is no failure, but a value to be kept', () => {
    expect(() => codec.stringify(new HttpError('x'), 'ctx')).toThrow(SerializationError)
    expect(() => codec.stringifyFailure({ fn: () => {} }, 'state')).toThrow(SerializationError)
  })
})

describe('what is of another realm', () => {
  it('comes back as what it is', () => {
    const made = runInNewContext(`({
      date: new Date(5), map: new Map([[1, new Set([2])]]), bytes: new Uint8Array([1, 2]), buffer: new ArrayBuffer(3),
      view: new DataView(new ArrayBuffer(2)), list: [1, , 3], pattern: /a/g,
      error: Object.assign(new TypeError('no', { cause: new RangeError('why') }), { code: 'X' }),
    })`) as Record<string, unknown>
    const back = codec.parse(codec.stringify(made)) as Record<string, unknown>
    expect(back['date']).toEqual(new Date(5))
    expect(back['map']).toEqual(new Map([[1, new Set([2])]]))
    expect(back['bytes']).toEqual(new Uint8Array([1, 2]))
    expect(back['buffer']).toEqual(new ArrayBuffer(3))
    expect(back['view']).toEqual(new DataView(new ArrayBuffer(2)))
    expect(back['list']).toHaveLength(3)
    expect(back['pattern']).toEqual(/a/g)
    expect(back['error']).toBeInstanceOf(TypeError)
    expect(back['error']).toMatchObject({ message: 'no', code: 'X', cause: expect.any(RangeError) })
  })

  it('is refused where it is of a class of its own there, or only says to be one of these', () => {
    for (const code of [
      'new (class extends Date {})()',
      'new (class extends Map {})()',
      'new (class Own {})()',
    ])
      expect(() => codec.stringify(runInNewContext(code))).toThrow(SerializationError)
    for (const tag of ['Date', 'Map', 'RegExp', 'ArrayBuffer'])
      expect(() =>
        codec.stringify(
          new (class Own {
            readonly [Symbol.toStringTag] = tag
          })(),
        ),
      ).toThrow(SerializationError)
  })
})
