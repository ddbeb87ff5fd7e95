import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MissingResult, type Client, type Engine } from '../../src/index.ts'
import { overEachStore } from '../engine/over-stores.ts'
import { Counter, did, forget, gate } from './classes.ts'

/* How long the results of calls are kept. */

overEachStore((over) => {
  let engine: Engine
  let client: Client
  beforeEach(async () => {
    engine = await over().engine([], { actors: [Counter] })
    client = await over().client()
  })
  afterEach(forget)

  /** Lets the engine drop what is due. */
  async function collect(): Promise<void> {
    await over().clock.advance('2m')
  }

  describe('the result of a call', () => {
    test('is kept while someone retains it, with `refs`, and its record after that', async () => {
      const actor = await engine.actor(Counter, [0], { retention: 'refs' })
      const call = actor.call.add(1)
      expect(await call.result()).toBe(1)
      const other = client.handle<number>(call.pid)
      other.retain()
      await collect()
      expect(await (await over().client()).handle(call.pid).result()).toBe(1)
      await call.release()
      await collect()
      expect(await (await over().client()).handle(call.pid).result()).toBe(1)
      await other.release()
      await collect()
      const error = await (await over().client()).handle(call.pid).result({ raiseOnFailure: false })
      expect(error).toBeInstanceOf(MissingResult)
      expect((await client.handle(call.pid).history()).map(({ name }) => name)).toContain('finished')
      expect(await actor.get('n')).toBe(1)
    })

    test('goes when the client that called is closed, with `refs`', async () => {
      await engine.actor(Counter, [0], { id: 'one' })
      const caller = await over().client([])
      const kept = caller.actorById(Counter, 'one').send('add', [1], { retention: 'refs' })
      expect(await kept.result()).toBe(1)
      await collect()
      expect(await client.handle(kept.pid).result()).toBe(1)
      await caller.close()
      await collect()
      const error = await (await over().client()).handle(kept.pid).result({ raiseOnFailure: false })
      expect(error).toBeInstanceOf(MissingResult)
    })

    test('is dropped after its time, with `ttl`, which a call may have of its own', async () => {
      const actor = await engine.actor(Counter, [0], { retention: { ttl: '1h' } })
      const [brief, long] = [actor.send('add', [1], { retention: { ttl: '10m' } }), actor.call.add(1)]
      expect(await long.result()).toBe(2)
      await over().clock.advance('20m')
      const later = await over().client()
      expect(await later.handle(brief.pid).result({ raiseOnFailure: false })).toBeInstanceOf(MissingResult)
      expect(await later.handle(long.pid).result()).toBe(2)
    })

    test('is kept as long as a queued call needs it', async () => {
      const actor = await engine.actor(Counter, [0])
      const source = await engine.actor(Counter, [5])
      const held = actor.call.wait('held')
      await expect.poll(() => did).toContain('wait held')
      const given = source.send('add', [1], { retention: 'refs' })
      const needing = actor.call.add(given)
      await needing.submitted()
      expect(await given.result()).toBe(6)
      await given.release()
      await collect()
      gate('held').resolve()
      expect(await needing.result()).toBe(106)
      await held.result()
      await over().clock.advance('2h')
      const error = await (await over().client()).handle(given.pid).result({ raiseOnFailure: false })
      expect(error).toBeInstanceOf(MissingResult)
    })

    test('calls that open the session of their client keep their order', async () => {
      const actor = client.actorById(Counter, (await engine.actor(Counter, [0])).id)
      const calls = [
        actor.call.add(1),
        actor.send('add', [10], { retention: 'refs' }),
        actor.call.add(100),
        actor.send('add', [1000], { retention: 'refs' }),
      ]
      expect(await Promise.all(calls.map((call) => call.result()))).toEqual([1, 11, 111, 1111])
    })
  })
})
