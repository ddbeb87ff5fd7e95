import Database from 'better-sqlite3'
import { expect, test, vi } from 'vitest'
import type { Store } from '../../src/persistence/contract/store.ts'
import { SimulatedClock } from '../../src/testing/index.ts'
import { advance, aPath, overBackEnds, claim, create, openSqlite, register, request } from './stores.ts'

/** An engine that claims what it can and dies of it: it was never registered, so it is dead as soon as anybody looks. */
async function claimAndDie(store: Store, suspects = false): Promise<string[]> {
  const claimed = await claim(store, 'doomed', suspects, suspects ? 1 : 10)
  await store.recover()
  return claimed.map(({ row }) => row.pid).toSorted()
}

overBackEnds((_name, open) => {
  test('C11: crashes without a commit in between are counted; after two it runs alone, after three so it is paused', async () => {
    const store = await open()
    await store.commit([create('guilty'), create('innocent')])
    const both = ['guilty', 'innocent']
    expect(await claimAndDie(store)).toEqual(both)
    expect(await store.read('guilty')).toMatchObject({ crashes: 1, owner: null })
    expect(await claimAndDie(store)).toEqual(both)
    for (const pid of both) expect(await store.read(pid)).toMatchObject({ crashes: 2, paused: null })

    // Nobody runs them together any more.
    expect(await claim(store, 'doomed')).toEqual([])
    await register(store, 'engine')
    const [first] = await claim(store, 'engine', true, 1)
    const alone = first?.row.pid as string
    await store.commit([advance(alone, first?.fence as number, 1)])
    expect(await store.read(alone)).toMatchObject({ crashes: 0, step: 'next' })

    const [other] = both.filter((pid) => pid !== alone)
    expect(await claimAndDie(store, true)).toEqual([other])
    const row = await store.read(other as string)
    expect(row?.paused?.message).toMatch(/crashed its engine 3 times/)
    expect(row).toMatchObject({ state: 'created', crashes: 3 })

    // Play tries again, with a clean sheet.
    await store.commit([request(other as string, 'play')])
    expect(await store.read(other as string)).toMatchObject({ crashes: 0, paused: null })
    expect(await claimAndDie(store)).toEqual([other])
  })

  test('C11: innocent processes are not paused, however often their engine dies with them', async () => {
    const store = await open()
    await register(store, 'engine')
    await store.commit([create('p')])
    for (let crash = 0; crash < 6; crash++) {
      await claimAndDie(store, (await store.recover()).suspects)
      expect((await store.read('p'))?.paused).toBeNull()
      const suspects = ((await store.read('p'))?.crashes ?? 0) >= 2
      if (!suspects) continue
      // Run alone, it gets a step further.
      const [claimed] = await claim(store, 'engine', true, 1)
      await store.commit([
        advance('p', claimed?.fence as number, (claimed?.row.seq as number) + 1),
        { kind: 'release', pid: 'p', fence: claimed?.fence as number },
      ])
    }
    expect((await store.history('p')).filter(({ name }) => name === 'crashed')).toHaveLength(6)
  })
})

test('C11: an engine whose program has ended is dead at once, however long its lease', async () => {
  const path = await aPath()
  const [first, second] = await Promise.all([openSqlite(path), openSqlite(path)])
  await register(first, 'engine')
  await first.commit([create('p', 'engine')])
  expect((await second.recover()).processes).toBe(0)
  // As the system does for a program that is killed: its lock is free.
  await first.close()
  expect((await second.recover()).processes).toBe(1)
  expect(await second.read('p')).toMatchObject({ owner: null, crashes: 1 })
})

test('C11: an engine that has not beaten for a lease is dead to one that beat all the time, though its program is not', async () => {
  const path = await aPath()
  const clock = new SimulatedClock()
  const still = { now: () => clock.now(), after: () => () => {} }
  const [frozen, awake, idle] = [
    await openSqlite(path, still),
    await openSqlite(path, clock),
    await openSqlite(path, clock),
  ]
  await register(frozen, 'frozen', 9_000)
  await register(awake, 'awake', 9_000)
  await frozen.commit([create('p', 'frozen')])
  const recovered = async () => [(await idle.recover()).processes, (await awake.recover()).processes]
  expect(await recovered()).toEqual([0, 0])
  for (let beat = 1; beat < 3; beat++) {
    await clock.advance(3_000)
    expect(await recovered()).toEqual([0, 0])
  }
  await clock.advance(3_000)
  // Who has no engine of its own can't know whether anybody could have written.
  expect(await recovered()).toEqual([0, 1])
  expect(await frozen.commit([advance('p', 1, 2)])).toEqual([{ status: 'fenced' }])
})

test('C11: an engine that could not write for most of a lease, as all others, judges nobody until a lease later', async () => {
  const path = await aPath()
  const clock = new SimulatedClock()
  const still = { now: () => clock.now(), after: () => () => {} }
  const [frozen, awake] = [await openSqlite(path, still), await openSqlite(path, clock)]
  await register(frozen, 'frozen', 9_000)
  await register(awake, 'awake', 9_000)
  await frozen.commit([create('p', 'frozen')])
  expect((await awake.recover()).processes).toBe(0)
  await clock.advance(3_000)
  const expires = async () => (await awake.engines()).find(({ id }) => id === 'awake')?.expires ?? 0
  const last = await expires()
  const other = new Database(path)
  other.exec('BEGIN IMMEDIATE')
  for (let beat = 0; beat < 2; beat++) await clock.advance(3_000)
  other.exec('ROLLBACK')
  other.close()
  // Its next beat has to get through before the clock goes on.
  await vi.waitFor(async () => expect(await expires()).toBeGreaterThan(last))
  for (let beat = 0; beat < 3; beat++) {
    expect((await awake.recover()).processes).toBe(0)
    await clock.advance(3_000)
  }
  expect((await awake.recover()).processes).toBe(1)
})
