import { beforeEach, describe, expect, test } from 'vitest'
import type { Store } from '../../src/persistence/contract/store.ts'
import type { Advance } from '../../src/persistence/contract/writes.ts'
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
  finish,
  historyNames,
  request,
  running,
  waitFor,
} from './fixtures.ts'
import type { Bench } from './store-bench.ts'

/** The first step of what nobody has run so far, with its claim. */
function begin(pid: string, by = 'A', fields: Partial<Advance> = {}): Advance {
  return advance({ pid, fence: 0, seq: 0 }, { owner: by, begins: true, ...fields })
}

export function beginning(bench: Bench): void {
  describe('beginning', () => {
    const { read, status, crash } = bench
    let store: Store
    let clock: SimulatedClock
    beforeEach(async () => {
      ;({ store, clock } = bench)
      await store.join(engine('B'))
    })

    test('claims what is as it was created, and takes it to its first step, in one write (C3, C4)', async () => {
      const write = create()
      await done(store, write)
      expect(await commitOne(store, begin(write.pid))).toEqual({
        status: 'done',
        pid: write.pid,
        released: false,
      })
      expect(await read(write.pid)).toMatchObject({
        state: 'running',
        step: 'bake',
        owner: 'A',
        seq: 1,
        readyAt: null,
      })
      expect((await store.history(write.pid)).map(({ name, by }) => [name, by])).toEqual([
        ['created', null],
        ['running', 'A'],
      ])
      expect(await claim(store, 'B')).toEqual([])
      await done(store, finish({ pid: write.pid, fence: 1, seq: 1 }))
      expect(await read(write.pid)).toMatchObject({ state: 'finished', owner: null })
    })

    test('the same twice is done twice, and of two engines one begins (C4)', async () => {
      const write = create()
      await done(store, write, begin(write.pid), begin(write.pid))
      expect(await status(begin(write.pid, 'B'))).toEqual(['fenced'])
      expect(await historyNames(store, write.pid)).toEqual(['created', 'running'])
      await done(store, advance({ pid: write.pid, fence: 1, seq: 1 }))
      expect(await status(begin(write.pid))).toEqual(['fenced'])
    })

    test('it goes by its sequence and fence, as every other write does (C4)', async () => {
      const write = create()
      await done(store, write)
      expect(await status(begin(write.pid, 'A', { seq: 2 }), begin(write.pid, 'A', { fence: 1 }))).toEqual([
        'fenced',
        'fenced',
      ])
      expect(await read(write.pid)).toMatchObject({ state: 'created', owner: null, seq: 0 })
      await done(store, begin(write.pid))
      expect(await read(write.pid)).toMatchObject({ state: 'running', owner: 'A', seq: 1 })
    })

    test('nothing is begun that has been claimed, or that anything was asked of', async () => {
      const names = ['claimed', 'given back', 'paused', 'killed', 'late', 'waiting', 'crashed'] as const
      const writes = Object.fromEntries(names.map((name) => [name, create()]))
      const pidOf = (name: (typeof names)[number]): string => (writes[name] as { pid: string }).pid
      await done(
        store,
        ...names.map((name) => ({
          ...(writes[name] as ReturnType<typeof create>),
          ...(name === 'late' && { readyAt: clock.now() + 1_000 }),
          ...(name === 'waiting' && { state: 'waiting' as const, wait: waitFor({ signal: 'go' }) }),
        })),
      )
      await done(store, request(pidOf('paused'), 'pause'), request(pidOf('killed'), 'kill'))
      const claimed = await claim(store, 'B', { limit: 100 })
      expect(claimed.map(({ row }) => row.pid).toSorted()).toEqual(
        [pidOf('claimed'), pidOf('given back'), pidOf('crashed')].toSorted(),
      )
      await done(store, { kind: 'release', pid: pidOf('given back'), fence: 1 })
      await store.join(engine('C'))
      await done(store, { kind: 'release', pid: pidOf('crashed'), fence: 1 })
      await store.claim({ engine: 'C', classes: BAKE, limit: 1, suspects: false })
      await crash('C')
      const before = await Promise.all(names.map((name) => read(pidOf(name))))
      const statuses = await status(...names.map((name) => begin(pidOf(name))))
      expect(Object.fromEntries(names.map((name, index) => [name, statuses[index]]))).toEqual({
        claimed: 'fenced',
        'given back': 'fenced',
        paused: 'fenced',
        killed: 'ended',
        late: 'fenced',
        waiting: 'fenced',
        crashed: 'fenced',
      })
      expect(await Promise.all(names.map((name) => read(pidOf(name))))).toEqual(before)
      expect(await status(begin('nobody'))).toEqual(['missing'])
      // Its time has come.
      await clock.advance(1_000)
      await done(store, begin(pidOf('late')))
    })

    test('what is played again, and was never run, may be begun', async () => {
      const write = create()
      await done(store, write, request(write.pid, 'pause'), request(write.pid, 'play'), begin(write.pid))
      // That it was played is no news to whoever claims it next.
      await done(store, { kind: 'release', pid: write.pid, fence: 1 })
      expect(await claimOne(store, 'B')).toMatchObject({ played: false, fence: 2 })
    })

    test('a write under the fence of its creation changes nothing, unless it begins', async () => {
      const write = create()
      await done(store, write)
      expect(await status(advance({ pid: write.pid, fence: 0, seq: 0 }))).toEqual(['fenced'])
      expect(await read(write.pid)).toMatchObject({ state: 'created', seq: 0, owner: null })
    })

    test('one that fails before its first step ends with that, and reports when', async () => {
      const write = create()
      await done(store, write)
      const ending = { successful: false, exitCode: null, message: 'no', dropCheckpoint: false }
      expect(
        await commitOne(store, begin(write.pid, 'A', { state: 'excepted', step: null, ending })),
      ).toEqual({
        status: 'done',
        pid: write.pid,
        released: true,
        endedAt: clock.now(),
      })
      expect(await read(write.pid)).toMatchObject({ state: 'excepted', message: 'no', owner: null })
    })

    test('the answer to an end says when that was, also the second time (C4)', async () => {
      const process = await running(store, 'A')
      const end = finish(process)
      const at = clock.now()
      expect(await commitOne(store, end)).toMatchObject({ status: 'done', endedAt: at })
      await clock.advance(10)
      expect(await commitOne(store, end)).toMatchObject({ status: 'done', endedAt: at })
      const { pid } = await running(store, 'A')
      expect(await commitOne(store, advance({ pid, fence: 1, seq: 1 }))).not.toHaveProperty('endedAt')
    })

    test('what was begun is taken back from an engine that died with it (C11)', async () => {
      const write = create()
      await done(store, write, begin(write.pid, 'B'))
      await crash('B')
      expect(await read(write.pid)).toMatchObject({ owner: null, crashes: 1, state: 'running' })
      expect((await claimOne(store, 'A')).fence).toBe(3)
    })
  })
}
