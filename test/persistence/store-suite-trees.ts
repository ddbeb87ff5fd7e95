import { beforeEach, describe, expect, test } from 'vitest'
import type { Store } from '../../src/persistence/contract/store.ts'
import type { Create, Request } from '../../src/persistence/contract/writes.ts'
import type { SimulatedClock } from '../../src/testing/index.ts'
import {
  advance,
  backingOff,
  claim,
  claimOne,
  commitOne,
  create,
  done,
  engine,
  finish,
  type Held,
  historyNames,
  request,
  running,
  waiting,
  waitInStep,
} from './fixtures.ts'
import type { Bench } from './store-bench.ts'

export function trees(bench: Bench): void {
  describe('trees', () => {
    const { read, status } = bench
    let store: Store
    let clock: SimulatedClock
    beforeEach(() => {
      ;({ store, clock } = bench)
    })

    const states = async (...pids: string[]) => Promise.all(pids.map(async (pid) => (await read(pid)).state))
    const pauses = async (...pids: string[]) =>
      Promise.all(pids.map(async (pid) => (await read(pid)).paused !== null))

    /** A child that nobody runs. */
    const child = async (parent: { pid: string }, fields: Partial<Create> = {}): Promise<string> => {
      const write = create({ parent: parent.pid, ...fields })
      await done(store, write)
      return write.pid
    }

    /**
     * root (waiting)
     * ├ running, held by A
     * │ └ grandchild (created)
     * ├ ended
     * │ └ orphan (created), below what has ended
     * └ abandoned (created)
     *   └ below (created), below what was abandoned
     */
    const tree = async () => {
      const root = await running(store, 'A')
      const held = await running(store, 'A', { parent: root.pid })
      const grandchild = await child(held)
      const ended = await running(store, 'A', { parent: root.pid })
      const orphan = await child(ended)
      const abandoned = await child(root, { abandoned: true })
      const below = await child({ pid: abandoned })
      await done(store, finish(ended), advance(root, { state: 'waiting' }))
      return { root: root.pid, held, grandchild, ended: ended.pid, orphan, abandoned, below }
    }
    const whole = (pid: string, what: Request['request'], fields: Partial<Request> = {}) =>
      request(pid, what, { tree: true, ...fields })

    test('a kill reaches all that was launched, in one commit, through what has ended; not what was abandoned (C7)', async () => {
      const { root, held, grandchild, ended, orphan, abandoned, below } = await tree()
      const kill = whole(root, 'kill', { message: 'enough', grace: 5_000 })
      expect(await commitOne(store, kill)).toEqual({ status: 'done', pid: root, applied: true })
      expect(await states(root, grandchild, orphan, ended, abandoned, below)).toEqual([
        'killed',
        'killed',
        'killed',
        'finished',
        'created',
        'created',
      ])
      expect(await read(grandchild)).toMatchObject({ message: 'enough' })
      // What runs is asked, with the same deadline; its children are gone, and it gets no new ones.
      const deadline = clock.now() + 5_000
      expect(await read(held.pid)).toMatchObject({
        state: 'running',
        killRequested: { message: 'enough', deadline },
      })
      expect(await status(create({ parent: held.pid, parentFence: held.fence }))).toEqual(['ended'])
      expect(await read(abandoned)).toMatchObject({ abandoned: true, parent: root })
      await clock.advance(5_000)
      await store.recover()
      expect(await states(held.pid)).toEqual(['killed'])
    })

    test('a pause and a play reach the same; a request without the tree reaches one alone (C7)', async () => {
      const { root, held, grandchild, orphan, abandoned, below } = await tree()
      await done(store, whole(root, 'pause', { message: 'lunch' }))
      expect(await pauses(root, grandchild, orphan, abandoned, below)).toEqual([
        true,
        true,
        true,
        false,
        false,
      ])
      expect(await read(held.pid)).toMatchObject({ pauseRequested: { message: 'lunch' } })
      await done(store, request(root, 'play'))
      expect(await pauses(root, grandchild, orphan)).toEqual([false, true, true])
      await done(store, whole(root, 'play'))
      expect(await pauses(root, grandchild, orphan)).toEqual([false, false, false])
      expect(await read(held.pid)).toMatchObject({ pauseRequested: null })
      await done(store, request(root, 'kill'))
      expect(await states(root, held.pid, grandchild)).toEqual(['killed', 'running', 'created'])
    })

    test('a retry lets all of it go on that backs off, also where the root does not', async () => {
      const root = await waiting(store, 'A')
      const one = await backingOff(store, 'A', clock.now() + 60_000, { parent: root.pid })
      const other = await backingOff(store, 'A', clock.now() + 60_000, { parent: one.pid })
      await done(store, whole(root.pid, 'retry'))
      const ready = await claim(store, 'A')
      expect(ready.map(({ row }) => row.pid).toSorted()).toEqual([one.pid, other.pid])
      expect(await historyNames(store, root.pid)).toEqual(['created', 'waiting'])
    })

    test('a root that has ended answers so, and what is below it is left alone', async () => {
      const root = await running(store, 'A')
      const below = await child(root)
      await done(store, finish(root))
      expect(await status(whole(root.pid, 'kill'), whole(root.pid, 'pause'))).toEqual(['ended', 'ended'])
      expect(await states(below)).toEqual(['created'])
      expect(await status(whole('nobody', 'kill'))).toEqual(['missing'])
    })

    test('the same request twice reaches the tree once', async () => {
      const root = await waiting(store, 'A')
      const pause = whole(root.pid, 'pause')
      const below = await child(root)
      await done(store, pause)
      await done(store, request(below, 'play'))
      await done(store, pause)
      expect(await pauses(root.pid, below)).toEqual([true, false])
    })

    test('what was restarted before its parent was belongs to the tree', async () => {
      const origin = { pid: 'the old one', kind: 'restart' } as const
      const parent = create({ origin })
      const below = create({ origin, parent: parent.pid })
      await done(store, below, parent, whole(parent.pid, 'kill'))
      expect(await states(parent.pid, below.pid)).toEqual(['killed', 'killed'])
      expect(await status(create({ parent: 'nobody' }))).toEqual(['missing'])
    })

    test('a process that waits for one of a killed tree is notified (C8)', async () => {
      const { root, orphan } = await tree()
      const waiter = await running(store, 'A')
      const on = [root, orphan]
      await done(
        store,
        advance(waiter, {
          state: 'waiting',
          wait: { resume: false, signal: null, until: null, on, any: false },
        }),
      )
      await done(store, whole(root, 'kill'))
      expect(await claim(store, 'A')).toMatchObject([
        { row: { className: 'Bake' } },
        { row: { className: 'Bake' } },
        { row: { pid: waiter.pid }, wake: { by: 'handles' } },
      ])
    })

    test('pids that are used again after a prune may make a circle, which is gone round once', async () => {
      const first = await running(store, 'A')
      const below = await child(first)
      await done(store, finish(first))
      await commitOne(store, { kind: 'prune', pid: first.pid })
      await done(store, create({ pid: first.pid, parent: below }))
      for (const what of ['pause', 'play', 'kill'] as const) await done(store, whole(below, what))
      expect(await states(first.pid, below)).toEqual(['killed', 'killed'])
    })

    test('a child is pruned only when its parent has ended or is pruned (C2)', async () => {
      const parent = await running(store, 'A')
      const [first, second] = [await child(parent), await child(parent, { abandoned: true })]
      await done(store, request(first, 'kill'), request(second, 'kill'))
      expect(await commitOne(store, { kind: 'prune', pid: first })).toEqual({
        status: 'conflict',
        pid: first,
        reason: `process ${first} is a child of ${parent.pid}, which has not ended and may still need it`,
      })
      await done(store, finish(parent))
      for (const pid of [first, parent.pid, second]) await commitOne(store, { kind: 'prune', pid })
      expect(await store.count()).toMatchObject({ killed: 0, finished: 0 })
    })

    test('a tree may be deep and wide', async () => {
      const root = await waiting(store, 'A')
      const pids: string[] = []
      let parent: { pid: string } = root
      for (let depth = 0; depth < 20; depth++) {
        const level = await Promise.all([child(parent), child(parent), child(parent)])
        pids.push(...level)
        parent = { pid: level[0] }
      }
      await done(store, whole(root.pid, 'kill'))
      expect(new Set(await states(...pids))).toEqual(new Set(['killed']))
      expect(await store.count()).toMatchObject({ killed: 61, created: 0 })
    })

    describe('where a process ends', () => {
      const ending = { successful: false, exitCode: null, message: 'enough', dropCheckpoint: false }
      const family = async (): Promise<{ parent: Held; held: Held; created: string; away: string }> => {
        const parent = await running(store, 'A')
        return {
          parent,
          held: await running(store, 'A', { parent: parent.pid }),
          created: await child(parent),
          away: await child(parent, { abandoned: true }),
        }
      }

      test.each([
        { state: 'killed', killsChildren: { grace: 7_000 } },
        { state: 'excepted', killsChildren: { grace: 7_000 } },
      ] as const)(
        '$state, what it launched is killed in the same commit, where its write says so (C7)',
        async (fields) => {
          const { parent, held, created, away } = await family()
          const write = advance(parent, { ...fields, ending })
          await done(store, write, write)
          expect(await states(parent.pid, created, away)).toEqual([fields.state, 'killed', 'created'])
          expect((await store.load(created))?.bundle().parts['state']).toBe(
            '{"label":"killed","message":"enough"}',
          )
          expect((await store.history(created)).at(-1)).toMatchObject({ name: 'killed', by: 'A' })
          // What runs gets the time that the write gives it.
          expect(await read(held.pid)).toMatchObject({
            killRequested: { message: 'enough', deadline: clock.now() + 7_000 },
          })
          await clock.advance(7_000)
          await store.recover()
          expect(await read(held.pid)).toMatchObject({ state: 'killed', message: 'enough' })
        },
      )

      test.each(['excepted', 'killed'] as const)(
        '%s in any other way, what it launched goes on',
        async (state) => {
          const { parent, held, created } = await family()
          await done(store, advance(parent, { state, ending }))
          expect(await states(held.pid, created)).toEqual(['running', 'created'])
        },
      )
    })

    describe('children of a paused process', () => {
      test('are born paused, under a fence, and play starts them (C4, C7)', async () => {
        const parent = await running(store, 'A')
        await done(store, request(parent.pid, 'pause', { message: 'lunch' }))
        const write = create({
          parent: parent.pid,
          parentFence: parent.fence,
          claim: 'A',
          state: 'running',
          seq: 1,
        })
        const answer = {
          status: 'done',
          pid: write.pid,
          existed: false,
          pause: { message: 'lunch' },
          released: true,
        }
        expect(await commitOne(store, write)).toEqual(answer)
        expect(await commitOne(store, write)).toEqual(answer)
        expect(await read(write.pid)).toMatchObject({ paused: { message: 'lunch' }, owner: null })
        expect(await historyNames(store, write.pid)).toEqual(['created', 'paused'])
        expect(await status(advance({ pid: write.pid, fence: 1, seq: 1 }))).toEqual(['fenced'])
        expect(await claim(store, 'A')).toEqual([])
        await done(store, request(parent.pid, 'play', { tree: true }))
        const started = await claimOne(store, 'A')
        expect(started).toMatchObject({ pid: write.pid, fence: 2, seq: 1 })
        // Its creator, which got no acknowledgement, learns that it belongs to another one.
        expect(await commitOne(store, { ...write, pid: create().pid })).toMatchObject({ existed: false })
        expect(await commitOne(store, write)).toMatchObject({ existed: true })
      })

      test('are so too where the parent is paused while its step waits; not those that are abandoned', async () => {
        const parent = await running(store, 'A')
        await done(store, waitInStep(parent, { signal: 'approval' }), request(parent.pid, 'pause'))
        const [one, away] = [await child(parent), await child(parent, { abandoned: true })]
        expect(await pauses(one, away)).toEqual([true, false])
      })

      test('are not, once it was played', async () => {
        const parent = await running(store, 'A')
        await done(store, request(parent.pid, 'pause'))
        await done(store, request(parent.pid, 'play'))
        expect(await pauses(await child(parent))).toEqual([false])
      })
    })

    test('what a dead engine held of a tree is taken back and killed with it (C7, C11)', async () => {
      await store.join(engine('B'))
      const root = await running(store, 'A')
      const held = await running(store, 'B', { parent: root.pid })
      const below = await child(held)
      await bench.kill('B')
      await done(store, whole(root.pid, 'kill', { grace: 1_000 }))
      expect(await states(root.pid, held.pid, below)).toEqual(['running', 'killed', 'killed'])
      expect(await historyNames(store, held.pid)).toEqual(['created', 'crashed', 'killed'])
    })
  })
}
