import { describe, expect, test } from 'vitest'
import { toJsonSchema } from '../../src/ports/json-schema.ts'
import { InputPort } from '../../src/ports/input-port.ts'
import { PortNamespace } from '../../src/ports/port-namespace.ts'
import { namespaceCheck } from '../../src/ports/schema-check.ts'
import { PortValidationError, SpecError } from '../../src/shared/errors.ts'
import { namespaceOf } from './helpers.ts'

const number = { schema: { type: 'number' } } as const

describe('filling in', () => {
  test('gives a fresh value of a function for each call, and never calls one that was passed', () => {
    let calls = 0
    const ports = namespaceOf({ made: { default: () => [(calls += 1)] }, given: {} })
    const given = () => 'not called'
    expect(ports.preProcess({ given })).toEqual({ made: [1], given })
    expect(ports.preProcess({ made: [7] })).toEqual({ made: [7] })
    expect(ports.preProcess()).toEqual({ made: [2] })
  })

  test('counts undefined as not given', () => {
    const ports = namespaceOf({ a: { default: 1 }, b: { required: false } })
    expect(Object.entries(ports.preProcess({ a: undefined, b: undefined }))).toEqual([['a', 1]])
  })

  test('changes nothing that was given, and shares no plain default with its definition', () => {
    const fallback = { deep: [1] }
    const ports = namespaceOf({ a: { default: fallback }, ns: namespaceOf({ b: { default: 2 } }, {}, 'ns') })
    const raw = Object.freeze({ ns: Object.freeze({}) })
    const filled = ports.preProcess(raw)
    expect(filled).toEqual({ a: { deep: [1] }, ns: { b: 2 } })
    expect(raw).toEqual({ ns: {} })
    fallback.deep.push(2)
    expect(ports.preProcess(raw).a).toEqual({ deep: [1] })
  })

  test('leaves an optional namespace out unless something inside has a default', () => {
    const optional = { required: false }
    const ports = namespaceOf({
      plain: namespaceOf({ a: {} }, optional, 'plain'),
      filled: namespaceOf({ in: namespaceOf({ a: { default: 1 } }, optional, 'in') }, optional, 'filled'),
      nested: namespaceOf({ in: namespaceOf({ a: {} }, {}, 'in') }, optional, 'nested'),
      required: namespaceOf({ a: { required: false } }, {}, 'required'),
    })
    expect(ports.preProcess()).toEqual({ filled: { in: { a: 1 } }, required: {} })
    expect(ports.preProcess({ plain: {} })).toMatchObject({ plain: {} })
  })

  test('respects populateDefaults: false until the namespace is given, even empty', () => {
    const lazy = namespaceOf({ a: { default: 1 } }, { populateDefaults: false, required: false }, 'lazy')
    const ports = namespaceOf({ lazy })
    expect(ports.preProcess()).toEqual({})
    expect(ports.preProcess({ lazy: {} })).toEqual({ lazy: { a: 1 } })
  })

  test('takes the default of a namespace that is not given, and fills it in further', () => {
    const ports = namespaceOf({ ns: namespaceOf({ a: {}, b: { default: 2 } }, { default: { a: 1 } }, 'ns') })
    expect(ports.preProcess()).toEqual({ ns: { a: 1, b: 2 } })
    expect(ports.preProcess({ ns: { a: 5 } })).toEqual({ ns: { a: 5, b: 2 } })
  })

  test('frozen, copies values deeply and keeps instances of other classes', () => {
    const when = new Date()
    const data = new Float64Array(2)
    const shared = { x: [1] }
    const loop: Record<string, unknown> = {}
    loop['self'] = loop
    const raw = { when, data, one: shared, two: shared, loop }
    const ports = new PortNamespace('inputs', { dynamic: true })
    const made = ports.preProcessFrozen(raw) as typeof raw
    expect(made).toEqual(raw)
    expect([made.when === when, made.data === data]).toEqual([false, false])
    expect(made.one).toBe(made.two)
    expect(made.loop['self']).toBe(made.loop)
    expect([made, made.one, made.one.x, made.loop].every((value) => Object.isFrozen(value))).toBe(true)
    expect([raw, shared, shared.x, loop, data].some((value) => Object.isFrozen(value))).toBe(false)
  })
})

describe('validation', () => {
  const relax = () =>
    namespaceOf({
      relax: namespaceOf({ base: namespaceOf({ kpoints: number, cutoff: number }, {}, 'base') }, {}, 'relax'),
      label: { schema: { type: 'string' } },
    })

  test('finds all problems at once, each with its full path', () => {
    const problems = relax().validate({ relax: { base: { kpoints: 'x', cutof: 1 } } })
    expect(problems.map(({ port, message }) => `${port}: ${message}`)).toEqual([
      'inputs.relax.base.kpoints: must be number, not "x"',
      'inputs.relax.base.cutoff: is required, but was not given',
      "inputs.relax.base.cutof: there is no port 'cutof'; did you mean 'cutoff'?",
      'inputs.label: is required, but was not given',
    ])
    const error = new PortValidationError(problems)
    expect(error.port).toBe('inputs.relax.base.kpoints')
    expect(error.message.split('\n')).toHaveLength(4)
  })

  test('a dotted name is refused with the way to nest', () => {
    const problems = relax().validate({
      'relax.base.kpoints': 1,
      label: 'x',
      relax: { base: { kpoints: 1, cutoff: 1 } },
    })
    expect(problems).toEqual([
      {
        port: 'inputs.relax.base.kpoints',
        message: expect.stringContaining('{ relax: { base.kpoints: … } }'),
      },
    ])
  })

  test('takes only plain objects for a namespace', () => {
    for (const wrong of [null, 5, 'x', [], new Date(), new Map()])
      expect(relax().validate({ relax: wrong, label: 'x' })).toEqual([
        { port: 'inputs.relax', message: expect.stringContaining('must be an object of values') },
      ])
    expect(relax().validate(Object.assign(Object.create(null), { label: 1 }))).toHaveLength(3)
  })

  test('checks undeclared values of a dynamic namespace, however deep', () => {
    const ports = new PortNamespace('inputs', number)
    expect(ports.dynamic).toBe(true)
    expect(ports.validate({ a: 1, b: { c: 2, d: { e: 3 } } })).toEqual([])
    expect(ports.validate({ a: 'x', b: { c: 'y', d: { e: null } } }).map(({ port }) => port)).toEqual([
      'inputs.a',
      'inputs.b.c',
      'inputs.b.d.e',
    ])
    const loop: Record<string, unknown> = {}
    loop['self'] = loop
    expect(ports.validate(loop)).toEqual([{ port: 'inputs.self.self', message: 'holds itself' }])
  })

  test('takes an object as one value where the schema of a dynamic namespace speaks of objects', () => {
    const ports = new PortNamespace('inputs', {
      schema: { type: 'object', properties: { x: { type: 'number' } } },
    })
    expect(ports.validate({ a: { x: 1 } })).toEqual([])
    expect(ports.validate({ a: { x: 'y' } })).toEqual([
      { port: 'inputs.a', message: 'x: must be number, not "y"' },
    ])
  })

  test('calls the validator of a namespace last, with all its values', () => {
    const seen: unknown[] = []
    const ports = namespaceOf(
      { a: number },
      {
        required: false,
        validator: (values: unknown, port: PortNamespace) => {
          seen.push([values, port.name])
          return 'never good'
        },
      },
    )
    expect(ports.validate({ a: 'x' })).toHaveLength(1)
    expect(ports.validate({})).toHaveLength(1)
    expect(ports.validate()).toEqual([])
    expect(seen).toEqual([])
    expect(ports.validate({ a: 1 })).toEqual([{ port: 'inputs', message: 'never good' }])
    expect(seen).toEqual([[{ a: 1 }, 'inputs']])
  })

  test('that is optional may be left out, but not be given without what it requires', () => {
    const ports = new PortNamespace('inputs')
    ports.createPortNamespace('opt', { required: false }).set('x', new InputPort('x'))
    const missing = [{ port: 'inputs.opt.x', message: 'is required, but was not given' }]
    expect(ports.validate({})).toEqual([])
    expect(ports.validate({ opt: undefined })).toEqual([])
    expect(ports.validate({ opt: {} })).toEqual(missing)
    expect(ports.validate({ opt: { x: undefined } })).toEqual(missing)
    expect(ports.validate({ opt: { x: 1 } })).toEqual([])
    const byName = namespaceCheck(toJsonSchema(ports), 'inputs')
    for (const values of [{}, { opt: {} }, { opt: { x: 1 } }])
      expect(byName(values)).toEqual(ports.validate(values))
  })

  test('never mistakes what every object inherits for a value', () => {
    const ports = namespaceOf({ constructor: { required: false }, toString: { default: 'x' } })
    expect(ports.preProcess({})).toEqual({ toString: 'x' })
    expect(ports.validate({})).toEqual([])
    expect(namespaceOf({}).validate({ valueOf: 1 })).toHaveLength(1)
  })

  test('does not let __proto__ through', () => {
    const raw = JSON.parse(
      '{"__proto__": {"polluted": true}, "a": {"__proto__": {"polluted": true}}}',
    ) as object
    const ports = new PortNamespace('inputs', { dynamic: true })
    const made = ports.preProcessFrozen(raw as Record<string, unknown>)
    expect(Reflect.get(made, 'polluted')).toBe(undefined)
    expect(Reflect.get({}, 'polluted')).toBe(undefined)
    expect(Reflect.get(made['a'] as object, 'polluted')).toBe(undefined)
    expect(ports.validate(made)).toEqual([
      { port: 'inputs.__proto__', message: expect.stringContaining("can't be") },
    ])
  })
})

describe('a namespace as a map of ports', () => {
  test('has the ports in the order of their declaration', () => {
    const ports = namespaceOf({ b: {}, a: {} })
    expect([...ports.keys()]).toEqual(['b', 'a'])
    expect([...ports].map(([name, port]) => [name, port.name])).toEqual([
      ['b', 'b'],
      ['a', 'a'],
    ])
    expect(Array.from(ports.values(), ({ name }) => name)).toEqual(['b', 'a'])
    expect([ports.size, ports.has('a'), ports.has('c'), ports.get('c')]).toEqual([2, true, false, undefined])
    expect([ports.delete('a'), ports.size]).toEqual([true, 1])
  })

  test.each(['', 'a..b', '.a', 'a.', '__proto__', 'a.__proto__.b'])('has no port by the name %j', (name) => {
    const ports = new PortNamespace('inputs', { dynamic: true })
    expect(() => ports.createPortNamespace(name)).toThrow(SpecError)
    expect(() => ports.getPort(name, { createDynamically: true })).toThrow(SpecError)
    expect(ports.size).toBe(0)
  })

  test('refuses what is no port, and a port under another name', () => {
    const ports = new PortNamespace('inputs')
    expect(() => ports.set('a', 5 as never)).toThrow(SpecError)
    expect(() => ports.set('a', new InputPort('b'))).toThrow(SpecError)
    expect(() => ports.set('a.b', new InputPort('a.b'))).toThrow(SpecError)
  })

  test('projects values onto its ports', () => {
    const ports = namespaceOf({
      a: {},
      ns: namespaceOf({ b: {} }, {}, 'ns'),
      any: new PortNamespace('any', { dynamic: true }),
    })
    expect(ports.project({ a: 1, x: 2, ns: { b: 3, y: 4 }, any: { z: 5 } })).toEqual({
      a: 1,
      ns: { b: 3 },
      any: { z: 5 },
    })
    expect(ports.project({})).toEqual({})
  })

  test('cannot be changed once it is sealed, nor can anything inside', () => {
    const ports = namespaceOf({ a: {}, ns: namespaceOf({ b: {} }, {}, 'ns') }, { dynamic: true })
    ports.seal()
    const inner = ports.get('ns') as PortNamespace
    for (const change of [
      () => (ports.dynamic = false),
      () => (ports.default = {}),
      () => (ports.populateDefaults = false),
      () => (inner.required = false),
      () => (inner.schema = { type: 'number' }),
      () => (inner.instanceOf = Date),
      () => inner.set('c', new InputPort('c')),
      () => inner.delete('b'),
      () => ports.createPortNamespace('ns.more'),
      () => ports.getPort('more', { createDynamically: true }),
      () => (ports.getPort('ns.b').help = 'x'),
    ])
      expect(change).toThrow(SpecError)
    expect(ports.createPortNamespace('ns')).toBe(inner)
  })

  test('has a plain default checked when it is sealed', () => {
    const ports = namespaceOf({ ns: namespaceOf({ a: number }, { default: { a: 'x' } }, 'ns') })
    expect(() => ports.seal()).toThrow(/default of the namespace 'ns' does not fit it: ns.a: must be number/)
  })

  test('describes its ports', () => {
    const ports = namespaceOf({ a: number }, { dynamic: true, help: 'all of them', default: {} })
    expect(ports.getDescription()).toEqual({
      name: 'inputs',
      required: true,
      dynamic: true,
      populateDefaults: true,
      default: {},
      help: 'all of them',
      ports: { a: { name: 'a', required: true, schema: { type: 'number' } } },
    })
  })
})
