import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SqliteStore } from '../../../src/persistence/sqlite/index.ts'
import { advance, BAKE, claim, create, done, engine, finish } from '../fixtures.ts'

const folder = mkdtempSync(join(tmpdir(), 'damson-plans-'))
const path = join(folder, 'store.db')
const ran: string[] = []
let store: SqliteStore
let reader: Database.Database

beforeAll(async () => {
  store = await SqliteStore.open(path, { trace: (sql) => ran.push(sql) })
  reader = new Database(path, { readonly: true })
  reader.function('fold', (text: unknown) => text)
})
afterAll(async () => {
  reader.close()
  await store.close()
  rmSync(folder, { recursive: true })
})

/** The statements that an action runs. */
async function statements(action: () => Promise<unknown>): Promise<string[]> {
  ran.length = 0
  await action()
  return [...ran]
}

function planOf(sql: string): string {
  const steps = reader.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { readonly detail: string }[]
  return steps.map(({ detail }) => detail).join('; ')
}

/** No statement reads the processes, their parts or their history from end to end, or sorts them. */
function expectIndexed(sqls: readonly string[]): void {
  const queries = sqls.filter((sql) => /^\s*(SELECT|UPDATE|DELETE|INSERT)/i.test(sql))
  expect(queries.length).toBeGreaterThan(0)
  for (const sql of queries) {
    const plan = `${planOf(sql)} of ${sql}`
    expect(plan).not.toMatch(/SCAN (process|part|history|h|wake|p)\b(?! USING (COVERING )?INDEX)/)
    expect(plan).not.toMatch(/TEMP B-TREE/)
  }
}

test('claiming goes by the index of what is ready, class by class and version by version (C9)', async () => {
  await store.join(engine('A'))
  await done(store, create())
  const sqls = await statements(async () => expect(await claim(store, 'A')).toHaveLength(1))
  expectIndexed(sqls)
  expect(planOf(sqls.find((sql) => sql.startsWith('SELECT version')) as string)).toContain('process_ready')
  expect(planOf(sqls.find((sql) => sql.startsWith('SELECT pid, ready_at')) as string)).toContain(
    'process_ready',
  )
})

test('recovery goes by the indexes of owners and deadlines (C11)', async () => {
  const sqls = await statements(() => store.recover())
  expectIndexed(sqls)
  expect(sqls.map(planOf).join()).toContain('process_owner')
  expect(sqls.map(planOf).join()).toContain('process_deadline')
})

test.each([
  ['everything', {}, 'process_created'],
  ['a state', { state: 'waiting' }, 'process_state'],
  ['several states', { state: ['waiting', 'running'] }, 'process_state'],
  ['a class', { className: 'Bake' }, 'process_class'],
  ['a parent', { parent: 'x' }, 'process_parent'],
  ['what is paused', { paused: true }, 'process_paused'],
  ['a later page', { after: '5:pid' }, 'process_created'],
] as const)('listing %s goes by an index, and sorts nothing', async (_, filter, index) => {
  const sqls = await statements(() => store.list(filter))
  expectIndexed(sqls)
  expect(
    sqls
      .filter((sql) => sql.startsWith('SELECT'))
      .map(planOf)
      .join(),
  ).toContain(index)
})

test('looking up a key, a process and its history goes by an index', async () => {
  const write = create({ key: 'a key' })
  const sqls = await statements(async () => {
    await done(store, write, { ...write, pid: 'another' })
    await store.read(write.pid)
    await store.load(write.pid)
    await store.history(write.pid)
    await store.loadCheckpoint(write.pid)
  })
  expectIndexed(sqls)
  expect(sqls.map(planOf).join()).toContain('process_key')
})

test('a step is one statement for the row and one for its history, in one transaction', async () => {
  const process = { pid: create().pid, fence: 1, seq: 1 }
  await done(store, create({ pid: process.pid, claim: 'A', state: 'running', seq: 1 }))
  const other = { ...process, pid: `${process.pid} other` }
  await done(store, create({ pid: other.pid, claim: 'A', state: 'running', seq: 1 }))
  const sqls = await statements(() => done(store, advance(process), advance(other)))
  expect(sqls.map((sql) => sql.split(/\s/)[0])).toEqual([
    'BEGIN',
    'UPDATE',
    'INSERT',
    'UPDATE',
    'INSERT',
    'COMMIT',
  ])
  expectIndexed(sqls)
  expectIndexed(await statements(() => done(store, finish({ ...process, seq: 2 }))))
})

test('with 100,000 processes asleep, claiming and recovery run the same statements by the same plans', async () => {
  const look = () =>
    statements(async () => {
      await store.recover(BAKE)
      await store.claim({ engine: 'A', classes: BAKE, limit: 10, suspects: false })
    })
  await claim(store, 'A', { limit: 1000 })
  const before = (await look()).map(planOf)
  const batch = (from: number) =>
    Array.from({ length: 1_000 }, (_, index) =>
      create({
        pid: `sleeper ${from + index}`,
        claim: 'A',
        state: 'waiting',
        seq: 1,
        parts: { state: '{}', inputs: '{}' },
      }),
    )
  for (let from = 0; from < 100_000; from += 1_000) await store.commit(batch(from))
  // Of a class that nobody here knows: never looked at, whatever there is of it (C9).
  await store.commit(
    batch(100_000).map((write) => ({ ...write, claim: null, className: 'Brew', state: 'created', seq: 0 })),
  )
  const sqls = await look()
  expect(sqls.map(planOf)).toEqual(before)
  expect(sqls).toHaveLength(before.length)
  expectIndexed(sqls)
}, 120_000)
