import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { namespaceCheck } from '../../src/ports/schema-check.ts'
import { Process } from '../../src/process/process.ts'
import { SpecError } from '../../src/shared/errors.ts'
import { ProcessSpec } from '../../src/spec/process-spec.ts'
import { specOf } from '../../src/spec/process-spec.ts'

const spec = new ProcessSpec()
  .signal('approval', { schema: { type: 'boolean' }, help: 'may it be sent' })
  .signal('date', { instanceOf: Date })
  .signal('wake')
  .signal('count', {
    schema: z.number().optional(),
    validator: (count) => ((count ?? 0) < 0 ? 'is below 0' : undefined),
  })

describe('a signal', () => {
  test('is known by its name', () => {
    expect([spec.hasSignal('approval'), spec.hasSignal('approvals')]).toEqual([true, false])
    expect([...spec.signals.keys()]).toEqual(['approval', 'date', 'wake', 'count'])
    expect(spec.signals.get('approval')?.help).toBe('may it be sent')
  })

  test('has a payload that is checked', () => {
    expect(spec.checkSignal('approval', true)).toEqual([])
    expect(spec.checkSignal('approval', 'yes')).toEqual([
      { port: 'signals.approval', message: 'must be boolean, not "yes"' },
    ])
    expect(spec.checkSignal('date', new Date())).toEqual([])
    expect(spec.checkSignal('date', 1)).toEqual([
      { port: 'signals.date', message: 'must be of the class Date, not 1' },
    ])
    expect(spec.checkSignal('count', 3)).toEqual([])
    expect(spec.checkSignal('count', -3)).toEqual([{ port: 'signals.count', message: 'is below 0' }])
  })

  test('may come without a payload where nothing speaks against it', () => {
    expect(spec.checkSignal('wake', undefined)).toEqual([])
    expect(spec.checkSignal('wake', { any: 'thing' })).toEqual([])
    expect(spec.checkSignal('count', undefined)).toEqual([])
    expect(spec.checkSignal('approval', undefined)).toHaveLength(1)
    expect(spec.checkSignal('date', undefined)).toHaveLength(1)
  })

  test('that is not declared is a problem that names those that are', () => {
    expect(spec.checkSignal('aproval', true)).toEqual([
      {
        port: 'signals.aproval',
        message:
          "there is no signal 'aproval'; did you mean 'approval'? There are 'approval', 'date', 'wake', 'count'",
      },
    ])
    expect(spec.checkSignal('constructor', true)).toEqual([
      {
        port: 'signals.constructor',
        message: "there is no signal 'constructor'; there are 'approval', 'date', 'wake', 'count'",
      },
    ])
    expect(new ProcessSpec().signal('one').checkSignal('other', 1)[0]?.message).toBe(
      "there is no signal 'other'; there is 'one'",
    )
    expect(new ProcessSpec().checkSignal('x', 1)[0]?.message).toBe(
      "there is no signal 'x': this class declares none",
    )
  })

  test.each(['', 'a.b', 'two words', '__proto__', '1st', 5 as never])('cannot have the name %j', (name) => {
    expect(() => new ProcessSpec().signal(name)).toThrow(SpecError)
  })

  test('has no options but its own', () => {
    const wrong: object = { required: false }
    expect(() => new ProcessSpec().signal('a', wrong)).toThrow(/has no option 'required'/)
    expect(() => new ProcessSpec().signal('a', { schema: { type: 'nothing' } as never })).toThrow(SpecError)
  })

  test('that is declared again is replaced, and none can be once the spec is sealed', () => {
    const own = new ProcessSpec().signal('a', { schema: { type: 'string' } }).signal('a')
    expect(own.checkSignal('a', 1)).toEqual([])
    own.seal()
    expect(() => own.signal('b')).toThrow(/sealed/)
    expect(() => (own.signals.get('a')!.help = 'x')).toThrow(SpecError)
  })

  test('stays with a class that extends its class, and not with one that exposes its ports', () => {
    class Base extends Process {
      static override define(spec: ProcessSpec): void {
        spec.input('a', { required: false })
        spec.signal('approval')
      }
    }
    class Sub extends Base {}
    class Exposing extends Process {
      static override define(spec: ProcessSpec): void {
        spec.exposeInputs(Base)
      }
    }
    expect(specOf(Sub).hasSignal('approval')).toBe(true)
    expect(specOf(Exposing).hasSignal('approval')).toBe(false)
  })
})

test('signals are described where there are any', () => {
  expect(spec.getDescription().signals).toMatchObject({
    approval: { name: 'approval', schema: { type: 'boolean' }, help: 'may it be sent' },
    date: { instanceOf: ['Date'] },
  })
  expect(new ProcessSpec().getDescription()).not.toHaveProperty('signals')
})

test('a payload can be checked by the JSON Schema of its signal alone', () => {
  const schemas = JSON.parse(JSON.stringify(spec.signalSchemas())) as Record<string, object>
  expect(Object.keys(schemas)).toEqual(['approval', 'date', 'wake', 'count'])
  expect(schemas['approval']).toMatchObject({ type: 'boolean', description: 'may it be sent' })
  const check = namespaceCheck(schemas['approval']!, 'signals.approval')
  expect(check(true)).toEqual([])
  expect(check('yes')).toEqual([
    { port: 'signals.approval', message: expect.stringContaining('must be boolean') },
  ])
  expect(namespaceCheck(schemas['wake']!, 'signals.wake')(undefined)).toEqual([])
})

describe('a schema that would change a value below its top level is refused, with the path', () => {
  const trims = z.object({ lines: z.array(z.object({ name: z.string().trim() })) })
  const given = { lines: [{ name: 'nut' }, { name: ' bolt ' }] }
  const kept = { lines: [{ name: 'nut' }] }
  const messages = (problems: readonly { readonly message: string }[]) =>
    problems.map(({ message }) => message)
  const refused = [expect.stringMatching(/^lines\[1\]\.name: .*(keeps its value|makes)/)]

  test('of a signal', () => {
    const ordered = new ProcessSpec().signal('order', { schema: trims })
    expect(ordered.checkSignal('order', kept)).toEqual([])
    expect(messages(ordered.checkSignal('order', given))).toEqual(refused)
  })

  test('of what the last step returns', () => {
    const returning = new ProcessSpec()
    returning.returns({ schema: trims })
    expect(returning.checkResult(kept)).toEqual([])
    expect(messages(returning.checkResult(given))).toEqual(refused)
  })

  test('of a port that is exposed from another class', () => {
    class Ordered extends Process<typeof Ordered> {
      static override define(ports: ProcessSpec) {
        super.define(ports)
        return ports.input('order', { schema: trims }).output('order', { schema: trims })
      }
    }
    const exposing = new ProcessSpec()
      .exposeInputs(Ordered, { namespace: 'child' })
      .exposeOutputs(Ordered, { namespace: 'child' })
    expect(exposing.checkOutput('child.order', kept)).toEqual([])
    expect(messages(exposing.checkOutput('child.order', given))).toEqual(refused)
    expect(() => exposing.parseInputs({ child: { order: given } })).toThrow(
      /child\.order: lines\[1\]\.name: /,
    )
  })
})
