import { beforeEach, describe, expect, test } from 'vitest'
import { Bundle } from '../../src/bundle/bundle.ts'
import type { Store } from '../../src/persistence/contract/store.ts'
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
  historyNames,
  record,
  request,
  resume,
  running,
  signal,
  wait,
  waitInStep,
} from './fixtures.ts'
import type { Bench } from './store-bench.ts'

const KILLED = { successful: false, exitCode: null, message: null, dropCheckpoint: false }

export function records(bench: Bench): void {
  describe('records of a step', () => {
    const { read, status, crash } = bench
    let store: Store
    let clock: SimulatedClock
    beforeEach(() => {
      ;({ store, clock } = bench)
    })

    test('one is stored with its parts and history, and state and sequence stay (C6)', async () => {
      const process = await running(store, 'A')
      const before = await read(process.pid)
      const write = record(process, {
        parts: { 'record:effect:charge': '{"value":7}' },
        history: [{ name: 'effect', data: '{"name":"charge"}' }],
      })
      const answer = { status: 'done', pid: process.pid, released: false }
      expect(await commitOne(store, write)).toEqual(answer)
      expect(await commitOne(store, write)).toEqual(answer)
      expect(await read(process.pid)).toEqual(before)
      const stored = await store.load(process.pid)
      expect(stored?.bundle().parts).toMatchObject({ 'record:effect:charge': '{"value":7}' })
      expect(await store.history(process.pid)).toMatchObject([
        { name: 'created' },
        { name: 'effect', data: '{"name":"charge"}', by: 'A', seq: 1 },
      ])
    })

    test('the same one twice counts once, whatever came after it; one that is not the next changes nothing (C4)', async () => {
      const process = await running(store, 'A')
      const first = record(process, { parts: { 'record:effect:a': '1' } })
      const second = record(process, { count: 2, parts: { 'record:effect:b': '2' } })
      await done(store, first, second)
      await done(store, { ...first, parts: { 'record:effect:a': '99' } })
      expect(await status(record(process, { count: 4, parts: { 'record:effect:d': '4' } }))).toEqual([
        'fenced',
      ])
      expect((await store.load(process.pid))?.bundle().parts).toMatchObject({
        'record:effect:a': '1',
        'record:effect:b': '2',
      })
    })

    test('a stale owner records nothing (C4), nor does a process that has ended (C5)', async () => {
      const process = await running(store, 'A')
      expect(await status(record({ ...process, fence: 2 }), record({ pid: 'nobody', fence: 1 }))).toEqual([
        'fenced',
        'missing',
      ])
      await done(store, { kind: 'release', pid: process.pid, fence: 1 })
      expect(await status(record(process))).toEqual(['fenced'])
      const claimed = await claimOne(store, 'A')
      expect(await status(record(process))).toEqual(['fenced'])
      await done(store, record(claimed), finish(claimed))
      expect(await status(record(claimed, { count: 2 }))).toEqual(['ended'])
    })

    test('they are counted anew under each claim', async () => {
      await store.join(engine('B'))
      const process = await running(store, 'B')
      await done(store, record(process), record(process, { count: 2 }))
      await crash('B')
      const claimed = await claimOne(store, 'A')
      await done(store, record(claimed, { parts: { 'record:effect:a': '1' } }))
      expect((await store.load(process.pid))?.bundle().parts).toMatchObject({ 'record:effect:a': '1' })
      await done(store, advance(claimed, { dropped: ['record:effect:a'] }), record(claimed, { count: 2 }))
      expect((await store.load(process.pid))?.bundle().parts).not.toHaveProperty(['record:effect:a'])
    })

    test('it uses up the signal that it received, once (C8)', async () => {
      const process = await running(store, 'A')
      const write = signal(process.pid, 'approval', { value: '"yes"' })
      await done(store, write, signal(process.pid, 'approval', { value: '"no"' }))
      const mail = await store.mail(process.pid, 'approval')
      expect(mail).toMatchObject({ value: '"yes"' })
      const received = record(process, {
        consumes: mail?.id ?? null,
        parts: { 'record:receive:approval': '"yes"' },
      })
      await done(store, received, received, write)
      expect(await store.mail(process.pid, 'approval')).toMatchObject({ value: '"no"' })
      expect(await store.pending(process.pid)).toMatchObject({ mail: [{ name: 'approval' }] })
    })

    test('a bundle is kept under its tag', async () => {
      const process = await running(store, 'A')
      const bundle = Bundle.fromParts(
        { pid: process.pid, class: 'Bake', version: 1, created: '2026-01-01T00:00:00.000Z', seq: 1 },
        { state: '{"label":"running"}', inputs: '{}' },
      )
      const write = record(process, { checkpoint: { tag: 'before', text: bundle.text } })
      await done(store, write, write)
      expect((await store.loadCheckpoint(process.pid, 'before')).text).toBe(bundle.text)
    })

    test('what is too large is refused', async () => {
      const process = await running(store, 'A')
      const huge = 'x'.repeat(64 * 2 ** 20 + 1)
      expect(
        await status(
          record(process, { parts: { 'record:effect:a': huge } }),
          record(process, { checkpoint: { tag: 'a', text: huge } }),
          signal(process.pid, 'approval', { value: huge }),
        ),
      ).toEqual(['refused', 'refused', 'refused'])
      await done(store, record(process))
    })

    test('a successful end drops what is left of the record', async () => {
      const process = await running(store, 'A')
      await done(store, record(process, { parts: { 'record:effect:a': '1' } }), finish(process))
      expect(Object.keys((await store.load(process.pid))?.bundle().parts ?? {}).toSorted()).toEqual([
        'inputs',
        'state',
      ])
    })

    describe('of a step that only waits', () => {
      test('the row says what for, and the claim is kept; then it says that it goes on', async () => {
        const process = await running(store, 'A')
        await clock.advance(100)
        const until = clock.now() + 1_000
        await done(store, waitInStep(process, { until, signal: 'approval', on: ['x', 'y'], any: true }))
        expect(await read(process.pid)).toMatchObject({
          state: 'waiting',
          step: 'run',
          seq: 1,
          inStep: true,
          message: 'waits in its step',
          owner: 'A',
          readyAt: null,
          updatedAt: clock.now(),
          wait: { resume: false, signal: 'approval', until, on: 'any' },
        })
        expect(await store.pending(process.pid)).toEqual({ on: [], mail: [] })
        await done(store, signal(process.pid, 'approval'))
        await clock.advance(1_000)
        expect(await claim(store, 'A')).toEqual([])
        expect(await store.recover()).toMatchObject({ nextDue: null })
        const mail = await store.mail(process.pid, 'approval')
        await done(store, record(process, { count: 2, waits: null, consumes: mail?.id ?? null }))
        expect(await read(process.pid)).toMatchObject({
          state: 'running',
          inStep: false,
          message: null,
          owner: 'A',
          updatedAt: clock.now(),
          wait: null,
        })
        await done(store, advance(process))
      })

      test('a record beside the wait leaves it as it is', async () => {
        const process = await running(store, 'A')
        await done(store, waitInStep(process, { signal: 'approval' }))
        await done(store, record(process, { count: 2, parts: { 'record:effect:a': '1' } }))
        expect(await read(process.pid)).toMatchObject({ state: 'waiting', wait: { signal: 'approval' } })
        await done(store, record(process, { count: 3, waits: null }))
        await done(store, record(process, { count: 4, waits: null }))
        expect(await read(process.pid)).toMatchObject({ state: 'running', wait: null })
      })

      test('its step may end from there, and it is claimed by nobody else meanwhile', async () => {
        const process = await running(store, 'A')
        await done(store, waitInStep(process, { until: clock.now() + 10 }), advance(process))
        expect(await read(process.pid)).toMatchObject({ state: 'running', inStep: false, seq: 2, wait: null })
        const other = await running(store, 'A')
        await done(store, waitInStep(other, { until: clock.now() + 10 }), finish(other))
        expect(await read(other.pid)).toMatchObject({ state: 'finished', inStep: false })
      })

      test.each([
        ['its engine dies', (): Promise<void> => crash('B')],
        ['its engine leaves', (): Promise<void> => store.leave('B')],
      ])('where %s it runs again from its start', async (_, lose) => {
        await store.join(engine('B'))
        const process = await running(store, 'B')
        await done(store, waitInStep(process, { signal: 'approval' }), signal(process.pid, 'approval'))
        await lose()
        expect(await read(process.pid)).toMatchObject({
          state: 'running',
          inStep: false,
          owner: null,
          readyAt: clock.now(),
          wait: null,
        })
        expect(await claimOne(store, 'A')).toMatchObject({ pid: process.pid, seq: 1, wake: null })
        expect(await store.mail(process.pid, 'approval')).toBeDefined()
      })

      test('it is paused at once, and played, and its claim is kept (C7)', async () => {
        const process = await running(store, 'A')
        await done(store, waitInStep(process, { signal: 'approval' }))
        const pause = request(process.pid, 'pause', { message: 'lunch' })
        expect(await commitOne(store, pause)).toEqual({ status: 'done', pid: process.pid, applied: true })
        expect(await read(process.pid)).toMatchObject({
          paused: { message: 'lunch' },
          pauseRequested: null,
          owner: 'A',
        })
        expect(await commitOne(store, request(process.pid, 'play'))).toMatchObject({ applied: true })
        expect(await read(process.pid)).toMatchObject({ paused: null, owner: 'A', state: 'waiting' })
        expect(await historyNames(store, process.pid)).toEqual(['created', 'paused', 'played'])
        await done(store, record(process, { count: 2, waits: null }), advance(process))
        expect(await read(process.pid)).toMatchObject({ state: 'running', owner: 'A' })
      })

      test('paused where it waits it does not move until it is played: no record, no transition, no end (C7)', async () => {
        const process = await running(store, 'A')
        await done(
          store,
          waitInStep(process, { signal: 'approval' }),
          signal(process.pid, 'approval'),
          request(process.pid, 'pause', { message: 'lunch' }),
        )
        const before = await store.load(process.pid)
        const mail = await store.mail(process.pid, 'approval')
        const bundle = Bundle.fromParts(
          { pid: process.pid, class: 'Bake', version: 1, created: '2026-01-01T00:00:00.000Z', seq: 1 },
          { state: '{"label":"running"}', inputs: '{}' },
        )
        const ending = { successful: false, exitCode: null, message: null, dropCheckpoint: false }
        const next = { count: 2, parts: { 'record:effect:charge': '1' } }
        const held = { status: 'held', pause: { message: 'lunch' } }
        for (const write of [
          record(process, next),
          record(process, { count: 2, waits: null }),
          record(process, { count: 2, consumes: mail?.id ?? null }),
          record(process, { count: 2, checkpoint: { tag: 'before', text: bundle.text } }),
          advance(process),
          wait(process, { signal: 'approval' }),
          finish(process),
          advance(process, { state: 'excepted', ending }),
          advance(process, { state: 'killed', ending }),
        ])
          expect(await commitOne(store, write)).toEqual(held)
        const after = await store.load(process.pid)
        expect([after?.row, after?.bundle().text]).toEqual([before?.row, before?.bundle().text])
        expect(await store.mail(process.pid, 'approval')).toEqual(mail)
        // What was held is done once it is played, as it was.
        await done(store, request(process.pid, 'play'), record(process, next), record(process, next))
        await done(store, advance(process))
      })

      test('paused where it waits it may say what else it waits for, and leave memory', async () => {
        const process = await running(store, 'A')
        await done(store, waitInStep(process, { signal: 'approval' }), request(process.pid, 'pause'))
        const evicts = waitInStep(process, { signal: 'price' }, { count: 2, evicts: true })
        expect(await commitOne(store, evicts)).toMatchObject({ status: 'done', released: true })
        await done(store, signal(process.pid, 'price'))
        expect(await claim(store, 'A')).toEqual([])
        await done(store, request(process.pid, 'play'))
        expect(await claimOne(store, 'A')).toMatchObject({ pid: process.pid })
      })

      test('a step that computes records what it does, and ends, though a pause is stored (C7)', async () => {
        const process = await running(store, 'A')
        await done(
          store,
          request(process.pid, 'pause', { message: 'lunch' }),
          record(process, { parts: { 'record:effect:charge': '1' } }),
          finish(process),
        )
        expect(await read(process.pid)).toMatchObject({ state: 'finished', pauseRequested: null })
      })

      test('a pause that was asked before it began to wait is carried out then (C7)', async () => {
        const process = await running(store, 'A')
        await done(store, request(process.pid, 'pause', { message: 'lunch' }))
        expect(await commitOne(store, record(process))).not.toHaveProperty('pause')
        expect(
          await commitOne(store, waitInStep(process, { signal: 'approval' }, { count: 2 })),
        ).toMatchObject({ released: false, pause: { message: 'lunch' } })
        expect(await read(process.pid)).toMatchObject({
          paused: { message: 'lunch' },
          pauseRequested: null,
          owner: 'A',
        })
        expect(await historyNames(store, process.pid)).toEqual(['created', 'pause requested', 'paused'])
      })

      test('once its kill is stored it records what it did, and does not go on, paused or not (C5)', async () => {
        for (const pauses of [true, false]) {
          const process = await running(store, 'A')
          const going = { name: 'running', data: '{"step":"run"}' }
          const effect = { name: 'effect', data: '{"name":"charge"}' }
          await done(store, waitInStep(process, { signal: 'approval' }), signal(process.pid, 'approval'))
          if (pauses) await done(store, request(process.pid, 'pause'))
          await done(store, request(process.pid, 'kill', { message: 'enough', grace: 1_000 }))
          const mail = await store.mail(process.pid, 'approval')
          const parts = { 'record:receive:approval': '1' }
          const goesOn = { count: 2, waits: null, history: [going] }
          for (const write of [goesOn, { ...goesOn, parts }, { count: 2, parts, consumes: mail?.id ?? null }])
            expect(await commitOne(store, record(process, write))).toEqual({
              status: 'held',
              kill: { message: 'enough', deadline: clock.now() + 1_000 },
            })
          expect(await store.mail(process.pid, 'approval')).toEqual(mail)
          const write = { ...goesOn, parts: { 'record:effect:charge': '1' }, history: [effect, going] }
          await done(store, record(process, write), record(process, write))
          const stored = await store.load(process.pid)
          expect(stored?.bundle().parts).toMatchObject(write.parts)
          expect(await read(process.pid)).toMatchObject({ state: 'waiting', inStep: true, owner: 'A' })
          const answer = ['signalled', ...(pauses ? ['paused'] : []), 'kill requested', 'effect']
          expect(await historyNames(store, process.pid)).toEqual(['created', ...answer])
          await done(store, advance(process, { state: 'killed', ending: KILLED }))
          expect(await read(process.pid)).toMatchObject({ state: 'killed', inStep: false, wait: null })
        }
      })

      test('paused where it waits, it says nothing new as it leaves memory (C7)', async () => {
        const process = await running(store, 'A')
        const waiting = { name: 'waiting', data: '{"message":"waits in its step"}' }
        await done(
          store,
          waitInStep(process, { signal: 'approval' }, { history: [waiting] }),
          request(process.pid, 'pause'),
          waitInStep(process, { signal: 'approval' }, { count: 2, evicts: true, history: [waiting] }),
        )
        expect(await historyNames(store, process.pid)).toEqual(['created', 'waiting', 'paused'])
        await done(store, request(process.pid, 'play'))
        expect(await historyNames(store, process.pid)).toEqual(['created', 'waiting', 'paused', 'played'])
        // What is not paused says it, so that engines learn when it is ready (C8).
        const other = await running(store, 'A')
        await done(
          store,
          waitInStep(other, { signal: 'approval' }, { history: [waiting] }),
          waitInStep(other, { signal: 'approval' }, { count: 2, evicts: true, history: [waiting] }),
        )
        expect(await historyNames(store, other.pid)).toEqual(['created', 'waiting', 'waiting'])
      })

      test('it is notified of a kill, and ended at once if that is forced (C7)', async () => {
        const process = await running(store, 'A')
        await done(store, waitInStep(process, { signal: 'approval' }))
        await done(store, request(process.pid, 'kill', { message: 'enough', grace: 1_000 }))
        expect(await commitOne(store, record(process, { count: 2 }))).toMatchObject({
          kill: { message: 'enough', deadline: clock.now() + 1_000 },
        })
        expect(await commitOne(store, request(process.pid, 'kill', { grace: 0 }))).toMatchObject({
          applied: true,
        })
        expect(await read(process.pid)).toMatchObject({ state: 'killed', inStep: false, wait: null })
      })
    })

    describe('of a step that leaves memory to wait', () => {
      test.each(['before', 'with', 'after'] as const)(
        'a signal that comes %s makes it run again from its start, and is kept for it (C8)',
        async (when) => {
          const process = await running(store, 'A')
          const write = signal(process.pid, 'approval')
          const evict = waitInStep(process, { signal: 'approval' }, { evicts: true })
          if (when === 'before') await done(store, write)
          await done(store, evict, ...(when === 'with' ? [write] : []))
          if (when === 'after') await done(store, write)
          expect(await commitOne(store, evict)).toEqual({ status: 'done', pid: process.pid, released: true })
          expect(await read(process.pid)).toMatchObject({ state: 'waiting', inStep: true, owner: null })
          const again = await claimOne(store, 'A')
          expect(again).toMatchObject({ pid: process.pid, seq: 1, wake: null })
          expect(await read(process.pid)).toMatchObject({ state: 'running', inStep: false, wait: null })
          expect(await status(evict)).toEqual(['fenced'])
          const mail = await store.mail(process.pid, 'approval')
          await done(store, record(again, { consumes: mail?.id ?? null }), advance(again))
        },
      )

      test('it is nobody’s until then', async () => {
        const process = await running(store, 'A')
        await done(store, waitInStep(process, { signal: 'approval' }, { evicts: true }))
        expect(await claim(store, 'A')).toEqual([])
        expect(await read(process.pid)).toMatchObject({ owner: null, readyAt: null })
      })

      test('so do its time, the end of others, a resume where that counts, and its deadline', async () => {
        const child = create()
        await done(store, child, request(child.pid, 'pause'))
        const evicted = async (what: Parameters<typeof waitInStep>[1], deadline: number | null = null) => {
          const process = await running(store, 'A', { deadline })
          await done(store, waitInStep(process, what, { evicts: true }))
          return process.pid
        }
        const timed = await evicted({ until: clock.now() + 1_000 })
        const joined = await evicted({ on: [child.pid] })
        const resumed = await evicted({ resume: true })
        const limited = await evicted({ signal: 'approval' }, clock.now() + 2_000)
        expect(await store.pending(joined)).toEqual({ on: [child.pid], mail: [] })
        expect(await claim(store, 'A')).toEqual([])
        await done(store, resume(joined), resume(timed), resume(resumed))
        expect(await claimOne(store, 'A')).toMatchObject({ pid: resumed, wake: null })
        await done(store, request(child.pid, 'kill'))
        expect(await historyNames(store, joined)).toContain('joined')
        expect(await claimOne(store, 'A')).toMatchObject({ pid: joined, wake: null })
        expect(await store.recover()).toMatchObject({ nextDue: clock.now() + 1_000 })
        await clock.advance(1_000)
        expect(await claimOne(store, 'A')).toMatchObject({ pid: timed, wake: null })
        await clock.advance(1_000)
        expect(await claimOne(store, 'A')).toMatchObject({ pid: limited, wake: null })
      })

      test('what it awaited is forgotten when it runs again', async () => {
        const child = create()
        await done(store, child, request(child.pid, 'pause'))
        const process = await running(store, 'A')
        const what = { on: [child.pid], signal: 'approval' }
        await done(store, waitInStep(process, what, { evicts: true }), signal(process.pid, 'approval'))
        const again = await claimOne(store, 'A')
        expect(await store.pending(process.pid)).toMatchObject({ on: [] })
        await done(store, request(child.pid, 'kill'), advance(again))
        expect(await historyNames(store, process.pid)).toEqual(['created', 'signalled', 'running'])
      })

      test('a stored pause is carried out by it, and a paused one runs again only when it is played (C7)', async () => {
        const process = await running(store, 'A')
        await done(store, request(process.pid, 'pause', { message: 'lunch' }))
        const evict = waitInStep(process, { signal: 'approval' }, { evicts: true })
        const answer = { status: 'done', pid: process.pid, released: true, pause: { message: 'lunch' } }
        expect(await commitOne(store, evict)).toEqual(answer)
        expect(await commitOne(store, evict)).toEqual(answer)
        await done(store, signal(process.pid, 'approval'))
        expect(await claim(store, 'A')).toEqual([])
        await done(store, request(process.pid, 'play'))
        expect(await claimOne(store, 'A')).toMatchObject({ pid: process.pid, played: true })
        expect(await historyNames(store, process.pid)).toEqual([
          'created',
          'pause requested',
          'paused',
          'signalled',
          'played',
        ])
      })

      test('with a kill stored it stays with its engine, which ends it (C7)', async () => {
        const process = await running(store, 'A')
        await done(store, request(process.pid, 'kill', { grace: 1_000 }))
        const evict = waitInStep(process, { signal: 'approval' }, { evicts: true })
        expect(await commitOne(store, evict)).toMatchObject({ released: false, kill: {} })
        expect(await read(process.pid)).toMatchObject({ owner: 'A', readyAt: null })
      })

      test('it is paused, played and killed with nobody running it (C7)', async () => {
        const process = await running(store, 'A')
        await done(store, waitInStep(process, { signal: 'approval' }, { evicts: true }))
        for (const what of ['pause', 'play', 'kill'] as const)
          expect(await commitOne(store, request(process.pid, what))).toMatchObject({ applied: true })
        expect(await read(process.pid)).toMatchObject({ state: 'killed', inStep: false })
      })
    })
  })
}
