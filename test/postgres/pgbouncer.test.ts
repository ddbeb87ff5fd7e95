// @module-tag more
import { Client as Connection } from 'pg'
import { afterEach, describe, expect, test } from 'vitest'
import { Client, Engine, Process, type ProcessSpec } from '../../src/index.ts'
import { untilRow } from '../engine/over-stores.ts'
import { HAS_MORE } from '../run/extent.ts'
import { PGBOUNCER, PgBouncer } from './pgbouncer.ts'
import { POSTGRES } from './server.ts'
import { newDatabase } from './shared-server.ts'

/* Engines and clients that reach the server through PgBouncer alone. */

class Add extends Process<typeof Add> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('a', { schema: { type: 'integer' } })
      .signal('go', { schema: { type: 'integer' } })
      .output('sum', { schema: { type: 'integer' } })
  }
  override async run(): Promise<void> {
    const one = await this.effect('one', () => this.inputs.a + 1)
    const other = await this.receive('go')
    const rows = await this.transaction('two', async (tx) => {
      if (tx.kind !== 'postgres') throw new Error('another store')
      await tx.query('INSERT INTO sums VALUES ($1, $2)', [this.pid, one + other])
      return (await tx.query<{ readonly sum: number }>('SELECT sum FROM sums WHERE pid = $1', [this.pid]))
        .rows
    })
    this.out('sum', rows[0]?.sum ?? 0)
  }
}

const LEASE = 3_000

describe.skipIf(POSTGRES === undefined || PGBOUNCER === undefined)('behind PgBouncer', () => {
  const opened: { close(): Promise<void> }[] = []
  afterEach(async () => {
    for (const one of opened.splice(0).toReversed()) await one.close()
  })

  async function behind(pool: 'session' | 'transaction') {
    const proxy = await PgBouncer.start(await newDatabase(), pool)
    opened.push(proxy)
    const open = async (): Promise<Engine> => {
      const engine = await Engine.open({
        store: proxy.url,
        processes: [Add],
        lease: LEASE,
        handleSignals: false,
      })
      opened.push({ close: () => engine.close({ drain: 0 }) })
      return engine
    }
    return { proxy, open }
  }

  test.each(['session', 'transaction'] as const)(
    'engines and clients share the work, where it pools each %s',
    { ...HAS_MORE, timeout: 60_000 },
    async (pool) => {
      const { proxy, open } = await behind(pool)
      const engines = [await open(), await open()]
      const client = await Client.open({ store: proxy.url })
      opened.push(client)
      const table = new Connection(proxy.url)
      await table.connect()
      await table.query('CREATE TABLE sums (pid text PRIMARY KEY, sum integer NOT NULL)')
      await table.end()
      const handles = await Promise.all(
        Array.from({ length: 30 }, (_, a) => (engines[a % 3] ?? client).launch('Add', { a })),
      )
      for (const { pid } of handles) {
        await untilRow(client.store, pid, ({ state }) => state === 'waiting')
        await client.handle(pid).signal('go', 1)
      }
      // Without notifications, another program looks once a second.
      const sums = await Promise.all(handles.map(({ pid }) => client.handle(pid).outputs.all()))
      expect(sums).toEqual(handles.map((_, a) => ({ sum: a + 2 })))
      for (const { pid } of handles) {
        const names = (await client.history(pid)).map(({ name }) => name)
        // The transaction is one too.
        expect(names.filter((name) => name === 'effect')).toHaveLength(2)
        expect(names).not.toContain('crashed')
      }
      // Each renews its lease for longer than that lasts.
      const expiries = async (): Promise<number[]> =>
        (await client.store.engines()).map(({ expires }) => expires)
      const until = Math.max(...(await expiries())) + LEASE
      await expect
        .poll(async () => Math.min(...(await expiries())), { timeout: 30_000 })
        .toBeGreaterThan(until)
      expect(await client.engines()).toHaveLength(2)
    },
  )

  test(
    'the store is opened by many at once, where it pools transactions',
    { ...HAS_MORE, timeout: 60_000 },
    async () => {
      const { open } = await behind('transaction')
      const engines = await Promise.all([1, 2, 3, 4].map(() => open()))
      const [one] = engines as [Engine]
      expect(await one.engines()).toHaveLength(4)
    },
  )
})
