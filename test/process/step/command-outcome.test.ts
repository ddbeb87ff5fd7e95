import { describe, expect, test } from 'vitest'
import {
  Continue,
  Kill,
  Process,
  type ProcessSpec,
  SpecError,
  Stop,
  toContext,
  TransitionError,
  UnsuccessfulResult,
  Wait,
} from 'damson'
import { definitionOf } from '../../../src/process/definition/process-definition.ts'
import { memoryHost } from '../../../src/process/memory/memory-host.ts'
import {
  afterWait,
  commandOutcome,
  contextWait,
  withOwnCopies,
} from '../../../src/process/step/command-outcome.ts'

const NOW = Date.UTC(2030, 0, 1)

class Order extends Process {
  static override define(spec: ProcessSpec): void {
    spec.signal('approval')
  }
  check(): void {}
}
const definition = definitionOf(Order)
const outcome = (value: unknown, position?: string): unknown =>
  commandOutcome(definition, value, position, NOW)

describe('what a step returns decides the next state', () => {
  test.each([
    ['nothing', undefined, { label: 'finished', result: undefined, successful: true }],
    ['a result', 7, { label: 'finished', result: 7, successful: true }],
    ['Stop', new Stop(7, { successful: false }), { label: 'finished', result: 7, successful: false }],
    ['UnsuccessfulResult', new UnsuccessfulResult(7), { label: 'finished', result: 7, successful: false }],
    ['Kill', new Kill('too late'), { label: 'killed', message: 'too late' }],
    ['Continue', new Continue('check', 1), { label: 'running', step: 'check', args: [1] }],
    ['Wait', new Wait('check', { for: '1s' }), { label: 'waiting', step: 'check', until: NOW + 1_000 }],
    [
      'Wait for a signal',
      new Wait(undefined, { receive: 'approval' }),
      { label: 'waiting', receive: 'approval', step: null },
    ],
    [
      'Wait for no processes',
      new Wait('check', { on: [] }),
      { label: 'running', args: [[], { by: 'handles' }] },
    ],
  ])('%s', (_what, value, state) => {
    expect(outcome(value)).toMatchObject(state)
  })

  test('a work chain stays where it is in its outline', () => {
    expect(outcome(new Continue('check'), '2.check')).toMatchObject({ at: '2.check' })
    expect(outcome(new Wait('check'), '2.check')).toMatchObject({ at: '2.check' })
  })

  test("a command that the class can't follow is refused", () => {
    expect(() => outcome(new Continue(function check() {}))).toThrow(TransitionError)
    expect(() => outcome(new Wait('check', { receive: 'refusal' }))).toThrow(SpecError)
    expect(() => outcome(toContext({}))).toThrow('has no outline')
  })
})

test('a wait without a step finishes the process with the value', () => {
  expect(afterWait(definition, null, { args: ['yes'] }, {})).toMatchObject({
    label: 'finished',
    result: 'yes',
  })
  expect(afterWait(definition, 'check', { args: ['yes'] }, {})).toEqual({
    label: 'running',
    step: 'check',
    args: ['yes'],
  })
})

test('a step that gives processes for the context waits for them', () => {
  expect(contextWait({ pids: [], into: [] }, '1.check')).toBeUndefined()
  const into = [{ key: 'job' }]
  expect(contextWait({ pids: ['p'], into }, '1.check')).toMatchObject({
    label: 'waiting',
    step: null,
    at: '1.check',
    message: 'waits for process p',
    on: { pids: ['p'], as: 'list', any: false },
    into,
  })
})

test('the arguments of a step are copied, so that a later change does not reach them', () => {
  const item = { count: 1 }
  const state = withOwnCopies(memoryHost, { label: 'running', step: 'check', args: [item] })
  item.count = 2
  expect(state).toMatchObject({ args: [{ count: 1 }] })
})
