import { afterEach, beforeEach, describe } from 'vitest'
import type { SimulatedClock } from '../../src/testing/index.ts'
import { Bench, type OpenedStore } from './store-bench.ts'
import { creating } from './store-suite-creating.ts'
import { advancing } from './store-suite-advancing.ts'
import { beginning } from './store-suite-beginning.ts'
import { claiming } from './store-suite-claiming.ts'
import { retries } from './store-suite-retries.ts'
import { trees } from './store-suite-trees.ts'
import { lifetimes } from './store-suite-lifetimes.ts'
import { needs } from './store-suite-needs.ts'
import { waits } from './store-suite-waiting.ts'
import { waking } from './store-suite-waking.ts'
import { edits } from './store-suite-edits.ts'
import { records } from './store-suite-records.ts'
import { reports } from './store-suite-reports.ts'
import { requests } from './store-suite-requests.ts'
import { crashes } from './store-suite-crashes.ts'
import { groups } from './store-suite-groups.ts'
import { histories } from './store-suite-history.ts'
import { mailboxes } from './store-suite-mailboxes.ts'
import { looking } from './store-suite-looking.ts'
import { checkpoints } from './store-suite-checkpoints.ts'

export type { OpenedStore } from './store-bench.ts'

type Subject = (bench: Bench) => void

/** What moves a process on, and what it waits for. */
export const MOVING: readonly Subject[] = [
  creating,
  advancing,
  claiming,
  beginning,
  waking,
  waits,
  needs,
  retries,
  requests,
  crashes,
]

/** What else is stored, and how it is read. */
export const KEEPING: readonly Subject[] = [
  lifetimes,
  records,
  reports,
  trees,
  edits,
  looking,
  histories,
  checkpoints,
  groups,
  mailboxes,
]

/** What every back end has to keep; a third one runs it by calling this with how it is opened. One that is slow does so in two files. */
export function storeSuite(
  name: string,
  open: (clock: SimulatedClock) => Promise<OpenedStore>,
  subjects: readonly Subject[] = [...MOVING, ...KEEPING],
): void {
  describe(`store: ${name}`, () => {
    const bench = new Bench(open)
    beforeEach(() => bench.setUp())
    afterEach(() => bench.dispose())
    for (const subject of subjects) subject(bench)
  })
}
