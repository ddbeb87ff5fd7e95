import { configureGlobal, defaultReportMessage, integer, type Arbitrary, type RunDetails } from 'fast-check'
import { relative } from 'node:path'
import { expect } from 'vitest'
import { seedOf, toReproduce } from './seed.ts'

/* fast-check, with seeds that are the same in each run of the tests. Tests of properties import it from here. */

export * from 'fast-check'

/** Any character. Quicker to make than the `binary` unit of fast-check, which lists them all. */
export const character: Arbitrary<string> = integer({ max: 0x10_f7_ff, min: 0 }).map((number) =>
  String.fromCodePoint(number < 0xd8_00 ? number : number + 0x8_00),
)

configureGlobal({ seed: seedOf(2_026), reporter: report })

function report(details: RunDetails<unknown>): void {
  if (!details.failed) return
  const { testPath = '', currentTestName = '' } = expect.getState()
  const again = toReproduce(relative(process.cwd(), testPath), currentTestName)
  throw new Error(`${defaultReportMessage(details)}\n\nTo reproduce: ${again}`, {
    cause: details.errorInstance,
  })
}
