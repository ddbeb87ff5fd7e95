// @module-tag more
import { test } from 'vitest'
import { PostgresStore } from '../../src/persistence/postgres/index.ts'
import { SimulatedClock } from '../../src/testing/index.ts'
import { engine } from '../persistence/fixtures.ts'
import { inMemory, expectSameAnswers, type Stage } from '../persistence/random-writes.ts'
import { HAS_MORE, share } from '../run/extent.ts'
import { POSTGRES } from './server.ts'
import { sharedServer } from './shared-server.ts'
import { clearedStore, TEST_SCHEMA } from './shared-store.ts'

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

/** Two stores of one database take turns, so that what one of them remembers of a process is often old. */
async function inTwoStores(): Promise<Stage> {
  const stage = await inPostgres()
  const other = await PostgresStore.open(sharedServer(), { schema: TEST_SCHEMA, clock: stage.clock })
  let turn = 0
  const store = new Proxy(stage.store, {
    get(target, name) {
      const isWrite = ['commit', 'claim', 'recover'].includes(String(name))
      const whose = isWrite && turn++ % 2 === 0 ? other : target
      const member: unknown = Reflect.get(whose, name, whose)
      return typeof member === 'function' ? (member.bind(whose) as unknown) : member
    },
  })
  return { ...stage, store, hearsLate: true, close: () => other.close() }
}

test.skipIf(POSTGRES === undefined)(
  'memory and two stores of one database answer and look the same, whichever of the two is written to',
  { ...HAS_MORE, timeout: 240_000 },
  () => expectSameAnswers(async () => [await inMemory(), await inTwoStores()], share(5, 30)),
)

test.skipIf(POSTGRES === undefined)(
  'memory and Postgres answer and look the same, whatever is written to them',
  { ...HAS_MORE, timeout: 240_000 },
  () => expectSameAnswers(async () => [await inMemory(), await inPostgres()], share(10, 60)),
)
