import { expect, test } from 'vitest'
import { NonRetryableError, RetryPolicy } from 'damson'
import type { Running } from '../../../src/process/state/state-data.ts'
import { conflictOutcome, policyOf, retryOutcome } from '../../../src/process/step/retry-outcome.ts'

const NOW = Date.UTC(2030, 0, 1)
const state: Running = { label: 'running', step: 'pay', args: [7], number: 4 }
const backoff = { initial: 1_000, factor: 2, jitter: 0 } as const
const policy = new RetryPolicy({ attempts: 3, backoff })

test('a failed step without a policy ends the process', () => {
  const error = new Error('no answer')
  expect(retryOutcome(undefined, state, error, NOW)).toEqual({ to: { label: 'excepted', error } })
})

test('a failed attempt is followed by another one, after the back-off', () => {
  const { to, failed, pause } = retryOutcome(policy, state, new Error('no answer'), NOW, () => 0.5)
  expect(to).toMatchObject({
    label: 'waiting',
    step: 'pay',
    until: NOW + 1_000,
    retry: { args: [7], number: 4, attempt: 2, failure: 'no answer' },
  })
  expect(failed).toEqual({ step: 'pay', attempt: 1, attempts: 3, message: 'no answer', until: NOW + 1_000 })
  expect(pause).toBeUndefined()
})

test('after the last attempt the process excepts', () => {
  const error = new Error('no answer')
  expect(retryOutcome(policy, { ...state, attempt: 3 }, error, NOW).to).toEqual({ label: 'excepted', error })
})

test('after the last attempt the process pauses, where the policy says so', () => {
  const pausing = new RetryPolicy({ attempts: 3, whenExhausted: 'pause' })
  const { to, failed, pause } = retryOutcome(pausing, { ...state, attempt: 3 }, new Error('no answer'), NOW)
  expect(to).toEqual({ label: 'running', step: 'pay', args: [7], number: 4, failure: 'no answer' })
  expect(failed).toMatchObject({ attempt: 3, until: null })
  expect(pause).toContain('pay failed 3 of 3 times (no answer)')
})

test('an error that another attempt would throw again is not retried', () => {
  const error = new NonRetryableError('the card is blocked')
  expect(retryOutcome(policy, state, error, NOW).to).toEqual({ label: 'excepted', error })
})

test('a rule that fails itself ends the process with its own error', () => {
  const broken = new Error('the rule is broken')
  const failing = new RetryPolicy({
    attempts: 3,
    on: () => {
      throw broken
    },
  })
  expect(retryOutcome(failing, state, new Error('no answer'), NOW).to).toEqual({
    label: 'excepted',
    error: broken,
  })
})

test('a step that does not do what it did before pauses, and is the same attempt when it is played', () => {
  const { to, pause } = conflictOutcome({ ...state, attempt: 2 }, new Error('the code has changed'))
  expect(to).toEqual({ label: 'running', step: 'pay', args: [7], number: 4, attempt: 2 })
  expect(pause).toBe('the code has changed')
})

test("the retries of a launch replace those of the class, but not a step's own", () => {
  const [launched, own] = [new RetryPolicy({ attempts: 5 }), new RetryPolicy({ attempts: 9 })]
  expect(policyOf({ launchRetry: launched }, { retry: policy, ownRetry: false })).toBe(launched)
  expect(policyOf({ launchRetry: launched }, { retry: own, ownRetry: true })).toBe(own)
  expect(policyOf({ launchRetry: undefined }, { retry: policy, ownRetry: false })).toBe(policy)
})
