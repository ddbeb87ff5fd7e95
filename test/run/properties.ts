import { configureGlobal, defaultReportMessage, type RunDetails } from 'fast-check'
import { relative } from 'node:path'
import { expect } from 'vitest'
import { seedOf, toReproduce } from './seed.ts'

/* fast-check, with seeds that are the same in each run of the tests. Tests of properties import it from here. */

export * from 'fast-check'

configureGlobal({ seed: seedOf(2_026), reporter: report })

function report(details: RunDetails<unknown>): void {
  if (!details.failed) return
  const { testPath = '', currentTestName = '' } = expect.getState()
  const again = toReproduce(relative(process.cwd(), testPath), currentTestName)
  throw new Error(`${defaultReportMessage(details)}\n\nTo reproduce: ${again}`, {
    cause: details.errorInstance,
  })
}
