import { describe, expect, test } from 'vitest'
import { InputPort } from '../../src/ports/input-port.ts'
import { OutputPort } from '../../src/ports/output-port.ts'
import { Port } from '../../src/ports/port.ts'
import { PortNamespace } from '../../src/ports/port-namespace.ts'
import { SpecError } from '../../src/shared/errors.ts'

const number = { type: 'number' } as const
const text = { type: 'string' } as const
const good: never[] = []

describe('a port', () => {
  test('that is required needs a value', () => {
    const port = new Port('needed', { required: true })
    expect(port.validate()).toHaveLength(1)
    expect(port.validate(5)).toEqual(good)
  })
  test('takes values of its type alone', () => {
    const port = new Port('needed', { schema: number })
    expect(port.validate(5)).toEqual(good)
    expect(port.validate('a')).toHaveLength(1)
  })
  test('asks its validator', () => {
    const validator = (value: unknown, at: Port) =>
      typeof value === 'number' && at instanceof Port ? undefined : 'no number'
    const port = new Port('checked', { validator })
    expect(port.validate(5)).toEqual(good)
    expect(port.validate('s')).toEqual([{ port: 'checked', message: 'no number' }])
  })
  test('that is not required does not ask its validator about nothing', () => {
    let asked = 0
    const port = new Port('checked', { required: false, validator: () => void (asked += 1) })
    expect(port.validate()).toEqual(good)
    expect(asked).toBe(0)
  })
})

describe('an input port', () => {
  test('has a default, which must fit', () => {
    expect(new InputPort('test', { default: 5 }).default).toBe(5)
    expect(() => new InputPort('test', { default: 4, schema: text })).toThrow(SpecError)
  })
  test('says what its validator says', () => {
    const port = new InputPort('test', {
      validator: (value: number) => (value < 0 ? 'only positive ones' : undefined),
    })
    expect(port.validate(5)).toEqual(good)
    expect(port.validate(-5)).toHaveLength(1)
  })
  test('leaves a function default alone at definition, and takes a function as a value', () => {
    expect(new InputPort('late', { schema: number, default: () => 'text' }).hasDefault()).toBe(true)
    const port = new InputPort('test', { instanceOf: [Function, Number], default: () => 5 })
    expect(port.validate()).toEqual(good)
    expect(port.validate(3)).toEqual(good)
    expect(port.validate(() => 'text')).toEqual(good)
  })
})

test('an output port keeps what it is declared with', () => {
  const validator = () => undefined
  const port = new OutputPort('out', { schema: number, help: 'words', required: false, validator })
  expect([port.name, port.schema, port.help, port.required, port.validator]).toEqual([
    'out',
    number,
    'words',
    false,
    validator,
  ])
})

describe('a port namespace', () => {
  const namespace = () => new PortNamespace('port')

  test('starts empty and holds nothing but ports', () => {
    expect([namespace().name, namespace().size]).toEqual(['port', 0])
    expect(() => namespace().set('key', 5 as never)).toThrow(SpecError)
    expect(namespace().get('missing')).toBe(undefined)
  })
  test('is dynamic when it says so or says what undeclared values are', () => {
    const any = new PortNamespace('', { dynamic: true })
    expect([any.dynamic, any.schema, any.instanceOf]).toEqual([true, undefined, undefined])
    expect(new PortNamespace('', { instanceOf: Date })).toMatchObject({ dynamic: true, instanceOf: Date })
    expect(new PortNamespace('', { dynamic: false, schema: number })).toMatchObject({
      dynamic: true,
      schema: number,
    })
  })
  test('checks its declared ports before its validator, which is not asked about nothing', () => {
    const ports = namespace().set('explicit', new InputPort('explicit', { schema: number }))
    ports.schema = number
    ports.validator = (values: { explicit: number; dynamic: number }) =>
      values.explicit < 0 || values.dynamic < 0 ? 'only positive ones' : undefined
    expect(ports.validate({ explicit: 1, dynamic: 5 })).toEqual(good)
    expect(ports.validate({ explicit: 1, dynamic: -5 })).toEqual([
      { port: 'port', message: 'only positive ones' },
    ])
    expect(ports.validate({ dynamic: -5 }).map(({ port }) => port)).toEqual(['port.explicit'])
    ports.required = false
    expect(ports.validate()).toEqual(good)
  })
  test('becomes dynamic with the classes of its values', () => {
    const ports = namespace()
    expect(ports.dynamic).toBe(false)
    ports.instanceOf = [String, Number]
    expect([ports.dynamic, ports.instanceOf]).toEqual([true, [String, Number]])
  })
  test('finds ports by dotted names when all that leads there exists', () => {
    const ports = namespace()
    expect(() => ports.getPort(5 as never)).toThrow(SpecError)
    expect(() => ports.getPort('sub')).toThrow(SpecError)
    const sub = ports.createPortNamespace('sub')
    expect(ports.getPort('sub')).toBe(sub)
    expect(() => ports.getPort('sub.name.space')).toThrow(SpecError)
    const deep = ports.createPortNamespace('sub.name.space')
    expect(ports.getPort('sub.name.space')).toBe(deep)
    const port = new InputPort('port')
    deep.set('port', port)
    expect(ports.getPort('sub.name.space.port')).toBe(port)
  })
  test('that is dynamic makes missing namespaces on request, like itself', () => {
    const ports = new PortNamespace('port', { dynamic: true })
    expect(ports.getPort('undefined', { createDynamically: true })).toMatchObject({
      dynamic: true,
      name: 'undefined',
    })
    const nested = ports.getPort('nested.inner', { createDynamically: true })
    expect(nested).toBeInstanceOf(PortNamespace)
    expect(nested).toMatchObject({ dynamic: true, name: 'inner' })
  })
  test('makes namespaces below itself, but not below a port', () => {
    const ports = namespace()
    expect(() => ports.createPortNamespace(5 as never)).toThrow(SpecError)
    ports.createPortNamespace('sub')
    ports.createPortNamespace('some.nested.sub.space')
    const sub = ports.createPortNamespace('sub.nested.space')
    expect(ports.getPort('sub.nested.space')).toBe(sub)
    sub.set('port', new InputPort('port'))
    expect(() => ports.createPortNamespace('sub.nested.space.port.further')).toThrow(SpecError)
  })
  test('stays dynamic when the type of its values is taken away', () => {
    const ports = namespace()
    ports.schema = number
    expect([ports.dynamic, ports.schema]).toEqual([true, number])
    ports.schema = undefined
    expect([ports.dynamic, ports.schema]).toEqual([true, undefined])
  })
  test('that is dynamic nests at will and checks the leaves, naming the path', () => {
    const ports = namespace()
    ports.createPortNamespace('sub.space').schema = number
    expect(ports.validate(5)).toHaveLength(1)
    expect(ports.validate({ sub: { space: { output: 5 } } })).toEqual(good)
    expect(ports.validate({ sub: { space: { output: { nested: 5 } } } })).toEqual(good)
    expect(ports.validate({ sub: { space: { output: '5' } } })).toMatchObject([
      { port: 'port.sub.space.output' },
    ])
  })
  test('misses a required port, whatever else is given', () => {
    const ports = namespace()
    ports.createPortNamespace('sub.space').schema = number
    ports.set('needed', new OutputPort('needed', { schema: number }))
    expect(ports.validate({})).toHaveLength(1)
    expect(ports.validate({ sub: { space: { output: 5 } } })).toHaveLength(1)
    expect(ports.validate({ sub: { space: { output: 5 } }, needed: 1 })).toEqual(good)
    expect(ports.validate({ needed: 1 })).toEqual(good)
  })
  test('fills in defaults of a namespace that was not given, unless an option forbids it', () => {
    const make = (populateDefaults: boolean, required: boolean) => {
      const base = new PortNamespace('base')
      base
        .createPortNamespace('sub', { populateDefaults, required })
        .set('with', new InputPort('with', { default: 1, schema: number }))
        .set('without', new InputPort('without', { schema: number }))
      return base
    }
    expect(make(true, true).preProcess({})).toEqual({ sub: { with: 1 } })
    expect(make(false, false).preProcess({})).toEqual({})
  })
  test('calls a function default, and never a function that was given', () => {
    const base = new PortNamespace('base')
    base.set('late', new InputPort('late', { default: () => 1, instanceOf: [Function, Number] }))
    const given = () => 5
    for (const [raw, late] of [
      [{}, 1],
      [{ late: 5 }, 5],
      [{ late: given }, given],
    ] as const) {
      const values = base.preProcess(raw)
      expect(values['late']).toBe(late)
      expect(base.validate(values)).toEqual(good)
    }
  })
})
