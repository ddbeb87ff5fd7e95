import { expect, test } from 'vitest'
import { ProcessExcepted, ProcessKilled } from 'damson'
import { endError, result } from '../../../src/process/runner/result.ts'
import { excepted, finished, killed } from '../../../src/process/state/state-data.ts'

test('the result is what the last step returned, or else the outputs', () => {
  expect(result(finished(7), { sum: 3 })).toEqual({ value: 7 })
  expect(result(finished(undefined), { sum: 3 })).toEqual({ value: { sum: 3 } })
})

test('a process that did not finish has no result', () => {
  for (const state of [excepted(new Error('broken')), killed('late'), { label: 'created' } as const])
    expect(result(state, {})).toBeUndefined()
})

test('an error stands for a process that failed', () => {
  const cause = new Error('broken')
  expect(endError(excepted(cause), 'p', 'Order')).toEqual(
    new ProcessExcepted('p', 'the process p (Order) excepted with Error: broken', { cause }),
  )
  expect(endError(killed('late'), 'p', 'Order')).toEqual(new ProcessKilled('p', 'late'))
  expect(endError(finished(7), 'p', 'Order')).toBeUndefined()
})
