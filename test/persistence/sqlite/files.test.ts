import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Client } from '../../../src/index.ts'
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
  await expectRefused(/not an SQLite database/)
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
  await asNobody(() => expectRefused(/may not write to/))
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

test('after the file was deleted, moved or replaced, all that writes is refused and says so', async () => {
  for (const [name, go] of [
    ['deleted', () => rmSync(path)],
    ['moved', () => renameSync(path, `${path}.old`)],
    [
      'replaced',
      () => {
        copyFileSync(path, `${path}.copy`)
        renameSync(`${path}.copy`, path)
      },
    ],
  ] as const) {
    await fill(1)
    const store = await SqliteStore.open(path)
    await store.join(engine('A'))
    const client = await Client.open({ store })
    await client.launch('Bake', { n: 1 })
    // A store that writes checks the file if a second has passed since the last check.
    store.watch(() => {})
    go()
    const since = performance.now()
    let refusal: unknown
    while (refusal === undefined && performance.now() - since < 5_000) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      refusal = await store.commit([create()]).then(
        () => undefined,
        (error: unknown) => error,
      )
    }
    expect([name, refusal]).toEqual([name, expect.any(PersistenceError)])
    expect(String(refusal)).toMatch(name === 'replaced' ? /replaced by another file/ : /was deleted or moved/)
    await expect(client.launch('Bake', { n: 1 })).rejects.toThrow(/nothing is written any more/)
    await expect(
      store.claim({ engine: 'A', classes: [{ name: 'Bake', version: 1 }], limit: 9, suspects: false }),
    ).rejects.toThrow(PersistenceError)
    await client.close()
    await store.close()
    for (const left of readdirSync(folder)) rmSync(join(folder, left))
  }
})

test('a store whose folder has become something else refuses to write, and does not end the program', async () => {
  const uncaught: unknown[] = []
  const note = (error: unknown): void => void uncaught.push(error)
  process.on('uncaughtException', note)
  try {
    for (const [name, replace] of [
      ['a link to itself', (at: string) => symlinkSync(at, at)],
      ['a file', (at: string) => writeFileSync(at, 'no folder')],
    ] as const) {
      const inner = join(folder, name)
      mkdirSync(inner)
      const store = await SqliteStore.open(join(inner, 'store.db'))
      // A store looks at its path by the machine's clock, and reports nothing before a write.
      const looks = new Promise((resolve) => setTimeout(resolve, 1_300))
      const stop = store.watch(() => {})
      renameSync(inner, `${inner} moved`)
      replace(inner)
      await looks
      await expect(store.commit([create()])).rejects.toThrow(/was deleted or moved/)
      expect(uncaught).toEqual([])
      stop()
      await store.close()
    }
  } finally {
    process.off('uncaughtException', note)
  }
})

test('a store is opened under its own path, whichever link leads to it, and its dead are found at once', async () => {
  const link = join(folder, 'link.db')
  symlinkSync('store.db', link)
  const store = await SqliteStore.open(link)
  await store.join(engine('A', { lease: 600_000 }))
  await done(store, create({ claim: 'A', state: 'running', seq: 1 }))
  expect(readdirSync(folder)).toContain('store.db-engine-A')
  // As after a crash: the lock is free.
  await store.close()
  const again = await SqliteStore.open(path)
  expect(await again.recover()).toMatchObject({ processes: 1 })
  await again.close()
  expect(readdirSync(folder).toSorted()).toEqual(['link.db', 'store.db'])
})

test('whoever opens a store removes the locks that no engine holds, and no others', async () => {
  const store = await SqliteStore.open(path)
  await store.join(engine('A'))
  const dead = await SqliteStore.open(path)
  await dead.join(engine('B'))
  await dead.close()
  // An engine that was killed while it was opening or recovering has no row.
  writeFileSync(`${path}-engine-C`, '')
  writeFileSync(`${path}-engine-D`, '')
  const opened = await SqliteStore.open(path)
  const locks = () =>
    readdirSync(folder).filter((name) => name.includes('-engine-') && !name.endsWith('-journal'))
  // That of B shows that it is dead, until somebody takes back what it held.
  expect(locks()).toEqual(['store.db-engine-A', 'store.db-engine-B'])
  await opened.recover()
  expect(locks()).toEqual(['store.db-engine-A'])
  await opened.close()
  await store.leave('A')
  await store.close()
  expect(readdirSync(folder)).toEqual(['store.db'])
})
