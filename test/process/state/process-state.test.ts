import { expect, test } from 'vitest'
import { isBackingOff } from '../../../src/process/state/process-state.ts'

test.each([
  ['waiting between two attempts', { state: 'waiting', attempt: 2, inStep: false }, true],
  ['waiting within its second attempt', { state: 'waiting', attempt: 2, inStep: true }, false],
  ['waiting after a first attempt', { state: 'waiting', attempt: 1, inStep: false }, false],
  ['running its second attempt', { state: 'running', attempt: 2, inStep: false }, false],
] as const)('a process that is %s backs off: %j is %s', (_what, facts, expected) => {
  expect(isBackingOff(facts)).toBe(expected)
})
