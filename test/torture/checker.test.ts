import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compiled } from '../programs/compiled.ts'
import { check } from './checker/check.ts'
import { wallClock } from './checker/wall.ts'
import { readWorld, type Finding, type Numbered, type Paths } from './checker/world.ts'
import { type Corruption, ofProcess, Sql, STEPS } from './corruptions/corruption.ts'
import { violatedBy } from './corruptions/corrupted.ts'
import { corruptions } from './corruptions/index.ts'
import { HAS_MORE, partOf } from '../run/extent.ts'
import type { Given } from './load/here.ts'
import { readLog, type Line } from './log.ts'
import { races } from './races.ts'

/*
 * The checker of the torture test is proven by a good run in which it finds nothing, and by copies of that run with one thing wrong each.
 */

let good: Paths
let bad: Paths

beforeAll(() => {
  good = paths(mkdtempSync(join(tmpdir(), 'damson-good-run-')))
  bad = paths(mkdtempSync(join(tmpdir(), 'damson-bad-run-')))
  const { folder, store, log, lease } = good
  const given: Given = { name: 'e1', seed: 1, store, log, folder, lease, old: false }
  const program = compiled('test/torture/load/recorded-program.ts')
  const { status, stderr } = spawnSync(process.execPath, [program, JSON.stringify(given)], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
  const file = new Database(store)
  file.pragma('wal_checkpoint(TRUNCATE)')
  file.close()
}, 180_000)

afterAll(() => {
  for (const { folder } of [good, bad]) rmSync(folder, { recursive: true, force: true })
})

function paths(folder: string): Paths {
  return {
    folder,
    log: join(folder, 'log'),
    store: join(folder, 'torture.db'),
    backups: [],
    locks: [],
    lease: 1_000,
  }
}

/** `npm test` has one for each rule. */
function isFirstOfRule(one: Corruption): boolean {
  return corruptions.find(({ rule }) => rule === one.rule) === one
}

function found(run: Paths): Finding[] {
  return check(readWorld(run))
}

describe('the checker of the torture test', () => {
  it('finds nothing in a good run', () => {
    expect(found(good)).toEqual([])
  })

  it.each(partOf(corruptions, isFirstOfRule))('notices that $what', HAS_MORE, (corruption) => {
    expect(violatedBy(corruption, good, bad)).toContain(corruption.rule)
  })

  it('notices that a backup has another history than the store', () => {
    const backup = join(bad.folder, 'backup.db')
    copyFileSync(good.store, backup)
    const file = new Database(backup)
    new Sql(file).run(`UPDATE entry SET name = 'another' WHERE id = 3`)
    file.close()
    expect(found({ ...good, backups: [backup] }).map(({ rule }) => rule)).toEqual([
      'what a backup has stays so',
    ])
  })

  it('notices that a file is damaged', () => {
    const file = new Database(good.store, { readonly: true })
    const size = file.pragma('page_size', { simple: true }) as number
    const root = file.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'process'").pluck().get()
    file.close()
    const bytes = readFileSync(good.store)
    const page = ((root as number) - 1) * size
    bytes.fill(0xff, page + 8, page + 200)
    const damaged = join(bad.folder, 'damaged.db')
    writeFileSync(damaged, bytes)
    expect(found({ ...good, backups: [damaged] }).map(({ rule }) => rule)).toContain('a backup is whole')
  })

  it.each([
    { when: 'as it is taken for dead', by: 'main', before: 0, excuses: true },
    { when: 'long before it is taken for dead', by: 'main', before: 5_000, excuses: false },
    { when: 'as it is taken for dead, but another one', by: 'e2', before: 0, excuses: false },
  ])('excuses that an engine stood still $when: $excuses', ({ by, before, excuses }) => {
    for (const end of ['-wal', '-shm']) rmSync(bad.store + end, { force: true })
    copyFileSync(good.store, bad.store)
    const file = new Database(bad.store)
    const sql = new Sql(file)
    sql.append(
      STEPS,
      'crashed',
      { crashes: 1 },
      '(SELECT runner FROM process WHERE runner IS NOT NULL LIMIT 1)',
    )
    const last = readLog(good.log).at(-1) as Line
    sql.run(`UPDATE entry SET at = ${last.wall} WHERE name = 'crashed'`)
    file.close()
    const late = { ...last, at: last.at - before, by, what: 'late', ms: 900 }
    const lines = readLog(good.log).filter((line) => line.what !== 'late')
    writeFileSync(bad.log, [...lines, late].map((line) => `${JSON.stringify(line)}\n`).join(''))
    writeFileSync(join(bad.folder, 'e1.stderr'), '')
    const rules = found(bad).map(({ rule }) => rule)
    expect(rules.includes('no healthy engine is taken for dead')).toBe(!excuses)
  })

  it('knows that a kill of what a dead engine ran may pause it in the same commit', () => {
    for (const end of ['-wal', '-shm']) rmSync(bad.store + end, { force: true })
    copyFileSync(good.store, bad.store)
    const file = new Database(bad.store)
    const sql = new Sql(file)
    sql.run(`UPDATE entry SET name = 'killed', n = n + 2 WHERE ${ofProcess(STEPS)} AND name = 'finished'`)
    for (const [name, back] of [
      ['crashed', 2],
      ['paused', 1],
    ] as const) {
      sql.run(
        `INSERT INTO entry (process, n, "commit", seq, at, name, data, by)
         SELECT process, n - ${back}, "commit", seq, at, '${name}', '{}', by FROM entry
         WHERE ${ofProcess(STEPS)} AND name = 'killed'`,
      )
    }
    sql.run(
      `UPDATE entry SET id = (SELECT max(id) + 1 FROM entry) WHERE ${ofProcess(STEPS)} AND name = 'killed'`,
    )
    sql.run(`UPDATE process SET state = 'killed', successful = 0 WHERE pid = '${STEPS}'`)
    file.close()
    writeFileSync(bad.log, readFileSync(good.log))
    writeFileSync(join(bad.folder, 'e1.stderr'), '')
    const rules = found(bad).map(({ rule }) => rule)
    expect(rules).not.toContain('only what may follow follows')
    expect(rules).not.toContain('the row is as its history')
  })

  it('knows the time by a clock that was set before anything else happened', () => {
    const line = (at: number, wall: number, ms: number): Numbered => ({
      index: 0,
      at,
      wall,
      by: 'main',
      what: 'fault',
      fault: 'clock',
      phase: 'at',
      detail: `${ms} ms`,
    })
    const timesOf = wallClock({ lines: [line(100, 7_100, -3_000), line(500, 11_500, 4_000)] })
    expect(timesOf(10_050)).toEqual([50])
    expect(timesOf(7_300)).toContain(300)
    expect(timesOf(11_600)).toEqual([600])
  })

  it.each(races)('is proven for the rules by which it is to find that $fault.what', ({ rules }) => {
    const proven = corruptions.map(({ rule }) => rule)
    expect(rules.filter((rule) => !proven.includes(rule))).toEqual([])
  })
})
