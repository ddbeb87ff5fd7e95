import { beforeEach, describe, expect, test } from 'vitest'
import type { StoredRetention } from '../../src/process/host/retention.ts'
import type { Store } from '../../src/persistence/contract/store.ts'
import type { Create } from '../../src/persistence/contract/writes.ts'
import type { SimulatedClock } from '../../src/testing/index.ts'
import { commitOne, create, done, finish, running, advance, claimOne, commit, type Held } from './fixtures.ts'
import type { Bench } from './store-bench.ts'

const REFS: StoredRetention = { policy: 'refs', ttl: null }
const RESULT = '{"label":"finished","successful":true,"result":"the value"}'

export function lifetimes(bench: Bench): void {
  describe('how long a result is kept', () => {
    let store: Store
    let clock: SimulatedClock
    beforeEach(async () => {
      ;({ store, clock } = bench)
      await store.openSession('S')
    })

    async function started(fields: Partial<Create> = {}): Promise<Held> {
      return running(store, 'A', fields)
    }

    /** A process that has ended with a result and two outputs, one of them large. */
    async function ended(fields: Partial<Create> = {}, state = RESULT): Promise<string> {
      const held = await started(fields)
      const outputs = { 'out:a': '1', 'out:b': JSON.stringify('x'.repeat(10_000)) }
      await done(store, finish(held, { parts: { state, ...outputs } }))
      return held.pid
    }

    async function partsOf(pid: string): Promise<readonly string[]> {
      return Object.keys((await store.load(pid))?.bundle().parts ?? {}).toSorted()
    }

    async function isDropped(pid: string): Promise<boolean> {
      const [row] = await store.lifetimes([pid])
      const { parts } = (await store.load(pid))?.bundle() ?? { parts: {} }
      const kept = Object.keys(parts).some((name) => name.startsWith('out:'))
      expect(kept).toBe(row?.dropped !== true)
      expect(JSON.stringify(parts).includes('the value')).toBe(kept)
      return !kept
    }

    async function drops(): Promise<readonly string[]> {
      const { pids } = await store.dueResults(10)
      const outcomes = await commit(store, ...pids.map((pid) => ({ kind: 'drop', pid, by: 'A' }) as const))
      return pids.filter((_, index) => (outcomes[index] as { readonly applied?: boolean }).applied)
    }

    function purge(pid: string) {
      return commitOne(store, { kind: 'purge', pid, by: 'a client' })
    }

    test('a purge takes the result, all outputs and the checkpoints, and leaves the rest', async () => {
      const pid = await ended()
      const before = await store.read(pid)
      expect(await store.lifetimes([pid, 'nobody'])).toEqual([
        { pid, retention: null, dropped: false, retained: false, needed: false },
      ])
      expect(await purge(pid)).toMatchObject({ status: 'done', applied: true })
      expect(await purge(pid)).toMatchObject({ status: 'done', applied: true })
      expect(await partsOf(pid)).toEqual(['inputs', 'state'])
      expect(JSON.parse((await store.load(pid))?.bundle().parts['state'] ?? '')).toEqual({
        label: 'finished',
        successful: true,
        dropped: { at: clock.now(), why: 'it was purged' },
      })
      expect(await store.read(pid)).toEqual(before)
      expect((await store.history(pid)).at(-1)).toMatchObject({ name: 'result dropped', by: 'a client' })
      expect(await isDropped(pid)).toBe(true)
      expect(await store.dueResults(10)).toEqual({ pids: [], next: null, any: false })
    })

    test('a process that has not ended is not purged', async () => {
      const { pid } = await started()
      expect(await purge(pid)).toMatchObject({ status: 'conflict', pid })
      expect(await purge('nobody')).toEqual({ status: 'missing' })
    })

    test('a result with the retention refs is due at the end, unless a session retains it', async () => {
      const held = await started({ retention: REFS, retainedBy: 'S' })
      expect(await store.dueResults(10)).toMatchObject({ pids: [], any: true })
      await done(store, finish(held, { parts: { state: RESULT, 'out:a': '1' } }))
      expect(await drops()).toEqual([])
      expect(await store.lifetimes([held.pid])).toMatchObject([{ retention: REFS, retained: true }])
      const release = {
        kind: 'unretain',
        pid: held.pid,
        session: 'S',
        ofGroup: false,
        by: 'a client',
      } as const
      expect(await commitOne(store, { ...release, session: null })).toMatchObject({ applied: false })
      expect(await commitOne(store, release)).toMatchObject({ applied: true })
      expect(await isDropped(held.pid)).toBe(true)
      const unretained = await ended({ retention: REFS })
      expect(await drops()).toEqual([unretained])
    })

    test('a session that ends retains nothing more', async () => {
      const pid = await ended({ retention: REFS, retainedBy: 'S' })
      const kept = await ended()
      await done(store, { kind: 'retain', pid: kept, session: 'S' }, { kind: 'retain', pid, session: 'S' })
      expect(await drops()).toEqual([])
      await store.closeSession('S')
      expect(await drops()).toEqual([pid])
      expect(await store.lifetimes([kept])).toMatchObject([{ dropped: false, retained: false }])
    })

    test('a ttl counts from the end, and the next one that is due is reported', async () => {
      const held = await started({ retention: { policy: 'ttl', ttl: 1_000 } })
      await clock.advance(5_000)
      await done(store, finish(held, { parts: { state: RESULT, 'out:a': '1' } }))
      const end = clock.now()
      expect(await store.dueResults(10)).toEqual({ pids: [], next: end + 1_000, any: true })
      await clock.advance(1_000)
      expect(await drops()).toEqual([held.pid])
      expect(await store.dueResults(10)).toMatchObject({ next: null, any: false })
    })

    test('a process that is created ended counts from then', async () => {
      const ending = { successful: false, exitCode: null, message: 'no', dropCheckpoint: false }
      const write = create({ state: 'excepted', ending, retention: REFS })
      await done(store, write)
      expect(await drops()).toEqual([write.pid])
    })

    test('the release of a group drops what is kept until it is fetched', async () => {
      const held = await started({ retention: { policy: 'until-fetched', ttl: null } })
      const release = {
        kind: 'unretain',
        pid: held.pid,
        session: null,
        ofGroup: true,
        by: 'a client',
      } as const
      expect(await commitOne(store, release)).toMatchObject({ status: 'done', applied: false })
      await done(store, finish(held, { parts: { state: RESULT, 'out:a': '1' } }))
      expect(await drops()).toEqual([held.pid])
      const other = await ended({ retention: { policy: 'until-fetched', ttl: null } })
      expect(await drops()).toEqual([])
      expect(await commitOne(store, { ...release, pid: other })).toMatchObject({ applied: true })
    })

    test('no policy and no purge drops a value that a process needs which has not started', async () => {
      const pid = await ended({ retention: REFS })
      const needs = [{ pid, ended: 'successful', any: false }] as const
      const write = create({ upstream: { needs, until: null } })
      await done(store, write)
      expect(await drops()).toEqual([])
      expect(await purge(pid)).toMatchObject({ status: 'done', applied: false })
      expect(await store.lifetimes([pid])).toMatchObject([{ needed: true }])
      const claimed = await claimOne(store, 'A')
      expect(claimed.pid).toBe(write.pid)
      await clock.advance('1h')
      expect(await drops()).toEqual([])
      await done(store, advance(claimed))
      await clock.advance('2h')
      expect(await drops()).toEqual([pid])
    })

    test('no policy and no purge drops the value of a child whose parent has not ended', async () => {
      const parent = await started()
      const pid = await ended({ retention: REFS, parent: parent.pid })
      expect(await drops()).toEqual([])
      expect(await purge(pid)).toMatchObject({ applied: false })
      await done(store, finish(parent))
      await clock.advance('1h')
      expect(await drops()).toEqual([pid])
    })

    test('no policy and no purge drops a value that a process has awaited which has not ended', async () => {
      const [first, second] = [await started({ retention: REFS }), await started({ retention: REFS })]
      const waits = await started()
      const on = [first.pid, second.pid]
      const wait = { resume: false, signal: null, until: null, on, any: false }
      await done(store, finish(first, { parts: { state: RESULT, 'out:a': '1' } }))
      await done(store, advance(waits, { state: 'waiting', wait }))
      await done(store, finish(second, { parts: { state: RESULT, 'out:a': '1' } }))
      // Both ends are known now, and their values are still to be taken.
      expect(await drops()).toEqual([])
      const claimed = await claimOne(store, 'A')
      await done(store, advance(claimed))
      await clock.advance('1m')
      // The step that takes them may run again.
      expect(await drops()).toEqual([])
      expect(await store.lifetimes(on)).toMatchObject([{ needed: true }, { needed: true }])
      await done(store, finish({ ...claimed, seq: claimed.seq + 1 }))
      await clock.advance('1h')
      expect((await drops()).toSorted()).toEqual(on.toSorted())
    })

    test('a value that a step has awaited is kept until its process ends', async () => {
      const target = await started({ retention: REFS })
      const step = await started()
      const wait = { resume: false, signal: null, until: null, on: [target.pid], any: false }
      const waits = { message: null, for: wait }
      await done(store, {
        kind: 'record',
        pid: step.pid,
        fence: step.fence,
        count: 1,
        parts: {},
        consumes: null,
        waits,
        history: [],
      })
      await done(store, finish(target, { parts: { state: RESULT, 'out:a': '1' } }))
      expect(await drops()).toEqual([])
      await done(store, finish(step))
      await clock.advance('1h')
      expect(await drops()).toEqual([target.pid])
    })

    test('a restart keeps what it refers to, and is refused if that was dropped', async () => {
      const pid = await ended({ retention: REFS })
      const other = await ended()
      const write = create({ refers: [pid, other], origin: { pid: 'old', kind: 'restart' } })
      await done(store, write)
      expect(await drops()).toEqual([])
      await purge(other)
      expect(await isDropped(other)).toBe(false)
      const dropped = await ended()
      await purge(dropped)
      expect(await commitOne(store, create({ refers: [dropped] }))).toEqual({ status: 'fenced' })
      expect(await commitOne(store, create({ refers: ['nobody'] }))).toEqual({ status: 'fenced' })
    })

    test('what failed keeps its error, and all of it if it has emitted nothing', async () => {
      const failed = '{"label":"excepted","error":"no"}'
      const pid = await ended({ retention: REFS }, failed)
      expect(await drops()).toEqual([pid])
      const state = (await store.load(pid))?.bundle().parts['state'] ?? ''
      expect(JSON.parse(state)).toMatchObject({ label: 'excepted', error: 'no', dropped: {} })
      const held = await started({ retention: REFS })
      const ending = { successful: false, exitCode: null, message: 'no', dropCheckpoint: false }
      await done(store, finish(held, { state: 'excepted', parts: { state: failed }, ending }))
      expect(await drops()).toEqual([held.pid])
      expect((await store.load(held.pid))?.bundle().parts['state']).toBe(failed)
    })

    test('a damaged state is left as it is, and holds up no other', async () => {
      const damaged = await ended({ retention: REFS }, '{"label":"finished"')
      const pid = await ended({ retention: REFS })
      expect(await drops()).toEqual([pid])
      expect(await store.dueResults(10)).toMatchObject({ pids: [] })
      expect((await store.lifetimes([damaged]))[0]).toMatchObject({ dropped: false })
    })

    test('a pruned process leaves nothing of it', async () => {
      const pid = await ended({ retention: REFS, retainedBy: 'S' })
      // The acknowledgement may be lost.
      expect(['done', 'missing']).toContain((await commitOne(store, { kind: 'prune', pid })).status)
      await done(store, create({ pid }))
      expect(await store.lifetimes([pid])).toEqual([
        { pid, retention: null, dropped: false, retained: false, needed: false },
      ])
      expect(await store.dueResults(10)).toEqual({ pids: [], next: null, any: false })
    })
  })
}
