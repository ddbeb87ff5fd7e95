import { beforeEach, describe, expect, test } from 'vitest'
import type { Store } from '../../src/persistence/contract/store.ts'
import type { SimulatedClock } from '../../src/testing/index.ts'
import {
  advance,
  claim,
  claimOne,
  commitOne,
  create,
  done,
  finish,
  historyNames,
  record,
  request,
  resume,
  running,
  waiting,
  waitInStep,
} from './fixtures.ts'
import type { Bench } from './store-bench.ts'

export function requests(bench: Bench): void {
  describe('requests', () => {
    const { read, status } = bench
    let store: Store
    let clock: SimulatedClock
    beforeEach(() => {
      ;({ store, clock } = bench)
    })

    test('what nobody runs is paused in this very commit, and played again (C7)', async () => {
      const process = await waiting(store, 'A')
      const pause = request(process.pid, 'pause', { message: 'lunch' })
      expect(await commitOne(store, pause)).toEqual({ status: 'done', pid: process.pid, applied: true })
      await done(store, pause, request(process.pid, 'pause', { message: 'again' }))
      expect(await read(process.pid)).toMatchObject({ paused: { message: 'lunch' }, pauseRequested: null })
      await done(store, resume(process.pid))
      expect(await claim(store, 'A')).toEqual([])
      await done(store, request(process.pid, 'play'), request(process.pid, 'play'))
      expect(await claimOne(store, 'A')).toMatchObject({ pid: process.pid, played: true })
      expect(await historyNames(store, process.pid)).toEqual([
        'created',
        'waiting',
        'paused',
        'resumed',
        'played',
      ])
    })

    test('an abort ends what was created, and nothing that has started (C5)', async () => {
      const write = create()
      await done(store, write)
      const abort = request(write.pid, 'abort', { message: 'not needed' })
      const answer = { status: 'done', pid: write.pid, applied: true }
      expect(await commitOne(store, abort)).toEqual(answer)
      // The acknowledgement was lost.
      expect(await commitOne(store, abort)).toEqual(answer)
      expect(await commitOne(store, request(write.pid, 'abort'))).toEqual({
        status: 'ended',
        state: 'killed',
      })
      expect(await read(write.pid)).toMatchObject({ state: 'killed', message: 'not needed' })
      expect(await claim(store, 'A')).toEqual([])
      expect(await historyNames(store, write.pid)).toEqual(['created', 'killed'])
      for (const started of [await running(store, 'A'), await waiting(store, 'A')]) {
        const before = await read(started.pid)
        const late = request(started.pid, 'abort')
        for (let time = 0; time < 2; time++)
          expect(await commitOne(store, late)).toEqual({ status: 'done', pid: started.pid, applied: false })
        expect(await read(started.pid)).toEqual(before)
      }
    })

    test('an abort leaves what an engine has claimed, and ends it once the claim was given back', async () => {
      const write = create()
      await done(store, write)
      const { fence } = await claimOne(store, 'A')
      expect(await commitOne(store, request(write.pid, 'abort'))).toMatchObject({ applied: false })
      await done(store, { kind: 'release', pid: write.pid, fence })
      expect(await commitOne(store, request(write.pid, 'abort'))).toMatchObject({ applied: true })
      expect(await read(write.pid)).toMatchObject({ state: 'killed' })
    })

    test('a created process that was paused runs once it is played', async () => {
      const write = create()
      await done(store, write, request(write.pid, 'pause'))
      expect(await claim(store, 'A')).toEqual([])
      await done(store, request(write.pid, 'play'))
      expect((await claimOne(store, 'A')).pid).toBe(write.pid)
    })

    test('a pause of what runs is stored, and carried out by its next advance (C7)', async () => {
      const process = await running(store, 'A')
      expect(await commitOne(store, request(process.pid, 'pause', { message: 'lunch' }))).toMatchObject({
        applied: false,
      })
      await done(store, request(process.pid, 'pause'))
      expect(await read(process.pid)).toMatchObject({ paused: null, pauseRequested: { message: 'lunch' } })
      const write = advance(process)
      const answer = { status: 'done', pid: process.pid, released: true, pause: { message: 'lunch' } }
      expect(await commitOne(store, write)).toEqual(answer)
      expect(await commitOne(store, write)).toEqual(answer)
      expect(await read(process.pid)).toMatchObject({
        paused: { message: 'lunch' },
        pauseRequested: null,
        owner: null,
        seq: 2,
      })
      expect(await claim(store, 'A')).toEqual([])
      const entries = await store.history(process.pid)
      expect(entries.map((entry) => entry.name)).toEqual(['created', 'pause requested', 'running', 'paused'])
      expect(entries[1]).toMatchObject({ by: 'a client', data: '{"message":"lunch"}' })
      expect(entries[3]).toMatchObject({ by: 'A', data: '{"message":"lunch"}' })
      await done(store, request(process.pid, 'play'))
      expect(await claimOne(store, 'A')).toMatchObject({ seq: 2, played: true })
    })

    test('a process pauses itself with its transition', async () => {
      const process = await running(store, 'A')
      expect(await commitOne(store, advance(process, { paused: { message: 'own wish' } }))).toEqual({
        status: 'done',
        pid: process.pid,
        released: true,
      })
      expect(await read(process.pid)).toMatchObject({ paused: { message: 'own wish' }, owner: null })
    })

    test('play before the boundary calls the pause off (C7)', async () => {
      const process = await running(store, 'A')
      await done(store, request(process.pid, 'pause'), request(process.pid, 'play'))
      expect(await commitOne(store, advance(process))).toEqual({
        status: 'done',
        pid: process.pid,
        released: false,
      })
      expect(await historyNames(store, process.pid)).toEqual([
        'created',
        'pause requested',
        'played',
        'running',
      ])
    })

    test('what nobody runs is killed in this very commit, once (C7)', async () => {
      const process = await waiting(store, 'A')
      await done(store, request(process.pid, 'pause'))
      const kill = request(process.pid, 'kill', {
        message: 'enough',
        killedState: '{"label":"killed","m":1}',
      })
      expect(await commitOne(store, kill)).toEqual({ status: 'done', pid: process.pid, applied: true })
      expect(await commitOne(store, kill)).toMatchObject({ status: 'done' })
      expect(await status(request(process.pid, 'kill'))).toEqual(['ended'])
      const stored = await store.load(process.pid)
      expect(stored?.row).toMatchObject({
        state: 'killed',
        message: 'enough',
        successful: false,
        paused: null,
      })
      expect(stored?.bundle().parts['state']).toBe('{"label":"killed","m":1}')
      expect((await store.history(process.pid)).at(-1)).toMatchObject({ name: 'killed', by: 'a client' })
    })

    test('a kill of what runs is stored with its deadline, and its engine is notified (C7)', async () => {
      const process = await running(store, 'A')
      await done(store, request(process.pid, 'kill', { message: 'enough', grace: 5_000 }))
      const deadline = clock.now() + 5_000
      await done(store, request(process.pid, 'kill', { grace: 9_000 }))
      expect(await read(process.pid)).toMatchObject({ killRequested: { message: 'enough', deadline } })
      await done(store, request(process.pid, 'kill', { grace: 1_000 }))
      // The claim stays, so that its engine can end it.
      const kill = { message: 'enough', deadline: clock.now() + 1_000 }
      expect(await commitOne(store, advance(process, { state: 'waiting' }))).toEqual({ status: 'held', kill })
      const ending = { successful: false, exitCode: null, message: 'enough', dropCheckpoint: false }
      await done(store, advance(process, { state: 'killed', ending }))
      expect(await read(process.pid)).toMatchObject({ state: 'killed', killRequested: null })
      expect(await historyNames(store, process.pid)).toEqual(['created', 'kill requested', 'killed'])
    })

    test.each(['running', 'waiting', 'finished', 'excepted'] as const)(
      'once a kill is stored, its process does not become %s, and ends as killed (C5)',
      async (state) => {
        const process = await running(store, 'A')
        const before = await store.load(process.pid)
        const ends = state === 'finished' || state === 'excepted'
        const ending = {
          successful: state === 'finished',
          exitCode: null,
          message: null,
          dropCheckpoint: state === 'finished',
        }
        const write = advance(process, { state, ending: ends ? ending : null, parts: { memory: '{}' } })
        const kill = request(process.pid, 'kill', { message: 'enough' })
        const answer = { status: 'held', kill: { message: 'enough', deadline: clock.now() + kill.grace } }
        await done(store, kill)
        expect(await commitOne(store, write)).toEqual(answer)
        expect(await commitOne(store, write)).toEqual(answer)
        expect(await read(process.pid)).toMatchObject({ state: 'running', owner: 'A', seq: 1 })
        expect((await store.load(process.pid))?.bundle().parts).toEqual(before?.bundle().parts)
        await done(store, advance(process, { state: 'killed', ending: { ...ending, successful: false } }))
        expect(await status(write)).toEqual(['ended'])
        expect(await historyNames(store, process.pid)).toEqual(['created', 'kill requested', 'killed'])
      },
    )

    test('a write that was done before the kill is stored is done when it is sent again (C4)', async () => {
      const process = await running(store, 'A')
      const write = advance(process)
      await done(store, write, request(process.pid, 'kill'), write)
      expect(await status(advance({ ...process, seq: 2 }))).toEqual(['held'])
    })

    test('what a step records while its kill is stored is kept, so that a restart has it (C6)', async () => {
      const process = await running(store, 'A')
      await done(store, request(process.pid, 'kill', { message: 'enough' }))
      expect(
        await commitOne(store, record(process, { parts: { 'record:effect:charge': '1' } })),
      ).toMatchObject({ status: 'done', kill: { message: 'enough' } })
    })

    test('what waits and is held by an engine is paused at once, and does not go on before it is played (C7)', async () => {
      const sleeper = await waiting(store, 'A')
      await done(store, resume(sleeper.pid))
      const woken = await claimOne(store, 'A')
      const on = advance(woken, { consumes: woken.wake?.id ?? null })
      const fail = advance(woken, {
        state: 'excepted',
        ending: { successful: false, exitCode: null, message: 'late', dropCheckpoint: false },
      })
      expect(await commitOne(store, request(sleeper.pid, 'pause', { message: 'lunch' }))).toMatchObject({
        applied: true,
      })
      const answer = { status: 'held', pause: { message: 'lunch' } }
      expect(await commitOne(store, on)).toEqual(answer)
      expect(await commitOne(store, fail)).toEqual(answer)
      expect(await read(sleeper.pid)).toMatchObject({
        state: 'waiting',
        paused: { message: 'lunch' },
        owner: 'A',
      })
      // Given back it keeps what has come for it.
      await done(store, { kind: 'release', pid: sleeper.pid, fence: woken.fence })
      expect(await claim(store, 'A')).toEqual([])
      await done(store, request(sleeper.pid, 'play'))
      const again = await claimOne(store, 'A')
      expect(again.wake).toEqual(woken.wake)
      await done(store, advance(again, { consumes: again.wake?.id ?? null }))
      expect(await historyNames(store, sleeper.pid)).toEqual([
        'created',
        'waiting',
        'resumed',
        'paused',
        'released',
        'played',
        'running',
      ])
    })

    test('a kill ends what is paused where it waits, by its engine (C5)', async () => {
      const process = await running(store, 'A')
      await done(
        store,
        waitInStep(process, { signal: 'approval' }),
        request(process.pid, 'pause'),
        request(process.pid, 'kill'),
      )
      const ending = { successful: false, exitCode: null, message: null, dropCheckpoint: false }
      expect(await status(finish(process))).toEqual(['held'])
      await done(store, advance(process, { state: 'killed', ending }))
    })

    test('of a completion and a kill the first to commit wins (C5)', async () => {
      const [first, second] = [await running(store, 'A'), await running(store, 'A')]
      expect(await status(finish(first), request(first.pid, 'kill'))).toEqual(['done', 'ended'])
      expect(await status(request(second.pid, 'kill'), finish(second))).toEqual(['done', 'held'])
      expect(await read(first.pid)).toMatchObject({ state: 'finished', killRequested: null })
    })

    test('a kill without grace ends it now, and fences its engine (C4, C5)', async () => {
      const process = await running(store, 'A')
      expect(await commitOne(store, request(process.pid, 'kill', { grace: 0 }))).toMatchObject({
        applied: true,
      })
      expect(await status(finish(process))).toEqual(['ended'])
      expect(await read(process.pid)).toMatchObject({ state: 'killed', owner: null })
    })

    test('a stored kill is done at its deadline by whoever sees it, and not before (C7)', async () => {
      const process = await running(store, 'A')
      const enforce = { kind: 'enforce', pid: process.pid, killedState: '{"label":"killed"}' } as const
      expect(await commitOne(store, enforce)).toMatchObject({ applied: false })
      await done(store, request(process.pid, 'kill', { grace: 1_000 }))
      expect(await commitOne(store, enforce)).toMatchObject({ applied: false })
      expect(await store.recover()).toMatchObject({ nextDeadline: clock.now() + 1_000 })
      await clock.advance(1_000)
      expect(await status(enforce, advance(process))).toEqual(['done', 'ended'])
      expect(await read(process.pid)).toMatchObject({ state: 'killed' })
    })

    test('recovery does the kills whose deadline has passed (C7)', async () => {
      const process = await running(store, 'A')
      await done(
        store,
        request(process.pid, 'kill', { grace: 1_000, killedState: '{"label":"killed","m":2}' }),
      )
      await clock.advance(1_500)
      expect(await store.recover()).toMatchObject({ nextDeadline: null })
      expect((await store.load(process.pid))?.bundle().parts['state']).toBe('{"label":"killed","m":2}')
    })
  })
}
