// @module-tag more
import { test } from 'vitest'
import { SimulatedClock } from '../../src/testing/index.ts'
import { engine } from '../persistence/fixtures.ts'
import { inMemory, expectSameAnswers, type Stage } from '../persistence/random-writes.ts'
import { HAS_MORE, share } from '../run/extent.ts'
import { POSTGRES } from './server.ts'
import { clearedStore } from './shared-store.ts'

async function inPostgres(): Promise<Stage> {
  const clock = new SimulatedClock()
  const store = await clearedStore(clock)
  return {
    store,
    clock,
    skipsNumbers: true,
    join: () => store.join(engine('B')),
    kill: () => store.forget('B'),
    close: async () => {},
  }
}

test.skipIf(POSTGRES === undefined)(
  'memory and Postgres answer and look the same, whatever is written to them',
  { ...HAS_MORE, timeout: 240_000 },
  () => expectSameAnswers(async () => [await inMemory(), await inPostgres()], share(10, 60)),
)
