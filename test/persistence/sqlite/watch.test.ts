import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { SqliteStore } from '../../../src/persistence/sqlite/index.ts'
import type { Change } from '../../../src/persistence/contract/rows.ts'
import { SimulatedClock } from '../../../src/testing/index.ts'
import { create, done, engine, Heard, request, running, signal, wait, waitingFor } from '../fixtures.ts'

test('a watcher is notified whether what others commit is ready, and when it is due', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'damson-watch-'))
  const clock = new SimulatedClock()
  const [store, other] = [
    await SqliteStore.open(join(folder, 'store.db'), { clock }),
    await SqliteStore.open(join(folder, 'store.db'), { clock }),
  ]
  onTestFinished(async () => {
    await store.close()
    await other.close()
    rmSync(folder, { recursive: true })
  })
  await other.join(engine('B'))
  const until = clock.now() + 60_000
  const heard = new Heard(store)
  /** The last change that is reported of a process, after its state has been committed. */
  const lastChange = async (pid: string, name: string): Promise<Change | undefined> => {
    const last = () => heard.changes.findLast((one) => one.pid === pid)
    await heard.until(() => last()?.name === name)
    return last()
  }
  const process = await running(other, 'B')
  const waiter = await waitingFor(other, 'B', { on: [process.pid] })
  expect(await lastChange(waiter.pid, 'waiting')).toMatchObject({ ready: false, dueAt: null, by: 'B' })
  await done(other, wait(process, { signal: 'approval', until }))
  expect(await lastChange(process.pid, 'waiting')).toMatchObject({
    ready: false,
    dueAt: until,
    paused: false,
  })
  await done(other, request(process.pid, 'pause'))
  expect(await lastChange(process.pid, 'paused')).toMatchObject({ ready: false, dueAt: null, paused: true })
  await done(other, request(process.pid, 'play'), signal(process.pid, 'approval'))
  expect(await lastChange(process.pid, 'signalled')).toMatchObject({ ready: true, dueAt: null })
  await done(other, request(process.pid, 'kill'))
  expect(await lastChange(waiter.pid, 'joined')).toMatchObject({ ready: true, dueAt: null })
})

test('a store that commits all the time hears of what others commit meanwhile, and after it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'damson-watch-'))
  const [store, other] = [
    await SqliteStore.open(join(folder, 'store.db')),
    await SqliteStore.open(join(folder, 'store.db')),
  ]
  onTestFinished(async () => {
    await store.close()
    await other.close()
    rmSync(folder, { recursive: true })
  })
  const heard = new Heard(store)
  for (let count = 0; count < 300; count++) {
    if (count === 290) await done(other, create({ pid: 'meanwhile' }))
    await done(store, create())
    // The changes of the log file are noticed between two commits.
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(heard.changes).toHaveLength(301)
  expect(heard.changes.findIndex(({ pid }) => pid === 'meanwhile')).toBeGreaterThanOrEqual(290)
  await done(other, create({ pid: 'after' }))
  await heard.until((changes) => changes.some(({ pid }) => pid === 'after'))
})
