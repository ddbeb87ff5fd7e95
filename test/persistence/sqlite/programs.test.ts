import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { HAS_MORE, runsMore } from '../../run/extent.ts'
import { SqliteStore } from '../../../src/persistence/sqlite/index.ts'
import { advance, claimOne, commitOne, create, done, engine, Heard, request } from '../fixtures.ts'
import { STORE_PROGRAM, StoreProgram } from '../programs/start.ts'
import type { StoreTask } from '../programs/store-program.ts'

let folder: string
let path: string
let store: SqliteStore
const programs: Program[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'damson-programs-'))
  path = join(folder, 'store.db')
  store = await SqliteStore.open(path)
})
afterEach(async () => {
  for (const program of programs.splice(0)) program.child.kill('SIGKILL')
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

class Program extends StoreProgram {
  constructor(task: Omit<StoreTask, 'path'>) {
    super({ ...task, path })
    programs.push(this)
  }
}

/** Looks again and again until an engine has died or lives again, which no store reports. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20))
}

test('programs that write and read at the same time never see that the file is locked', async () => {
  const writers = ['one', 'two'].map((name) => new Program({ what: 'write', name, count: 150 }))
  for (let index = 0; index < 150; index++) await done(store, create({ pid: `three ${index}` }))
  for (const writer of writers) {
    await writer.ended
    expect(writer.errors).toBe('')
    expect(writer.child.exitCode).toBe(0)
  }
  expect(await store.count()).toMatchObject({ created: 450 })
})

test("who watches hears of another program's commits, all of them and in order", async () => {
  const heard = new Heard(store)
  const writer = new Program({ what: 'write', name: 'one', count: 60 })
  for (let index = 0; index < 60; index++) await done(store, create({ pid: `own ${index}` }))
  await writer.ended
  await heard.until((changes) => changes.length >= 120)
  const pids = heard.changes.map(({ pid }) => pid)
  expect(pids.filter((pid) => pid.startsWith('one'))).toEqual(
    Array.from({ length: 60 }, (_, index) => `one ${index}`),
  )
  expect(pids.filter((pid) => pid.startsWith('own'))).toEqual(
    Array.from({ length: 60 }, (_, index) => `own ${index}`),
  )
})

test('a killed program is found dead at once by its lock, though its lease lasts (C11)', async () => {
  const program = new Program({ what: 'hold', name: 'B', lease: 600_000 })
  await program.hears('ready')
  expect(await store.recover()).toMatchObject({ processes: 0 })
  expect(await store.engines()).toMatchObject([{ id: 'B', alive: true }])
  await program.kill()
  expect(await store.engines()).toMatchObject([{ id: 'B', alive: false }])
  expect(await store.recover()).toMatchObject({ processes: 1 })
  expect(await store.engines()).toEqual([])
  expect(existsSync(`${path}-engine-B`)).toBe(false)
})

test('what a killed program ran can be killed by a client at once (C7)', async () => {
  const program = new Program({ what: 'hold', name: 'B', lease: 600_000 })
  await program.hears('ready')
  expect(await commitOne(store, request('held by B', 'pause'))).toMatchObject({ applied: false })
  await program.kill()
  expect(await commitOne(store, request('held by B', 'kill'))).toMatchObject({ applied: true })
})

test('on a full disk a commit fails with words that say so, and nothing that was acknowledged is lost', async () => {
  const task: StoreTask = { path, what: 'fill', name: 'one' }
  const command = `ulimit -f 1024; exec "$0" "$1" "$2"`
  const child = spawn('bash', ['-c', command, process.execPath, STORE_PROGRAM, JSON.stringify(task)])
  let said = ''
  child.stdout.on('data', (data) => (said += String(data)))
  await once(child, 'close')
  const report = JSON.parse(said) as { saved: number; known: number; error: string; message: string }
  expect(report).toMatchObject({ error: 'PersistenceError' })
  expect(report.message).toMatch(/disk/)
  expect(report.saved).toBeGreaterThan(0)
  expect(report.known).toBe(report.saved)
  expect((await store.count()).created).toBe(report.saved)
  await done(store, create())
})

test.runIf(runsMore)(
  'a main thread that is blocked for two leases keeps its processes: the heart beats beside it',
  HAS_MORE,
  async () => {
    const program = new Program({ what: 'block', name: 'B', lease: 2_400, count: 4_800 })
    await program.hears('ready')
    const taken: number[] = []
    const blocked = { free: false }
    const freed = program.hears('free').then(() => (blocked.free = true))
    while (!blocked.free) {
      taken.push((await store.recover()).processes)
      // Nothing reports that an engine is still alive.
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    await freed
    expect(taken.length).toBeGreaterThan(2)
    expect(taken.every((processes) => processes === 0)).toBe(true)
  },
)

test('a program that is frozen past its lease loses its processes, and changes nothing when it goes on (C4, C11)', async () => {
  await store.join(engine('A', { lease: 500 }))
  const program = new Program({ what: 'hold', name: 'B', lease: 500 })
  await program.hears('ready')
  program.child.kill('SIGSTOP')
  await until(async () => (await store.recover()).processes === 1)
  const taken = await claimOne(store, 'A')
  expect(taken.pid).toBe('held by B')
  expect(existsSync(`${path}-engine-B`)).toBe(true)
  program.child.kill('SIGCONT')
  // It beats again, and is known again; what it held is not its own any more.
  await until(async () => (await store.engines()).some(({ id, alive }) => id === 'B' && alive))
  expect(await commitOne(store, advance({ pid: taken.pid, fence: 1, seq: 1 }))).toEqual({ status: 'fenced' })
  expect(await commitOne(store, advance(taken))).toMatchObject({ status: 'done' })
})
