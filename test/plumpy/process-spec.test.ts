import { expect, test } from 'vitest'
import { InputPort } from '../../src/ports/input-port.ts'
import { PortNamespace } from '../../src/ports/port-namespace.ts'
import { ProcessSpec } from '../../src/spec/process-spec.ts'

test('a spec has a namespace of inputs and one of outputs', () => {
  const spec = new ProcessSpec()
  expect([spec.inputs.name, spec.outputs.name]).toEqual(['inputs', 'outputs'])
  expect([spec.ports.get('inputs'), spec.ports.get('outputs')]).toEqual([spec.inputs, spec.outputs])
})

test('outputs may be made dynamic, taken back and made dynamic again', () => {
  class Text {
    readonly text = 'x'
  }
  class Special extends Text {}
  const { outputs } = new ProcessSpec()
  for (let again = 0; again < 2; again += 1) {
    outputs.dynamic = true
    outputs.instanceOf = Text
    expect(outputs.validate({ dummy: new Text() })).toEqual([])
    expect(outputs.validate({ dummy: new Special() })).toEqual([])
    expect(outputs.validate({ dummy: 5 })).toHaveLength(1)
    outputs.instanceOf = undefined
    outputs.dynamic = false
    expect(outputs.validate({ dummy: new Text() })).toHaveLength(1)
  }
})

test('inputs and outputs are described', () => {
  expect(new ProcessSpec().input('test').getDescription().inputs.ports).toHaveProperty('test')
  expect(new ProcessSpec().output('test').getDescription().outputs.ports).toHaveProperty('test')
})

test('a dotted input makes the namespaces on its way', () => {
  const { inputs } = new ProcessSpec().input('some.name.space.a', { schema: { type: 'number' } })
  for (const path of ['some', 'some.name', 'some.name.space'])
    expect(inputs.getPort(path)).toBeInstanceOf(PortNamespace)
  expect(inputs.getPort('some.name.space.a')).toBeInstanceOf(InputPort)
})

test('a validator of a port sees the default and what is given', () => {
  const { inputs } = new ProcessSpec().input('dict', {
    default: { key: 'value' },
    validator: (dict: unknown) => ((dict as { key?: string }).key === 'value' ? undefined : 'invalid'),
  })
  expect(inputs.preProcess({})).toEqual({ dict: { key: 'value' } })
  expect(inputs.preProcess({ dict: { key: 'value' } })).toEqual({ dict: { key: 'value' } })
  expect(inputs.validate(inputs.preProcess({}))).toEqual([])
  expect(inputs.validate({ dict: { wrong: 'value' } })).toEqual([{ port: 'inputs.dict', message: 'invalid' }])
})

test('a validator of all inputs sees them together', () => {
  const { inputs } = new ProcessSpec().input('a', { required: false }).input('b', { required: false })
  inputs.validator = (values: object) => ('a' in values !== 'b' in values ? undefined : 'must have a or b')
  for (const one of [{ a: 'a' }, { b: 'b' }]) {
    expect(inputs.preProcess(one)).toEqual(one)
    expect(inputs.validate(one)).toEqual([])
  }
  expect(inputs.validate({})).toHaveLength(1)
  expect(inputs.validate({ a: 'a', b: 'b' })).toHaveLength(1)
})
