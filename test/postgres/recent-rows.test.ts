// @module-tag more
import { Client } from 'pg'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Continue, Engine, Process } from '../../src/index.ts'
import { PostgresStore } from '../../src/persistence/postgres/index.ts'
import {
  advance,
  claim,
  create,
  done,
  engine,
  finish,
  request,
  running,
  signal,
  wait,
} from '../persistence/fixtures.ts'
import { HAS_MORE } from '../run/extent.ts'
import { POSTGRES } from './server.ts'
import { newDatabase } from './shared-server.ts'

let gate = Promise.resolve()

class TwoSteps extends Process<typeof TwoSteps> {
  override async run() {
    await gate
    return new Continue(this.second)
  }
  second() {}
}

async function connected(url: string): Promise<Client> {
  const client = new Client({ connectionString: url })
  await client.connect()
  onTestFinished(() => client.end())
  return client
}

/** A database that counts the calls of functions, and how often connections that have ended have called each. */
async function counted() {
  const url = await newDatabase()
  const client = await connected(url)
  await client.query(
    `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET track_functions = ''all''', current_database()); END $$`,
  )
  const calls = async (): Promise<Readonly<Record<string, number>>> => {
    const { rows } = await client.query<{ readonly name: string; readonly calls: number }>(
      'SELECT funcname AS name, calls::int FROM pg_stat_user_functions',
    )
    return { load: 0, ...Object.fromEntries(rows.map((row) => [row.name, row.calls])) }
  }
  return { url, calls }
}

describe.skipIf(POSTGRES === undefined)('on Postgres', () => {
  test('what a store creates or an engine has claimed is written without reading it', HAS_MORE, async () => {
    const { url, calls } = await counted()
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
    await vi.waitFor(async () => expect(await calls()).toMatchObject({ apply: 6, load: 1 }), 10_000)
  })

  test('commits of a store that concern the same process do not meet at the database', HAS_MORE, async () => {
    const { url, calls } = await counted()
    const store = await PostgresStore.open(url)
    await store.join(engine('A'))
    const targets = await Promise.all(Array.from({ length: 10 }, () => running(store, 'A')))
    const waiter = await running(store, 'A')
    await done(store, wait(waiter, { on: targets.map(({ pid }) => pid) }))
    await Promise.all(targets.map((target) => done(store, finish(target))))
    await store.close()
    await vi.waitFor(async () => expect(await calls()).toMatchObject({ apply: 22, load: 0 }), 10_000)
  })

  test('a process that another transaction has locked holds up no other one', HAS_MORE, async () => {
    const url = await newDatabase()
    const [client, other] = [await connected(url), await connected(url)]
    const runner = await Engine.open({ store: url, processes: [TwoSteps] })
    onTestFinished(() => runner.close())
    let open = (): void => {}
    gate = new Promise((resolve) => (open = resolve))
    const locked = await runner.launch(TwoSteps, {}, { pid: 'locked' })
    await vi.waitFor(async () => expect((await locked.refresh()).label).toBe('running'))
    await client.query('BEGIN')
    await client.query("SELECT FROM damson.process WHERE pid = 'locked' FOR UPDATE")
    open()
    // Its commit waits for the lock, and those that begin now do not.
    const waiting =
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    await vi.waitFor(async () => expect((await other.query(waiting)).rowCount).toBe(1), 10_000)
    for (let left = 5; left > 0; left--) await (await runner.launch(TwoSteps)).result()
    expect((await locked.refresh()).label).toBe('running')
    await client.query('ROLLBACK')
    await locked.result()
  })

  describe('what another program has written is not overlooked by an engine that remembers the process', () => {
    /** A process that store A has claimed and written last. */
    async function remembered() {
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
      return { store, other, held: { ...row, fence, seq: row.seq + 1 } }
    }

    test('C4: a claim after its engine was taken for dead', HAS_MORE, async () => {
      const { store, other, held } = await remembered()
      await other.forget('A')
      await other.join(engine('B'))
      await other.recover()
      expect(await claim(other, 'B')).toHaveLength(1)
      expect(await store.commit([advance(held)])).toEqual([{ status: 'fenced' }])
    })

    test('C5: a kill', HAS_MORE, async () => {
      const { store, other, held } = await remembered()
      await done(other, request(held.pid, 'kill'))
      await store.commit([finish(held)])
      expect((await other.read(held.pid))?.state).not.toBe('finished')
    })

    test('C7: a pause', HAS_MORE, async () => {
      const { store, other, held } = await remembered()
      await done(other, request(held.pid, 'pause'))
      const [outcome] = await store.commit([advance(held)])
      expect(outcome).toMatchObject({ status: 'done', pause: {} })
    })

    test('C8: a signal, for which it waits next', HAS_MORE, async () => {
      const { store, other, held } = await remembered()
      await done(other, signal(held.pid, 'go'))
      await done(store, wait(held, { signal: 'go' }))
      // The clocks of two programs differ by milliseconds.
      await vi.waitFor(async () => {
        const [woken] = await claim(other, 'B', {})
        expect(woken?.wake).toMatchObject({ by: 'signal' })
      }, 10_000)
    })
  })
})
