// @module-tag more
import { afterAll, describe, test } from 'vitest'
import { PostgresStore } from '../../src/persistence/postgres/index.ts'
import { SimulatedClock } from '../../src/testing/index.ts'
import { engine } from '../persistence/fixtures.ts'
import { inMemory, expectSameAnswers, type Stage } from '../persistence/random-writes.ts'
import { storeSuite } from '../persistence/store-suite.ts'
import { HAS_MORE, share } from '../run/extent.ts'
import { POSTGRES, PostgresServer } from './server.ts'

/* The suites of all back ends, on a real server. */

describe.skipIf(POSTGRES === undefined)('on Postgres', async () => {
  const server = await PostgresServer.start()
  afterAll(() => server.remove())

  storeSuite('postgres', async (clock) => {
    const store = await PostgresStore.open(server.url, { clock })
    await store.clear()
    return { store, kill: (id) => store.forget(id), dispose: () => store.close() }
  })

  async function inPostgres(): Promise<Stage> {
    const clock = new SimulatedClock()
    const store = await PostgresStore.open(server.url, { clock, schema: 'same' })
    await store.clear()
    return {
      store,
      clock,
      join: () => store.join(engine('B')),
      kill: () => store.forget('B'),
      close: () => store.close(),
    }
  }

  test(
    'memory and Postgres answer and look the same, whatever is written to them',
    { ...HAS_MORE, timeout: 240_000 },
    () => expectSameAnswers(async () => [await inMemory(), await inPostgres()], share(10, 60)),
  )
})
