import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  ProcessExcepted,
  UpstreamFailed,
  WaitTimeout,
  type ActorOptions,
  type ActorRef,
  type Engine,
} from '../../src/index.ts'
import { overEachStore } from '../engine/over-stores.ts'
import { Counter, did, forget, gate } from './classes.ts'

/* Calls that are ordered by `after`, and the timeout of that. */

overEachStore((over) => {
  let engine: Engine
  let source: ActorRef<Counter>
  let actor: ActorRef<Counter>
  beforeEach(async () => {
    engine = await over().engine([], { actors: [Counter], killGrace: '1s' })
    source = await engine.actor(Counter, [0])
    actor = await engine.actor(Counter, [0])
  })
  afterEach(forget)

  /** A call of the source that runs until its gate is opened. */
  async function endless(name: string) {
    const call = source.call.wait(name)
    await expect.poll(() => did).toContain(`wait ${name}`)
    return call
  }

  async function other(options: ActorOptions): Promise<ActorRef<Counter>> {
    return engine.actor(Counter, [0], options)
  }

  describe('a call with `after`', () => {
    test('fails when its timeout passes, what it waits for continues, and the calls behind it run', async () => {
      const on = await endless('on')
      const late = actor.send('add', [1], { after: { on: [on], timeout: '1m' } })
      const behind = actor.call.add(10)
      await behind.submitted()
      await over().clock.advance('59s')
      expect(late.done).toBe(false)
      expect(await behind.wait({ timeout: 0 })).toBe(null)
      await over().clock.advance('2s')
      const error = await late.result({ raiseOnFailure: false })
      expect(error).toBeInstanceOf(ProcessExcepted)
      expect((error as Error).cause).toBeInstanceOf(WaitTimeout)
      expect((error as Error).cause).toMatchObject({ pending: [on.pid], total: 1 })
      expect((await late.history()).map(({ name }) => name)).toEqual(['created', 'excepted'])
      expect(await behind.result()).toBe(10)
      expect(did.filter((what) => what.startsWith('add'))).toEqual(['add 10'])
      expect(on.done).toBe(false)
      gate('on').resolve()
      expect(await on.result()).toBe(100)
    })

    test('fails in time while its actor is paused, and ends those that need it', async () => {
      const on = await endless('on')
      await actor.ready()
      await actor.process.pause()
      const late = actor.send('add', [1], { after: { on: [on], timeout: '1m' } })
      const needing = source.call.add(late)
      await needing.submitted()
      await over().clock.advance('61s')
      await expect(late.result()).rejects.toThrow(/timeout of `after` has passed/)
      await expect(needing.result()).rejects.toMatchObject({ upstream: late.pid })
      expect(await actor.pending()).toBe(0)
      gate('on').resolve()
      await on.result()
    })

    test('fails in time although a value of its arguments is missing too', async () => {
      const on = await endless('on')
      const ready = await other({ order: 'ready' })
      const late = ready.send('add', [on], { after: { on: [source.call.add(1)], timeout: '1m' } })
      const fails = late.result({ raiseOnFailure: false })
      await late.submitted()
      await over().clock.advance('61s')
      expect((await fails) as Error).toMatchObject({ cause: { total: 2 } })
      gate('on').resolve()
      await on.result()
    })

    test('that has come about in time runs, and its timeout passes without effect', async () => {
      const held = actor.call.wait('held')
      await expect.poll(() => did).toContain('wait held')
      const on = source.call.add(1)
      const call = actor.send('add', [1], { after: { on: [on], timeout: '1m' } })
      await call.submitted()
      await on.result()
      await over().clock.advance('2m')
      expect(call.done).toBe(false)
      gate('held').resolve()
      expect(await call.result()).toBe(101)
      await held.result()
    })

    test('of one of several, of a failure and of either end', async () => {
      const on = await endless('on')
      const failing = source.call.fail('no')
      const any = actor.send('add', [1], {
        after: { on: [on, await other({}).then((ref) => ref.process)], when: 'any' },
      })
      await any.submitted()
      expect(any.done).toBe(false)
      const failed = (await other({})).send('add', [1], { after: { on: [failing], ended: 'failed' } })
      const either = (await other({})).send('add', [1], { after: { on: [on, failing], ended: 'either' } })
      const never = (await other({})).send('add', [1], { after: { on: [on], ended: 'failed' } })
      await Promise.all([failed, either, never].map((call) => call.submitted()))
      gate('on').resolve()
      expect(await any.result()).toBe(1)
      expect(await failed.result()).toBe(1)
      expect(await either.result()).toBe(1)
      await expect(never.result()).rejects.toThrow(UpstreamFailed)
      await expect(never.result()).rejects.toThrow(/which was to fail, and finished successfully/)
    })
  })
})
