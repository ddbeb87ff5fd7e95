// @module-tag more
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Engine } from '../../src/index.ts'
import { SqliteStore } from '../../src/persistence/sqlite/index.ts'
import { SimulatedClock } from '../../src/testing/index.ts'
import { HAS_MORE, share } from '../run/extent.ts'

/* What actors cost that no one calls, and what the calls cost that have ended. Counted in statements, plans and objects, and not in time. */

/** The instances that were made. */
const made: WeakRef<object>[] = []

class Quiet {
  n = 0
  onLoad(): void {
    made.push(new WeakRef(this))
  }
  add(by: number): number {
    return (this.n += by)
  }
}

let folder: string
let path: string
let clock: SimulatedClock
let store: SqliteStore
let engine: Engine
const ran: string[] = []
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'damson-asleep-'))
  path = join(folder, 'actors.db')
  clock = new SimulatedClock()
  store = await SqliteStore.open(path, { clock, trace: (sql) => ran.push(sql) })
  engine = await Engine.open({ store, clock, actors: [Quiet], handleSignals: false })
})
afterEach(async () => {
  await engine.close({ drain: 0 })
  await store.close()
  rmSync(folder, { recursive: true })
  made.length = 0
})

/** The statements that run meanwhile. */
async function statements(action: () => Promise<unknown>): Promise<string[]> {
  ran.length = 0
  await action()
  return [...ran]
}

/** How these statements find the rows of processes, each way once. */
function waysToProcesses(sqls: readonly string[]): string[] {
  const reader = new Database(path, { readonly: true })
  try {
    reader.function('fold', (text: unknown) => text)
    const queries = sqls.filter((sql) => /^\s*(SELECT|UPDATE|DELETE|INSERT|WITH)/i.test(sql))
    const steps = queries.flatMap(
      (sql) => reader.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { readonly detail: string }[],
    )
    const ways = steps.filter(({ detail }) => /^(SCAN|SEARCH) (process|p|call)\b/.test(detail))
    return [...new Set(ways.map(({ detail }) => detail))].toSorted()
  } finally {
    reader.close()
  }
}

/** The statements without their values, except how often the watch of the file looked. */
function shapesOf(sqls: readonly string[]): string[] {
  const shapes = sqls.map((sql) => sql.replaceAll(/'[^']*'(\/\*.*?\*\/)?|\b\d+(\.\d+)?\b/g, '?'))
  return shapes.filter((sql) => sql !== 'PRAGMA data_version').toSorted()
}

/** By the number of the row or the pid, or in an index that has nothing of what has ended or sleeps; or of no call. */
const SEEKS =
  /^SEARCH \w+ USING (INTEGER PRIMARY KEY|(COVERING )?INDEX (sqlite_autoindex_process_1|process_(ready|suspect|owner|deadline|late|key|call|parent))\b)|^SCAN process USING (COVERING )?INDEX process_(ready|suspect|owner|deadline|late)\b/

function living(): number {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
  return made.filter((one) => one.deref() !== undefined).length
}

test(
  'actors that no one calls are rows: an idle engine does for 10,000 what it does for none, and a call brings one back',
  { ...HAS_MORE, timeout: 240_000 },
  async () => {
    await clock.advance('10m')
    const idle = await statements(() => clock.advance('10m'))
    expect(idle.length).toBeGreaterThan(0)
    const many = share(500, 10_000)
    for (let from = 0; from < many; from += 500) {
      const refs = await Promise.all(
        Array.from({ length: 500 }, (_, at) => engine.actor(Quiet, [], { id: `quiet ${from + at}` })),
      )
      await Promise.all(refs.map(({ call }) => call.add(1).result()))
    }
    expect(made.length).toBeGreaterThanOrEqual(many)
    // The handles of this test are gone too by then.
    await clock.advance('10m')
    const asleep = await statements(() => clock.advance('10m'))
    expect(shapesOf(asleep)).toEqual(shapesOf(idle))
    for (const way of waysToProcesses(asleep)) expect(way).toMatch(SEEKS)
    expect(living()).toBeLessThan(many / 50)
    const ref = engine.actorById(Quiet, `quiet ${many - 1}`)
    const sqls = await statements(async () => expect(await ref.call.add(1).result()).toBe(2))
    for (const way of waysToProcesses(sqls)) expect(way).toMatch(SEEKS)
  },
)

test(
  'a call does the same work after a million calls, and before 10,000 that are queued',
  { ...HAS_MORE, timeout: 600_000 },
  async () => {
    const actor = await engine.actor(Quiet, [], { id: 'busy' })
    for (const _ of [1, 2, 3]) await actor.call.add(1).result()
    await clock.advance('10m')
    const call = () =>
      statements(async () => {
        await actor.call.add(1).result()
        await clock.quiet()
        expect((await store.read(actor.id))?.owner).toBe(null)
      })
    const few = await call()
    const writer = new Database(path)
    // As the calls before have left them.
    const columns = (writer.pragma('table_info(process)') as { readonly name: string }[])
      .map(({ name }) => name)
      .filter((name) => !['id', 'pid'].includes(name))
      .join()
    const done = writer
      .prepare(
        `WITH RECURSIVE n AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM n WHERE n < ?)
        INSERT INTO process (pid, ${columns}) SELECT 'done ' || n, ${columns}
        FROM n CROSS JOIN (SELECT * FROM process WHERE actor = 'busy' AND ended_at IS NOT NULL LIMIT 1)`,
      )
      .run(share(20_000, 1_000_000))
    expect(done.changes).toBeGreaterThan(0)
    writer.close()
    await clock.advance('10m')
    const many = await call()
    // What another turn of the event loop reads once more is no matter.
    expect(many.length).toBeLessThan(2 * few.length)
    expect(waysToProcesses(many)).toEqual(waysToProcesses(few))
    for (const way of waysToProcesses(many)) expect(way).toMatch(SEEKS)
    await actor.process.pause()
    const queued = Array.from({ length: share(500, 10_000) }, () => actor.call.add(1))
    await queued.at(-1)?.submitted()
    const sqls = await statements(async () => {
      await actor.process.play()
      await queued[0]?.result()
    })
    expect(sqls.length).toBeLessThan(1_000)
    for (const way of waysToProcesses(sqls)) expect(way).toMatch(SEEKS)
    await queued.at(-1)?.result()
  },
)
