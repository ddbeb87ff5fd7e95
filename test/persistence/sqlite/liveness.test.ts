import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { HAS_MORE, runsMore } from '../../run/extent.ts'
import { SqliteStore } from '../../../src/persistence/sqlite/index.ts'
import { systemClock, type Clock } from '../../../src/shared/clock.ts'
import { engine } from '../fixtures.ts'
import { startStore, type StoreProgram } from '../programs/start.ts'

/*
 * C11, C12: only an engine that is dead or frozen loses its processes. A lock of the file that another program holds, a clock
 * that is set and a machine that sleeps do no harm.
 */

const LEASE = 900

let folder: string
let path: string
let store: SqliteStore
const programs: StoreProgram[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'damson-liveness-'))
  path = join(folder, 'store.db')
  store = await SqliteStore.open(path)
})
afterEach(async () => {
  for (const program of programs.splice(0)) await program.kill()
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

async function start(task: Parameters<typeof startStore>[1]): Promise<StoreProgram> {
  const program = startStore(path, task)
  programs.push(program)
  await program.hears('ready')
  return program
}

/** Another program holds the write lock for so long, as a backup or a shell does. */
async function lockedFor<T>(length: number, meanwhile: () => Promise<T>): Promise<T> {
  const other = new Database(path, { timeout: 5_000 })
  try {
    other.exec('BEGIN IMMEDIATE')
    const [done] = await Promise.all([meanwhile(), later(length)])
    return done
  } finally {
    other.close()
  }
}

/** Looks for dead engines for so long; how many processes were taken back. */
async function takenWithin(length: number, by = store): Promise<number> {
  let taken = 0
  for (const end = performance.now() + length; performance.now() < end; await later(5))
    taken += (await by.recover()).processes
  return taken
}

async function crashesOf(pid: string): Promise<number> {
  return (await store.history(pid)).filter(({ name }) => name === 'crashed').length
}

test('while another program holds the lock for several leases, and after it, nobody loses a process', async () => {
  await store.join(engine('A', { lease: LEASE }))
  await start({ what: 'hold', name: 'B', lease: LEASE })
  await takenWithin(LEASE)
  const during = await lockedFor(LEASE * 3, () => Promise.race([takenWithin(LEASE * 2), later(LEASE * 3, 0)]))
  expect([during, await takenWithin(LEASE)]).toEqual([0, 0])
  expect(await crashesOf('held by B')).toBe(0)
})

test.runIf(runsMore)('a clock that is set forward or back takes nothing from anybody', HAS_MORE, async () => {
  let shift = 0
  const clock: Clock = { now: () => Date.now() + shift, after: systemClock.after }
  const jumpy = await SqliteStore.open(path, { clock })
  try {
    await jumpy.join(engine('A', { lease: LEASE }))
    await start({ what: 'hold', name: 'B', lease: LEASE })
    for (const by of [3_600_000, -7_200_000, 7_200_000]) {
      shift += by
      expect(await takenWithin(LEASE, jumpy)).toBe(0)
    }
  } finally {
    await jumpy.close()
  }
})

test.runIf(runsMore)(
  'engines that are frozen together, as by a machine that sleeps, lose nothing when they wake',
  HAS_MORE,
  async () => {
    const [held, judge] = [
      await start({ what: 'hold', name: 'B', lease: LEASE }),
      await start({ what: 'judge', name: 'C', lease: LEASE }),
    ]
    await later(LEASE)
    for (const { child } of [held, judge]) child.kill('SIGSTOP')
    await later(LEASE * 3)
    // The judge wakes first: all that it sees of the other is old.
    judge.child.kill('SIGCONT')
    await later(LEASE / 4)
    held.child.kill('SIGCONT')
    await later(LEASE * 2)
    expect(judge.said).not.toContain('took')
    expect(await crashesOf('held by B')).toBe(0)
  },
)

test('C12: a store that closes while another program holds the lock ends its program as usual', async () => {
  const lease = 300
  for (const [signal, code] of [
    ['SIGTERM', 7],
    ['SIGUSR2', 8],
  ] as const) {
    const program = await start({ what: 'hold', name: signal, lease })
    await lockedFor(lease * 2, async () => {
      // A beat is due, and can't be written.
      await later(lease)
      program.child.kill(signal)
      await program.ended
    })
    expect([signal, program.child.exitCode, program.child.signalCode, program.errors]).toEqual([
      signal,
      code,
      null,
      '',
    ])
  }
})
