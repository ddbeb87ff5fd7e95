// @module-tag more
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Continue, Engine, Process } from '../../src/index.ts'
import { PostgresStore } from '../../src/persistence/postgres/index.ts'
import { create, done, engine, finish, request, running, wait } from '../persistence/fixtures.ts'
import { HAS_MORE } from '../run/extent.ts'
import { connected, counted } from './counted-database.ts'
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

describe.skipIf(POSTGRES === undefined)('on Postgres', () => {
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

  test('C7: a kill that others come before each time it has read is stored', HAS_MORE, async () => {
    const url = await newDatabase()
    const store = await PostgresStore.open(url)
    onTestFinished(() => store.close())
    const launch = create()
    await done(store, launch)
    // What a read has returned is changed at once, by another connection, unless it is locked.
    const client = await connected(url)
    await client.query('CREATE EXTENSION dblink')
    await client.query('ALTER FUNCTION damson.load RENAME TO load_only')
    const change = `UPDATE damson.process SET rev = rev + 1 WHERE pid IN (SELECT pid FROM damson.process
      WHERE pid = ''${launch.pid}'' FOR UPDATE SKIP LOCKED)`
    await client.query(`CREATE FUNCTION damson.load(wanted json) RETURNS json LANGUAGE plpgsql AS $body$
      DECLARE answer json := damson.load_only(wanted);
      BEGIN PERFORM dblink_exec('${url}', '${change}'); RETURN answer; END $body$`)
    await client.query('UPDATE damson.process SET rev = rev + 1 WHERE pid = $1', [launch.pid])
    await done(store, request(launch.pid, 'kill'))
    expect((await store.read(launch.pid))?.state).toBe('killed')
  })

  test('C12: a store that is closed answers the commits that it was given before', HAS_MORE, async () => {
    const url = await newDatabase()
    const store = await PostgresStore.open(url)
    const commits = [create(), create(), create()].map((write) => store.commit([write]))
    await store.close()
    for (const outcomes of await Promise.all(commits))
      expect(outcomes).toEqual([expect.objectContaining({ status: 'done', existed: false })])
  })
})
