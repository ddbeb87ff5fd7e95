// @module-tag more
import { Client } from 'pg'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { PostgresStore } from '../../src/persistence/postgres/index.ts'
import { advance, claim, create, done, engine, finish, request } from '../persistence/fixtures.ts'
import { HAS_MORE } from '../run/extent.ts'
import { POSTGRES } from './server.ts'
import { newDatabase } from './shared-server.ts'

describe.skipIf(POSTGRES === undefined)('on Postgres', () => {
  test('what a store creates or an engine has claimed is written without reading it', HAS_MORE, async () => {
    const url = await newDatabase()
    const client = new Client({ connectionString: url })
    await client.connect()
    onTestFinished(() => client.end())
    await client.query(
      `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET track_functions = ''all''', current_database()); END $$`,
    )
    const store = await PostgresStore.open(url)
    await store.join(engine('A'))
    await done(store, ...Array.from({ length: 20 }, () => create()))
    let claimed = (await claim(store, 'A', { limit: 20 })).map(({ row, fence }) => ({ ...row, fence }))
    for (let step = 0; step < 3; step++) {
      await done(store, ...claimed.map((one) => advance(one)))
      claimed = claimed.map((one) => ({ ...one, seq: one.seq + 1 }))
    }
    await done(store, ...claimed.map((one) => finish(one)))
    await store.close()
    const calls = async (): Promise<unknown> =>
      (await client.query('SELECT funcname, calls::int FROM pg_stat_user_functions ORDER BY funcname')).rows
    // What a connection has called counts once its server process has ended.
    await vi.waitFor(
      async () =>
        expect(await calls()).toEqual(
          expect.arrayContaining([
            { funcname: 'apply', calls: 6 },
            { funcname: 'load', calls: 1 },
          ]),
        ),
      10_000,
    )
  })

  test(
    'what another program has written is not overlooked by an engine that remembers the process',
    HAS_MORE,
    async () => {
      const url = await newDatabase()
      const store = await PostgresStore.open(url)
      const other = await PostgresStore.open(url)
      onTestFinished(async () => {
        await store.close()
        await other.close()
      })
      await store.join(engine('A'))
      await done(store, create())
      const [claimed] = await claim(store, 'A')
      if (claimed === undefined) throw new Error('nothing was claimed')
      const { row, fence } = claimed
      await done(store, advance({ ...row, fence }))
      await done(other, request(row.pid, 'pause'))
      const [outcome] = await store.commit([advance({ ...row, fence, seq: row.seq + 1 })])
      expect(outcome).toMatchObject({ status: 'done', pause: {} })
    },
  )
})
