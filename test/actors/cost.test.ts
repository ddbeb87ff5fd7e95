// @module-tag more
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Client, Engine } from '../../src/index.ts'
import { SqliteStore } from '../../src/persistence/sqlite/index.ts'
import { share, HAS_MORE } from '../run/extent.ts'
import { Counter, did, forget } from './classes.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'damson-actors-'))
  path = join(folder, 'actors.db')
})
afterEach(() => {
  forget()
  rmSync(folder, { recursive: true })
})

class Tally {
  readonly last: Record<string, number> = {}
  outOfOrder = 0
  count = 0

  /** Notes whether the calls of each caller come in their order. */
  note(caller: string, number: number): void {
    if (number !== (this.last[caller] ?? 0) + 1) this.outOfOrder++
    this.last[caller] = number
    this.count++
  }
}

test(
  'work for a call does not grow with the calls that are queued',
  { ...HAS_MORE, timeout: 120_000 },
  async () => {
    const statements: string[] = []
    const store = await SqliteStore.open(path, { trace: (sql) => statements.push(sql) })
    const client = await Client.open({ store })
    const queued = share(10_000, 300)
    const counts: number[] = []
    for (const many of [10, queued]) {
      const actor = await client.actor(Counter, [0])
      const handles = Array.from({ length: many }, () => actor.call.add(1))
      await handles.at(-1)?.submitted()
      statements.length = 0
      await actor.call.add(1).submitted()
      counts.push(statements.length)
    }
    expect(counts[1]).toBe(counts[0])
    // Nothing scans: each statement seeks in an index of the calls that are left.
    expect(
      statements.filter(
        (sql) => /ORDER BY/.test(sql) && /FROM process/.test(sql) && !/process_call/.test(sql),
      ),
    ).toEqual([])
    await client.close()
    await store.close()
  },
)

test('calls of three clients keep the order of each of them', { ...HAS_MORE, timeout: 240_000 }, async () => {
  const many = share(10_000, 300)
  const engine = await Engine.open({ store: path, actors: [Tally], handleSignals: false })
  const { id } = await engine.actor(Tally, [])
  const callers = await Promise.all(['a', 'b', 'c'].map(async () => Client.open({ store: path })))
  await Promise.all(
    callers.map(async (client, index) => {
      const actor = client.actorById(Tally, id)
      for (let number = 1; number <= many / 3; number += 100) {
        const calls = Array.from({ length: 100 }, (_, at) => actor.call.note(`caller ${index}`, number + at))
        await calls.at(-1)?.submitted()
      }
    }),
  )
  const actor = engine.actorById(Tally, id)
  expect(await actor.get('outOfOrder', { ordered: true })).toBe(0)
  expect(await actor.get('count')).toBe(3 * Math.ceil(many / 300) * 100)
  for (const client of callers) await client.close()
  await engine.close()
})

test('of two engines one runs an actor, and the other takes it over where it stands', async () => {
  const engines = await Promise.all(
    [1, 2].map(() => Engine.open({ store: path, actors: [Counter], handleSignals: false })),
  )
  const [first, second] = engines as [Engine, Engine]
  const refs = [await first.actor(Counter, [0], { id: 'one' }), second.actorById(Counter, 'one')] as const
  for (let round = 1; round <= 20; round++) {
    const handles = refs.flatMap((ref) => [ref.call.add(1), ref.call.add(1)])
    const results = await Promise.all(handles.map((handle) => handle.result()))
    expect(results.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4].map((n) => 4 * (round - 1) + n))
  }
  await first.close({ drain: 0 })
  expect(await refs[1].call.add(1).result()).toBe(81)
  expect(did.filter((what) => what.startsWith('add')).length).toBe(81)
  await second.close()
})
