import { beforeEach, describe, expect, test } from 'vitest'
import type { Store } from '../../src/persistence/store.ts'
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
  request,
  resume,
  running,
  waiting,
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
      const told = { status: 'done', pid: process.pid, released: true, pause: { message: 'lunch' } }
      expect(await commitOne(store, write)).toEqual(told)
      expect(await commitOne(store, write)).toEqual(told)
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

    test('a kill of what runs is stored with its deadline, and told to its engine (C7)', async () => {
      const process = await running(store, 'A')
      await done(store, request(process.pid, 'kill', { message: 'enough', grace: 5_000 }))
      const deadline = clock.now() + 5_000
      await done(store, request(process.pid, 'kill', { grace: 9_000 }))
      expect(await read(process.pid)).toMatchObject({ killRequested: { message: 'enough', deadline } })
      await done(store, request(process.pid, 'kill', { grace: 1_000 }))
      // The claim stays, also to wait, so that its engine can end it.
      expect(await commitOne(store, advance(process, { state: 'waiting' }))).toEqual({
        status: 'done',
        pid: process.pid,
        released: false,
        kill: { message: 'enough', deadline: clock.now() + 1_000 },
      })
      const ending = { successful: false, exitCode: null, message: 'enough', dropCheckpoint: false }
      await done(store, advance({ ...process, seq: 2 }, { state: 'killed', ending }))
      expect(await read(process.pid)).toMatchObject({ state: 'killed', killRequested: null })
      expect(await historyNames(store, process.pid)).toEqual([
        'created',
        'kill requested',
        'waiting',
        'killed',
      ])
    })

    test('a completion that commits before the kill wins (C5)', async () => {
      const process = await running(store, 'A')
      await done(store, request(process.pid, 'kill'), finish(process))
      expect(await read(process.pid)).toMatchObject({ state: 'finished', killRequested: null })
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
