import { beforeEach, describe, expect, test } from 'vitest'
import type { Store } from '../../src/persistence/contract/store.ts'
import type { SimulatedClock } from '../../src/testing/index.ts'
import {
  advance,
  BAKE,
  claim,
  claimOne,
  commitOne,
  create,
  done,
  engine,
  held,
  record,
  request,
  running,
  waitInStep,
} from './fixtures.ts'
import type { Bench } from './store-bench.ts'

export function crashes(bench: Bench): void {
  describe('crashes', () => {
    const { read, status, kill, crash } = bench
    let store: Store
    let clock: SimulatedClock
    beforeEach(() => {
      ;({ store, clock } = bench)
    })

    /** Crashes two engines with all that is ready in the store. */
    const crashTwice = async () => {
      for (const id of ['B', 'C']) {
        await store.join(engine(id))
        await claim(store, id)
        await crash(id)
      }
    }
    /** A suspect, and a process of the engine D that waits inside a step. */
    const suspectBesideWaiting = async () => {
      await store.join(engine('D'))
      const waits = await running(store, 'D')
      await done(store, waitInStep(waits, { signal: 'go' }))
      const guilty = create()
      await done(store, guilty)
      await crashTwice()
      return { guilty, waits }
    }

    test('what a dead engine held is taken back at once (C11), and its writes are fenced (C4)', async () => {
      await store.join(engine('B'))
      const process = await running(store, 'B')
      expect(await store.recover()).toEqual({
        processes: 0,
        ready: false,
        suspects: false,
        nextDeadline: null,
        nextDue: null,
      })
      await kill('B')
      expect(await store.recover()).toEqual({
        processes: 1,
        ready: true,
        suspects: false,
        nextDeadline: null,
        nextDue: null,
      })
      expect((await store.engines()).map(({ id }) => id)).toEqual(['A'])
      expect(await read(process.pid)).toMatchObject({ owner: null, crashes: 1, readyAt: clock.now() })
      const taken = await claimOne(store, 'A')
      expect(taken.fence).toBeGreaterThan(process.fence)
      expect(await status(advance(process))).toEqual(['fenced'])
      expect((await store.history(process.pid)).map((entry) => [entry.name, entry.by])).toEqual([
        ['created', 'B'],
        ['crashed', 'B'],
        ['recovered', 'A'],
      ])
      await done(store, advance(taken))
      expect(await read(process.pid)).toMatchObject({ crashes: 0 })
    })

    test('a dead owner does not hold up requests: they take effect at once (C7)', async () => {
      await store.join(engine('B'))
      const [one, two, three] = [
        await running(store, 'B'),
        await running(store, 'B'),
        await running(store, 'B'),
      ]
      await done(store, request(two.pid, 'kill', { message: 'asked before' }))
      await kill('B')
      expect(await commitOne(store, request(one.pid, 'kill'))).toMatchObject({
        status: 'done',
        applied: true,
      })
      expect(await commitOne(store, request(two.pid, 'kill'))).toMatchObject({
        status: 'done',
        applied: true,
      })
      expect(await commitOne(store, request(three.pid, 'pause'))).toMatchObject({ applied: true })
      expect(await read(one.pid)).toMatchObject({ state: 'killed' })
      expect(await read(two.pid)).toMatchObject({ state: 'killed', message: 'asked before' })
      expect(await read(three.pid)).toMatchObject({ paused: { message: null }, crashes: 1 })
    })

    test('requests that were stored when the engine died are carried out by recovery (C7)', async () => {
      await store.join(engine('B'))
      const [paused, killed] = [await running(store, 'B'), await running(store, 'B')]
      await done(store, request(paused.pid, 'pause', { message: 'lunch' }), request(killed.pid, 'kill'))
      await crash('B')
      expect(await read(paused.pid)).toMatchObject({ paused: { message: 'lunch' }, owner: null })
      expect(await read(killed.pid)).toMatchObject({ state: 'killed' })
    })

    test('after two crashes it runs alone, and the third such time it is paused; the innocent are not (C11)', async () => {
      const guilty = create()
      const innocent = create()
      await done(store, guilty, innocent)
      for (const id of ['B', 'C']) {
        await store.join(engine(id))
        expect(await claim(store, id)).toHaveLength(2)
        await crash(id)
      }
      expect(await store.recover()).toMatchObject({ suspects: true })
      expect(await claim(store, 'A')).toEqual([])
      // The innocent one gets on alone, and is no suspect any more.
      await store.join(engine('D'))
      const alone = await claim(store, 'D', { suspects: true })
      expect(alone.map(({ row }) => row.crashes)).toEqual([2, 2])
      const [first, second] = alone.map(held)
      if (first === undefined || second === undefined) throw new Error('two were claimed')
      const lucky = first.pid === innocent.pid ? first : second
      await done(store, advance(lucky))
      await crash('D')
      expect(await read(innocent.pid)).toMatchObject({ crashes: 1, paused: null })
      const blamed = await read(guilty.pid)
      expect(blamed).toMatchObject({ crashes: 3, owner: null })
      expect(blamed.paused?.message).toContain('3 times')
      expect(await store.recover()).toMatchObject({ suspects: false })
      await done(store, request(guilty.pid, 'play'))
      expect(await read(guilty.pid)).toMatchObject({ crashes: 0, paused: null })
    })

    test('a suspect beside which others were claimed does not count as alone any more (C11)', async () => {
      const guilty = create()
      await done(store, guilty)
      await crashTwice()
      await store.join(engine('D'))
      expect(await claim(store, 'D', { suspects: true })).toHaveLength(1)
      const other = create()
      await done(store, other)
      expect(await claim(store, 'D', { beside: guilty.pid })).toHaveLength(1)
      await crash('D')
      expect(await read(guilty.pid)).toMatchObject({ crashes: 3, paused: null })
    })

    test('a suspect beside which a step goes on does not count as alone any more, by that record alone (C4, C11)', async () => {
      const { guilty, waits } = await suspectBesideWaiting()
      const isAlone = async () =>
        (await store.engines()).find(({ id }) => id === 'D')?.suspect?.pid === guilty.pid
      expect(await claim(store, 'D', { suspects: true })).toHaveLength(1)
      expect(await isAlone()).toBe(true)
      const goesOn = record(waits, { count: 2, waits: null, beside: guilty.pid })
      // What does not apply changes nothing beside it.
      expect(await status({ ...goesOn, fence: 9 }, { ...goesOn, count: 7 })).toEqual(['fenced', 'fenced'])
      expect(await isAlone()).toBe(true)
      await done(store, goesOn)
      expect(await isAlone()).toBe(false)
      await crash('D')
      expect(await read(guilty.pid)).toMatchObject({ crashes: 3, paused: null })
      // The same record again, after a lost acknowledgement, says nothing of a later claim.
      await store.join(engine('E'))
      expect(await claim(store, 'E', { suspects: true })).toHaveLength(1)
      expect(await status(goesOn)).toEqual(['fenced'])
      const suspects = (await store.engines()).map(({ id, suspect }) => [id, suspect?.pid])
      expect(suspects).toContainEqual(['E', guilty.pid])
      await crash('E')
      expect((await read(guilty.pid)).paused?.message).toContain('4 times')
    })

    test('a record that is written once more clears the mark of no later suspect (C4, C11)', async () => {
      const { guilty, waits } = await suspectBesideWaiting()
      const goesOn = record(waits, { count: 2, waits: null, beside: guilty.pid })
      await done(store, goesOn)
      expect(await claim(store, 'D', { suspects: true })).toHaveLength(1)
      await done(store, goesOn)
      await crash('D')
      expect((await read(guilty.pid)).paused?.message).toContain('3 times')
    })

    test('one engine at a time drains for a suspect that has waited for a minute, until it dies or another minute is over', async () => {
      const guilty = create()
      await done(store, guilty)
      await crashTwice()
      await store.join(engine('D'))
      const drains = (by: string, classes = BAKE) => store.drain({ engine: by, classes })
      const suspects = async () =>
        (await store.engines()).flatMap(({ id, suspect }) => (suspect === null ? [] : [[id, suspect.runs]]))
      expect(await drains('D')).toBe(false)
      await clock.advance(60_000)
      expect(await drains('D', [{ name: 'Brew', version: 1 }])).toBe(false)
      expect([await drains('D'), await drains('A'), await drains('D')]).toEqual([true, false, true])
      expect(await suspects()).toEqual([['D', false]])
      await crash('D')
      expect(await read(guilty.pid)).toMatchObject({ crashes: 2, owner: null })
      expect([await drains('A'), await drains('A')]).toEqual([true, true])
      await clock.advance(59_999)
      expect(await drains('A')).toBe(true)
      // Anybody who is idle may run it all the same.
      await store.join(engine('E'))
      expect(await claim(store, 'E', { suspects: true })).toHaveLength(1)
      expect(await suspects()).toEqual([['E', true]])
      expect(await drains('A')).toBe(false)
    })

    test('a suspect for which an engine drains is paused, played and killed at once (C7)', async () => {
      const guilty = create()
      await done(store, guilty)
      await crashTwice()
      await clock.advance(60_000)
      expect(await store.drain({ engine: 'A', classes: BAKE })).toBe(true)
      expect(await commitOne(store, request(guilty.pid, 'pause'))).toMatchObject({ applied: true })
      expect(await store.drain({ engine: 'A', classes: BAKE })).toBe(false)
      await done(store, request(guilty.pid, 'play'))
      expect(await read(guilty.pid)).toMatchObject({ crashes: 0, paused: null })
      expect(await claim(store, 'A')).toHaveLength(1)
      expect(await commitOne(store, request(guilty.pid, 'kill'))).toMatchObject({ applied: false })
    })

    test('recovery reports only suspects that the engine could run', async () => {
      await done(store, create())
      await crashTwice()
      expect(await store.recover({ classes: BAKE })).toMatchObject({ suspects: true })
      expect(await store.recover({ classes: [{ name: 'Brew', version: 1 }] })).toMatchObject({
        suspects: false,
      })
      expect(await store.recover({ classes: [{ name: 'Bake', version: 0 }] })).toMatchObject({
        suspects: false,
      })
      expect(await store.recover({ classes: [] })).toMatchObject({ suspects: false })
    })

    test('an engine drains, and recovery reports, only for suspects whose label it has', async () => {
      const guilty = create({ worker: 'gpu' })
      await done(store, guilty)
      for (const id of ['B', 'C']) {
        await store.join(engine(id, { labels: ['gpu'] }))
        await claim(store, id, { labels: ['gpu'] })
        await crash(id)
      }
      expect(await read(guilty.pid)).toMatchObject({ crashes: 2, worker: 'gpu' })
      const labels = ['gpu']
      expect(await store.recover({ classes: BAKE })).toMatchObject({ suspects: false })
      expect(await store.recover({ classes: BAKE, labels })).toMatchObject({ suspects: true })
      await clock.advance(60_000)
      expect(await store.drain({ engine: 'A', classes: BAKE })).toBe(false)
      expect(await store.drain({ engine: 'A', classes: BAKE, labels })).toBe(true)
      expect(await claim(store, 'A', { suspects: true })).toEqual([])
      expect(await claim(store, 'A', { suspects: true, labels })).toHaveLength(1)
    })

    test('three crashes in company pause nobody (C11)', async () => {
      const write = create()
      await done(store, write)
      for (const [index, id] of ['B', 'C', 'D'].entries()) {
        await store.join(engine(id))
        const claimed = await claim(store, id, { suspects: index >= 2 })
        // Handed back by an engine that could not run it alone, and claimed with others before it counted as suspect.
        if (index >= 2) await done(store, { kind: 'release', pid: write.pid, fence: claimed[0]?.fence ?? 0 })
        await crash(id)
      }
      expect(await read(write.pid)).toMatchObject({ crashes: 2, paused: null })
    })
  })
}
