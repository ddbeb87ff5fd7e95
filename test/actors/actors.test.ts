import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  AlreadyDone,
  ClosedError,
  InvalidStateError,
  KeyConflictError,
  MailboxFull,
  ProcessExcepted,
  ProcessKilled,
  SerializationError,
  UpstreamFailed,
  type ActorOptions,
  type ActorRef,
  Engine,
  type Store,
} from '../../src/index.ts'
import { intercept } from '../../src/testing/intercept.ts'
import { overEachStore, untilRow } from '../engine/over-stores.ts'
import { Counter, did, forget, gate, Unsavable, watching } from './classes.ts'

class Late {
  n = 0
  add(by: number): number {
    return (this.n += by)
  }
}

overEachStore((over) => {
  let engine: Engine
  let store: Store
  beforeEach(async () => {
    ;({ store } = over())
    engine = await over().engine([], { actors: [Counter, Unsavable], killGrace: '1s' })
  })
  afterEach(forget)

  function counter(start = 0, options: ActorOptions = {}): Promise<ActorRef<Counter>> {
    return engine.actor(Counter, [start], options)
  }

  /** Waits until a call has begun to wait at its gate. */
  async function untilWaits(name: string): Promise<void> {
    while (!did.includes(`wait ${name}`)) await new Promise((resolve) => setImmediate(resolve))
  }

  async function untilIdle(actor: ActorRef<Counter>): Promise<void> {
    await expect.poll(() => store.read(actor.id)).toMatchObject({ owner: null, mailbox: { calls: 0 } })
  }

  describe('calls', () => {
    test('run one at a time in the order of calling, and give handles with their results', async () => {
      const actor = await counter(3)
      const handles = [actor.call.add(1), actor.call.wait('a'), actor.call.add(2)] as const
      await untilWaits('a')
      expect(await actor.pending()).toBeGreaterThanOrEqual(2)
      gate('a').resolve()
      expect(await Promise.all(handles.map((handle) => handle.result()))).toEqual([4, 104, 106])
      expect(handles[0].name).toBe('Counter.add')
      expect((await handles[0].metadata()).worker).toBe(engine.id)
      const called: string[] = []
      await new Promise<void>((resolve) =>
        handles[2].onDone(({ pid }) => {
          called.push(pid)
          resolve()
        }),
      )
      expect(called).toEqual([handles[2].pid])
      expect(await handles[0].inputs()).toEqual({ args: [1] })
      expect((await handles[0].history()).map(({ name }) => name)).toEqual(['created', 'running', 'finished'])
      expect(await actor.get('n')).toBe(106)
      expect(await actor.call.note('x').result()).toBe(1)
    })

    test('that fail fail alone, and leave the state from before', async () => {
      const actor = await counter(3)
      const [failed, next] = [actor.call.fail('no'), actor.call.add(1)]
      const error = await failed.result({ raiseOnFailure: false })
      expect(error).toBeInstanceOf(ProcessExcepted)
      expect((error as Error).cause).toBeInstanceOf(RangeError)
      expect(await next.result()).toBe(4)
    })

    test('that leave something in a field that cannot be saved fail with its path', async () => {
      const actor = await counter(3)
      const spoiled = actor.call.spoil()
      await expect(spoiled.result()).rejects.toThrow(/Counter\.hook\.on/)
      expect(await actor.call.add(1).result()).toBe(4)
    })

    test('are retried in place, from the state before them, and spend no more than they have', async () => {
      const actor = await counter(0, { retries: 1 })
      const [twice, after] = [actor.call.failFirst(1), actor.call.add(1)]
      const thrice = actor.send('failFirst', [2])
      const more = actor.send('failFirst', [2], { retries: 2 })
      await Promise.all([over().clock.advance('10s'), twice.result()])
      expect(await twice.result()).toBe(1)
      expect(await after.result()).toBe(2)
      const failed = thrice.result({ raiseOnFailure: false })
      await over().clock.advance('10s')
      expect(await failed).toBeInstanceOf(ProcessExcepted)
      const done = more.result()
      await over().clock.advance('10s')
      expect(await done).toBe(3)
      expect((await twice.history()).map(({ name }) => name)).toEqual([
        'created',
        'running',
        'failed',
        'running',
        'finished',
      ])
    })

    test('take values of other processes, calls and actors, at any depth, and order by `after`', async () => {
      const [one, two] = [await counter(1), await counter(2)]
      const given = one.call.wait('given')
      const sum = two.call.sum([given, 1], { by: given })
      const last = two.send('add', [1], { after: [given] })
      expect(await two.get('n')).toBe(2)
      await untilWaits('given')
      gate('given').resolve()
      expect(await sum.result()).toBe(2 + 101 + 1 + 101)
      expect(await last.result()).toBe(206)
      const told = await two.call.tell(one, 5).result()
      expect(await told.result()).toBe(106)
      await two.call.meet(one).result()
      await two.call.pass(1).result()
      await expect.poll(() => one.get('n')).toBe(107)
    })

    test.each(['strict', 'ready'] as const)('in the order %s', async (order) => {
      const upstream = await counter()
      const actor = await counter(0, { order })
      const given = upstream.call.wait('given')
      const handles = [actor.call.sum([given], { by: 0 }), actor.call.add(1)] as const
      await untilWaits('given')
      const early = await handles[1].wait(order === 'ready' ? {} : { timeout: 0 })
      expect(early === null).toBe(order === 'strict')
      gate('given').resolve()
      expect(await handles[0].result()).toBe(order === 'ready' ? 101 : 100)
      expect(await handles[1].result()).toBe(order === 'ready' ? 1 : 101)
    })

    test('whose input fails fail with UpstreamFailed, and do not run', async () => {
      const actor = await counter()
      const failed = actor.call.fail('first')
      const dependent = actor.call.add(failed as never)
      await expect(dependent.result()).rejects.toThrow(UpstreamFailed)
      expect(did.filter((what) => what.startsWith('add'))).toEqual([])
      expect(await actor.call.add(1).result()).toBe(1)
    })

    test('whose input fails fail at once, behind others and while their actor is paused', async () => {
      const source = await counter()
      const actor = await counter()
      const running = actor.call.wait('given')
      await untilWaits('given')
      const failing = source.call.wait('source')
      const behind = actor.call.add(failing)
      const following = actor.call.add(behind)
      await failing.kill('not today')
      const error = await behind.result().catch((caught: unknown) => caught)
      expect(error).toBeInstanceOf(UpstreamFailed)
      expect(error).toMatchObject({ upstream: failing.pid, cause: expect.any(ProcessKilled) })
      await expect(following.result()).rejects.toMatchObject({
        upstream: behind.pid,
        cause: { upstream: failing.pid },
      })
      expect(running.done).toBe(false)
      gate('given').resolve()
      await running.result()
      await actor.process.pause()
      await expect(actor.call.add(failing).result()).rejects.toThrow(UpstreamFailed)
      expect(await actor.pending()).toBe(0)
      await actor.process.play()
      expect(await actor.call.add(1).result()).toBe(101)
    })

    test('whose reference names a key that there is not fail in their turn, and name the key', async () => {
      const source = await counter()
      const actor = await counter()
      const given = source.call.add(1)
      await given.result()
      const first = actor.call.wait('first')
      const wrong = actor.call.add(given.outputs.ref('nothing.here' as never))
      const last = actor.call.add(5)
      await untilWaits('first')
      await last.submitted()
      expect(await wrong.wait({ timeout: 0 })).toBe(null)
      gate('first').resolve()
      await expect(wrong.result()).rejects.toThrow(UpstreamFailed)
      await expect(wrong.result()).rejects.toThrow(/nothing\.here/)
      expect(await last.result()).toBe(105)
      await first.result()
    })

    test('refuse an unknown method, and an argument that cannot be saved, at once', async () => {
      const actor = await counter()
      expect(() => (actor.call as unknown as { nope(): void }).nope()).toThrow(/no method nope/)
      expect(() => (actor.call as unknown as { onLoad(): void }).onLoad()).toThrow(TypeError)
      expect(() => actor.call.add((() => 1) as never)).toThrow(SerializationError)
      const byName = (await over().client()).actorById('Counter', actor.id)
      await expect((byName.call as { nope(): typeof byName.process }).nope().result()).rejects.toThrow(
        /no method nope/,
      )
    })

    test('do things once by name, after the calls before them are durable, and print', async () => {
      const actor = await counter()
      const [added, paid] = [actor.call.add(1), actor.call.pay('rent')]
      const key = await paid.result()
      expect(key).toBe(`${paid.pid}/1/pay`)
      expect(await added.isReady()).toBe(true)
      const events = (await paid.history()).map(({ name }) => name)
      expect(events).toEqual(['created', 'running', 'effect', 'event', 'finished'])
      await paid.addEvent('audited', { by: 'Ann' })
      const noted: unknown[] = []
      for await (const { name, data } of paid.events()) if (name === 'event') noted.push(data)
      expect(noted).toMatchObject([
        { name: 'paid', data: { name: 'rent' } },
        { name: 'audited', data: { by: 'Ann' } },
      ])
      const lines: string[] = []
      for await (const { text } of paid.logs()) lines.push(text)
      expect(lines).toEqual(['pays rent\n'])
    })

    test('an effect waits until the calls before it are durable (C3)', async () => {
      const actor = await counter()
      const held = actor.call.wait('held')
      await untilWaits('held')
      const [added, seen] = [actor.call.add(1), actor.send('stateOf', [], {})]
      await seen.submitted()
      watching.state = async () => (await store.read(added.pid))?.state
      gate('held').resolve()
      expect(await seen.result()).toBe('finished')
      await held.result()
    })

    test('of a client that is closed are refused, as is a look at the actor', async () => {
      const actor = await counter(3)
      await engine.close()
      await expect(actor.ready()).rejects.toThrow(ClosedError)
      await expect(actor.get('n')).rejects.toThrow(ClosedError)
      await expect(actor.call.add(1).submitted()).rejects.toThrow(ClosedError)
    })

    test('may sleep before they do anything else by name', async () => {
      const actor = await counter(3)
      const handles = [actor.call.add(1), actor.call.nap(), actor.call.add(1)] as const
      await expect
        .poll(async () => (await handles[1].history()).map(({ name }) => name))
        .toContain('sleeping')
      await over().clock.advance('10s')
      expect(await Promise.all(handles.map((handle) => handle.result()))).toEqual([4, 5, 6])
    })

    test('that wait for a call of their own actor fail, and do not hang', async () => {
      const actor = await counter()
      const first = actor.call.wait('first')
      const asks = actor.send('askSelf', [actor])
      const last = actor.call.add(1)
      await untilWaits('first')
      gate('first').resolve()
      await expect(asks.result()).rejects.toThrow(/wait for ever/)
      expect(await last.result()).toBe(101)
      await first.result()
    })
  })

  describe('an actor', () => {
    test('without calls is a row alone, and comes back with its state', async () => {
      const actor = await counter(1)
      await actor.call.add(1).result()
      await untilIdle(actor)
      expect(await actor.call.add(1).result()).toBe(3)
      await untilIdle(actor)
      expect(did.filter((what) => what === 'load').length).toBeGreaterThan(1)
      expect(await actor.call.calls().result()).toBe(0)
    })

    test('runs what is queued without being loaded again', async () => {
      const actor = await counter(1)
      const first = actor.call.wait('first')
      await untilWaits('first')
      did.length = 0
      const handles = Array.from({ length: 250 }, () => actor.call.add(1))
      await handles.at(-1)?.submitted()
      gate('first').resolve()
      expect(await handles.at(-1)?.result()).toBe(351)
      expect(did.includes('load')).toBe(false)
      await first.result()
    })

    test('is opened by its id, by another client too, and another one under it is refused', async () => {
      const actor = await counter(1, { id: 'one' })
      await actor.call.add(1).result()
      expect(await (await counter(1, { id: 'one' })).get('n')).toBe(2)
      await expect(counter(2, { id: 'one' })).rejects.toThrow(KeyConflictError)
      await expect(engine.actor(Unsavable, [], { id: 'one' })).rejects.toThrow(KeyConflictError)
      expect(actor.id).toBe('one')
      const client = await over().client()
      const same = client.actorById(Counter, 'one')
      expect(await same.call.add(1).result()).toBe(3)
      expect(JSON.stringify(same)).toBe('{"$actor":"one"}')
    })

    test('whose constructor fails rejects ready(), and its calls with UpstreamFailed', async () => {
      const actor = await counter(-1)
      const call = actor.call.add(1)
      await expect(actor.ready()).rejects.toThrow(/too small/)
      const error = await call.result({ raiseOnFailure: false })
      // Stored before or after the actor failed.
      expect(error instanceof UpstreamFailed || error instanceof AlreadyDone).toBe(true)
      await expect(actor.call.add(1).result()).rejects.toThrow(AlreadyDone)
    })

    test('whose constructor leaves a field that cannot be saved fails with its path', async () => {
      const actor = await engine.actor(Unsavable, [])
      await expect(actor.ready()).rejects.toThrow(/Unsavable\.inner\.hook/)
    })

    test('takes no more calls than `maxMailbox`', async () => {
      const actor = await counter(0, { maxMailbox: 2 })
      const held = actor.call.wait('held')
      await untilWaits('held')
      const [second, third] = [actor.call.add(1), actor.call.add(1)]
      await expect(third.submitted()).rejects.toThrow(MailboxFull)
      await expect(third.result()).rejects.toThrow(MailboxFull)
      gate('held').resolve()
      expect(await held.result()).toBe(100)
      expect(await second.result()).toBe(101)
      expect(await actor.call.add(1).result()).toBe(102)
    })

    test('that is stopped runs what is queued, ends, and refuses calls', async () => {
      const actor = await counter()
      const handles = [actor.call.wait('last'), actor.call.add(1)] as const
      await untilWaits('last')
      const stopping = actor.stop()
      await untilRow(store, actor.id, ({ mailbox }) => mailbox?.stopping === true)
      await expect(actor.call.add(1).submitted()).rejects.toThrow(AlreadyDone)
      gate('last').resolve()
      await stopping
      expect(await handles[1].result()).toBe(101)
      expect(await actor.process.result()).toBeUndefined()
      expect(await actor.get('n')).toBe(101)
      await actor.stop()
    })

    test('that is stopped without draining ends what is queued', async () => {
      const actor = await counter()
      const handles = [actor.call.wait('last'), actor.call.add(1)] as const
      await untilWaits('last')
      await handles[1].submitted()
      const stopping = actor.stop({ drain: false })
      gate('last').resolve()
      await stopping
      await expect(handles[1].result()).rejects.toThrow(UpstreamFailed)
    })

    test('that is paused takes calls and runs none until it is played', async () => {
      const actor = await counter()
      await actor.ready()
      await untilIdle(actor)
      await actor.process.pause('lunch')
      const call = actor.call.add(1)
      await call.submitted()
      expect(await actor.pending()).toBe(1)
      await actor.process.play()
      expect(await call.result()).toBe(1)
    })

    test('that is paused while a call runs stops after it', async () => {
      const actor = await counter()
      const handles = [actor.call.wait('held'), actor.call.add(1)] as const
      await untilWaits('held')
      await handles[1].submitted()
      await actor.process.pause()
      gate('held').resolve()
      expect(await handles[0].result()).toBe(100)
      await untilRow(store, actor.id, ({ paused, owner }) => paused !== null && owner === null)
      expect(await handles[1].isReady()).toBe(false)
      await actor.process.play()
      expect(await handles[1].result()).toBe(101)
    })

    test('that is killed ends with its calls', async () => {
      const actor = await counter()
      const handles = [actor.call.wait('held'), actor.call.add(1)] as const
      await untilWaits('held')
      await handles[1].submitted()
      await actor.process.kill('enough')
      await expect(actor.process.result()).rejects.toThrow(ProcessKilled)
      for (const handle of handles) await expect(handle.result()).rejects.toThrow(UpstreamFailed)
    })

    test('goes on without a call that is killed while it runs or is queued', async () => {
      const actor = await counter()
      const handles = [actor.call.wait('held'), actor.call.add(1), actor.call.add(10)] as const
      await untilWaits('held')
      await handles[2].submitted()
      await handles[1].kill('not this one')
      await handles[0].kill('nor this')
      expect(await handles[1].wait()).toMatchObject({ label: 'killed', message: 'not this one' })
      for (const handle of handles.slice(0, 2)) await expect(handle.result()).rejects.toThrow(ProcessKilled)
      expect(await handles[2].result()).toBe(10)
    })

    test('is as it was constructed after a call that was killed before the first commit of the actor', async () => {
      const client = await over().client()
      const actor = await client.actor(Late, [])
      const [killed, kept] = [actor.call.add(1), actor.call.add(10)]
      await kept.submitted()
      let isFirst = true
      const killing = intercept(store, (commit) => async (writes) => {
        if (isFirst && writes.some(({ kind }) => kind === 'calls')) {
          isFirst = false
          await killed.kill()
        }
        return commit(writes)
      })
      const options = { clock: over().clock, actors: [Late], handleSignals: false }
      const other = await Engine.open({ store: killing, ...options })
      try {
        expect(await kept.result()).toBe(10)
        expect(await actor.get('n')).toBe(10)
      } finally {
        await other.close({ drain: 0 })
      }
    })

    test('is ready, and its fields can be read, while its first call runs', async () => {
      const client = await over().client()
      const actor = await client.actor(Counter, [3], { worker: 'late' })
      const held = actor.call.wait('held')
      await held.submitted()
      await over().engine([], { actors: [Counter], labels: ['late'] })
      await untilWaits('held')
      await actor.ready()
      expect(await actor.get('n')).toBe(3)
      gate('held').resolve()
      expect(await held.result()).toBe(103)
    })

    test('reads and sets its fields, also in the order of the calls', async () => {
      const actor = await counter()
      const held = actor.call.wait('held')
      await untilWaits('held')
      const set = actor.set('n', 7)
      const read = actor.get('n', { ordered: true })
      expect(await actor.get('n')).toBe(0)
      gate('held').resolve()
      expect(await held.result()).toBe(100)
      expect(await set.result()).toBeUndefined()
      expect(await read).toBe(7)
      await expect(actor.set('onLoad' as never, 1 as never).result()).rejects.toThrow(/no field/)
    })

    test('closes with its engine, and goes on in the next one (C12)', async () => {
      const actor = await counter()
      const handles = [actor.call.add(1), actor.call.wait('held'), actor.call.add(1)] as const
      await untilWaits('held')
      await handles[2].submitted()
      await engine.close({ drain: 0 })
      gate('held').resolve()
      const next = await over().engine([], { actors: [Counter] })
      expect(await next.handle(handles[2].pid).result()).toBe(102)
      expect((await next.history(actor.id)).map(({ name }) => name)).not.toContain('crashed')
    })
  })

  test('a pause of a call is refused', async () => {
    const actor = await counter()
    const held = actor.call.wait('held')
    await untilWaits('held')
    await expect(held.pause()).rejects.toThrow(InvalidStateError)
    gate('held').resolve()
  })
})
