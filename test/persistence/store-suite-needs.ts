import { beforeEach, describe, expect, test } from 'vitest'
import type { Store } from '../../src/persistence/contract/store.ts'
import type { Create } from '../../src/persistence/contract/writes.ts'
import type { SimulatedClock } from '../../src/testing/index.ts'
import {
  advance,
  claim,
  claimOne,
  commitOne,
  create,
  done,
  engine,
  finish,
  request,
  running,
  type Held,
} from './fixtures.ts'
import type { Bench } from './store-bench.ts'

type Ended = 'successful' | 'failed' | 'either'

/** What a process needs of these, where nothing else is said: the successful end of all. */
function needing(pids: readonly string[], how: { ended?: Ended; any?: boolean; until?: number } = {}) {
  const { ended = 'successful', any = false, until = null } = how
  return { needs: pids.map((pid) => ({ pid, ended, any })), until }
}

function fail(process: Held) {
  return finish(process, {
    state: 'excepted',
    ending: { successful: false, exitCode: null, message: 'no', dropCheckpoint: false },
  })
}

export function needs(bench: Bench): void {
  describe('what a process needs before it starts', () => {
    const { read, crash } = bench
    let store: Store
    let clock: SimulatedClock
    let one: Held
    let two: Held
    beforeEach(async () => {
      ;({ store, clock } = bench)
      one = await running(store, 'A')
      two = await running(store, 'A')
    })

    async function dependent(upstream: Create['upstream'], fields: Partial<Create> = {}): Promise<string> {
      const write = create({ upstream: upstream ?? null, ...fields })
      await done(store, write)
      return write.pid
    }

    async function readyPids(): Promise<string[]> {
      return (await claim(store, 'A')).map(({ row }) => row.pid)
    }

    test('a process is ready once all that it needs has ended well', async () => {
      const pid = await dependent(needing([one.pid, two.pid]))
      expect(await read(pid)).toMatchObject({ state: 'created', readyAt: null, upstream: { until: null } })
      expect((await store.pending(pid)).on).toEqual([one.pid, two.pid])
      await done(store, finish(one))
      expect((await store.pending(pid)).on).toEqual([two.pid])
      expect(await readyPids()).toEqual([])
      await done(store, finish(two))
      expect(await readyPids()).toEqual([pid])
    })

    test('one failure makes it ready at once, so that it fails, also after a delay', async () => {
      const pid = await dependent(needing([one.pid, two.pid]), { readyAt: clock.now() + 1_000 })
      await done(store, fail(one))
      expect(await readyPids()).toEqual([pid])
    })

    test.each(['failed', 'either'] as const)('an end that is needed as %s', async (ended) => {
      const pid = await dependent(needing([one.pid, two.pid], { ended }))
      await done(store, fail(one))
      expect(await readyPids()).toEqual([])
      await done(store, finish(two))
      expect(await readyPids()).toEqual([pid])
    })

    test('of any, the first good end makes it ready, or else the last end', async () => {
      const first = await dependent(needing([one.pid, two.pid], { any: true }))
      const second = await dependent(needing([one.pid, two.pid], { any: true, ended: 'failed' }))
      await done(store, fail(one))
      expect(await readyPids()).toEqual([second])
      await done(store, fail(two))
      expect(await readyPids()).toEqual([first])
    })

    test('a need of any that nothing can meet any more makes it ready at once, whatever else it needs', async () => {
      const { needs } = needing([two.pid], { any: true })
      const mixed = [...needing([one.pid]).needs, ...needs]
      const twice = [...mixed, { pid: two.pid, ended: 'either', any: true } as const]
      const pid = await dependent({ needs: mixed, until: null }, { readyAt: clock.now() + 1_000 })
      await dependent({ needs: twice, until: null })
      await done(store, fail(two))
      expect(await readyPids()).toEqual([pid])
      const late = await dependent({ needs: mixed, until: null })
      const waits = await dependent({ needs: twice, until: null })
      expect(await readyPids()).toEqual([late])
      expect((await store.pending(waits)).on).toEqual([one.pid])
    })

    test('what has ended before counts', async () => {
      await done(store, finish(one), fail(two))
      const pids = [
        await dependent(needing([one.pid])),
        await dependent(needing([two.pid])),
        await dependent(needing([one.pid, two.pid], { any: true })),
      ]
      expect(await readyPids()).toEqual(pids)
    })

    test('a delay is kept, and a deadline or a timeout makes it ready before', async () => {
      const now = clock.now()
      const delayed = await dependent(needing([one.pid]), { readyAt: now + 500 })
      const dead = await dependent(needing([two.pid]), { deadline: now + 100 })
      const until = await dependent(needing([two.pid], { until: now + 200 }))
      await done(store, finish(one))
      expect((await read(delayed)).readyAt).toBe(now + 500)
      expect((await read(dead)).readyAt).toBe(now + 100)
      expect((await read(until)).readyAt).toBe(now + 200)
      await clock.advance(200)
      expect(await readyPids()).toEqual([dead, until])
    })

    test('a process that does not exist, or the process itself, is refused', async () => {
      const refused = await commitOne(store, create({ upstream: needing(['nobody']) }))
      expect(refused).toEqual({ status: 'missing', needed: 'nobody' })
      const write = create({ pid: 'itself', upstream: needing(['itself']) })
      expect(await commitOne(store, write)).toEqual({ status: 'missing', needed: 'itself' })
      expect(await store.read('itself')).toBeUndefined()
    })

    test('the same launch again finds its process, even where what it needed is pruned', async () => {
      await done(store, finish(one))
      const write = create({ upstream: needing([one.pid]) })
      await done(store, write)
      const started = await claimOne(store, 'A')
      await done(store, advance(started))
      await done(store, { kind: 'prune', pid: one.pid })
      expect(await commitOne(store, write)).toMatchObject({ status: 'done', existed: true })
    })

    test('what is needed is pruned only once the process has started or ended', async () => {
      await done(store, finish(one), finish(two))
      const starts = await dependent(needing([one.pid]))
      const killed = await dependent(needing([two.pid]))
      const conflict = { status: 'conflict', reason: expect.stringContaining(starts) as string }
      expect(await commitOne(store, { kind: 'prune', pid: one.pid })).toMatchObject(conflict)
      await done(store, request(killed, 'kill'))
      await done(store, { kind: 'prune', pid: two.pid })
      await done(store, advance(await claimOne(store, 'A')))
      expect(await read(starts)).toMatchObject({ state: 'running', upstream: null })
      await done(store, { kind: 'prune', pid: one.pid })
    })

    test('a paused process becomes ready, and is claimed once it is played', async () => {
      const pid = await dependent(needing([one.pid]))
      await done(store, request(pid, 'pause'), finish(one))
      expect(await readyPids()).toEqual([])
      await done(store, request(pid, 'play'))
      expect(await readyPids()).toEqual([pid])
    })

    test('a claim that is given back leaves it waiting as before (C12)', async () => {
      const now = clock.now()
      const pid = await dependent(needing([one.pid, two.pid], { until: now + 100 }))
      await clock.advance(100)
      const { fence } = await claimOne(store, 'A')
      await done(store, { kind: 'release', pid, fence })
      expect((await read(pid)).readyAt).toBe(now + 100)
    })

    test('a claim that is lost leaves it ready (C11)', async () => {
      const pid = await dependent(needing([one.pid, two.pid]))
      await done(store, finish(one), finish(two))
      await store.join(engine('B'))
      await claimOne(store, 'B')
      await crash('B')
      expect(await read(pid)).toMatchObject({ crashes: 1, readyAt: clock.now() })
    })

    test('a child that needs others is created paused under a paused parent (C7)', async () => {
      await done(store, request(one.pid, 'pause'))
      const pid = await dependent(needing([two.pid]), { parent: one.pid })
      expect((await read(pid)).paused).not.toBeNull()
      await done(store, finish(two))
      expect((await read(pid)).readyAt).not.toBeNull()
      expect(await readyPids()).toEqual([])
    })
  })
}
