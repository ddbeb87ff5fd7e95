import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Client } from '../../../src/index.ts'
import { SqliteStore } from '../../../src/persistence/sqlite/index.ts'
import { create, done, request } from '../fixtures.ts'

const MIB = 2 ** 20

let folder: string
let path: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'damson-space-'))
  path = join(folder, 'store.db')
})
afterEach(() => rmSync(folder, { recursive: true }))

function size(): number {
  return statSync(path).size
}

test('a prune returns the space to the system, in pieces between which others write', async () => {
  const store = await SqliteStore.open(path)
  const other = await SqliteStore.open(path)
  const client = await Client.open({ store })
  try {
    const inputs = JSON.stringify('x'.repeat(100_000))
    const writes = Array.from({ length: 60 }, () => create({ parts: { state: '{}', inputs } }))
    await done(store, ...writes)
    await done(store, ...writes.map(({ pid }) => request(pid, 'kill')))
    const stays = create({ parts: { state: '{}', inputs } })
    await done(store, stays)
    const pruned = client.prune()
    // Written while the space is returned.
    const [between, after] = [create(), create()]
    await done(other, between)
    expect(await pruned).toBe(60)
    await done(other, after)
    const file = new Database(path)
    expect(file.pragma('integrity_check', { simple: true })).toBe('ok')
    expect(file.pragma('freelist_count', { simple: true })).toBe(0)
    file.pragma('wal_checkpoint(TRUNCATE)')
    file.close()
    expect(size()).toBeLessThan(MIB)
    expect((await store.load(stays.pid))?.bundle().parts['inputs']).toBe(inputs)
    for (const { pid } of [between, after]) expect(await store.read(pid)).toMatchObject({ state: 'created' })
  } finally {
    await client.close()
    await store.close()
    await other.close()
  }
})

test('a piece is a few pages, and where nothing is left, nothing is done', async () => {
  const store = await SqliteStore.open(path)
  try {
    const inputs = JSON.stringify('x'.repeat(2 * MIB))
    const write = create({ parts: { state: '{}', inputs } })
    await done(store, write, request(write.pid, 'kill'))
    await done(store, { kind: 'prune', pid: write.pid })
    let pieces = 1
    while (await store.reclaim()) pieces++
    expect(pieces).toBeGreaterThan(1)
    expect(await store.reclaim()).toBe(false)
  } finally {
    await store.close()
  }
})

test('the log does not stay at its largest size', async () => {
  const store = await SqliteStore.open(path)
  try {
    const inputs = JSON.stringify('x'.repeat(30 * MIB))
    await done(store, create({ parts: { state: '{}', inputs } }))
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(30 * MIB)
    await done(store, create())
    await done(store, create())
    expect(statSync(`${path}-wal`).size).toBeLessThanOrEqual(20 * MIB)
  } finally {
    await store.close()
  }
})

test('the feed keeps the last 10,000 commits, and nothing of older ones', async () => {
  const store = await SqliteStore.open(path)
  try {
    await done(store, create())
    const file = new Database(path)
    // As after 10,049 commits.
    file.exec(`INSERT INTO feed (id, processes)
      WITH RECURSIVE ids (id) AS (SELECT 2 UNION ALL SELECT id + 1 FROM ids WHERE id < 10049) SELECT id, '1' FROM ids`)
    await done(store, create())
    const kept = file.prepare('SELECT min(id) AS first, max(id) AS last, count(*) AS count FROM feed').get()
    file.close()
    expect(kept).toEqual({ first: 51, last: 10_050, count: 10_000 })
  } finally {
    await store.close()
  }
})
