// @module-tag more
import { describe, expect, test } from 'vitest'
import { create, engine } from '../persistence/fixtures.ts'
import { SimulatedClock } from '../../src/testing/index.ts'
import { HAS_MORE } from '../run/extent.ts'
import { POSTGRES } from './server.ts'
import { clearedStore } from './shared-store.ts'

describe.skipIf(POSTGRES === undefined)('on Postgres', () => {
  test(
    'C9: a write that the database refuses is refused alone, and the others of its batch are stored',
    HAS_MORE,
    async () => {
      const store = await clearedStore(new SimulatedClock())
      await store.join(engine('A'))
      // Beyond the numbers of the database.
      const version = 2 ** 80
      const writes = Array.from({ length: 9 }, (_, n) => create({ ...(n === 4 && { version }) }))
      const outcomes = await store.commit(writes)
      expect(outcomes.map(({ status }) => status)).toEqual(
        writes.map((_, n) => (n === 4 ? 'refused' : 'done')),
      )
      expect(outcomes[4]).toMatchObject({
        error: {
          message: expect.stringMatching(
            `the create of process ${writes[4]?.pid} was refused by the database: .*bigint`,
          ),
        },
      })
      const stored = await store.readAll(writes.map(({ pid }) => pid))
      expect(stored).toHaveLength(8)
    },
  )
})
