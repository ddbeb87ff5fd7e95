// @module-tag more
import { Client } from 'pg'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { PostgresStore } from '../../src/persistence/postgres/index.ts'
import { claim, create, done, engine, finish } from '../persistence/fixtures.ts'
import { HAS_MORE } from '../run/extent.ts'
import { POSTGRES } from './server.ts'
import { newDatabase } from './shared-server.ts'

const PROCESSES = 400
/** Of these tables each process has its rows, and a commit looks up those of its processes. */
const TABLES = ['process', 'part', 'history', 'message', 'awaits', 'need']

describe.skipIf(POSTGRES === undefined)('on Postgres', () => {
  test('a claim and a commit read no table from its beginning to its end', HAS_MORE, async () => {
    const url = await newDatabase()
    const client = new Client({ connectionString: url })
    await client.connect()
    onTestFinished(() => client.end())
    const store = await PostgresStore.open(url)
    await store.join(engine('A'))
    await done(store, ...Array.from({ length: PROCESSES }, () => create()))
    const claimed = await claim(store, 'A', { limit: PROCESSES })
    expect(claimed).toHaveLength(PROCESSES)
    for (const { row, fence } of claimed) await done(store, finish({ ...row, fence }))
    await store.close()
    // What a connection has read counts once its server process has ended.
    await vi.waitFor(async () => {
      const { rows } = await client.query(
        'SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      )
      expect(rows).toEqual([])
    }, 10_000)
    const { rows } = await client.query<{ in_order: string; by_index: string }>(
      `SELECT sum(seq_tup_read) AS in_order, sum(idx_scan) AS by_index FROM pg_stat_user_tables
        WHERE relname = ANY($1)`,
      [TABLES],
    )
    expect(Number(rows[0]?.by_index)).toBeGreaterThan(PROCESSES)
    expect(Number(rows[0]?.in_order)).toBeLessThan(PROCESSES)
  })
})
