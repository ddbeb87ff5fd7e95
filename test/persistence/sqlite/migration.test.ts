import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SqliteStore } from '../../../src/persistence/sqlite/index.ts'
import { MIGRATIONS } from '../../../src/persistence/sqlite/schema.ts'
import {
  advance,
  claimOne,
  create,
  done,
  engine,
  finish,
  historyNames,
  signal,
  waitingFor,
} from '../fixtures.ts'

/** A step that a later release may have. It changes what is stored, and adds to it. */
const STEP = `
ALTER TABLE process ADD COLUMN shelf TEXT;
UPDATE process SET shelf = 'of ' || class;
CREATE INDEX process_shelf ON process (shelf) WHERE shelf IS NOT NULL;
CREATE TABLE oven (name TEXT PRIMARY KEY) STRICT;
`
const LATER = [...MIGRATIONS, STEP]

let folder: string
let path: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'damson-migration-'))
  path = join(folder, 'store.db')
})
afterEach(() => rmSync(folder, { recursive: true }))

function rowsOf(file: string, sql: string): unknown[] {
  const db = new Database(file, { readonly: true })
  const rows = db.prepare(sql).all()
  db.close()
  return rows
}

function schemaOf(file: string): unknown[] {
  return rowsOf(file, 'SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name')
}

/** A file of this release with a process in three states, and a kept signal. */
async function fill(): Promise<{ readonly asleep: string; readonly ready: string; readonly ended: string }> {
  const store = await SqliteStore.open(path)
  await store.join(engine('A'))
  const asleep = await waitingFor(store, 'A', { signal: 'approval' })
  const ended = create({ key: 'the ended one' })
  await done(store, ended)
  const claimed = await claimOne(store, 'A')
  await done(store, advance(claimed, { parts: { state: '{}', 'out:x': '5', memory: '{"ctx":{}}' } }))
  await done(store, finish({ ...claimed, seq: claimed.seq + 1 }))
  const ready = create({ parts: { state: '{"label":"created"}', inputs: JSON.stringify('x'.repeat(5_000)) } })
  await done(store, ready, signal(asleep.pid, 'note'))
  await store.leave('A')
  await store.close()
  return { asleep: asleep.pid, ready: ready.pid, ended: ended.pid }
}

test('a later step lifts a file of this release: nothing is lost, and the processes go on', async () => {
  const { asleep, ready, ended } = await fill()
  const tables = ['process', 'part', 'message', 'meta', 'author']
  const before = tables.map((table) => rowsOf(path, `SELECT * FROM ${table}`))
  const store = await SqliteStore.open(path, { migrations: LATER })
  try {
    const columns =
      "SELECT group_concat(name) AS names FROM pragma_table_info('process') WHERE name <> 'shelf'"
    const [{ names }] = rowsOf(path, columns) as [{ names: string }]
    const after = tables.map((table) =>
      rowsOf(path, `SELECT ${table === 'process' ? names : '*'} FROM ${table}`),
    )
    expect(after).toEqual(before)
    expect(before.map((rows) => rows.length > 0)).toEqual(tables.map(() => true))
    expect(rowsOf(path, 'SELECT DISTINCT shelf FROM process')).toEqual([{ shelf: 'of Bake' }])
    await store.join(engine('B'))
    expect(await store.read(ended)).toMatchObject({ state: 'finished', key: 'the ended one' })
    expect((await store.load(ended))?.bundle().parts).toMatchObject({ 'out:x': '5' })
    expect(await historyNames(store, ended)).toEqual(['created', 'running', 'finished'])
    expect((await claimOne(store, 'B')).pid).toBe(ready)
    expect((await store.load(ready))?.bundle().parts['inputs']).toHaveLength(5_002)
    await done(store, signal(asleep, 'approval'))
    const woken = await claimOne(store, 'B')
    expect(woken).toMatchObject({ pid: asleep, wake: { by: 'signal' } })
    await done(store, advance(woken, { owner: 'B', consumes: woken.wake?.id ?? null }))
  } finally {
    await store.close()
  }
})

test('its schema is that of a new file, and opening it again changes nothing', async () => {
  await fill()
  const fresh = join(folder, 'fresh.db')
  for (const file of [path, fresh, path]) {
    const store = await SqliteStore.open(file, { migrations: LATER })
    await store.close()
  }
  expect(schemaOf(path)).toEqual(schemaOf(fresh))
  expect(rowsOf(path, 'PRAGMA user_version')).toEqual([{ user_version: 2 }])
})

test('a file that a later release has lifted is refused, and left as it is', async () => {
  await fill()
  const later = await SqliteStore.open(path, { migrations: LATER })
  await later.close()
  const before = readFileSync(path)
  await expect(SqliteStore.open(path)).rejects.toThrow(/newer Damson \(schema 2, this one knows up to 1\)/)
  expect(readFileSync(path).equals(before)).toBe(true)
})

test('a step that fails halfway leaves the file at the version that it had', async () => {
  const { asleep } = await fill()
  const before = schemaOf(path)
  const broken = [...LATER, 'CREATE TABLE half (a); SELECT * FROM nowhere;']
  await expect(SqliteStore.open(path, { migrations: broken })).rejects.toThrow(/no such table: nowhere/)
  expect(schemaOf(path)).toEqual(before)
  expect(rowsOf(path, 'PRAGMA user_version')).toEqual([{ user_version: 1 }])
  const store = await SqliteStore.open(path)
  expect(await store.read(asleep)).toMatchObject({ state: 'waiting' })
  await store.close()
})
