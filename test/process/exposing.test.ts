import { describe, expect, test } from 'vitest'
import {
  PortValidationError,
  Process,
  type ProcessHandle,
  ProcessSpec,
  SpecError,
  WorkChain,
  type WorkChainSpec,
} from 'damson'

const number = { type: 'number' } as const

/** Relaxes a cell. */
class Relax extends Process<typeof Relax> {
  static override define(spec: ProcessSpec) {
    return spec
      .input('cell', { schema: number })
      .input('options.tol', { schema: number, default: 1 })
      .input('options.basis', { required: false })
      .output('energy', { schema: number })
      .output('meta.steps', { schema: number })
      .output('trace', { required: false })
  }
  override run(): void {
    this.out('energy', -this.inputs.cell)
    this.out('meta.steps', 10 * this.inputs.options.tol)
    if (this.inputs.options.basis !== undefined) this.out('trace', this.inputs.options.basis)
  }
}

/** Does it twice, with one cell and two tolerances, and passes on what comes of it. */
class Twice extends WorkChain<typeof Twice> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    const { prototype: own } = Twice
    return spec
      .exposeInputs(Relax, { include: ['cell'] })
      .exposeInputs(Relax, { namespace: 'rough', exclude: ['cell'] })
      .exposeInputs(Relax, { namespace: 'fine', exclude: ['cell'] })
      .exposeOutputs(Relax, { namespace: 'fine' })
      .exposeOutputs(Relax, { include: ['energy'] })
      .outline(own.relax, own.collect)
  }
  async relax(): Promise<unknown> {
    this.handle = await this.launch(Relax, this.exposedInputs(Relax, 'fine'))
    return { rough: await this.launch(Relax, this.exposedInputs(Relax, 'rough')), fine: this.handle }
  }
  handle: ProcessHandle | undefined
  collect(): unknown {
    this.outMany(this.exposedOutputs(this.ctx['rough'], Relax))
    this.outMany(this.exposedOutputs(this.ctx['fine'], Relax, 'fine', { agglomerate: false }))
    return undefined
  }
}

const inputs = { cell: 3, rough: { options: { tol: 2 } }, fine: { options: { basis: 'gto' } } }

test('inputs that are exposed from a class are passed on to a child of it, and its outputs are passed out', async () => {
  expect(await new Twice(inputs).execute()).toEqual({
    energy: -3,
    fine: { energy: -3, meta: { steps: 10 }, trace: 'gto' },
  })
})

test('exposed outputs may be asked of the handle of a child', async () => {
  class ByHandle extends Twice {
    override async collect(): Promise<unknown> {
      const handle = this.handle as ProcessHandle
      this.outMany(await this.exposedOutputs(handle, Relax))
      this.outMany(await this.exposedOutputs(handle, Relax, 'fine'))
      return undefined
    }
  }
  expect(await new ByHandle(inputs).execute()).toEqual({
    energy: -3,
    fine: { energy: -3, meta: { steps: 10 }, trace: 'gto' },
  })
})

describe('what was not exposed is refused', () => {
  class Asks extends Process {
    static override define(spec: ProcessSpec): void {
      spec.exposeInputs(Relax, { namespace: 'relax', namespaceOptions: { required: false } })
    }
    inputsOf(processClass: typeof Relax | typeof Process, namespace?: string): unknown {
      return this.exposedInputs(processClass as typeof Relax, namespace)
    }
    outputsOf(handle: Readonly<Record<string, unknown>>): unknown {
      return this.exposedOutputs(handle, Relax)
    }
  }
  test('another class, another namespace, and outputs where there are only inputs', () => {
    const asks = new Asks({ relax: { cell: 1 } })
    expect(asks.inputsOf(Relax, 'relax')).toEqual({ cell: 1, options: { tol: 1 } })
    expect(() => asks.inputsOf(Relax)).toThrow(SpecError)
    expect(() => asks.inputsOf(Process, 'relax')).toThrow(SpecError)
    expect(() => asks.outputsOf({})).toThrow(SpecError)
  })
})

describe('outMany', () => {
  class Emits extends Process {
    static override define(spec: ProcessSpec): void {
      spec.output('a', { schema: number, required: false })
      spec.output('deep.b', { required: false }).output('deep.er.c', { required: false })
      spec.output('whole', { required: false })
      spec.outputNamespace('any', { dynamic: true, required: false })
    }
    static values: Readonly<Record<string, unknown>>
    override run(): void {
      this.outMany(Emits.values)
    }
  }
  test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['by dotted names', { a: 1, 'deep.b': 2, 'deep.er.c': 3 }, { a: 1, deep: { b: 2, er: { c: 3 } } }],
    ['as nested objects', { a: 1, deep: { b: 2, er: { c: 3 } } }, { a: 1, deep: { b: 2, er: { c: 3 } } }],
    ['an object as the value of a port', { whole: { b: 2 } }, { whole: { b: 2 } }],
    ['into a dynamic namespace', { any: { x: 1, y: { z: 2 } } }, { any: { x: 1, y: { z: 2 } } }],
    ['and leaves out what is undefined', { a: undefined, deep: { b: 2 } }, { deep: { b: 2 } }],
    ['nothing', {}, {}],
  ])('emits %s', async (_, values, outputs) => {
    Emits.values = values
    expect(await new Emits().execute()).toEqual(outputs)
  })

  test('refuses what `out` refuses, and names the port', async () => {
    for (const [values, port] of [
      [{ a: 'text' }, 'outputs.a'],
      [{ deep: { wrong: 1 } }, 'outputs.deep.wrong'],
    ] as const) {
      Emits.values = values
      const process = new Emits()
      await expect(process.execute()).rejects.toThrow(port)
      expect(process.exception()).toBeInstanceOf(PortValidationError)
    }
  })
})
