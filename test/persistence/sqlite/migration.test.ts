import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SqliteStore } from '../../../src/persistence/sqlite/index.ts'
import { SimulatedClock } from '../../../src/testing/index.ts'
import {
  advance,
  BAKE,
  claim,
  commitOne,
  create,
  done,
  engine,
  finish,
  held,
  request,
  resume,
  signal,
  wait,
} from '../fixtures.ts'

/** A file as the release with schema version 1 left it, as SQL. */
const VERSION_1 = readFileSync(fileURLToPath(new URL('schema-1.sql', import.meta.url)), 'utf8')

let folder: string
let path: string
let clock: SimulatedClock
let store: SqliteStore

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'damson-migration-'))
  path = join(folder, 'store.db')
  const db = new Database(path)
  db.exec(VERSION_1)
  db.close()
  clock = new SimulatedClock({ start: Date.UTC(2026, 0, 2) })
  store = await SqliteStore.open(path, { clock })
})
afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

/** What plain SQL reads from a file, whichever version it has. */
function rowsOf(file: string, sql: string): unknown[] {
  const db = new Database(file, { readonly: true })
  const rows = db.prepare(sql).all()
  db.close()
  return rows
}

function schemaOf(file: string): unknown[] {
  return rowsOf(file, 'SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name')
}

test('a file of version 1 is lifted: no process, part, history entry or kept resume is lost', async () => {
  const before = join(folder, 'before.db')
  const db = new Database(before)
  db.exec(VERSION_1)
  db.close()
  const columns = (rowsOf(before, "SELECT name FROM pragma_table_info('process')") as { name: string }[])
    .map(({ name }) => name)
    .join()
  for (const sql of [
    `SELECT ${columns} FROM process ORDER BY id`,
    'SELECT id, pid, by, sender, value FROM wake ORDER BY id',
    'SELECT name, version, inputs FROM class',
    'SELECT * FROM checkpoint',
    'SELECT * FROM engine',
    'SELECT * FROM meta',
  ]) {
    expect(rowsOf(path, sql)).toEqual(rowsOf(before, sql))
    expect(rowsOf(path, sql).length).toBeGreaterThan(0)
  }
  // These went by the pid, and go by the number of its row now; an entry that is kept for its id alone is that of no process.
  const history =
    "SELECT h.id, coalesce(p.pid, '') AS pid, h.seq, h.at, h.name, h.data, h.by FROM history h LEFT JOIN process p ON"
  expect(rowsOf(path, `${history} p.id = h.process ORDER BY h.id`)).toEqual(
    rowsOf(before, 'SELECT * FROM history ORDER BY id'),
  )
  expect(
    rowsOf(path, 'SELECT pid, name, text FROM part JOIN process ON id = process ORDER BY pid, name'),
  ).toEqual(rowsOf(before, 'SELECT * FROM part ORDER BY pid, name'))
  expect(await store.classes()).toEqual([
    { name: 'Bake', version: 1, inputs: '{"type":"object"}', signals: '{}' },
  ])
})

test('its schema is that of a new file, and lifting it again does no harm', async () => {
  const fresh = await SqliteStore.open(join(folder, 'fresh.db'))
  await fresh.close()
  await store.close()
  expect(schemaOf(path)).toEqual(schemaOf(join(folder, 'fresh.db')))
  const rows = rowsOf(path, 'SELECT * FROM process ORDER BY id')
  store = await SqliteStore.open(path, { clock })
  expect(schemaOf(path)).toEqual(schemaOf(join(folder, 'fresh.db')))
  expect(rowsOf(path, 'SELECT * FROM process ORDER BY id')).toEqual(rows)
  expect(rowsOf(path, "SELECT name FROM pragma_table_info('process')").slice(-2)).toEqual([
    { name: 'data' },
    { name: 'before' },
  ])
})

test('what the old release left in every state goes on', async () => {
  await store.join(engine('Z'))
  // The engine of the old release is gone, as its free lock shows: what it held is taken back, and the kill that it had not
  // done yet is done.
  writeFileSync(`${path}-engine-A`, '')
  expect(await store.recover(BAKE)).toMatchObject({ processes: 6 })
  expect(await store.read('kill asked')).toMatchObject({ state: 'killed', message: 'enough' })
  const claimed = new Map((await claim(store, 'Z', { limit: 100 })).map((one) => [one.row.pid, one]))
  expect([...claimed.keys()].toSorted()).toEqual([
    'child',
    'claimed while waiting',
    'created',
    'parent',
    'resumed',
    'resumed before',
    'running',
  ])
  for (const pid of ['claimed while waiting', 'resumed'])
    expect(claimed.get(pid)?.wake).toMatchObject({ by: 'resume', value: '1' })
  expect(claimed.get('running')?.bundle().parts).toMatchObject({ memory: '{"ctx":{}}', 'out:x': '5' })
  for (const one of claimed.values()) {
    const process = held(one)
    const consumes = process.wake?.id ?? null
    await done(store, advance(process, { consumes }), finish({ ...process, seq: process.seq + 1 }))
  }
  // What was paused or set aside is as it was, until it is played.
  for (const pid of [
    'created paused',
    'running paused',
    'waiting paused and resumed',
    'pause asked',
    'parked',
  ])
    await done(store, request(pid, 'play'))
  const played = (await claim(store, 'Z', { limit: 100 })).map(({ row }) => row.pid)
  expect(played.toSorted()).toEqual(
    ['created paused', 'running paused', 'waiting paused and resumed', 'pause asked', 'parked'].toSorted(),
  )
})

test('a process that waited goes on waiting for a resume, and for a resume alone', async () => {
  await store.join(engine('Z'))
  expect(await store.read('waiting')).toMatchObject({
    state: 'waiting',
    wait: { resume: true, signal: null, until: null, on: null },
    attempt: 1,
    inStep: false,
    deadline: null,
    origin: null,
    readyAt: null,
  })
  expect(await store.read('running')).toMatchObject({ state: 'running', wait: null })
  await done(store, signal('waiting', 'approval'))
  await done(store, request('waiting paused', 'play'))
  // The same resume as before, whose acknowledgement was lost, is known still.
  await done(store, resume('resume used', { id: 'resume 1 of resume used' }))
  const asleep = ['waiting', 'waiting paused', 'resume used']
  expect((await claim(store, 'Z', { limit: 100 })).map(({ row }) => row.pid)).not.toEqual(
    expect.arrayContaining([expect.stringMatching(`^(${asleep.join('|')})$`)]),
  )
  await done(store, ...asleep.map((pid) => resume(pid)))
  const woken = await claim(store, 'Z', { limit: 100 })
  expect(woken.map(({ row }) => row.pid).toSorted()).toEqual(asleep.toSorted())
  const process = held(woken.find(({ row }) => row.pid === 'waiting') as (typeof woken)[number])
  await done(store, wait(process, { signal: 'approval' }, { consumes: process.wake?.id ?? null }))
  expect(await claim(store, 'Z')).toMatchObject([{ row: { pid: 'waiting' }, wake: { by: 'signal' } }])
})

test('keys, children, ended processes and checkpoints are as they were', async () => {
  expect(await commitOne(store, create({ key: 'key of created' }))).toMatchObject({
    pid: 'created',
    existed: true,
  })
  expect((await store.list({ parent: 'parent' })).rows.map(({ pid }) => pid)).toEqual(['child'])
  expect(await commitOne(store, request('parent', 'kill', { tree: true, grace: 0 }))).toMatchObject({
    applied: true,
  })
  expect(await store.read('child')).toMatchObject({ state: 'killed' })
  expect(await store.read('unsuccessful')).toMatchObject({
    state: 'finished',
    successful: false,
    exitCode: { code: 410, label: 'BURNT', message: 'too hot' },
  })
  expect((await store.load('excepted'))?.before()).toBe('{"label":"created"}')
  expect((await store.loadCheckpoint('running', 'before')).head).toMatchObject({ pid: 'running', seq: 2 })
})
