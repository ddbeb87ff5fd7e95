import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SqliteStore } from '../../../src/persistence/sqlite/index.ts'
import { PersistenceError } from '../../../src/shared/errors.ts'
import { advance, create, done, engine } from '../fixtures.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'damson-files-'))
  path = join(folder, 'store.db')
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Opening is refused with words that say why, and the file is as it was. */
async function expectRefused(words: RegExp): Promise<void> {
  const before = readFileSync(path)
  const refusal = await SqliteStore.open(path).then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(refusal).toBeInstanceOf(PersistenceError)
  expect((refusal as Error).message).toMatch(words)
  expect(readFileSync(path).equals(before)).toBe(true)
}

/** Rights do not bind root, so what root tests is done by somebody else. */
async function asNobody(action: () => Promise<void>): Promise<void> {
  const root = process.getuid?.() === 0
  if (root) process.seteuid?.(65_534)
  try {
    await action()
  } finally {
    if (root) process.seteuid?.(0)
  }
}

async function fill(processes: number): Promise<void> {
  const store = await SqliteStore.open(path)
  await done(store, ...Array.from({ length: processes }, () => create()))
  await store.close()
}

test('a store is one file with its own id, kept when it is opened again', async () => {
  const store = await SqliteStore.open(path)
  const { id } = store
  await done(store, create({ pid: 'one' }))
  await store.close()
  expect(readdirSync(folder)).toEqual(['store.db'])
  const again = await SqliteStore.open(path)
  expect(again.id).toBe(id)
  expect(await again.read('one')).toMatchObject({ state: 'created' })
  await again.close()
})

test('opening an up-to-date file migrates nothing', async () => {
  await fill(1)
  const schema = () => {
    const db = new Database(path, { readonly: true })
    const rows = db.prepare('SELECT name, sql, rootpage FROM sqlite_schema ORDER BY name').all()
    db.close()
    return rows
  }
  const before = schema()
  await fill(1)
  expect(schema()).toEqual(before)
})

test('the rows can be read with plain SQL', async () => {
  await fill(1)
  const db = new Database(path, { readonly: true })
  expect(db.prepare('SELECT class, state, data FROM process').get()).toEqual({
    class: 'Bake',
    state: 'created',
    data: '{"label":"created"}',
  })
  db.close()
})

test('a file that is no database is refused, and not touched', async () => {
  writeFileSync(path, 'These are my notes, and I would like to keep them.\n'.repeat(100))
  await expectRefused(/no SQLite database/)
})

test("another program's SQLite file is refused, and not touched", async () => {
  const db = new Database(path)
  db.exec('CREATE TABLE customer (name TEXT)')
  db.close()
  await expectRefused(/another program/)
})

test('a file of a newer release is refused, and not touched', async () => {
  await fill(1)
  const db = new Database(path)
  db.pragma('user_version = 99')
  db.close()
  await expectRefused(/newer Damson \(schema 99/)
})

test('a file that was cut off is refused, and not touched', async () => {
  await fill(500)
  truncateSync(path, 8192)
  await expectRefused(/damaged or cut off/)
})

test('a file that has lost a table of ours is refused', async () => {
  await fill(1)
  const db = new Database(path)
  db.exec('DROP TABLE meta')
  db.close()
  await expectRefused(/opening the store failed: no such table: meta/)
})

test('a file that may not be written to is refused, and not touched', async () => {
  await fill(3)
  chmodSync(path, 0o444)
  chmodSync(folder, 0o555)
  await asNobody(() => expectRefused(/may not be written to/))
  chmodSync(folder, 0o755)
})

test('a folder, or a file in a folder that is not there, is refused', async () => {
  mkdirSync(path)
  await expect(SqliteStore.open(path)).rejects.toThrow(/is a folder/)
  await expect(SqliteStore.open(join(folder, 'no such', 'store.db'))).rejects.toThrow(PersistenceError)
  expect(readdirSync(folder)).toEqual(['store.db'])
})

test('a value that the database refuses costs the other writes of its commit nothing', async () => {
  const store = await SqliteStore.open(path)
  await store.join(engine('A'))
  const [one, two] = ['one', 'two'].map((pid) => ({ pid, fence: 1, seq: 1 }))
  if (one === undefined || two === undefined) throw new Error('two were made')
  await done(store, ...[one, two].map(({ pid }) => create({ pid, claim: 'A', state: 'running', seq: 1 })))
  const heard: string[] = []
  store.watch((changes) => heard.push(...changes.map(({ pid, name }) => `${pid} ${name}`)))
  // A sequence that is no whole number fits no column.
  const outcomes = await store.commit([
    create({ pid: 'bad', seq: 0.5 }),
    advance(one),
    advance(two, { history: [{ name: 'running', data: Symbol('no text') as never }] }),
  ])
  expect(outcomes.map(({ status }) => status)).toEqual(['refused', 'done', 'refused'])
  expect(heard).toEqual(['one running'])
  expect(await store.read('bad')).toBeUndefined()
  expect(await store.read('one')).toMatchObject({ seq: 2 })
  expect(await store.read('two')).toMatchObject({ seq: 1 })
  await store.close()
})
