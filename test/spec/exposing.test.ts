import { describe, expect, test } from 'vitest'
import { PortNamespace } from '../../src/ports/port-namespace.ts'
import { Process } from '../../src/process/process.ts'
import { SpecError } from '../../src/shared/errors.ts'
import { ProcessSpec } from '../../src/spec/process-spec.ts'

class Child extends Process {
  static override define(spec: ProcessSpec) {
    spec.inputs.help = 'of the child'
    return spec
      .input('a', { schema: { type: 'number' }, default: 1 })
      .input('ns.x', { required: false })
      .input('ns.deep.y', { required: false })
      .input('nsX.z', { required: false })
      .output('out.one', { required: false })
  }
}
class Dynamic extends Process {
  static override define(spec: ProcessSpec): void {
    spec.inputs.dynamic = true
    spec.input('a', { required: false })
    spec.input('b', { required: false })
  }
}
const names = (spec: ProcessSpec, path: string) => [...(spec.inputs.getPort(path) as PortNamespace).keys()]

describe('include', () => {
  test('of one name does not take another that begins with it', () => {
    const spec = new ProcessSpec()
    spec.exposeInputs(Child, { namespace: 'c', include: ['nsX'] })
    expect(names(spec, 'c')).toEqual(['nsX'])
  })

  test('of nothing takes nothing', () => {
    const spec = new ProcessSpec()
    spec.exposeInputs(Child, { namespace: 'c', include: [] })
    expect(names(spec, 'c')).toEqual([])
  })

  test('of a namespace takes all of it, also beside one of its ports', () => {
    const spec = new ProcessSpec()
    spec.exposeInputs(Child, { namespace: 'c', include: ['ns', 'ns.x'] })
    expect(names(spec, 'c.ns')).toEqual(['x', 'deep'])
    spec.exposeInputs(Child, { namespace: 'd', include: ['ns.deep.y'] })
    expect(names(spec, 'd.ns')).toEqual(['deep'])
  })

  test('together with exclude is an error, even when one is empty', () => {
    const both = (options: object) => () => new ProcessSpec().exposeInputs(Child, options)
    expect(both({ include: ['a'], exclude: ['ns'] })).toThrow(SpecError)
    expect(both({ include: ['a'], exclude: [] })).toThrow(SpecError)
  })

  test('and exclude of a name that is not there is an error that suggests one', () => {
    const spec = new ProcessSpec()
    const exposing = (options: object) => () => spec.exposeInputs(Child, options)
    expect(exposing({ include: ['ns.deep.yy'] })).toThrow(/no port 'ns.deep.yy' to include; did you mean 'y'/)
    expect(exposing({ include: undefined, exclude: ['aa'] })).toThrow(SpecError)
    expect(exposing({ exclude: ['a.b'] })).toThrow(SpecError)
    expect(exposing({ exclude: 'a' })).toThrow(SpecError)
  })
})

describe('an excluded port', () => {
  test('is not revived by a dynamic namespace', () => {
    const spec = new ProcessSpec()
    spec.exposeInputs(Dynamic, { namespace: 'c', exclude: ['a'] })
    const at = spec.inputs.getPort('c') as PortNamespace
    expect(() => at.getPort('a')).toThrow(SpecError)
    expect(() => at.getPort('a', { createDynamically: true })).toThrow(SpecError)
    expect(spec.inputs.validate({ c: { a: 1, other: 2 } })).toEqual([
      { port: 'inputs.c.a', message: expect.stringContaining('excluded') },
    ])
    expect(spec.inputs.validate({ c: { b: 1, other: 2 } })).toEqual([])
  })

  test('stays out when it is exposed further, until it is declared again', () => {
    class Middle extends Process {
      static override define(spec: ProcessSpec): void {
        spec.exposeInputs(Dynamic, { namespace: 'c', include: ['b'] })
      }
    }
    const spec = new ProcessSpec()
    spec.exposeInputs(Middle)
    expect(spec.inputs.validate({ c: { a: 1 } })).toHaveLength(1)
    spec.input('c.a')
    expect(spec.inputs.validate({ c: { a: 1 } })).toEqual([])
  })
})

describe('exposing', () => {
  test('joins a namespace that is there, and replaces a port that is there', () => {
    const spec = new ProcessSpec().input('ns.own').input('a', { schema: { type: 'string' } })
    spec.exposeInputs(Child)
    expect(names(spec, 'ns')).toEqual(['own', 'x', 'deep'])
    expect(spec.inputs.getPort('a').schema).toEqual({ type: 'number' })
  })

  test('carries the properties of the namespace, and namespaceOptions win', () => {
    const spec = new ProcessSpec()
    spec.exposeInputs(Child, {
      namespace: 'c',
      namespaceOptions: { required: false, populateDefaults: false },
    })
    const at = spec.inputs.getPort('c') as PortNamespace
    expect([at.help, at.required, at.populateDefaults]).toEqual(['of the child', false, false])
    expect(spec.parseInputs({}).inputs).toEqual({})
  })

  test('refuses an option that does not exist, with the nearest that does', () => {
    const wrong: object = { namespaceOptions: { populateDefault: false } }
    expect(() => new ProcessSpec().exposeInputs(Child, wrong)).toThrow(
      /'populateDefault'; did you mean 'populateDefaults'/,
    )
  })

  test('leaves the exposed class alone when the copy changes', () => {
    const spec = new ProcessSpec()
    spec.exposeInputs(Child, { namespace: 'c' })
    spec.inputs.getPort('c.a').help = 'changed here'
    const other = new ProcessSpec()
    other.exposeInputs(Child)
    expect(other.inputs.getPort('a').help).toBe(undefined)
  })

  test('remembers which ports came from which class, and where they went', () => {
    const spec = new ProcessSpec()
    spec.exposeInputs(Child, { namespace: 'c', exclude: ['ns.deep', 'nsX'] })
    spec.exposeOutputs(Child)
    expect(spec.exposedInputs).toEqual([{ processClass: Child, namespace: 'c', ports: ['a', 'ns', 'ns.x'] }])
    expect(spec.exposedOutputs).toEqual([{ processClass: Child, namespace: '', ports: ['out', 'out.one'] }])
  })
})
