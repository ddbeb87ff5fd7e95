import { type as arktype } from 'arktype'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { InputPort } from '../../src/ports/input-port.ts'
import { OutputPort } from '../../src/ports/output-port.ts'
import { Port } from '../../src/ports/port.ts'
import { SpecError } from '../../src/shared/errors.ts'

const messages = (port: Port, value?: unknown) => port.validate(value).map(({ message }) => message)

describe('a schema', () => {
  test('of JSON Schema reports what was expected and what was given', () => {
    const port = new Port('a', { schema: { type: 'number' } })
    expect(messages(port, 1)).toEqual([])
    expect(messages(port, 'x')).toEqual(['must be number, not "x"'])
    expect(messages(port, Number.NaN)).toEqual(['must be number, not NaN'])
  })

  test('reports everything that is wrong inside a value, with the place', () => {
    const schema = {
      type: 'object',
      properties: {
        kpoints: { type: 'array', items: { type: 'integer', minimum: 1 } },
        mode: { enum: ['scf', 'nscf'] },
      },
      required: ['cutoff'],
      additionalProperties: false,
    } as const
    const port = new Port('base', { schema })
    expect(messages(port, { kpoints: [1, 0, 'x'], mode: 'fast', kpoint: 1 })).toEqual([
      "must have a 'cutoff'",
      "has no 'kpoint'; did you mean 'kpoints'?",
      'kpoints[1]: must be >= 1, not 0',
      'kpoints[2]: must be integer, not "x"',
      'mode: must be one of "scf", "nscf", not "fast"',
    ])
  })

  test('may use formats', () => {
    const port = new Port('mail', { schema: { type: 'string', format: 'email' } })
    expect(messages(port, 'a@b.org')).toEqual([])
    expect(messages(port, 'nobody')).toEqual(['must match format "email", not "nobody"'])
  })

  test('with a misspelled keyword, type or format is refused at definition', () => {
    expect(() => new Port('a', { schema: { type: 'number', minimun: 1 } })).toThrow(
      /the port 'a': not a JSON Schema: .*minimun.*did you mean 'minimum'/,
    )
    expect(() => new Port('a', { schema: JSON.parse('{"type":"nubmer"}') })).toThrow(SpecError)
    expect(() => new Port('a', { schema: { type: 'string', format: 'emial' } })).toThrow(SpecError)
    expect(() => new Port('a', { schema: JSON.parse('"number"') })).toThrow(SpecError)
    expect(() => new Port('a', { schema: { $async: true, type: 'number' } })).toThrow(/\$async/)
  })

  test('of a newer draft is taken by its name', () => {
    const newer = 'https://json-schema.org/draft/2020-12/schema'
    const port = new Port('pair', {
      schema: { $schema: newer, type: 'array', prefixItems: [{ type: 'number' }] },
    })
    expect(messages(port, ['x'])).toEqual(['[0]: must be number, not "x"'])
    expect(() => new Port('pair', { schema: { type: 'array', prefixItems: [{ type: 'number' }] } })).toThrow(
      SpecError,
    )
  })

  test('with an $id may be declared again by a subclass', () => {
    const make = () => new Port('a', { schema: { $id: 'cell', type: 'object', required: ['a'] } })
    make()
    expect(messages(make(), {})).toEqual(["must have a 'a'"])
  })

  test.each([
    ['zod', z.object({ n: z.object({ m: z.number() }) })],
    ['valibot', v.object({ n: v.object({ m: v.number() }) })],
    ['arktype', arktype({ n: { m: 'number' } })],
  ])('of %s is taken as it is, and says where', (_, schema) => {
    const port = new Port('a', { schema })
    const given = { n: { m: 1 } }
    expect(messages(port, given)).toEqual([])
    expect(messages(port, { n: { m: 'x' } })).toEqual([expect.stringMatching(/^n\.m: /)])
  })

  test('that answers with a promise is an error in words', () => {
    const port = new Port('a', {
      schema: z.string().refine(async () => Promise.resolve(true)),
    })
    expect(messages(port, 'x')).toEqual([expect.stringContaining('returns a promise')])
  })

  test('that would make another value is refused, as a port keeps what it is given', () => {
    const port = new Port('a', { schema: z.coerce.number() })
    expect(messages(port, 5)).toEqual([])
    expect(messages(port, '5')).toEqual([expect.stringContaining('makes 5 of "5"')])
    const dated = new Port('a', { schema: z.object({}).transform(() => new Date()) })
    expect(messages(dated, {})).toEqual([expect.stringContaining('keeps the given value')])
  })

  test('that would change a value at any depth is refused, and says where', () => {
    const schema = z.object({
      when: z.coerce.date().optional(),
      n: z.number().default(3),
      list: z.array(z.object({ name: z.string().trim() })).optional(),
      map: z.map(z.string(), z.coerce.number()).optional(),
      set: z.set(z.coerce.number()).optional(),
    })
    const port = new Port('a', { schema })
    const refused = (value: object): readonly string[] => messages(port, value)
    expect(
      refused({
        n: 1,
        when: new Date(5),
        list: [{ name: 'a' }],
        map: new Map([['a', 1]]),
        set: new Set([1]),
      }),
    ).toEqual([])
    expect(refused({ n: 1, when: undefined })).toEqual([])
    expect(refused({ n: 1, when: '2026-01-01' })).toEqual([
      expect.stringMatching(/^when: its schema makes an instance of Date of "2026-01-01", but a port keeps/),
    ])
    expect(refused({})).toEqual([expect.stringMatching(/^n: its schema fills in 3, but/)])
    expect(refused({ n: 1, extra: 2 })).toEqual([
      expect.stringMatching(/^extra: its schema leaves it out, but/),
    ])
    expect(refused({ n: 1, list: [{ name: 'a' }, { name: ' b' }] })).toEqual([
      expect.stringMatching(/^list\[1\]\.name: its schema makes "b" of " b"/),
    ])
    expect(refused({ n: 1, map: new Map([['a', '1']]) })).toEqual([
      expect.stringMatching(/^map\[1\]: its schema makes 1 of "1"/),
    ])
    expect(refused({ n: 1, set: new Set(['1']) })).toEqual([
      expect.stringMatching(/^set\[0\]: its schema makes 1 of "1"/),
    ])
  })
})

describe('instanceOf', () => {
  class Structure {
    readonly symbols = ['Ar']
  }
  test('takes dates, typed arrays, own classes and their subclasses', () => {
    expect(messages(new Port('a', { instanceOf: Date }), new Date())).toEqual([])
    expect(messages(new Port('a', { instanceOf: Float64Array }), new Float64Array(2))).toEqual([])
    expect(messages(new Port('a', { instanceOf: Structure }), new (class extends Structure {})())).toEqual([])
    expect(messages(new Port('a', { instanceOf: [Date, Structure] }), '2024')).toEqual([
      'must be of the class Date or Structure, not "2024"',
    ])
  })

  test('of Number, String, Boolean, BigInt and Function means the plain values', () => {
    const port = new Port('a', { instanceOf: [Number, BigInt, Function] })
    expect([1, 1n, () => 1].flatMap((value) => messages(port, value))).toEqual([])
    expect(messages(port, 'x')).toEqual(['must be of the class number or bigint or function, not "x"'])
  })

  test('that is no constructor is refused at definition', () => {
    expect(() => new Port('a', { instanceOf: [] })).toThrow(SpecError)
    expect(() => new Port('a', { instanceOf: JSON.parse('"Date"') })).toThrow(SpecError)
  })
})

describe('a validator', () => {
  test('comes last, with the value and the port', () => {
    const seen: unknown[] = []
    const port = new Port('a', {
      schema: { type: 'number' },
      validator: (value: number, at: Port) => {
        seen.push([value, at.name])
        return value < 0 ? 'is below 0' : undefined
      },
    })
    expect(messages(port, 'x')).toHaveLength(1)
    expect(seen).toEqual([])
    expect(messages(port, -1)).toEqual(['is below 0'])
    expect(messages(port, 1)).toEqual([])
    expect(seen).toEqual([
      [-1, 'a'],
      [1, 'a'],
    ])
  })

  test('that throws is a problem of its port and keeps the cause', () => {
    const thrown = new TypeError('oops')
    const port = new Port('a', {
      validator: () => {
        throw thrown
      },
    })
    expect(port.validate(1)).toEqual([
      { port: 'a', message: 'its validator threw TypeError: oops', cause: thrown },
    ])
  })

  test('that returns something other than a message is reported', () => {
    const odd = new Port('a', { validator: (() => false) as never })
    expect(messages(odd, 1)).toEqual([expect.stringContaining('its validator returned false')])
    const late = new Port('a', { validator: (() => Promise.reject(new Error('late'))) as never })
    expect(messages(late, 1)).toEqual([expect.stringContaining('a message at once')])
  })
})

describe('a default', () => {
  test('makes a port optional', () => {
    expect(new InputPort('a', { default: 0 }).required).toBe(false)
    expect(new InputPort('a', { default: 0, required: true }).required).toBe(false)
    expect(new InputPort('a').required).toBe(true)
  })

  test('that is plain is checked at definition, a function is not', () => {
    expect(() => new InputPort('a', { schema: { type: 'string' }, default: 4 })).toThrow(
      "the default of the port 'a' does not fit it: must be string, not 4",
    )
    expect(() => new InputPort('a', { schema: { type: 'string' }, default: () => 4 })).not.toThrow()
    expect(() => new InputPort('a', { default: -1, validator: () => 'is below 0' })).toThrow(SpecError)
  })

  test('is checked again when the port is sealed after a change', () => {
    const port = new InputPort('a', { default: 4 })
    port.schema = { type: 'string' }
    expect(() => port.seal()).toThrow(SpecError)
    expect(() => (new InputPort('b', { schema: { type: 'string' } }).default = 4)).toThrow(SpecError)
  })
})

describe('the options and properties of a port', () => {
  test('are known by name, and a misspelled one is reported', () => {
    expect(() => new Port('a', { ...JSON.parse('{"shcema":{}}') })).toThrow(
      "has no option 'shcema'; did you mean 'schema'?",
    )
    expect(() => new OutputPort('a', { ...JSON.parse('{"default":1}') })).toThrow(/no option 'default'/)
  })

  test('may be set until the port is sealed', () => {
    const port = new InputPort('a')
    port.help = 'words'
    port.required = false
    port.instanceOf = Date
    port.validator = () => undefined
    port.seal()
    for (const change of [
      () => (port.help = 'x'),
      () => (port.required = true),
      () => (port.instanceOf = undefined),
      () => (port.schema = { type: 'number' }),
      () => (port.validator = undefined),
      () => (port.default = 1),
    ])
      expect(change).toThrow(SpecError)
    expect(port.getDescription()).toEqual({ name: 'a', required: false, instanceOf: ['Date'], help: 'words' })
  })

  test('are described for people and programs', () => {
    const port = new InputPort('a', { schema: { type: 'number' }, default: 2, help: ' how many ' })
    expect(port.getDescription()).toEqual({
      name: 'a',
      required: false,
      schema: { type: 'number' },
      default: 2,
      help: 'how many',
    })
    expect(JSON.parse(String(port))).toEqual(port.getDescription())
    expect(new InputPort('a', { default: () => 1 }).getDescription().default).toBe('made for each process')
    expect(new InputPort('a', { default: 1n }).getDescription().default).toBe('1n')
    expect(new Port('a', { schema: z.number() }).getDescription().schema).toBe('a schema of zod')
  })
})
