import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { Client, Engine, type ProcessGroup } from '../../src/index.ts'
import { SimulatedClock } from '../../src/testing/index.ts'
import { CountedReads } from '../engine/counted-reads.ts'
import { closeGates, gate, Gated } from '../engine/processes.ts'
import { HAS_MORE, partOf } from '../run/extent.ts'

/*
 * What the waits for a group cost, counted in timers, statements and rows. A page has 1,000 pids.
 */

/** Counts the timers that are set. */
class CountingClock extends SimulatedClock {
  timers = 0
  override after(delay: number, callback: () => void, kind?: 'look' | 'beat'): () => void {
    this.timers++
    let isSet = true
    const done = (): void => {
      if (isSet) this.timers--
      isSet = false
    }
    const cancel = super.after(
      delay,
      () => {
        done()
        callback()
      },
      kind,
    )
    return () => {
      done()
      cancel()
    }
  }
}

let clock: CountingClock
let counted: CountedReads

beforeEach(async () => {
  clock = new CountingClock()
  counted = await CountedReads.open(clock)
})
afterEach(() => closeGates())

async function aClient(): Promise<Client> {
  const client = await Client.open({ store: counted.store, clock })
  onTestFinished(() => client.close())
  return client
}

/** A group of as many processes as no one runs, of a client that has not read them. */
async function aGroup(count: number): Promise<ProcessGroup> {
  const launcher = await aClient()
  const handles = await Promise.all(Array.from({ length: count }, () => launcher.launch('Nobody', {})))
  const client = await aClient()
  return client.group(handles.map(({ pid }) => pid))
}

test.each(partOf([100, 10_000], (count) => count === 100))(
  'a wait for %i processes sets two timers, and reads each row once',
  { ...HAS_MORE, timeout: 120_000 },
  async (count) => {
    const group = await aGroup(count)
    await clock.quiet()
    counted.take()
    const before = clock.timers
    const wait = group.wait({ timeout: '10s' })
    await clock.quiet()
    // The time limit, and the backstop of the client.
    expect(clock.timers - before).toBeLessThanOrEqual(2)
    const reads = counted.take()
    expect(reads).toEqual(Array.from({ length: Math.ceil(count / 1_000) }, () => Math.min(count, 1_000)))
    await clock.advance('10s')
    expect((await wait).pending).toHaveLength(count)
    expect(clock.timers).toBe(before)
  },
)

test.each([10, 3_000])('how far %i processes are is counted by one query', async (count) => {
  const client = await aClient()
  const { name } = await client.launchAll(
    'Nobody',
    Array.from({ length: count }, () => ({})),
  )
  const other = await aClient()
  counted.statements()
  expect(await other.count({ group: name })).toMatchObject({ created: count, finished: 0 })
  expect(counted.statements().filter((sql) => sql.startsWith('SELECT'))).toHaveLength(1)
})

test('launchAll reads no further ahead than one commit, and stores many processes in each', async () => {
  const count = 4_000
  const client = await aClient()
  const { store } = counted
  let read = 0
  let furthest = 0
  const stored = new Set<string>()
  const stop = store.watch((changes) => {
    for (const { name, pid } of changes) if (name === 'created') stored.add(pid)
  })
  onTestFinished(() => stop())
  function* inputs(): Generator<Record<string, never>> {
    for (; read < count; read++) {
      furthest = Math.max(furthest, read - stored.size)
      yield {}
    }
  }
  counted.statements()
  const group = await client.launchAll('Nobody', inputs())
  expect(group.length).toBe(count)
  expect(stored.size).toBe(count)
  expect(furthest).toBeLessThanOrEqual(1_000)
  const ran = counted.statements()
  expect(ran.filter((sql) => sql === 'COMMIT').length).toBeLessThanOrEqual(12)
  expect(ran.length / count).toBeLessThan(6.1)
})

test.each([200, 2_000])('asCompleted of %i ended processes reads each of them once', async (count) => {
  const group = await aGroup(count)
  const killer = await aClient()
  expect(await killer.killAll()).toBe(count)
  await clock.quiet()
  counted.take()
  let seen = 0
  for await (const handle of group.asCompleted({ timeout: '1h' })) {
    expect(handle.done).toBe(true)
    seen++
  }
  expect(seen).toBe(count)
  const rows = counted.take().reduce((sum, read) => sum + read, 0)
  // Its row, and then its row with the long columns and its parts.
  expect(rows).toBe(3 * count)
  for await (const handle of group.asCompleted()) expect(handle.done).toBe(true)
  expect(await group.outcomes()).toHaveLength(count)
  expect(counted.take()).toEqual([])
})

test('a group of what the engine of this program runs is never read', async () => {
  const { store } = counted
  const engine = await Engine.open({ store, clock, processes: [Gated], handleSignals: false })
  onTestFinished(() => engine.close())
  const handles = await Promise.all(Array.from({ length: 5 }, () => engine.launch(Gated, { gate: 'held' })))
  await gate('held').reached
  await clock.quiet()
  counted.take()
  const group = engine.group(handles)
  const result = group.result()
  const seen: string[] = []
  const loop = (async () => {
    for await (const { pid } of group.asCompleted()) seen.push(pid)
  })()
  for (let seconds = 0; seconds < 60; seconds++) await clock.advance('1s')
  gate('held').open()
  expect(await result).toHaveLength(5)
  await loop
  expect(seen).toHaveLength(5)
  expect(counted.take()).toEqual([])
})

test('a loop that is left early leaves no timer and watches nothing', async () => {
  const group = await aGroup(50)
  await group.at(0)?.kill()
  await clock.quiet()
  const before = clock.timers
  for await (const handle of group.asCompleted({ timeout: '1h' })) {
    expect(handle.pid).toBe(group.pids[0])
    break
  }
  for await (const value of group.values({ timeout: '1h', ordered: false, raiseOnFailure: false })) {
    expect(value).toBeInstanceOf(Error)
    break
  }
  counted.take()
  expect(clock.timers).toBe(before)
  await clock.advance('1m')
  expect(counted.take()).toEqual([])
})
