import { rmSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { breaks } from './breaks.ts'
import { applyBreak, copyProject, runTests } from './broken-copy.ts'

/*
 * The suite is worth something only if it notices: each contract is broken on purpose in a copy of the sources, and the
 * tests that keep it have to fail there, by what they expect.
 */

/** What a test says when it noticed something, as opposed to one that could not be run; the second is a time-out. */
const NOTICED = /^(AssertionError|Error: STACK_TRACE_ERROR|Error: Property failed|Error: it was saved)/
/** Of a test in a copy, in milliseconds: what makes a test hang is noticed by this. */
const TIME_OUT = 5_000

describe.concurrent('in a copy of the sources', () => {
  test('the tests pass while nothing is broken', { timeout: 180_000 }, async ({ onTestFinished }) => {
    const folder = copyProject('control')
    onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
    const files = [...new Set(breaks.map(({ test: [file] }) => file))]
    const names = [...new Set(breaks.map(({ test: [, name] }) => name))]
    const verdict = await runTests(folder, files, names, 30_000)
    expect(verdict).toMatchObject({ failed: [], unloaded: [] })
    expect(verdict.passed).toBeGreaterThanOrEqual(names.length)
  })

  for (const broken of breaks) {
    const { contract, what, test: noticing } = broken
    test(`${contract} is noticed to be broken: ${what}`, { timeout: 180_000 }, async ({ onTestFinished }) => {
      const folder = copyProject(contract)
      onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
      applyBreak(folder, broken)
      const { failed, unloaded } = await runTests(folder, [noticing[0]], [noticing[1]], TIME_OUT)
      expect(unloaded).toEqual([])
      expect(failed).toEqual(expect.arrayContaining([expect.stringMatching(NOTICED)]))
    })
  }
})
