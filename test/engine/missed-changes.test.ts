import Database from 'better-sqlite3'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import {
  Client,
  Engine,
  PersistenceError,
  Process,
  type AnyProcessClass,
  type ProcessSpec,
  type Store,
} from '../../src/index.ts'
import type { Write } from '../../src/persistence/contract/writes.ts'
import { SqliteStore } from '../../src/persistence/sqlite/index.ts'
import { aPath, create, replaced, request } from '../contracts/stores.ts'
import { untilRow } from './over-stores.ts'
import { closeGates, Gated, gate } from './processes.ts'

/*
 * C8: the feed of a file keeps a number of commits. A program that did not run for longer than that misses some, and finds out by the
 * rows what they were.
 */

class Asks extends Process<typeof Asks> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.signal('answer', { schema: { type: 'number' } })
  }
  override async run(): Promise<unknown> {
    return this.receive('answer')
  }
}

afterEach(closeGates)

let made = 0

/** Commits writes, and takes their changes from the feed, while no other code of this program runs. */
function commitUnheard(store: SqliteStore, path: string, writes: readonly Write[]): Promise<unknown> {
  const committed = store.commit(writes)
  // The last one stays, as it always does.
  const last = store.commit([create(`last ${++made}`)])
  const file = new Database(path)
  expect(
    file.prepare('DELETE FROM feed WHERE id < (SELECT max(id) FROM feed)').run().changes,
  ).toBeGreaterThan(0)
  file.close()
  return Promise.all([committed, last])
}

test('C8: a watcher of a file is notified that something was missed', async () => {
  const path = await aPath()
  const [store, other] = [await SqliteStore.open(path), await SqliteStore.open(path)]
  onTestFinished(async () => {
    await store.close()
    await other.close()
  })
  const heard: string[] = []
  const notified = (entry: string): Promise<void> =>
    new Promise((resolve) => {
      const look = setInterval(() => {
        if (!heard.includes(entry)) return
        clearInterval(look)
        resolve()
      }, 5)
    })
  store.watch((changes, missed) => {
    if (missed) heard.push('missed')
    heard.push(...changes.map(({ pid }) => pid))
  })
  await other.commit([create('first')])
  await notified('first')
  expect(heard).toEqual(['first'])
  await commitUnheard(other, path, [create('second')])
  await notified('missed')
  await other.commit([create('third')])
  await notified('third')
  expect(heard).not.toContain('second')
})

class Holds extends Asks {
  override async run(): Promise<unknown> {
    await gate('holds').pass()
    return super.run()
  }
}

/** Two stores on one file: the first is for an engine with these classes, and the second for others. */
async function anEngine(
  classes: readonly AnyProcessClass[],
  { concurrency, around = (store) => store }: { concurrency?: number; around?: (store: Store) => Store } = {},
) {
  const path = await aPath()
  const [own, other] = [await SqliteStore.open(path), await SqliteStore.open(path)]
  const engine = await Engine.open({
    store: around(own),
    processes: classes,
    concurrency,
    handleSignals: false,
  })
  onTestFinished(async () => {
    await engine.close({ drain: 0 })
    await own.close()
    await other.close()
  })
  return { engine, other, path }
}

test('C8: a wait for a launch that is queued here ends with the process, which another program has killed unheard', async () => {
  const { engine, other, path } = await anEngine([Gated], { concurrency: 1 })
  await engine.launch(Gated, { gate: 'slot' })
  await gate('slot').reached
  const queued = await engine.launch(Gated, { gate: 'queued' })
  const end = queued.wait()
  await commitUnheard(other, path, [request(queued.pid, 'kill')])
  expect(await end).toMatchObject({ label: 'killed' })
  expect(gate('queued').visits).toBe(0)
})

test('C8: a wait for a process that runs here ends with the process, which another program has ended unheard', async () => {
  const { engine, other, path } = await anEngine([Gated])
  const running = await engine.launch(Gated, { gate: 'running' })
  await gate('running').reached
  const end = running.wait()
  await commitUnheard(other, path, [request(running.pid, 'kill')])
  expect(await end).toMatchObject({ label: 'killed' })
})

test('C7: a play that is not heard calls off a pause that was, and has not come about', async () => {
  const { engine, other, path } = await anEngine([Holds])
  const handle = await engine.launch(Holds)
  await gate('holds').reached
  const paused = new Promise<void>((resolve) => {
    engine.store.watch((changes) => {
      if (changes.some(({ name }) => name === 'pause requested')) resolve()
    })
  })
  await other.commit([request(handle.pid, 'pause')])
  await paused
  const missed = new Promise<void>((resolve) => {
    engine.store.watch((_changes, isMissed) => {
      if (isMissed) resolve()
    })
  })
  await commitUnheard(other, path, [request(handle.pid, 'play')])
  await missed
  gate('holds').open()
  await untilRow(engine.store, handle.pid, ({ state }) => state === 'waiting')
  await handle.signal('answer', 44)
  expect(await handle.result()).toBe(44)
})

test('C8: a signal that is not heard is found, also if the store cannot be read at first', async () => {
  let failures = 0
  const { engine, other, path } = await anEngine([Asks], {
    around: (store) =>
      replaced(store, {
        pending: async (pid) => {
          if (failures++ < 2) throw new PersistenceError('the disk is away (as the test requested)')
          return store.pending(pid)
        },
      }),
  })
  const asks = await engine.launch(Asks)
  await untilRow(engine.store, asks.pid, ({ state }) => state === 'waiting')
  await commitUnheard(other, path, [
    { kind: 'signal', pid: asks.pid, id: 'one', name: 'answer', value: '45', by: 'me' },
  ])
  expect(await asks.result()).toBe(45)
  expect(failures).toBe(3)
})

test('C7, C8: an engine and a client miss no request, no wake-up, no launch and no end that they were not notified of', async () => {
  const path = await aPath()
  const other = await SqliteStore.open(path)
  const engine = await Engine.open({ store: path, processes: [Asks, Gated], handleSignals: false })
  const client = await Client.open({ store: path })
  onTestFinished(async () => {
    await engine.close({ drain: 0 })
    await client.close()
    await other.close()
  })
  const asks = await engine.launch(Asks)
  const paused = await engine.launch(Asks)
  const killed = await engine.launch(Gated, { gate: 'killed' })
  const [ended] = [await client.launch('Nobody', {})]
  const end = client.handle(ended.pid).wait()
  for (const { pid } of [asks, paused])
    await untilRow(engine.store, pid, ({ state, owner }) => state === 'waiting' && owner !== null)
  await gate('killed').reached
  await commitUnheard(other, path, [
    { kind: 'signal', pid: asks.pid, id: 'one', name: 'answer', value: '42', by: 'me' },
    request(paused.pid, 'pause'),
    request(killed.pid, 'kill', { grace: 60_000 }),
    request(ended.pid, 'kill'),
    {
      ...create('ready'),
      className: 'Asks',
      parts: { state: '{"label":"created","step":"run","args":[]}', inputs: '{}' },
    },
  ])
  expect(await end).toMatchObject({ label: 'killed' })
  expect(await asks.result()).toBe(42)
  await untilRow(engine.store, 'ready', ({ state }) => state === 'waiting')
  await untilRow(engine.store, paused.pid, (row) => row.paused !== null)
  await commitUnheard(other, path, [
    request(paused.pid, 'play'),
    { kind: 'signal', pid: paused.pid, id: 'two', name: 'answer', value: '43', by: 'me' },
  ])
  expect(await paused.result()).toBe(43)
  gate('killed').open()
  expect(await killed.wait()).toMatchObject({ label: 'killed' })
})
