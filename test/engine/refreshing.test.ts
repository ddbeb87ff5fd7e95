import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { Client, Engine, MemoryStore, type ProcessHandle } from '../../src/index.ts'
import type { SqliteStore } from '../../src/persistence/sqlite/index.ts'
import { SimulatedClock } from '../../src/testing/index.ts'
import { replaced } from '../contracts/stores.ts'
import { CountedReads } from './counted-reads.ts'
import { Add, Approval, closeGates, gate, Gated } from './processes.ts'

/*
 * What the handles of a client cost that wait, counted in statements and rows. A page has 1,000 pids.
 */

let clock: SimulatedClock
let store: SqliteStore
let counted: CountedReads

beforeEach(async () => {
  clock = new SimulatedClock()
  counted = await CountedReads.open(clock)
  ;({ store } = counted)
})
afterEach(() => closeGates())

async function aClient(): Promise<Client> {
  const client = await Client.open({ store, clock })
  onTestFinished(() => client.close())
  return client
}

/** Launches as many processes as no one runs. */
async function launched(client: Client, count: number): Promise<ProcessHandle[]> {
  return Promise.all(Array.from({ length: count }, () => client.launch('Nobody', {})))
}

function reads(): number[] {
  return counted.take()
}

test('the first wait of 2,500 handles costs three queries', async () => {
  const client = await aClient()
  const handles = await launched(client, 2_500)
  reads()
  const waits = handles.map((handle) => handle.wait({ timeout: '1h' }))
  await clock.quiet()
  expect(reads()).toEqual([1_000, 1_000, 500])
  await clock.advance('1h')
  expect(new Set(await Promise.all(waits))).toEqual(new Set([null]))
})

test('news of one process reads no other', async () => {
  const client = await aClient()
  const handles = await launched(client, 50)
  const ends = handles.map((handle) => handle.wait({ timeout: '1h' }))
  await clock.quiet()
  const other = await aClient()
  const [first] = handles
  reads()
  await other.handle(first?.pid ?? '').kill()
  expect(await ends[0]).toMatchObject({ label: 'killed' })
  // The row for the request, and the row with its parts for each of the two handles.
  expect(reads().every((rows) => rows === 1)).toBe(true)
  await clock.advance('1h')
  await Promise.all(ends)
})

test('news of many processes in one commit costs one query for each hundred', async () => {
  const client = await aClient()
  const handles = await launched(client, 250)
  const ends = handles.map((handle) => handle.wait())
  await clock.quiet()
  const other = await aClient()
  reads()
  expect(await other.killAll()).toBe(250)
  await Promise.all(ends)
  // Rows with their long columns, and their parts.
  expect(reads().filter((rows) => rows > 1)).toEqual([100, 100, 100, 100, 50, 50])
})

test('one refresh reads one page, and the next one the page after it', async () => {
  const client = await aClient()
  const waits = (await launched(client, 1_500)).map((handle) => handle.wait({ timeout: '1h' }))
  await clock.quiet()
  reads()
  // After the first second, two pages in a second, and then two in one and a half.
  for (const [time, rows] of [
    [999, []],
    [1, [1_000]],
    [499, []],
    [1, [500]],
    [749, []],
    [1, [1_000]],
  ] as const) {
    await clock.advance(time)
    expect(reads()).toEqual(rows)
  }
  await clock.advance('1h')
  await Promise.all(waits)
})

test('the handles of what the engine of this program runs are never read', async () => {
  const client = await aClient()
  const engine = await Engine.open({ store, clock, processes: [Gated, Add], handleSignals: false })
  onTestFinished(() => engine.close())
  const own = await Promise.all(Array.from({ length: 3 }, () => engine.launch(Gated, { gate: 'held' })))
  const claimed = await client.launch('Gated', { gate: 'held' })
  await gate('held').reached
  await clock.quiet()
  reads()
  const handles = [...own, engine.handle(claimed.pid)]
  const results = handles.map((handle) => handle.wait())
  for (let seconds = 0; seconds < 60; seconds++) await clock.advance('1s')
  gate('held').open()
  expect((await Promise.all(results)).map((state) => state?.label)).toEqual(Array(4).fill('finished'))
  expect(reads()).toEqual([])
})

test('the outputs of many ended processes are read by one query for each hundred', async () => {
  const engine = await Engine.open({ store, clock, processes: [Add], handleSignals: false })
  onTestFinished(() => engine.close())
  const handles = await Promise.all(Array.from({ length: 150 }, (_, a) => engine.launch(Add, { a })))
  await Promise.all(handles.map((handle) => handle.wait()))
  reads()
  const outputs = await Promise.all(handles.map((handle) => handle.outputs.all()))
  expect(outputs).toEqual(Array.from({ length: 150 }, (_, a) => ({ sum: a + 1 })))
  expect(reads()).toEqual([100, 100, 50, 50])
})

test('the backstop slows down, and looks each second again once it has found an end', async () => {
  const memory = new MemoryStore({ clock })
  const deaf = await Client.open({ store: replaced(memory, { watch: () => () => {} }), clock })
  const other = await Client.open({ store: memory, clock })
  onTestFinished(() => void Promise.all([deaf.close(), other.close()]))
  const [first, second] = await launched(deaf, 2)
  const ends: string[] = []
  first?.onDone(() => ends.push('first'))
  second?.onDone(() => ends.push('second'))
  for (let looks = 0; looks < 10; looks++) await clock.advance('30s')
  await other.handle(first?.pid ?? '').kill()
  await clock.advance('29s')
  expect(ends).toEqual([])
  await clock.advance('1s')
  expect(ends).toEqual(['first'])
  await other.handle(second?.pid ?? '').kill()
  await clock.advance('1s')
  expect(ends).toEqual(['first', 'second'])
})

test('an end that is heard of brings the backstop back to once a second', async () => {
  const memory = new MemoryStore({ clock })
  let isDeaf = false
  const watch: MemoryStore['watch'] = (listener) =>
    memory.watch((changes, missed) => {
      if (!isDeaf) listener(changes, missed)
    })
  const client = await Client.open({ store: replaced(memory, { watch }), clock })
  const other = await Client.open({ store: memory, clock })
  onTestFinished(() => void Promise.all([client.close(), other.close()]))
  const [first, second] = await launched(client, 2)
  const ends = [first?.wait(), second?.wait()]
  for (let looks = 0; looks < 10; looks++) await clock.advance('30s')
  await other.handle(first?.pid ?? '').kill()
  await ends[0]
  isDeaf = true
  await other.handle(second?.pid ?? '').kill()
  await clock.advance('1s')
  expect(await ends[1]).toMatchObject({ label: 'killed' })
})

test('where a query of many processes fails, each of them is read alone (C9)', async () => {
  const memory = new MemoryStore({ clock })
  const fails = async (): Promise<never> => {
    throw new Error('one of them is damaged')
  }
  const client = await Client.open({ store: replaced(memory, { readAll: fails, loadAll: fails }), clock })
  onTestFinished(() => client.close())
  const handles = await launched(client, 3)
  const ends = handles.map((handle) => handle.wait())
  expect(await client.killAll()).toBe(3)
  expect((await Promise.all(ends)).map((state) => state?.label)).toEqual(Array(3).fill('killed'))
})

test('an idle engine runs the same few statements each second, however many processes sleep', async () => {
  const engine = await Engine.open({ store, clock, processes: [Approval], handleSignals: false })
  onTestFinished(() => engine.close())
  const idle = async (): Promise<readonly string[]> => {
    await clock.quiet()
    counted.statements()
    await clock.advance('1s')
    return counted.statements().filter((sql) => !/heartbeat|engine|data_version|BEGIN|COMMIT/.test(sql))
  }
  await idle()
  const before = await idle()
  await Promise.all(Array.from({ length: 200 }, () => engine.launch(Approval)))
  await clock.quiet()
  expect((await store.count()).waiting).toBe(200)
  await idle()
  expect(await idle()).toEqual(before)
  expect(before.length).toBeLessThan(10)
})
