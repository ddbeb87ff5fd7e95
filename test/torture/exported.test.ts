// @module-tag more
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { POSTGRES } from '../postgres/server.ts'
import { compiled } from '../programs/compiled.ts'
import { HAS_MORE, partOf } from '../run/extent.ts'
import { check } from './checker/check.ts'
import { readWorld, type Paths } from './checker/world.ts'
import { violatedBy } from './corruptions/corrupted.ts'
import { corruptions } from './corruptions/index.ts'
import { exportStore } from './exported.ts'
import type { Given } from './load/here.ts'
import { endReading, rowsOf } from './reader.ts'
import { startServer } from './run.ts'

/*
 * What the checker of the torture test gets of a store on Postgres is a copy in a file. It finds nothing in that of a good run, and the same
 * faults in corrupted ones as over SQLite.
 */

function paths(kind: string): Paths {
  const folder = mkdtempSync(join(tmpdir(), `damson-${kind}-server-run-`))
  return {
    folder,
    log: join(folder, 'log'),
    store: join(folder, 'torture.db'),
    backups: [],
    locks: [],
    lease: 1_000,
  }
}

describe.skipIf(POSTGRES === undefined)('the copy of a store on Postgres', () => {
  const good = paths('good')
  const bad = paths('bad')
  let entries = 0

  beforeAll(async () => {
    const server = await startServer()
    try {
      const { folder, log, lease } = good
      const given: Given = { name: 'e1', seed: 1, store: server.url, log, folder, lease, old: false }
      const program = compiled('test/torture/load/recorded-program.ts')
      const { status, stderr } = spawnSync(process.execPath, [program, JSON.stringify(given)], {
        encoding: 'utf8',
      })
      if (status !== 0) throw new Error(stderr)
      await exportStore(server.url, good.store)
      const [counted] = await rowsOf<{ count: number }>(server.url, 'SELECT count(*) FROM history')
      entries = counted?.count ?? 0
    } finally {
      await endReading()
      await server.remove()
    }
  }, 180_000)

  afterAll(() => {
    for (const { folder } of [good, bad]) rmSync(folder, { recursive: true, force: true })
  })

  it('has all of it, and the checker finds nothing wrong', () => {
    const world = readWorld(good)
    expect(check(world)).toEqual([])
    expect(world.history).toHaveLength(entries)
    expect(entries).toBeGreaterThan(300)
  })

  // Lock files and a damaged file are of SQLite.
  const others = corruptions.filter(({ store, log }) => store !== undefined || log !== undefined)
  it.each(partOf(others, (one) => others.find(({ rule }) => rule === one.rule) === one))(
    'shows that $what',
    HAS_MORE,
    (corruption) => {
      expect(violatedBy(corruption, good, bad)).toContain(corruption.rule)
    },
  )
})
