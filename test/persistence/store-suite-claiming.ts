import { beforeEach, describe, expect, test } from 'vitest'
import type { Store } from '../../src/persistence/contract/store.ts'
import type { SimulatedClock } from '../../src/testing/index.ts'
import {
  advance,
  BAKE,
  claim,
  claimOne,
  commit,
  create,
  done,
  engine,
  finish,
  historyNames,
  request,
  resume,
  running,
} from './fixtures.ts'
import type { Bench } from './store-bench.ts'

export function claiming(bench: Bench): void {
  describe('claiming', () => {
    const { read, status } = bench
    let store: Store
    let clock: SimulatedClock
    beforeEach(() => {
      ;({ store, clock } = bench)
    })

    test('hands out what is ready once, the longest ready first, each under a new fence (C4)', async () => {
      await store.join(engine('B'))
      const first = create()
      await done(store, first)
      await clock.advance(1)
      const second = create()
      await done(store, second)
      const byA = await claim(store, 'A', { limit: 1 })
      const byB = await claim(store, 'B')
      expect(byA.map(({ row }) => [row.pid, row.owner])).toEqual([[first.pid, 'A']])
      expect(byB.map(({ row }) => [row.pid, row.owner])).toEqual([[second.pid, 'B']])
      expect(byA[0]?.bundle().parts).toEqual(first.parts)
      expect(await claim(store, 'A')).toEqual([])
      await done(store, { kind: 'release', pid: first.pid, fence: 1 })
      expect((await claimOne(store, 'B')).fence).toBe(2)
      // The first owner gets this answer, and changes nothing.
      expect(await status(advance({ pid: first.pid, fence: 1, seq: 0 }))).toEqual(['fenced'])
    })

    test('hands out the longest ready first over all classes, and in the order of the rows where the time is the same', async () => {
      const classes = [
        { name: 'Brew', version: 1 },
        { name: 'Bake', version: 2 },
      ]
      const writes = [
        create({ className: 'Brew' }),
        create(),
        create({ className: 'Brew' }),
        create({ version: 2 }),
        create(),
      ]
      const early = create({ readyAt: clock.now() + 1 })
      await done(store, early, ...writes)
      // One that was paused keeps its place.
      const [first] = writes
      await done(store, request(first?.pid as string, 'pause'), request(first?.pid as string, 'play'))
      await clock.advance(2)
      const later = create()
      await done(store, later)
      const order = [...writes, early, later].map(({ pid }) => pid)
      expect(await store.recover({ classes: classes })).toMatchObject({ ready: true, suspects: false })
      const two = await claim(store, 'A', { classes, limit: 2 })
      const rest = await claim(store, 'A', { classes })
      expect([...two, ...rest].map(({ row }) => row.pid)).toEqual(order)
      expect(await store.recover({ classes: classes })).toMatchObject({ ready: false })
    })

    test('a process that was paused while it slept has its place by its time', async () => {
      const sleeper = create({ readyAt: clock.now() + 1 })
      await done(store, sleeper, request(sleeper.pid, 'pause'))
      await clock.advance(2)
      const other = create()
      await done(store, other, request(sleeper.pid, 'play'))
      expect((await claim(store, 'A')).map(({ row }) => row.pid)).toEqual([sleeper.pid, other.pid])
    })

    test('hands out only what the engine can load (C9)', async () => {
      const known = create()
      const newer = create({ version: 2 })
      const unknown = create({ className: 'Brew' })
      await done(store, unknown, newer, known)
      const before = await Promise.all([read(newer.pid), read(unknown.pid)])
      expect((await claim(store, 'A')).map(({ row }) => row.pid)).toEqual([known.pid])
      expect(await Promise.all([read(newer.pid), read(unknown.pid)])).toEqual(before)
      const all = [
        { name: 'Bake', version: 3 },
        { name: 'Brew', version: 1 },
      ]
      const rest = await claim(store, 'A', { classes: all })
      expect(rest.map(({ row }) => row.pid).toSorted()).toEqual([newer.pid, unknown.pid])
    })

    test('hands out what asks for a label only to an engine that has the label, in the order of all', async () => {
      const writes = [
        create({ worker: 'gpu' }),
        create(),
        create({ worker: 'tpu' }),
        create({ worker: 'gpu' }),
      ]
      await done(store, ...writes)
      const [first, second, third, fourth] = writes.map(({ pid }) => pid)
      const asleep = create({ worker: 'gpu', readyAt: clock.now() + 50 })
      await done(store, asleep)
      expect(await read(first as string)).toMatchObject({ worker: 'gpu' })
      expect(await read(second as string)).toMatchObject({ worker: null })
      expect(await store.wanted()).toEqual(BAKE)
      const pids = async (labels?: readonly string[]) =>
        (await claim(store, 'A', { labels })).map(({ row }) => row.pid)
      expect(await pids()).toEqual([second])
      expect(await store.recover({ classes: BAKE })).toMatchObject({ ready: false, nextDue: null })
      expect(await store.recover({ classes: BAKE, labels: ['tpu'] })).toMatchObject({
        ready: true,
        nextDue: null,
      })
      const gpu = { classes: BAKE, labels: ['gpu'] }
      expect(await store.recover(gpu)).toMatchObject({ ready: true, nextDue: clock.now() + 50 })
      expect(await store.recover()).toMatchObject({ ready: true, nextDue: clock.now() + 50 })
      expect(await pids(['gpu'])).toEqual([first, fourth])
      expect(await store.recover(gpu)).toMatchObject({ ready: false })
      const { classes } = await store.survey(0)
      expect(classes[0]).toMatchObject({ ready: 1, readyKinds: [{ version: 1, worker: 'tpu', count: 1 }] })
      expect(await pids(['gpu', 'tpu'])).toEqual([third])
      await clock.advance(50)
      expect(await pids([])).toEqual([])
      expect(await pids(['gpu'])).toEqual([asleep.pid])
    })

    test('a process keeps the label that it asks for through waits and crashes', async () => {
      await store.join(engine('B', { labels: ['gpu'] }))
      const process = await running(store, 'B', { worker: 'gpu' })
      await done(store, advance(process, { state: 'waiting' }))
      await done(store, resume(process.pid))
      expect(await claim(store, 'A')).toEqual([])
      expect(await claim(store, 'A', { labels: ['gpu'] })).toHaveLength(1)
      expect((await store.engines()).find(({ id }) => id === 'B')).toMatchObject({ labels: ['gpu'] })
    })

    test('a clean release counts as no crash and makes it ready again (C12)', async () => {
      const process = await running(store, 'A')
      const release = { kind: 'release', pid: process.pid, fence: process.fence } as const
      await done(store, release)
      await done(store, release)
      expect(await read(process.pid)).toMatchObject({ owner: null, crashes: 0, readyAt: clock.now() })
      expect(await historyNames(store, process.pid)).toEqual(['created', 'released'])
      expect(await status(advance(process))).toEqual(['fenced'])
    })

    test('a release in the name of an engine leaves alone what another one holds', async () => {
      const process = await running(store, 'A')
      const release = { kind: 'release', pid: process.pid, fence: process.fence } as const
      expect(await status({ ...release, owner: 'B' })).toEqual(['fenced'])
      expect(await read(process.pid)).toMatchObject({ owner: 'A' })
      await done(store, { ...release, owner: 'A' })
      expect(await read(process.pid)).toMatchObject({ owner: null })
    })

    test('what has ended is pruned with all that is stored of it; what has not is not touched', async () => {
      const ended = await running(store, 'A', { key: 'a key' })
      await done(store, finish(ended))
      const lives = await running(store, 'A')
      const pruned = await commit(
        store,
        { kind: 'prune', pid: ended.pid },
        { kind: 'prune', pid: lives.pid },
        { kind: 'prune', pid: 'nobody' },
      )
      expect(pruned.map((outcome) => outcome.status)).toEqual([
        expect.stringMatching(/done|missing/),
        'conflict',
        'missing',
      ])
      expect(await store.read(ended.pid)).toBeUndefined()
      expect(await store.load(ended.pid)).toBeUndefined()
      expect(await store.history(ended.pid)).toEqual([])
      expect(await store.getProcessCheckpoints(ended.pid)).toEqual([])
      expect(await read(lives.pid)).toMatchObject({ state: 'running' })
      // The key is free again.
      await done(store, create({ key: 'a key' }), advance(lives))
    })

    test('no number of a commit is used twice, also when the process of the last one is pruned', async () => {
      const ended = await running(store, 'A')
      await done(store, finish(ended))
      const last = (await store.history(ended.pid)).at(-1)?.commit ?? Number.NaN
      await commit(store, { kind: 'prune', pid: ended.pid })
      const next = create()
      await done(store, next)
      expect((await store.history(next.pid))[0]?.commit).toBeGreaterThan(last)
    })

    test('a leaving engine gives back what it holds (C12)', async () => {
      const process = await running(store, 'A')
      await store.leave('A')
      expect((await store.engines()).map(({ id }) => id)).toEqual([])
      expect(await read(process.pid)).toMatchObject({ owner: null, crashes: 0 })
      await store.join(engine('B'))
      expect((await claimOne(store, 'B')).pid).toBe(process.pid)
    })

    test('what is parked is left alone, its bytes kept, until it is played (C9)', async () => {
      const process = await running(store, 'A')
      await done(store, { kind: 'park', pid: process.pid, fence: process.fence, reason: 'damaged' })
      expect(await read(process.pid)).toMatchObject({ parked: 'damaged', owner: null, seq: 1 })
      expect((await store.load(process.pid))?.bundle().parts).toEqual(create().parts)
      expect(await claim(store, 'A')).toEqual([])
      await done(store, request(process.pid, 'play'))
      expect(await claimOne(store, 'A')).toMatchObject({ pid: process.pid, played: true })
    })

    test('engines and classes are known to all who ask', async () => {
      const bake = { name: 'Bake', version: 1, inputs: '{}', deadlineAfter: null, signals: '{}' }
      await store.describe([{ ...bake, inputs: '{"type":"object"}' }])
      await store.describe([{ ...bake, version: 2, deadlineAfter: 5 }])
      await store.describe([{ ...bake, inputs: '{"type":"object"}' }])
      expect(await store.classes()).toEqual([{ ...bake, version: 2, deadlineAfter: 5 }])
      expect(await store.engines()).toMatchObject([{ id: 'A', host: 'here', alive: true, classes: BAKE }])
    })
  })
}
