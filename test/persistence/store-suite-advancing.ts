import { beforeEach, describe, expect, test } from 'vitest'
import type { Store } from '../../src/persistence/contract/store.ts'
import { SerializationError } from '../../src/shared/errors.ts'
import type { SimulatedClock } from '../../src/testing/index.ts'
import {
  advance,
  claim,
  claimOne,
  commit,
  commitOne,
  done,
  finish,
  historyNames,
  request,
  resume,
  running,
  waiting,
} from './fixtures.ts'
import type { Bench } from './store-bench.ts'

export function advancing(bench: Bench): void {
  describe('advancing', () => {
    const { read, status } = bench
    let store: Store
    let clock: SimulatedClock
    beforeEach(() => {
      ;({ store, clock } = bench)
    })

    test('an advance stores what changed, and leaves the other parts', async () => {
      const process = await running(store, 'A')
      await done(
        store,
        advance(process, { parts: { state: '{"a":1}', 'out:x.y': '5', memory: '{}' }, status: 'hot' }),
      )
      await done(store, advance({ ...process, seq: 2 }, { parts: { memory: '{"b":2}' }, step: 'cool' }))
      await done(store, advance({ ...process, seq: 3 }, { parts: { state: '{"a":3}' }, dropped: ['memory'] }))
      const stored = await store.load(process.pid)
      expect(stored?.row).toMatchObject({ seq: 4, state: 'running', owner: 'A', status: null })
      expect(stored?.bundle().parts).toEqual({ state: '{"a":3}', inputs: '{"n":1}', 'out:x.y': '5' })
      expect(await historyNames(store, process.pid)).toEqual(['created', 'running', 'running', 'running'])
    })

    test('history says who wrote it, and when', async () => {
      const process = await running(store, 'A')
      await clock.advance(500)
      await done(store, advance(process, { history: [{ name: 'running', data: '{"step":"bake"}' }] }))
      expect((await store.history(process.pid)).at(-1)).toMatchObject({
        pid: process.pid,
        seq: 2,
        at: clock.now(),
        name: 'running',
        data: '{"step":"bake"}',
        by: 'A',
      })
    })

    test('a wrong fence or a sequence that is not the next changes nothing (C4)', async () => {
      const process = await running(store, 'A')
      const before = await read(process.pid)
      expect(
        await status(
          advance({ ...process, fence: 0 }),
          advance({ ...process, fence: 2 }),
          advance({ ...process, seq: 2 }),
          finish({ ...process, seq: 5 }),
        ),
      ).toEqual(['fenced', 'fenced', 'fenced', 'fenced'])
      expect(await read(process.pid)).toEqual(before)
      expect(await historyNames(store, process.pid)).toEqual(['created'])
    })

    test('the same advance twice is done twice, and written once (C4)', async () => {
      const process = await running(store, 'A')
      for (const write of [advance(process), advance({ ...process, seq: 2 }, { state: 'waiting' })]) {
        const first = await commitOne(store, write)
        expect(first.status).toBe('done')
        expect(await commitOne(store, write)).toEqual(first)
      }
      const other = await running(store, 'A')
      const end = finish(other)
      await done(store, end)
      await done(store, end)
      expect(await historyNames(store, process.pid)).toEqual(['created', 'running', 'waiting'])
      expect(await historyNames(store, other.pid)).toEqual(['created', 'finished'])
    })

    test('the claim is kept while it runs, and given back when it waits or has ended', async () => {
      const process = await running(store, 'A')
      expect(await commitOne(store, advance(process))).toMatchObject({ released: false })
      expect(await commitOne(store, advance({ ...process, seq: 2 }, { state: 'waiting' }))).toMatchObject({
        released: true,
      })
      expect(await read(process.pid)).toMatchObject({ state: 'waiting', owner: null, readyAt: null })
      expect(await claim(store, 'A')).toEqual([])
    })

    test('an error that comes after the claim was given back still counts, until somebody else claims it (C4)', async () => {
      const ending = { successful: false, exitCode: null, message: 'late', dropCheckpoint: false }
      const process = await waiting(store, 'A')
      const other = await waiting(store, 'A')
      await done(store, resume(other.pid))
      await claimOne(store, 'A')
      const excepted = (seq: number, pid: string) =>
        advance({ pid, fence: 1, seq }, { state: 'excepted', ending })
      expect(await status(excepted(2, process.pid), excepted(2, other.pid))).toEqual(['done', 'fenced'])
      expect(await read(process.pid)).toMatchObject({ state: 'excepted', message: 'late' })
    })

    test('terminal is final: no write leaves it (C5)', async () => {
      const process = await running(store, 'A')
      await done(store, finish(process))
      const after = { ...process, seq: 2 }
      expect(
        await status(
          advance(after),
          finish(after),
          request(process.pid, 'kill', { grace: 0 }),
          request(process.pid, 'pause'),
          request(process.pid, 'play'),
          resume(process.pid),
          { kind: 'release', pid: process.pid, fence: 1 },
          { kind: 'park', pid: process.pid, fence: 1, reason: 'x' },
          { kind: 'enforce', pid: process.pid, killedState: '{}' },
        ),
      ).toEqual(Array.from({ length: 9 }, () => 'ended'))
      expect(await read(process.pid)).toMatchObject({ state: 'finished', seq: 2 })
      expect(await historyNames(store, process.pid)).toEqual(['created', 'finished'])
    })

    test('a successful end keeps inputs and outputs, and drops the checkpoint', async () => {
      const process = await running(store, 'A')
      const parts = { state: '{"result":1}', 'out:x': '5', memory: '{"ctx":{}}', parsed: '{"n":2}' }
      await done(store, finish(process, { parts }))
      const stored = await store.load(process.pid)
      expect(stored?.bundle().parts).toEqual({
        state: '{"result":1}',
        inputs: '{"n":1}',
        parsed: '{"n":2}',
        'out:x': '5',
      })
      expect(stored?.row).toMatchObject({ successful: true, endedAt: clock.now() })
      expect(stored?.before()).toBeUndefined()
    })

    test('an unsuccessful end keeps the checkpoint, and says how it ended', async () => {
      const process = await running(store, 'A')
      await done(store, advance(process, { parts: { memory: '{"ctx":{}}' } }))
      const exitCode = { code: 410, label: 'BURNT', message: 'too hot' }
      const ending = { successful: false, exitCode, message: 'burnt', dropCheckpoint: false }
      await done(store, finish({ ...process, seq: 2 }, { ending }))
      const stored = await store.load(process.pid)
      expect(stored?.bundle().parts).toMatchObject({ memory: '{"ctx":{}}' })
      expect(stored?.row).toMatchObject({ successful: false, exitCode, message: 'burnt' })
      expect(stored?.before()).toBe('{"label":"created"}')
    })

    test('a write that is too large is refused by the name of its part, and the others are not', async () => {
      const process = await running(store, 'A')
      const other = await running(store, 'A')
      const huge = 'x'.repeat(64 * 2 ** 20 + 1)
      const [refused, fine] = await commit(
        store,
        advance(process, { parts: { state: '{}', 'out:big': huge } }),
        advance(other),
      )
      expect(refused).toMatchObject({ status: 'refused' })
      const error = refused?.status === 'refused' ? refused.error : undefined
      expect(error).toBeInstanceOf(SerializationError)
      expect(error).toMatchObject({ path: 'outputs.big' })
      expect(fine?.status).toBe('done')
      expect(await read(process.pid)).toMatchObject({ seq: 1 })
    })
  })
}
