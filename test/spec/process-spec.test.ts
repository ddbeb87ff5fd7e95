import { describe, expect, test } from 'vitest'
import * as v from 'valibot'
import { z } from 'zod'
import { InputPort } from '../../src/ports/input-port.ts'
import { OutputPort } from '../../src/ports/output-port.ts'
import { PortNamespace } from '../../src/ports/port-namespace.ts'
import { checkOf } from '../../src/ports/schema-check.ts'
import { Process } from '../../src/process/process.ts'
import { PortValidationError, SpecError } from '../../src/shared/errors.ts'
import { ProcessSpec } from '../../src/spec/process-spec.ts'
import { specOf } from '../../src/spec/process-spec.ts'

const number = { schema: { type: 'number' } } as const
const problemsOf = (call: () => unknown): string[] => {
  try {
    call()
  } catch (error) {
    if (error instanceof PortValidationError)
      return error.problems.map(({ port, message }) => `${port}: ${message}`)
    throw error
  }
  return []
}

class Add extends Process {
  static override define(spec: ProcessSpec) {
    return spec
      .input('a', number)
      .input('opts.tol', { ...number, default: 1e-6 })
      .output('sum', number)
      .output('meta.steps', { schema: { type: 'array' }, required: false })
      .exitCode(310, 'ERROR_TOO_LARGE', 'the sum {sum} is above {limit}')
  }
}

describe('the inputs of a process', () => {
  test('are filled in, checked and frozen, and what was given is left alone', () => {
    const spec = new ProcessSpec()
      .input('a', number)
      .input('list', { default: () => [1] })
      .input('cell', {})
    const raw = { a: 1, cell: { x: { y: 1 } } }
    const { inputs } = spec.parseInputs(raw)
    expect(inputs).toEqual({ a: 1, list: [1], cell: { x: { y: 1 } } })
    expect(Object.isFrozen((inputs['cell'] as typeof raw.cell).x)).toBe(true)
    expect(Object.isFrozen(inputs['list'])).toBe(true)
    expect(Object.isFrozen(raw) || Object.isFrozen(raw.cell) || Object.isFrozen(raw.cell.x)).toBe(false)
  })

  test('are refused with all problems at once', () => {
    expect(problemsOf(() => specOf(Add).parseInputs({ b: 1, opts: { tol: 'x' } }))).toEqual([
      'inputs.a: is required, but was not given',
      'inputs.opts.tol: must be number, not "x"',
      "inputs.b: there is no port 'b'; did you mean 'a'?",
    ])
    expect(problemsOf(() => specOf(Add).parseInputs(5 as never))).toEqual([
      'inputs: must be an object of values, not 5',
    ])
  })

  test('parsed once more are the same', () => {
    const { inputs } = specOf(Add).parseInputs({ a: 1 })
    expect(specOf(Add).parseInputs(inputs).inputs).toEqual(inputs)
  })

  test('may have a default for all of them together', () => {
    const spec = new ProcessSpec().input('a', number)
    spec.inputs.default = { a: 3 }
    spec.seal()
    expect(spec.parseInputs().inputs).toEqual({ a: 3 })
  })
})

describe('an output', () => {
  const spec = new ProcessSpec()
    .output('sum', number)
    .output('meta.steps', { schema: { type: 'array' }, required: false })
    .outputNamespace('trace', { dynamic: true, schema: { type: 'boolean' } })
  spec.seal()

  test('is found by its dotted name and checked', () => {
    for (let again = 0; again < 2; again += 1) {
      expect(spec.checkOutput('sum', 1)).toEqual([])
      expect(spec.checkOutput('meta.steps', 'x')).toEqual([
        { port: 'outputs.meta.steps', message: 'must be array, not "x"' },
      ])
      expect(spec.checkOutput('meta', { steps: [] })).toEqual([])
    }
  })

  test('without a port is refused unless its namespace is dynamic', () => {
    expect(spec.checkOutput('summ', 1)).toEqual([
      { port: 'outputs.summ', message: "there is no port 'summ'; did you mean 'sum'?" },
    ])
    expect(spec.checkOutput('sum.more', 1)).toEqual([
      { port: 'outputs.sum', message: "is a port: there is no 'more' in it" },
    ])
    expect(spec.checkOutput('trace.a.b', true)).toEqual([])
    expect(spec.checkOutput('trace.a.b', 1)).toEqual([
      { port: 'outputs.trace.a.b', message: 'must be boolean, not 1' },
    ])
    for (const name of ['', 'trace.', 'trace..a', 'trace.__proto__', 'trace.a.__proto__', '__proto__'])
      expect(spec.checkOutput(name, true)).toHaveLength(1)
  })

  test('that is undefined is refused', () => {
    expect(spec.checkOutput('sum', undefined)).toEqual([
      { port: 'outputs.sum', message: expect.stringContaining('undefined') },
    ])
  })

  test('that is required and was never emitted is reported at the end', () => {
    expect(spec.validateOutputs({ trace: { x: true } })).toEqual([
      { port: 'outputs.sum', message: 'is required, but was not given' },
    ])
    expect(spec.validateOutputs({ sum: 1 })).toEqual([])
  })
})

describe('declaring', () => {
  test('changes the spec in place, by chain and by statement alike', () => {
    const spec = new ProcessSpec()
    expect(spec.input('a')).toBe(spec)
    spec.output('ns.b')
    expect([spec.hasInput('a'), spec.hasInput('b'), spec.hasOutput('ns'), spec.hasOutput('ns.b')]).toEqual([
      true,
      false,
      true,
      true,
    ])
    expect([...spec.ports.keys()]).toEqual(['inputs', 'outputs'])
  })

  test('a port again replaces it, a namespace again keeps its ports', () => {
    const spec = new ProcessSpec()
      .input('a', number)
      .input('ns.b', number)
      .input('a', { schema: { type: 'string' } })
    spec.inputNamespace('ns', { dynamic: true, help: 'more' })
    expect(spec.parseInputs({ a: 'x', ns: { b: 1, c: 2 } }).inputs).toEqual({ a: 'x', ns: { b: 1, c: 2 } })
    expect(spec.inputs.getPort('ns').help).toBe('more')
  })

  test('a port below a port, or over a namespace, is refused', () => {
    const spec = new ProcessSpec().input('a').input('ns.b')
    expect(() => spec.input('a.b')).toThrow(SpecError)
    expect(() => spec.inputNamespace('a')).toThrow(SpecError)
    expect(() => spec.input('ns')).toThrow(SpecError)
  })

  test.each(['', 'a..b', '.a', 'a.', '__proto__', 'a.__proto__'])('refuses the name %j', (name) => {
    const spec = new ProcessSpec()
    expect(() => spec.input(name)).toThrow(SpecError)
    expect(() => spec.output(name)).toThrow(SpecError)
    expect(() => spec.inputNamespace(name)).toThrow(SpecError)
    expect(() => spec.input(5 as never)).toThrow(SpecError)
  })

  test('uses the classes that the spec names', () => {
    class MyInput extends InputPort {
      unit = 'eV'
    }
    class MyOutput extends OutputPort {}
    class MyNamespace extends PortNamespace {}
    class MySpec extends ProcessSpec {
      static override readonly portClasses = { input: MyInput, output: MyOutput, namespace: MyNamespace }
    }
    class Base extends Process {
      static override specClass = MySpec
      static override define(spec: ProcessSpec) {
        spec.input('ns.a')
        ;(spec.inputs.getPort('ns.a') as MyInput).unit = 'Ry'
        spec.output('b')
      }
    }
    class Exposing extends Process {
      static override specClass = MySpec
      static override define(spec: ProcessSpec) {
        spec.exposeInputs(Base, { namespace: 'base' })
      }
    }
    const spec = specOf(Base)
    expect(spec).toBeInstanceOf(MySpec)
    expect(spec.inputs).toBeInstanceOf(MyNamespace)
    expect(spec.inputs.get('ns')).toBeInstanceOf(MyNamespace)
    expect(spec.outputs.get('b')).toBeInstanceOf(MyOutput)
    const copied = specOf(Exposing).inputs.getPort('base.ns.a')
    expect(copied).toBeInstanceOf(MyInput)
    expect((copied as MyInput).unit).toBe('Ry')
  })
})

describe('an exit code', () => {
  test('is made by its label, with the values filled into its message', () => {
    const code = specOf(Add).exitCodes['ERROR_TOO_LARGE']?.({ sum: 5, limit: 3 })
    expect(code).toMatchObject({ code: 310, label: 'ERROR_TOO_LARGE', message: 'the sum 5 is above 3' })
  })

  test('names the value that it lacks', () => {
    expect(() => specOf(Add).exitCodes['ERROR_TOO_LARGE']?.({ sum: 5 })).toThrow(
      /ERROR_TOO_LARGE needs a value for \{limit\}/,
    )
  })

  test('has a number from 1 up of its own, and a label', () => {
    const spec = new ProcessSpec().exitCode(300, 'ERROR', 'failed')
    expect(() => spec.exitCode(0, 'NONE', '')).toThrow(SpecError)
    expect(() => spec.exitCode(1.5, 'HALF', '')).toThrow(SpecError)
    expect(() => spec.exitCode(301, '', '')).toThrow(SpecError)
    expect(() => spec.exitCode(301, '__proto__', '')).toThrow(SpecError)
    expect(() => spec.exitCode(300, 'OTHER', '')).toThrow(/ERROR and OTHER have the same number 300/)
    spec.exitCode(301, 'ERROR', 'declared anew')
    expect(spec.exitCodes['ERROR']?.().code).toBe(301)
  })
})

test('what the last step returns is checked where the spec says what it is', () => {
  const spec = new ProcessSpec()
  expect(spec.checkResult('anything')).toEqual([])
  spec.returns(number)
  expect(spec.checkResult(1)).toEqual([])
  expect(spec.checkResult('x')).toEqual([{ port: 'result', message: 'must be number, not "x"' }])
  expect(spec.checkResult(undefined)).toHaveLength(1)
})

describe('the spec of a class', () => {
  test('is made once, and sealed', () => {
    let calls = 0
    class Counted extends Process {
      static override define(spec: ProcessSpec): void {
        calls += 1
        spec.input('a')
      }
    }
    expect(specOf(Counted)).toBe(specOf(Counted))
    expect([calls, specOf(Counted).sealed]).toEqual([1, true])
    for (const change of [
      () => specOf(Counted).input('b'),
      () => specOf(Counted).output('b'),
      () => specOf(Counted).inputNamespace('b'),
      () => specOf(Counted).exposeInputs(Add),
      () => specOf(Counted).exitCode(300, 'ERROR', ''),
      () => specOf(Counted).returns(number),
      () => (specOf(Counted).inputs.dynamic = true),
      () => (specOf(Counted).inputs.getPort('a').help = 'x'),
    ])
      expect(change).toThrow(SpecError)
  })

  test('is its own, not that of the class it extends', () => {
    class Base extends Process {
      static override define(spec: ProcessSpec) {
        return spec.input('a', number)
      }
    }
    specOf(Base)
    class Sub extends Base {
      static override define(spec: ProcessSpec) {
        return super
          .define(spec)
          .input('a', { ...number, default: 1 })
          .input('b', number)
      }
    }
    expect([...specOf(Sub).inputs.keys()]).toEqual(['a', 'b'])
    expect(specOf(Sub).parseInputs({ b: 2 }).inputs).toEqual({ a: 1, b: 2 })
    expect(specOf(Base).inputs.size).toBe(1)
  })

  test('leaves no half behind when define throws', () => {
    let broken = true
    class Flaky extends Process {
      static override define(spec: ProcessSpec): void {
        spec.input('a')
        if (broken) throw new Error('not yet')
        spec.input('b')
      }
    }
    expect(() => specOf(Flaky)).toThrow('not yet')
    expect(() => specOf(Flaky)).toThrow('not yet')
    broken = false
    expect([...specOf(Flaky).inputs.keys()]).toEqual(['a', 'b'])
  })

  test('can be made of what define returns only if that is the spec it was given', () => {
    expect(() => specOf({ define: () => new ProcessSpec() })).toThrow(SpecError)
    expect(() => specOf({ define: async () => Promise.resolve() })).toThrow(/must not be async/)
  })

  test('cannot need itself', () => {
    class Self extends Process {
      static override define(spec: ProcessSpec): void {
        spec.exposeInputs(Self, { namespace: 'self' })
      }
    }
    expect(() => specOf(Self)).toThrow(/the spec of Self needs itself/)
  })
})

describe('the description', () => {
  test('has the ports, exit codes and result', () => {
    const description = specOf(Add).getDescription()
    expect(Object.keys(description.inputs.ports)).toEqual(['a', 'opts'])
    expect(description.exitCodes).toEqual([
      { code: 310, label: 'ERROR_TOO_LARGE', message: 'the sum {sum} is above {limit}' },
    ])
    expect(JSON.parse(String(specOf(Add)))).toEqual(JSON.parse(JSON.stringify(description)))
    expect(new ProcessSpec().returns(number).getDescription().returns).toMatchObject({
      schema: { type: 'number' },
    })
  })

  test('as JSON Schema is itself a schema that takes what the spec takes', () => {
    const tree = { type: 'object', properties: { next: { $ref: '#' } }, additionalProperties: false } as const
    const spec = new ProcessSpec()
      .input('a', { ...number, help: 'first' })
      .input('opts.tol', { ...number, default: 1e-6 })
      .input('when', { instanceOf: Date, required: false })
      .input('tree', { schema: tree, required: false })
      .input('zod', { schema: z.object({ n: z.number() }), required: false })
      .input('valibot', { schema: v.number(), required: false })
      .input('none', { schema: z.bigint(), required: false })
      .inputNamespace('weights', { dynamic: true, ...number })
    const schema = spec.toJSONSchema('inputs')
    expect(schema).toMatchObject({
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'object',
      required: ['a'],
      additionalProperties: false,
      properties: {
        a: { type: 'number', description: 'first' },
        opts: { properties: { tol: { default: 1e-6 } } },
        when: { description: 'An instance of Date.' },
        zod: { type: 'object', properties: { n: { type: 'number' } } },
        valibot: { description: 'Checked by a schema of valibot.' },
        none: {},
      },
    })
    const check = checkOf(JSON.parse(JSON.stringify(schema)))
    for (const good of [
      { a: 1 },
      { a: 1, weights: { w: 1, deep: { w: 2 } } },
      { a: 1, tree: { next: { next: {} } } },
    ]) {
      expect(check(good)).toBe(undefined)
      expect(problemsOf(() => spec.parseInputs(good))).toEqual([])
    }
    for (const bad of [
      {},
      { a: 'x' },
      { a: 1, b: 2 },
      { a: 1, weights: { w: 'x' } },
      { a: 1, tree: { next: { nxt: {} } } },
    ]) {
      expect(check(bad)).toBeDefined()
      expect(problemsOf(() => spec.parseInputs(bad))).not.toEqual([])
    }
    expect(specOf(Add).toJSONSchema('outputs')).toMatchObject({ required: ['sum'] })
    expect(() => spec.toJSONSchema('nothing' as never)).toThrow(SpecError)
  })
})
