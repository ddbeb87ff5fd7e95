import { describe, expect, test } from 'vitest'
import { Process } from '../../src/process/process.ts'
import { SpecError } from '../../src/shared/errors.ts'
import { exposedInputs, exposedOutputs } from '../../src/spec/exposed-values.ts'
import { ProcessSpec } from '../../src/spec/process-spec.ts'
import { specOf } from '../../src/spec/process-spec.ts'

class Relax extends Process {
  static override define(spec: ProcessSpec): void {
    for (const name of ['cell', 'code', 'options.tol', 'options.basis', 'options.deep.x'])
      spec.input(name, { required: false })
    spec.output('energy', { required: false })
    spec.output('cell', { required: false })
    spec.output('meta.steps', { required: false })
    spec.output('meta.time', { required: false })
    spec.outputNamespace('trace', { dynamic: true, required: false })
  }
}
class Open extends Process {
  static override define(spec: ProcessSpec): void {
    spec.inputs.dynamic = true
    spec.outputs.dynamic = true
    spec.input('known', { required: false })
  }
}
class Other extends Process {
  static override define(spec: ProcessSpec): void {
    spec.input('other', { required: false })
    spec.output('other', { required: false })
  }
}

describe('the inputs for another class', () => {
  test('are those that were exposed from it, and no others', () => {
    const spec = new ProcessSpec().input('own').input('options.own')
    spec.exposeInputs(Relax, { exclude: ['code', 'options.basis'] })
    spec.exposeInputs(Other)
    const inputs = { own: 1, other: 2, cell: 3, options: { own: 4, tol: 5, deep: { x: 6 } } }
    expect(exposedInputs(spec, inputs, Relax)).toEqual({ cell: 3, options: { tol: 5, deep: { x: 6 } } })
    expect(exposedInputs(spec, inputs, Other)).toEqual({ other: 2 })
  })

  test('come from the namespace that they were exposed under', () => {
    const spec = new ProcessSpec().input('a.own')
    spec.exposeInputs(Relax, { namespace: 'a.relax' })
    spec.exposeInputs(Relax, { namespace: 'b', include: ['cell'] })
    const inputs = { a: { own: 1, relax: { cell: 'a', options: { tol: 1 } } }, b: { cell: 'b' } }
    expect(exposedInputs(spec, inputs, Relax, 'a.relax')).toEqual({ cell: 'a', options: { tol: 1 } })
    expect(exposedInputs(spec, inputs, Relax, 'b')).toEqual({ cell: 'b' })
    expect(exposedInputs(spec, { a: { own: 1 } }, Relax, 'a.relax')).toEqual({})
  })

  test('are joined with those of the namespaces that it is in; what is further in wins', () => {
    const spec = new ProcessSpec()
    spec.exposeInputs(Relax, { include: ['code', 'cell', 'options.tol'] })
    spec.exposeInputs(Relax, { namespace: 'a', include: ['cell', 'options.deep'] })
    spec.exposeInputs(Relax, { namespace: 'a.b', include: ['options.basis'] })
    const inputs = Object.freeze({
      code: 'top',
      cell: 'top',
      options: Object.freeze({ tol: 'top' }),
      a: { cell: 'a', options: { deep: { x: 'a' } }, b: { options: { basis: 'b' } } },
    })
    expect(exposedInputs(spec, inputs, Relax, 'a.b')).toEqual({
      code: 'top',
      cell: 'a',
      options: { tol: 'top', deep: { x: 'a' }, basis: 'b' },
    })
    expect(exposedInputs(spec, inputs, Relax, 'a.b', { agglomerate: false })).toEqual({
      options: { basis: 'b' },
    })
    expect(exposedInputs(spec, inputs, Relax)).toEqual({ code: 'top', cell: 'top', options: { tol: 'top' } })
  })

  test('have what it takes undeclared, but nothing that is declared besides', () => {
    const spec = new ProcessSpec().input('open.own').input('top')
    spec.exposeInputs(Open, { namespace: 'open' })
    const inputs = { top: 1, stray: 2, open: { own: 3, known: 4, more: { even: 5 } } }
    expect(exposedInputs(spec, inputs, Open, 'open')).toEqual({ known: 4, more: { even: 5 } })
  })

  test('say of a namespace that it was given, also with nothing in it', () => {
    const spec = new ProcessSpec()
    spec.exposeInputs(Relax)
    expect(exposedInputs(spec, { options: {} }, Relax)).toEqual({ options: {} })
    expect(exposedInputs(spec, {}, Relax)).toEqual({})
  })

  test('are what a process was given, as it was given', () => {
    class Parent extends Process {
      static override define(spec: ProcessSpec): void {
        spec.exposeInputs(Relax, { namespace: 'relax' })
      }
    }
    const cell = new Map([['a', 1]])
    const { inputs } = specOf(Parent).parseInputs({ relax: { cell } })
    const given = exposedInputs(specOf(Parent), inputs, Relax, 'relax')
    expect(given['cell']).toEqual(cell)
    expect(specOf(Relax).parseInputs(given).inputs).toEqual({ cell, options: { deep: {} } })
  })
})

describe('the outputs of another class', () => {
  const outputs = { energy: 1, cell: 2, meta: { steps: 3, time: 4 }, trace: { any: { thing: 5 } } }

  test('are those that were exposed, by the names that they have here', () => {
    const spec = new ProcessSpec()
    spec.exposeOutputs(Relax, { exclude: ['cell', 'meta.time'] })
    expect(exposedOutputs(spec, outputs, Relax)).toEqual({
      energy: 1,
      'meta.steps': 3,
      'trace.any': { thing: 5 },
    })
  })

  test('go under the namespace that they were exposed under', () => {
    const spec = new ProcessSpec()
    spec.exposeOutputs(Relax, { namespace: 'a.relax', include: ['energy', 'meta'] })
    const named = exposedOutputs(spec, outputs, Relax, 'a.relax')
    expect(named).toEqual({ 'a.relax.energy': 1, 'a.relax.meta.steps': 3, 'a.relax.meta.time': 4 })
    for (const [name, value] of Object.entries(named)) expect(spec.checkOutput(name, value)).toEqual([])
    expect(exposedOutputs(spec, { energy: 1 }, Relax, 'a.relax')).toEqual({ 'a.relax.energy': 1 })
  })

  test('go where they were exposed furthest in', () => {
    const spec = new ProcessSpec()
    spec.exposeOutputs(Relax)
    spec.exposeOutputs(Relax, { namespace: 'a', include: ['energy', 'meta.steps'] })
    const some = { energy: 1, cell: 2, meta: { steps: 3, time: 4 } }
    expect(exposedOutputs(spec, some, Relax, 'a')).toEqual({
      'a.energy': 1,
      cell: 2,
      'a.meta.steps': 3,
      'meta.time': 4,
    })
    expect(exposedOutputs(spec, some, Relax, 'a', { agglomerate: false })).toEqual({
      'a.energy': 1,
      'a.meta.steps': 3,
    })
    expect(exposedOutputs(spec, some, Relax)).toEqual({ energy: 1, cell: 2, 'meta.steps': 3, 'meta.time': 4 })
  })

  test('have what it emitted undeclared', () => {
    const spec = new ProcessSpec()
    spec.exposeOutputs(Open, { namespace: 'open' })
    expect(exposedOutputs(spec, { a: 1, b: { c: 2 } }, Open, 'open')).toEqual({
      'open.a': 1,
      'open.b': { c: 2 },
    })
  })
})

describe('what was not exposed', () => {
  const spec = new ProcessSpec()
  spec.exposeInputs(Relax, { namespace: 'relax' })
  spec.exposeInputs(Other)

  test('is reported with what was: a class', () => {
    const call = () => exposedInputs(spec, {}, Open)
    expect(call).toThrow(SpecError)
    expect(call).toThrow(
      'no inputs of Open were exposed at the top; exposed were Relax under "relax", Other at the top',
    )
  })

  test('is reported with what was: a namespace', () => {
    expect(() => exposedInputs(spec, {}, Relax)).toThrow(/no inputs of Relax were exposed at the top/)
    for (const namespace of ['relaxx', 'relax.deeper', 'constructor'])
      expect(() => exposedInputs(spec, {}, Relax, namespace)).toThrow(
        `no inputs of Relax were exposed under "${namespace}"`,
      )
  })

  test('is reported if nothing was', () => {
    expect(() => exposedOutputs(spec, {}, Relax, 'relax')).toThrow(
      'no outputs of Relax were exposed under "relax": define exposes no outputs',
    )
  })
})
