import { expect, test } from 'vitest'
import { PendingRequests } from '../../../src/process/runner/pending-requests.ts'
import type { StateData } from '../../../src/process/state/state-data.ts'
import type { RunState } from '../../../src/process/step/run-state.ts'

const waiting: StateData = { label: 'waiting', step: 'go', message: undefined, data: undefined }

function requestsIn(state: StateData): PendingRequests {
  return new PendingRequests({ state, detached: undefined, closed: false } as RunState)
}

test('a kill calls a pause off, and only a forced one replaces it', async () => {
  const requests = requestsIn(waiting)
  const { done } = requests.pause('wait')
  expect(requests.kill('first', false)).toBe(true)
  expect(await done.promise).toBe(false)
  expect([requests.any, requests.overrules, requests.abandons]).toEqual([true, true, false])
  expect(requests.kill('second', false)).toBe(false)
  expect(requests.kill('third', true)).toBe(true)
  expect(requests.killing).toEqual({ message: 'first', force: true })
  expect(requests.abandons).toBe(true)
})

test('nothing is pending in a process that has ended', () => {
  const requests = requestsIn({ label: 'killed', message: undefined })
  requests.fail(new Error('late'))
  expect(requests.any).toBe(false)
})

test('of several wake-ups a resume ends the wait first, and the other resumes are kept', () => {
  const requests = requestsIn(waiting)
  requests.addWakeUp(undefined, { by: 'timer' })
  requests.addWakeUp('one', { by: 'resume' })
  requests.addWakeUp('two', { by: 'resume' })
  const next = requests.nextWakeUp
  expect(next?.value).toBe('one')
  expect(requests.kept(true).resumes).toEqual(['two'])
  if (next !== undefined) requests.used(next.wake)
  expect(requests.nextWakeUp?.value).toBe('two')
})

test('a resume does not end a back-off', () => {
  const requests = requestsIn({ ...waiting, retry: { args: [], attempt: 2, failure: 'no answer' } })
  requests.addWakeUp('early', { by: 'resume' })
  expect(requests.nextWakeUp).toBeUndefined()
  expect(requests.kept(false).resumes).toEqual(['early'])
})
