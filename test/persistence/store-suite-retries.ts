import { beforeEach, describe, expect, test } from 'vitest'
import type { Store } from '../../src/persistence/contract/store.ts'
import type { SimulatedClock } from '../../src/testing/index.ts'
import {
  advance,
  backingOff,
  claim,
  claimOne,
  commitOne,
  create,
  done,
  finish,
  historyNames,
  request,
  resume,
  running,
  waiting,
  waitInStep,
} from './fixtures.ts'
import type { Bench } from './store-bench.ts'

export function retries(bench: Bench): void {
  describe('retries', () => {
    const { read, status } = bench
    let store: Store
    let clock: SimulatedClock
    beforeEach(() => {
      ;({ store, clock } = bench)
    })

    test('a process backs off until its time, and a resume does not end that but is kept', async () => {
      const until = clock.now() + 1_000
      const process = await backingOff(store, 'A', until)
      expect(await read(process.pid)).toMatchObject({ state: 'waiting', attempt: 2, readyAt: until })
      await done(store, resume(process.pid))
      expect(await claim(store, 'A')).toEqual([])
      await clock.advance(1_000)
      const again = await claimOne(store, 'A')
      expect(again.wake).toMatchObject({ by: 'timer' })
      expect(await store.pending(process.pid)).toMatchObject({ mail: [{ by: 'resume' }] })
    })

    test('the attempt stays with the step that is tried again, and the next one begins with its first', async () => {
      const process = await backingOff(store, 'A', clock.now())
      const again = await claimOne(store, 'A')
      await done(store, advance(again, { attempt: 2 }))
      expect(await read(process.pid)).toMatchObject({ state: 'running', attempt: 2 })
      await done(store, advance({ ...again, seq: again.seq + 1 }))
      expect(await read(process.pid)).toMatchObject({ attempt: 1 })
      await done(store, advance({ ...again, seq: again.seq + 2 }, { attempt: 3 }))
      await done(store, finish({ ...again, seq: again.seq + 3 }))
      expect(await read(process.pid)).toMatchObject({ state: 'finished', attempt: 1 })
    })

    test('a retry lets one that backs off run now, as if its time had come (C7)', async () => {
      const process = await backingOff(store, 'A', clock.now() + 60_000)
      const write = request(process.pid, 'retry')
      expect(await commitOne(store, write)).toEqual({ status: 'done', pid: process.pid, applied: true })
      expect(await commitOne(store, write)).toEqual({ status: 'done', pid: process.pid, applied: true })
      expect(await historyNames(store, process.pid)).toEqual(['created', 'failed', 'retried'])
      expect(await claimOne(store, 'A')).toMatchObject({
        pid: process.pid,
        wake: { by: 'timer' },
        played: false,
      })
    })

    test('of what is paused or parked it is a play', async () => {
      const paused = await backingOff(store, 'A', clock.now() + 60_000)
      const parked = await running(store, 'A')
      await done(
        store,
        request(paused.pid, 'pause'),
        { kind: 'park', pid: parked.pid, fence: parked.fence, reason: 'damaged' },
        request(paused.pid, 'retry'),
        request(parked.pid, 'retry'),
      )
      expect(await read(paused.pid)).toMatchObject({ paused: null, readyAt: clock.now() + 60_000 })
      expect(await claimOne(store, 'A')).toMatchObject({ pid: parked.pid, played: true })
      for (const { pid } of [paused, parked]) expect((await historyNames(store, pid)).at(-1)).toBe('played')
    })

    test('of anything else it changes nothing, and says so', async () => {
      const write = create()
      const retried = await running(store, 'A')
      await done(store, write, advance(retried, { attempt: 2 }))
      const inStep = await running(store, 'A')
      await done(store, advance(inStep, { attempt: 2 }), waitInStep(inStep, { signal: 'approval' }))
      const asleep = await waiting(store, 'A')
      for (const pid of [write.pid, retried.pid, inStep.pid, asleep.pid]) {
        const before = await read(pid)
        expect(await commitOne(store, request(pid, 'retry'))).toEqual({ status: 'done', pid, applied: false })
        expect(await read(pid)).toEqual(before)
        expect(await historyNames(store, pid)).not.toContain('retried')
      }
      await done(store, finish(retried, { seq: 3 }))
      expect(await status(request(retried.pid, 'retry'), request('nobody', 'retry'))).toEqual([
        'ended',
        'missing',
      ])
    })

    test('a kill and a pause interrupt a back-off (C7)', async () => {
      const [killed, paused] = [
        await backingOff(store, 'A', clock.now() + 1_000),
        await backingOff(store, 'A', clock.now() + 1_000),
      ]
      expect(await commitOne(store, request(killed.pid, 'kill'))).toMatchObject({ applied: true })
      expect(await commitOne(store, request(paused.pid, 'pause'))).toMatchObject({ applied: true })
      await clock.advance(1_000)
      expect(await claim(store, 'A')).toEqual([])
      await done(store, request(paused.pid, 'play'))
      expect(await claimOne(store, 'A')).toMatchObject({ pid: paused.pid, wake: { by: 'timer' } })
    })
  })
}
