// @module-tag more
import { describe, expect, onTestFinished, test } from 'vitest'
import { PostgresStore } from '../../src/persistence/postgres/index.ts'
import { claim, create, done, engine } from '../persistence/fixtures.ts'
import { HAS_MORE } from '../run/extent.ts'
import { POSTGRES } from './server.ts'
import { newDatabase } from './shared-server.ts'

/** What each store knows of the time of the server differs by milliseconds, and so does what is ready for it. */
const CLOCK = { clock: { now: () => Date.now(), after: () => () => {} } }

describe.skipIf(POSTGRES === undefined)('claims of engines on Postgres', () => {
  test('of engines that claim at the same time, each gets as many as it has slots', HAS_MORE, async () => {
    const url = await newDatabase()
    const engines = await Promise.all(
      ['A', 'B', 'C', 'D'].map(async (id) => {
        const store = await PostgresStore.open(url, CLOCK)
        onTestFinished(() => store.close())
        await store.join(engine(id))
        return { id, store }
      }),
    )
    for (let round = 0; round < 10; round++) {
      await done(engines[0]!.store, ...Array.from({ length: 80 }, () => create()))
      const claimed = await Promise.all(engines.map(({ id, store }) => claim(store, id, { limit: 20 })))
      expect(claimed.map((all) => all.length)).toEqual([20, 20, 20, 20])
      expect(new Set(claimed.flat().map(({ row }) => row.pid)).size).toBe(80)
    }
  })

  test('what is left is claimed whichever engine has free slots', HAS_MORE, async () => {
    const url = await newDatabase()
    const [one, other] = [await PostgresStore.open(url, CLOCK), await PostgresStore.open(url, CLOCK)]
    onTestFinished(async () => {
      await one.close()
      await other.close()
    })
    await one.join(engine('A'))
    await other.join(engine('B'))
    for (let round = 0; round < 10; round++) {
      await done(one, ...Array.from({ length: 40 }, () => create()))
      // After the first ones, the engines share what is ready.
      const both = await Promise.all([claim(one, 'A', { limit: 10 }), claim(other, 'B', { limit: 10 })])
      const rest = await claim(one, 'A', { limit: 100 })
      expect(both.flat().length + rest.length).toBe(40)
      expect(await claim(other, 'B', { limit: 100 })).toEqual([])
    }
  })
})
