import { beforeEach, describe, expect, test } from 'vitest'
import type { Store } from '../../src/persistence/contract/store.ts'
import type { Advance, Create, Mailbox, ServeCalls, Write } from '../../src/persistence/contract/writes.ts'
import { InvalidStateError, MailboxFull } from '../../src/shared/errors.ts'
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
  record,
  type Held,
} from './fixtures.ts'
import type { Bench } from './store-bench.ts'

/** What an engine stores of an actor that it holds. */
function serve(actor: Held, calls: readonly Advance[], fields: Partial<ServeCalls> = {}): ServeCalls {
  return {
    kind: 'calls',
    pid: actor.pid,
    fence: actor.fence,
    seq: actor.seq + 1,
    owner: 'A',
    parts: { memory: `{"after":${actor.seq + 1}}` },
    calls,
    releases: true,
    history: [],
    ending: null,
    ...fields,
  }
}

export function mailboxes(bench: Bench): void {
  describe('the calls of an actor', () => {
    const { read, crash } = bench
    let store: Store
    beforeEach(() => {
      ;({ store } = bench)
    })

    async function newActor(mailbox: Partial<Mailbox> = {}): Promise<string> {
      const write = create({ mailbox: { order: 'strict', limit: null, ...mailbox } })
      await done(store, write)
      return write.pid
    }

    function callOf(actor: string, fields: Partial<Create> = {}): Create {
      return create({ className: 'Bake.add', actor, ...fields })
    }

    async function calls(actor: string, count: number, fields: Partial<Create> = {}): Promise<string[]> {
      const writes = Array.from({ length: count }, () => callOf(actor, fields))
      await done(store, ...writes)
      return writes.map(({ pid }) => pid)
    }

    /** The end of a call that has not begun. */
    function ended(pid: string, fields: Partial<Advance> = {}): Advance {
      return finish({ pid, fence: 0, seq: 0 }, fields)
    }

    /** Claims the actor, and stores that it was constructed. */
    async function held(actor: string, releases = false, by = 'A'): Promise<Held> {
      if (by !== 'A') await store.join(engine(by))
      const claimed = await claimOne(store, by)
      expect(claimed.pid).toBe(actor)
      await done(store, serve(claimed, [], { releases, owner: by }))
      return { ...claimed, seq: claimed.seq + 1 }
    }

    async function next(actor: string): Promise<string[]> {
      return (await store.calls(actor, 100, [])).map(({ row }) => row.pid)
    }

    test('a call is not claimed by itself, and makes its actor ready', async () => {
      const actor = await newActor()
      await held(actor, true)
      expect(await read(actor)).toMatchObject({ state: 'waiting', owner: null, readyAt: null })
      const [one] = await calls(actor, 1)
      expect(await read(one as string)).toMatchObject({ actor, readyAt: null, state: 'created' })
      expect(await read(actor)).toMatchObject({ mailbox: { calls: 1 } })
      expect(await claim(store, 'A', { classes: [{ name: 'Bake.add', version: 1 }] })).toEqual([])
      expect((await claimOne(store, 'A')).pid).toBe(actor)
    })

    test('the ends of calls and the state that they lead to are one commit, in the order of the calls', async () => {
      const actor = await newActor()
      const pids = await calls(actor, 3)
      const claimed = await held(actor)
      expect(await next(actor)).toEqual(pids)
      expect((await store.calls(actor, 1, [pids[0] as string])).map(({ row }) => row.pid)).toEqual([pids[1]])
      const outcome = await commitOne(
        store,
        serve(
          claimed,
          pids.slice(0, 2).map((pid) => ended(pid)),
        ),
      )
      expect(outcome).toMatchObject({ status: 'done', released: false, endedAt: expect.any(Number) })
      expect(await read(pids[1] as string)).toMatchObject({
        state: 'finished',
        successful: true,
        runner: 'A',
      })
      expect((await store.load(actor))?.bundle().parts['memory']).toBe(`{"after":${claimed.seq + 1}}`)
      expect(await next(actor)).toEqual([pids[2]])
      expect(await store.pending(pids[2] as string)).toMatchObject({ ahead: 0 })
    })

    test('the claim is given back with the last call, unless another one has come (C8)', async () => {
      const actor = await newActor()
      const [one] = await calls(actor, 1)
      const claimed = await held(actor)
      const late = callOf(actor)
      await done(store, late)
      const outcome = await commitOne(store, serve(claimed, [ended(one as string)]))
      expect(outcome).toMatchObject({ released: false })
      const again = { ...claimed, seq: claimed.seq + 1 }
      expect(await commitOne(store, serve(again, [ended(late.pid)]))).toMatchObject({ released: true })
      await calls(actor, 1)
      expect(await read(actor)).toMatchObject({ owner: null, readyAt: expect.any(Number) })
      expect((await claimOne(store, 'A')).pid).toBe(actor)
    })

    test('the history of an actor stays whole, whichever commit finds no room in its row', async () => {
      const actor = await newActor()
      await held(actor, true)
      for (let round = 1; round <= 60; round++) {
        const first = callOf(actor)
        const needs = [{ pid: first.pid, ended: 'successful', any: false }] as const
        const second = callOf(actor, { upstream: { needs, until: null } })
        await done(store, first)
        await done(store, second)
        const claimed = await claimOne(store, 'A')
        await done(store, serve(claimed, [ended(first.pid)]))
        await done(store, serve({ ...claimed, seq: claimed.seq + 1 }, [ended(second.pid)]))
      }
      const history = await store.history(actor)
      expect(history.map(({ n }) => n)).toEqual(history.map((_, index) => index + 1))
      expect(history.filter(({ name }) => name === 'called')).toHaveLength(60)
    })

    test('a write is repeated after a lost answer, and a stale engine changes nothing (C4)', async () => {
      const actor = await newActor()
      const [one, two] = (await calls(actor, 2)) as [string, string]
      const claimed = await held(actor, false, 'B')
      const write = serve(claimed, [ended(one, { owner: 'B' })], { owner: 'B' })
      const first = await commitOne(store, write)
      await bench.clock.advance(50)
      expect(await commitOne(store, write)).toEqual(first)
      await crash('B')
      const begin: Advance = advance(
        { pid: two, fence: 0, seq: 0 },
        { begins: true, actorFence: claimed.fence, owner: 'B' },
      )
      const stale = serve({ ...claimed, seq: claimed.seq + 1 }, [ended(two)], { owner: 'B' })
      for (const late of [stale, begin] as const)
        expect(await commitOne(store, late)).toMatchObject({ status: 'fenced' })
      expect(await read(two)).toMatchObject({ state: 'created', seq: 0 })
      expect((await claimOne(store, 'A')).pid).toBe(actor)
    })

    test('a call that was killed holds the whole write, so that no effect of it is stored (C5)', async () => {
      const actor = await newActor()
      const [one, two] = (await calls(actor, 2)) as [string, string]
      const claimed = await held(actor)
      await done(store, request(two, 'kill'))
      expect(await read(two)).toMatchObject({ state: 'killed' })
      expect(await read(actor)).toMatchObject({ mailbox: { calls: 1 } })
      const outcome = await commitOne(store, serve(claimed, [ended(one), ended(two)]))
      expect(outcome).toEqual({ status: 'held', calls: [two] })
      expect(await read(one)).toMatchObject({ state: 'created' })
      expect(await commitOne(store, serve(claimed, [ended(one)]))).toMatchObject({ released: true })
    })

    test('a call that has begun is killed by its engine, and other writes for it are held (C5)', async () => {
      const actor = await newActor()
      const [one] = (await calls(actor, 1)) as [string]
      const claimed = await held(actor)
      const begin = { begins: true, actorFence: claimed.fence } as const
      await done(store, advance({ pid: one, fence: 0, seq: 0 }, begin))
      expect(await read(one)).toMatchObject({ state: 'running', owner: 'A' })
      await done(store, request(one, 'kill'))
      const begun = { pid: one, fence: 1, seq: 1 }
      expect(await commitOne(store, serve(claimed, [finish(begun)]))).toEqual({
        status: 'held',
        calls: [one],
      })
      const killed = finish(begun, {
        state: 'killed',
        ending: { successful: false, exitCode: null, message: null, dropCheckpoint: false },
      })
      await done(store, serve(claimed, [killed]))
      expect(await read(one)).toMatchObject({ state: 'killed' })
    })

    test('a call that its dead engine had begun is run again under the next claim of its actor', async () => {
      const actor = await newActor()
      const [one] = (await calls(actor, 1)) as [string]
      const claimed = await held(actor, false, 'B')
      const first = advance(
        { pid: one, fence: 0, seq: 0 },
        { begins: true, actorFence: claimed.fence, owner: 'B' },
      )
      await done(store, first)
      await crash('B')
      const again = await claimOne(store, 'A')
      expect(await read(one)).toMatchObject({ state: 'running', owner: null, readyAt: null })
      const [loaded] = await store.calls(actor, 100, [])
      expect(loaded?.fence).toBe(2)
      const begin = { begins: true, actorFence: again.fence } as const
      // What the dead engine knew of the call ends it no more (C4).
      const stale = serve(again, [finish({ pid: one, fence: 1, seq: 1 })])
      expect(await commitOne(store, stale)).toEqual({ status: 'held', calls: [one] })
      await done(store, advance({ pid: one, fence: 2, seq: 1 }, begin))
      await done(store, serve(again, [finish({ pid: one, fence: 3, seq: 2 })]))
    })

    test.each([
      ['strict', []],
      ['ready', [1, 2]],
    ] as const)('in the order %s', async (order, runnable) => {
      const upstream = await running(store, 'A')
      const actor = await newActor({ order })
      const claimed = await held(actor, true)
      const needs = { needs: [{ pid: upstream.pid, ended: 'successful', any: false }], until: null } as const
      const pids = [...(await calls(actor, 1, { upstream: needs })), ...(await calls(actor, 2))]
      expect(await next(actor)).toEqual(runnable.map((index) => pids[index]))
      expect((await claim(store, 'A')).length).toBe(runnable.length === 0 ? 0 : 1)
      if (order === 'ready') return
      await done(store, finish(upstream))
      expect(await next(actor)).toEqual(pids)
      expect(await claimOne(store, 'A')).toMatchObject({ pid: actor, fence: claimed.fence + 1 })
    })

    test('the kill of the call that holds up the others makes its actor ready', async () => {
      const upstream = await running(store, 'A')
      const actor = await newActor()
      await held(actor, true)
      const needs = { needs: [{ pid: upstream.pid, ended: 'successful', any: false }], until: null } as const
      const [first] = (await calls(actor, 1, { upstream: needs })) as [string]
      await calls(actor, 1)
      expect(await claim(store, 'A')).toEqual([])
      await done(store, request(first, 'kill'))
      expect((await claimOne(store, 'A')).pid).toBe(actor)
    })

    /** A call that needs that a process ends with success. */
    function needing(pid: string): Partial<Create> {
      return { upstream: { needs: [{ pid, ended: 'successful', any: false }], until: null } }
    }

    async function errorOf(pid: string): Promise<Record<string, unknown>> {
      const text = (await store.load(pid))?.bundle().parts['state'] ?? '{}'
      return (JSON.parse(text) as { error: Record<string, unknown> }).error
    }

    test('a call that needs a process which fails fails with it, behind others and while its actor is paused', async () => {
      const upstream = await running(store, 'A')
      const actor = await newActor()
      const claimed = await held(actor)
      const [first, needs, last] = [
        ...(await calls(actor, 1)),
        ...(await calls(actor, 1, needing(upstream.pid))),
        ...(await calls(actor, 1)),
      ] as [string, string, string]
      await done(store, request(actor, 'pause'))
      await done(store, serve(claimed, [], { releases: false }))
      expect(await read(actor)).toMatchObject({ owner: null, mailbox: { calls: 3 } })
      await done(
        store,
        finish(upstream, {
          state: 'killed',
          ending: { successful: false, exitCode: null, message: 'enough', dropCheckpoint: false },
        }),
      )
      const message = `it needs the process ${upstream.pid} (Bake), which was killed: enough. Give it with allowFailure(handle) to have its outcome instead`
      expect(await read(needs)).toMatchObject({
        state: 'excepted',
        reason: 'upstream',
        message,
        readyAt: null,
      })
      expect(await errorOf(needs)).toMatchObject({
        class: 'UpstreamFailed',
        message,
        cause: { class: 'ProcessKilled', message: 'enough', fields: { pid: upstream.pid } },
        fields: { pid: needs, upstream: upstream.pid },
      })
      expect(await read(actor)).toMatchObject({ mailbox: { calls: 2 } })
      expect(await next(actor)).toEqual([first, last])
    })

    test('a call that needs a process which has failed is stored as failed, and no claim is made for it', async () => {
      const upstream = await running(store, 'A')
      await done(
        store,
        finish(upstream, {
          ending: {
            successful: false,
            exitCode: { code: 3, label: 'COLD', message: 'no heat' },
            message: null,
            dropCheckpoint: false,
          },
        }),
      )
      const actor = await newActor()
      await held(actor, true)
      const write = callOf(actor, needing(upstream.pid))
      await done(store, write)
      expect(await read(write.pid)).toMatchObject({ state: 'excepted', reason: 'upstream' })
      expect(await errorOf(write.pid)).toMatchObject({
        cause: { class: 'ProcessUnsuccessful', fields: { exitCode: { code: 3 }, missing: [] } },
      })
      expect(await read(actor)).toMatchObject({ readyAt: null, mailbox: { calls: 0 } })
      expect(await claim(store, 'A')).toEqual([])
      expect(await commitOne(store, write)).toMatchObject({ status: 'done', pid: write.pid })
      expect(await read(actor)).toMatchObject({ mailbox: { calls: 0 } })
    })

    test('a call that fails alone fails the calls of its actor that need it, one after the other, with a short chain of causes', async () => {
      const actor = await newActor()
      const chain = [callOf(actor)]
      while (chain.length < 30) chain.push(callOf(actor, needing((chain.at(-1) as Create).pid)))
      const after = callOf(actor)
      for (const one of [...chain, after]) await done(store, one)
      const claimed = await held(actor)
      const [first, second] = chain as [Create, Create]
      const error = { $: 'Error', class: 'RangeError', name: 'RangeError', message: 'no' }
      const failed = ended(first.pid, {
        state: 'excepted',
        parts: { state: JSON.stringify({ label: 'excepted', error }) },
        ending: { successful: false, exitCode: null, message: 'no', dropCheckpoint: false },
      })
      expect(await commitOne(store, serve(claimed, [failed]))).toMatchObject({ released: false })
      expect(await read(actor)).toMatchObject({ mailbox: { calls: 1 } })
      expect(await next(actor)).toEqual([after.pid])
      expect(await errorOf(second.pid)).toMatchObject({
        cause: { class: 'ProcessExcepted', fields: { pid: first.pid }, cause: error },
      })
      const { pid } = chain.at(-1) as Create
      expect((await read(pid))?.message).toContain(
        `which failed because of the process ${first.pid}: the process ${first.pid} (Bake.add) excepted with RangeError: no`,
      )
      let causes = 0
      let at: Record<string, unknown> | undefined = await errorOf(pid)
      let last = at
      for (; at !== undefined; at = at['cause'] as typeof at, causes++) last = at
      expect(causes).toBeLessThan(15)
      expect(last).toMatchObject({ message: 'no' })
    })

    test('crashes of an actor are counted anew once its call has got further (C11)', async () => {
      const actor = await newActor()
      const [one] = (await calls(actor, 1)) as [string]
      const claimed = await held(actor, false, 'B')
      const begins = { begins: true, step: 'run', owner: 'B', actorFence: claimed.fence }
      await done(store, advance({ pid: one, fence: 0, seq: 0 }, begins))
      await crash('B')
      const again = await claimOne(store, 'A')
      expect(await read(actor)).toMatchObject({ crashes: 1 })
      const crashedActor = again.pid
      const call = { pid: one, fence: 2, seq: 1 }
      const begun = { ...begins, owner: 'A', actorFence: again.fence, crashedActor }
      await done(store, advance(call, begun))
      const begunCall = { pid: one, fence: 3, seq: 2 }
      await done(store, record(begunCall, { status: 'busy', crashedActor }))
      expect(await read(actor)).toMatchObject({ crashes: 1 })
      await done(store, record(begunCall, { count: 2, parts: { 'record:effect:pay': '1' }, crashedActor }))
      expect(await read(actor)).toMatchObject({ crashes: 0, owner: 'A' })
    })

    test('queued calls wait for their turn, and an actor without calls for such', async () => {
      const idle = await newActor()
      await held(idle, true)
      const upstream = await running(store, 'A')
      await calls(await newActor(), 2)
      await calls(idle, 1, needing(upstream.pid))
      const { waits } = await store.survey(0)
      const counts = waits.map(({ for: kind, count }) => [kind, count])
      expect(counts).toEqual([
        ['turn', 2],
        ['calls', 1],
        ['inputs', 1],
      ])
    })

    test('a stop that does not drain, after one that does, ends the calls that are left', async () => {
      const actor = await newActor()
      const [one] = (await calls(actor, 2)) as [string]
      await held(actor)
      await done(store, request(actor, 'stop', { drain: true }))
      expect(await read(actor)).toMatchObject({ mailbox: { calls: 2, stopping: true } })
      await done(store, request(actor, 'stop', { drain: false }))
      expect(await read(one)).toMatchObject({ state: 'excepted', reason: 'upstream' })
      expect(await read(actor)).toMatchObject({ mailbox: { calls: 0, stopping: true } })
      const names = (await store.history(actor)).map(({ name }) => name)
      expect(names.filter((name) => name === 'stopping')).toHaveLength(1)
    })

    test('a call whose timeout has passed ends with the next scan of any engine, and those that need it', async () => {
      const upstream = await running(store, 'A')
      const actor = await newActor()
      await held(actor, true)
      const until = bench.clock.now() + 50
      const needs = [{ pid: upstream.pid, ended: 'successful', any: false }] as const
      const late = (time: number): Create => callOf(actor, { upstream: { needs, until: time } })
      const [first, second] = [late(until), late(until + 50)]
      const following = callOf(actor, needing(first.pid))
      for (const one of [second, first, following]) await done(store, one)
      const other = { classes: [{ name: 'Fry', version: 1 }] }
      expect(await store.recover(other)).toMatchObject({ nextDeadline: until, nextDue: null })
      await bench.clock.advance(50)
      expect(await store.recover(other)).toMatchObject({ nextDeadline: until + 50 })
      expect(await read(first.pid)).toMatchObject({ state: 'excepted', reason: null, endedAt: until })
      expect(await errorOf(first.pid)).toMatchObject({
        class: 'WaitTimeout',
        fields: { code: 'WAIT_TIMEOUT', pending: [upstream.pid], total: 1 },
      })
      expect(await errorOf(following.pid)).toMatchObject({ fields: { upstream: first.pid } })
      expect(await read(actor)).toMatchObject({ mailbox: { calls: 1 } })
      await done(store, finish(upstream))
      await bench.clock.advance(50)
      expect(await store.recover(other)).toMatchObject({ nextDeadline: null })
      expect(await next(actor)).toEqual([second.pid])
    })

    test('an actor that is stopped ends with the last of its calls, also where that fails because of another process', async () => {
      const upstream = await running(store, 'A')
      const actor = await newActor()
      await held(actor, true)
      await calls(actor, 2, needing(upstream.pid))
      await done(store, request(actor, 'stop', { drain: true }))
      expect(await read(actor)).toMatchObject({ state: 'waiting', mailbox: { calls: 2 } })
      await done(
        store,
        finish(upstream, {
          ending: { successful: false, exitCode: null, message: null, dropCheckpoint: false },
        }),
      )
      expect(await read(actor)).toMatchObject({ state: 'finished', mailbox: { calls: 0 } })
    })

    test('a stop that does not drain ends calls that need each other once', async () => {
      const actor = await newActor()
      await held(actor, true)
      const [first] = (await calls(actor, 1)) as [string]
      const [second] = (await calls(actor, 1, needing(first))) as [string]
      await calls(actor, 1, needing(second))
      await done(store, request(actor, 'stop', { drain: false }))
      expect(await read(actor)).toMatchObject({ state: 'finished', mailbox: { calls: 0 } })
    })

    test('a full mailbox, an actor that has ended, and what is no actor take no call', async () => {
      const actor = await newActor({ limit: 2 })
      const two = [callOf(actor), callOf(actor)]
      await done(store, ...two)
      expect(await commitOne(store, { ...(two[1] as Create) })).toMatchObject({ status: 'done' })
      const full = await commitOne(store, callOf(actor))
      expect(full).toMatchObject({ status: 'refused', error: expect.any(MailboxFull) })
      expect(await commitOne(store, callOf('nobody'))).toEqual({ status: 'missing', needed: 'nobody' })
      expect(await commitOne(store, callOf(actor, { className: 'Fry.add' }))).toMatchObject({
        status: 'conflict',
      })
      expect(await commitOne(store, callOf((two[0] as Create).pid))).toMatchObject({ status: 'conflict' })
      await done(store, request(actor, 'kill'))
      expect(await commitOne(store, callOf(actor))).toEqual({ status: 'ended', state: 'killed' })
    })

    test('a kill of the actor ends its calls with it, and those that need them', async () => {
      const actor = await newActor()
      const [one] = (await calls(actor, 2)) as [string]
      const needs = { needs: [{ pid: one, ended: 'failed', any: false }], until: null } as const
      const write = create({ className: 'Fry', upstream: needs })
      await done(store, write)
      await done(store, request(actor, 'kill', { message: 'enough' }))
      const text = (await store.load(one))?.bundle().parts['state'] ?? ''
      expect(JSON.parse(text)).toMatchObject({ upstream: true, error: { class: 'UpstreamFailed' } })
      expect(await read(one)).toMatchObject({ state: 'excepted', message: expect.stringContaining('enough') })
      expect(await read(actor)).toMatchObject({ state: 'killed', mailbox: { calls: 0 } })
      expect((await read(write.pid))?.readyAt).not.toBeNull()
      expect(await store.mailbox(actor, 10)).toEqual([])
    })

    test('a pause takes effect after the calls that were run, and a paused actor takes calls', async () => {
      const actor = await newActor()
      const [one] = (await calls(actor, 2)) as [string]
      const claimed = await held(actor)
      await done(store, request(actor, 'pause', { message: 'lunch' }))
      expect(await read(actor)).toMatchObject({ paused: null, pauseRequested: { message: 'lunch' } })
      const outcome = await commitOne(store, serve(claimed, [ended(one)], { releases: false }))
      expect(outcome).toMatchObject({ released: true, pause: { message: 'lunch' } })
      await calls(actor, 1)
      expect(await claim(store, 'A')).toEqual([])
      await done(store, request(actor, 'play'))
      expect((await claimOne(store, 'A')).pid).toBe(actor)
      expect(await commitOne(store, request(one, 'pause'))).toMatchObject({ status: 'ended' })
    })

    test('a call is not paused by itself', async () => {
      const actor = await newActor()
      const [one] = (await calls(actor, 1)) as [string]
      expect(await commitOne(store, request(one, 'pause'))).toMatchObject({
        status: 'refused',
        error: expect.any(InvalidStateError),
      })
    })

    test('an actor that is stopped runs what it has, and ends', async () => {
      const actor = await newActor()
      const [one] = (await calls(actor, 1)) as [string]
      const claimed = await held(actor)
      await done(store, request(actor, 'stop', { drain: true }))
      expect(await commitOne(store, callOf(actor))).toMatchObject({ status: 'ended' })
      await done(store, serve(claimed, [ended(one)]))
      expect(await read(actor)).toMatchObject({ state: 'finished', successful: true })
    })

    test('an actor that has nothing to do ends at once when it is stopped', async () => {
      const actor = await newActor()
      await held(actor, true)
      await done(store, request(actor, 'stop', { drain: true }))
      expect(await read(actor)).toMatchObject({ state: 'finished' })
    })

    test('a stop that does not drain ends what is queued', async () => {
      const actor = await newActor()
      await held(actor, true)
      const pids = await calls(actor, 3)
      await done(store, request(actor, 'stop', { drain: false }))
      expect(await read(actor)).toMatchObject({ state: 'finished' })
      for (const pid of pids) expect(await read(pid)).toMatchObject({ state: 'excepted' })
    })

    test('a stop that does not drain ends all of many', async () => {
      const actor = await newActor()
      await held(actor, true)
      const pids = await calls(actor, 250)
      await done(store, request(actor, 'stop', { drain: false }))
      const states = (await store.readAll(pids)).map(({ state }) => state)
      expect(states).toEqual(pids.map(() => 'excepted'))
      expect(await store.mailbox(actor, 10)).toEqual([])
    })

    test('an actor that was stopped and lost its engine after its last call ends under the next one', async () => {
      const actor = await newActor()
      const [one] = (await calls(actor, 1)) as [string]
      const claimed = await held(actor, false, 'B')
      await done(store, serve(claimed, [ended(one)], { releases: false, owner: 'B' }))
      await done(store, request(actor, 'stop', { drain: true }))
      expect(await read(actor)).toMatchObject({ state: 'waiting' })
      await crash('B')
      const again = await claimOne(store, 'A')
      await done(store, serve(again, []))
      expect(await read(actor)).toMatchObject({ state: 'finished' })
    })

    test('an actor that cannot be constructed ends its calls with its error as their cause', async () => {
      const actor = await newActor()
      const [one] = (await calls(actor, 1)) as [string]
      const claimed = await claimOne(store, 'A')
      const text = JSON.stringify({ label: 'excepted', error: { $: 'Error', name: 'Error', message: 'no' } })
      const ending = { state: 'excepted', text, message: 'no' } as const
      await done(store, serve(claimed, [], { ending, parts: {} }))
      const state = (await store.load(one))?.bundle().parts['state'] ?? ''
      expect(JSON.parse(state)).toMatchObject({
        error: { cause: { message: 'no' }, fields: { upstream: actor } },
      })
    })

    test('lists know actors, and the changes of a call name its actor', async () => {
      const heard: unknown[] = []
      const stop = store.watch((changes) => heard.push(...changes.map(({ pid, actor }) => [pid, actor])))
      const actor = await newActor()
      const [one] = (await calls(actor, 1)) as [string]
      stop()
      expect(heard).toContainEqual([one, actor])
      expect((await store.list({ actor: true })).rows.map(({ pid }) => pid)).toEqual([actor])
      expect((await store.list({ actor: false })).rows.map(({ pid }) => pid)).toEqual([one])
      expect((await store.mailbox(actor, 10)).map(({ pid }) => pid)).toEqual([one])
      const writes: Write[] = [serve(await claimOne(store, 'A'), [ended(one)])]
      await done(store, ...writes)
      expect(await read(actor)).toMatchObject({ mailbox: { calls: 0, stopping: false, limit: null } })
    })
  })
}
