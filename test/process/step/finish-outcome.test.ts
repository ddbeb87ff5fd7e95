import { expect, test } from 'vitest'
import { PortValidationError, Process, type ProcessSpec } from 'damson'
import { excepted, finished } from '../../../src/process/state/state-data.ts'
import { finishOutcome } from '../../../src/process/step/finish-outcome.ts'

class Sums extends Process {
  static override define(spec: ProcessSpec): void {
    spec
      .returns({ schema: { type: 'integer' } })
      .output('sum', { schema: { type: 'integer' } })
      .output('note', { required: false })
  }
}
const spec = Sums.spec()

test('a process with all required outputs finishes as it was to', () => {
  const state = finished(1)
  expect(finishOutcome(spec, { sum: 3 }, state)).toBe(state)
})

test('a process without a required output finishes unsuccessfully, and names the output', () => {
  expect(finishOutcome(spec, {}, finished(1))).toMatchObject({
    label: 'finished',
    result: 1,
    successful: false,
    message: expect.stringContaining('outputs.sum'),
    missing: ['sum'],
  })
})

test('an output of the wrong type is not missing', () => {
  const state = finishOutcome(spec, { sum: 'three' }, finished(1))
  expect(state).toMatchObject({ successful: false })
  expect(state).not.toMatchObject({ missing: expect.anything() })
})

test('a result that does not fit is a fault of the step', () => {
  expect(() => finishOutcome(spec, { sum: 3 }, finished('one'))).toThrow(PortValidationError)
})

test('nothing is asked of a process that ends otherwise', () => {
  for (const state of [finished('one', false), excepted(new Error('broken'))])
    expect(finishOutcome(spec, {}, state)).toBe(state)
})
