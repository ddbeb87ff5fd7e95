import { describe, expect, test } from 'vitest'
import type { InputPort } from '../../src/ports/input-port.ts'
import { PortNamespace } from '../../src/ports/port-namespace.ts'
import { Process } from '../../src/process/process.ts'
import { SpecError } from '../../src/shared/errors.ts'
import type { ExposeOptions } from '../../src/spec/options.ts'
import { ProcessSpec } from '../../src/spec/process-spec.ts'
import { specOf } from '../../src/spec/process-spec.ts'

const text = { type: 'string' } as const
const whole = { type: 'integer' } as const
const checked = () => undefined

class Nested extends Process {
  static override define(spec: ProcessSpec): void {
    spec.input('top').input('namespace.sub_one').input('namespace.sub_two')
    const namespace = spec.inputs.getPort('namespace')
    namespace.schema = { type: 'number' }
    namespace.validator = checked
  }
}
class Base extends Process {
  static override define(spec: ProcessSpec): void {
    spec.input('a', { schema: text, default: 'a' }).input('b', { schema: text, default: 'b' })
    spec.inputs.schema = text
  }
}
class Exposing extends Process {
  static override define(spec: ProcessSpec): void {
    spec.exposeInputs(Base, { namespace: 'base.name.space' })
    spec.input('c', { schema: whole, default: 1 }).input('d', { schema: whole, default: 2 })
    spec.inputs.schema = whole
  }
}

const exposed = (processClass: { define(spec: ProcessSpec): unknown }, options?: ExposeOptions) => {
  const spec = new ProcessSpec()
  spec.exposeInputs(processClass, options)
  return spec.inputs
}
const at = (inputs: PortNamespace, path: string) => inputs.getPort(path) as PortNamespace
const names = (inputs: PortNamespace, path?: string) =>
  [...(path === undefined ? inputs : at(inputs, path)).keys()].toSorted()

test('a dynamic namespace stays dynamic when it is exposed', () => {
  const lower = { define: (spec: ProcessSpec) => spec.inputNamespace('foo', { dynamic: true }) }
  expect(at(specOf(lower).inputs, 'foo').dynamic).toBe(true)
  expect(at(exposed(lower), 'foo').dynamic).toBe(true)
})

test('exposing into a nested namespace leaves the own ports alone', () => {
  const { inputs } = specOf(Exposing)
  expect(at(inputs, 'base.name.space')).toBeInstanceOf(PortNamespace)
  expect(names(inputs)).toEqual(['base', 'c', 'd'])
  expect([(inputs.get('c') as InputPort).default, (inputs.get('d') as InputPort).default]).toEqual([1, 2])
})

test('exposed ports are copies with the same defaults', () => {
  const source = new ProcessSpec()
    .input('a', { schema: text, default: 'a' })
    .input('b', { schema: text, default: 'b' })
  const copy = new PortNamespace('inputs')
  copy.absorb(source.inputs)
  ;(source.inputs.get('a') as InputPort).default = 'c'
  expect(names(copy)).toEqual(['a', 'b'])
  expect([(copy.get('a') as InputPort).default, (copy.get('b') as InputPort).default]).toEqual(['a', 'b'])
  expect((specOf(Exposing).inputs.getPort('base.name.space.b') as InputPort).default).toBe('b')
})

test('properties of an exposed namespace are copies', () => {
  const { inputs } = specOf(Exposing)
  expect([specOf(Base).inputs.schema, at(inputs, 'base.name.space').schema, inputs.schema]).toEqual([
    text,
    text,
    whole,
  ])
  const source = new ProcessSpec().inputs
  source.schema = text
  const copy = new PortNamespace('inputs')
  copy.absorb(source)
  source.schema = whole
  expect(copy.schema).toBe(text)
})

test('an excluded port is not exposed', () => {
  const spec = new ProcessSpec()
  spec.exposeInputs(Base, { exclude: ['a'] })
  spec.input('c', { schema: whole, default: 1 }).input('d', { schema: whole, default: 2 })
  expect(names(spec.inputs)).toEqual(['b', 'c', 'd'])
})

test('only an included port is exposed', () => {
  const spec = new ProcessSpec()
  spec.exposeInputs(Base, { include: ['b'] })
  spec.input('c', { schema: whole, default: 1 }).input('d', { schema: whole, default: 2 })
  expect(names(spec.inputs)).toEqual(['b', 'c', 'd'])
})

test('exclude and include together are refused', () => {
  expect(() => exposed(Base, { exclude: ['a'], include: ['b'] })).toThrow(SpecError)
})

describe('the properties of the exposed namespace', () => {
  class Child extends Process {
    static override define(spec: ProcessSpec): void {
      spec.input('a', { schema: whole, required: false }).input('b', { schema: text, required: false })
      Object.assign(spec.inputs, {
        validator: checked,
        schema: text,
        required: false,
        default: {},
        help: 'testing',
      })
    }
  }
  const all = {
    validator: checked,
    schema: text,
    required: false,
    dynamic: true,
    default: {},
    help: 'testing',
  }

  test('win over those of the inputs they are exposed into', () => {
    const spec = new ProcessSpec().input('c')
    spec.exposeInputs(Child)
    expect(names(spec.inputs)).toEqual(['a', 'b', 'c'])
    expect(spec.inputs).toMatchObject(all)
  })
  test('lose against the options that are given', () => {
    const options = {
      validator: undefined,
      schema: undefined,
      required: true,
      dynamic: false,
      default: undefined,
      help: undefined,
    }
    const spec = new ProcessSpec().input('c')
    spec.exposeInputs(Child, { namespaceOptions: options })
    expect(names(spec.inputs)).toEqual(['a', 'b', 'c'])
    expect(spec.inputs).toMatchObject(options)
  })
  test('become those of the namespace they are put in', () => {
    const spec = new ProcessSpec().input('c')
    spec.exposeInputs(Child, { namespace: 'namespace' })
    expect([names(spec.inputs), names(spec.inputs, 'namespace')]).toEqual([
      ['c', 'namespace'],
      ['a', 'b'],
    ])
    expect(spec.inputs.get('namespace')).toMatchObject(all)
  })
  test('cannot be set by a name that does not exist', () => {
    expect(() => exposed(Child, { namespaceOptions: { nonExistent: undefined } as object })).toThrow(
      SpecError,
    )
  })
})

describe('of nested ports', () => {
  const inBase = (options: ExposeOptions) => exposed(Nested, { namespace: 'base', ...options })
  const checkProperties = (inputs: PortNamespace) =>
    expect(at(inputs, 'base.namespace').options()).toEqual(at(specOf(Nested).inputs, 'namespace').options())

  test('a port at the top is included', () => {
    const inputs = inBase({ include: ['top'] })
    expect([names(inputs), names(inputs, 'base')]).toEqual([['base'], ['top']])
  })
  test('a whole namespace is included', () => {
    const inputs = inBase({ include: ['namespace'] })
    expect(names(inputs, 'base')).toEqual(['namespace'])
    expect(names(inputs, 'base.namespace')).toEqual(['sub_one', 'sub_two'])
    checkProperties(inputs)
  })
  test('one port of a namespace is included', () => {
    const inputs = inBase({ include: ['namespace.sub_two'] })
    expect([names(inputs, 'base'), names(inputs, 'base.namespace')]).toEqual([['namespace'], ['sub_two']])
    checkProperties(inputs)
  })
  test('one port of a namespace and one at the top are included', () => {
    const inputs = inBase({ include: ['namespace.sub_two', 'top'] })
    expect([names(inputs, 'base'), names(inputs, 'base.namespace')]).toEqual([
      ['namespace', 'top'],
      ['sub_two'],
    ])
    checkProperties(inputs)
  })
  test('a port at the top is excluded', () => {
    const inputs = inBase({ exclude: ['top'] })
    expect([names(inputs, 'base'), names(inputs, 'base.namespace')]).toEqual([
      ['namespace'],
      ['sub_one', 'sub_two'],
    ])
    checkProperties(inputs)
  })
  test('a whole namespace is excluded', () => {
    const inputs = inBase({ exclude: ['namespace'] })
    expect([names(inputs), names(inputs, 'base')]).toEqual([['base'], ['top']])
  })
  test('one port of a namespace is excluded', () => {
    const inputs = inBase({ exclude: ['namespace.sub_two'] })
    expect([names(inputs, 'base'), names(inputs, 'base.namespace')]).toEqual([
      ['namespace', 'top'],
      ['sub_one'],
    ])
    checkProperties(inputs)
  })
  test('one port of a namespace and one at the top are excluded', () => {
    const inputs = inBase({ exclude: ['namespace.sub_two', 'top'] })
    expect([names(inputs, 'base'), names(inputs, 'base.namespace')]).toEqual([['namespace'], ['sub_one']])
    checkProperties(inputs)
  })
})

test('a validator that looks for an excluded port in a dynamic namespace does not find it', () => {
  const found: boolean[] = []
  const base = {
    define(spec: ProcessSpec) {
      spec.input('a', { required: false })
      spec.inputs.dynamic = true
      spec.inputs.validator = (_: unknown, port: PortNamespace) => void found.push(port.has('a'))
    },
  }
  expect(exposed(base, { namespace: 'base', exclude: ['a'] }).validate({})).toEqual([])
  expect(found).toEqual([false])
})
