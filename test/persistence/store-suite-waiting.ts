import { beforeEach, describe, expect, test } from 'vitest'
import type { Change } from '../../src/persistence/contract/rows.ts'
import type { Store } from '../../src/persistence/contract/store.ts'
import type { Write } from '../../src/persistence/contract/writes.ts'
import type { SimulatedClock } from '../../src/testing/index.ts'
import {
  advance,
  BAKE,
  claim,
  claimOne,
  commit,
  commitOne,
  create,
  done,
  engine,
  finish,
  historyNames,
  request,
  resume,
  running,
  signal,
  wait,
  waitFor,
  waiting,
  waitingFor,
} from './fixtures.ts'
import type { Bench } from './store-bench.ts'

export function waits(bench: Bench): void {
  describe('waiting', () => {
    const { read, status, crash } = bench
    let store: Store
    let clock: SimulatedClock
    beforeEach(() => {
      ;({ store, clock } = bench)
    })

    describe('for a signal', () => {
      test.each(['before', 'with', 'after'] as const)(
        'one that comes %s the wait wakes it, and is used up once (C8)',
        async (when) => {
          const process = await running(store, 'A')
          const write = signal(process.pid, 'approval', { value: '"yes"' })
          const sleep = wait(process, { signal: 'approval' })
          if (when === 'before') {
            await done(store, write)
            await done(store, sleep)
          } else if (when === 'with') await done(store, sleep, write)
          else {
            await done(store, sleep)
            await done(store, write)
          }
          const woken = await claimOne(store, 'A')
          expect(woken.wake).toMatchObject({ by: 'signal', value: '"yes"' })
          expect(await store.mail(process.pid, 'approval')).toEqual({ id: woken.wake?.id, value: '"yes"' })
          await done(store, advance(woken, { consumes: woken.wake?.id ?? null }))
          expect(await store.mail(process.pid, 'approval')).toBeUndefined()
          await done(store, wait({ ...woken, seq: woken.seq + 1 }, { signal: 'approval' }))
          expect(await claim(store, 'A')).toEqual([])
          const event = (await store.history(process.pid)).find(({ name }) => name === 'signalled')
          expect(event).toMatchObject({ data: '{"name":"approval"}', by: 'a client' })
        },
      )

      test('a wait and the end that it is for may be in one commit, behind an end that nobody waited for (C8)', async () => {
        const [other, target, waiter] = [
          await running(store, 'A'),
          await running(store, 'A'),
          await running(store, 'A'),
        ]
        await done(store, finish(other), wait(waiter, { on: [target.pid] }), finish(target))
        expect(await claimOne(store, 'A')).toMatchObject({ pid: waiter.pid, wake: { by: 'handles' } })
      })

      test('signals are kept while nobody receives them, and used in the order of their commits for each name', async () => {
        const process = await waitingFor(store, 'A', { signal: 'price' })
        for (const value of ['1', '2', '3']) {
          await done(
            store,
            signal(process.pid, 'note', { value }),
            signal(process.pid, 'price', { value: `${value}0` }),
          )
        }
        const names = ['price', 'note', 'note', 'price', 'price', 'note']
        const values: unknown[] = []
        for (const next of [...names.slice(1), 'another']) {
          const woken = await claimOne(store, 'A')
          values.push(woken.wake?.value)
          await done(store, wait(woken, { signal: next }, { consumes: woken.wake?.id ?? null }))
        }
        expect(values).toEqual(['10', '1', '2', '20', '30', '3'])
        expect(await claim(store, 'A')).toEqual([])
      })

      test('a resume does not end it, nor a signal a wait for a resume; both are kept', async () => {
        const one = await waitingFor(store, 'A', { signal: 'approval' })
        const other = await waiting(store, 'A')
        await done(store, resume(one.pid), signal(one.pid, 'another'), signal(other.pid, 'approval'))
        expect(await claim(store, 'A')).toEqual([])
        expect(await store.pending(one.pid)).toEqual({
          on: [],
          mail: [
            { by: 'resume', name: null },
            { by: 'signal', name: 'another' },
          ],
        })
        await done(store, resume(other.pid))
        const woken = await claimOne(store, 'A')
        expect(woken).toMatchObject({ pid: other.pid, wake: { by: 'resume' } })
        await done(store, wait(woken, { signal: 'approval' }, { consumes: woken.wake?.id ?? null }))
        expect(await claimOne(store, 'A')).toMatchObject({ pid: other.pid, wake: { by: 'signal' } })
      })

      test('the same signal twice is kept once, also when it was used up in between (C8)', async () => {
        const process = await waitingFor(store, 'A', { signal: 'approval' })
        const write = signal(process.pid, 'approval')
        await done(store, write, write)
        const woken = await claimOne(store, 'A')
        await done(store, wait(woken, { signal: 'approval' }, { consumes: woken.wake?.id ?? null }))
        await done(store, write)
        expect(await claim(store, 'A')).toEqual([])
        expect(await historyNames(store, process.pid)).toEqual(['created', 'waiting', 'signalled', 'waiting'])
      })

      test('what has ended or is not there takes none', async () => {
        const process = await running(store, 'A')
        await done(store, signal(process.pid, 'approval'), finish(process))
        expect(await status(signal(process.pid, 'approval'), signal('nobody', 'approval'))).toEqual([
          'ended',
          'missing',
        ])
        expect(await store.pending(process.pid)).toEqual({ on: [], mail: [] })
        expect(await store.pending('nobody')).toEqual({ on: [], mail: [] })
        expect(await store.mail('nobody', 'approval')).toBeUndefined()
      })
    })

    describe('for a time', () => {
      test('it sleeps until then, and is woken by its timer', async () => {
        const until = clock.now() + 1_000
        const process = await waitingFor(store, 'A', { until })
        expect(await read(process.pid)).toMatchObject({
          readyAt: until,
          wait: { resume: false, signal: null, until, on: null },
        })
        await clock.advance(999)
        expect(await claim(store, 'A')).toEqual([])
        await clock.advance(1)
        expect((await claimOne(store, 'A')).wake).toEqual({ by: 'timer', id: null, value: null })
      })

      test('a time that has passed, or is far off, is as good as any other', async () => {
        const late = await waitingFor(store, 'A', { until: clock.now() - 5_000 })
        const until = clock.now() + 2 ** 40
        const far = await waitingFor(store, 'A', { until })
        expect(await claimOne(store, 'A')).toMatchObject({ pid: late.pid, wake: { by: 'timer' } })
        expect(await read(far.pid)).toMatchObject({ readyAt: until })
        expect(await store.recover()).toMatchObject({ nextDue: until })
      })

      test('recovery reports when the next one is due that the engine could run', async () => {
        const [soon, later, brew] = [clock.now() + 1_000, clock.now() + 2_000, clock.now() + 500]
        expect(await store.recover()).toMatchObject({ nextDue: null })
        const first = await waitingFor(store, 'A', { until: soon })
        await waitingFor(store, 'A', { until: later })
        await waitingFor(store, 'A', { until: brew }, { className: 'Brew' })
        await waiting(store, 'A')
        expect(await store.recover({ classes: BAKE })).toMatchObject({ nextDue: soon })
        expect(await store.recover({ classes: [{ name: 'Bake', version: 0 }] })).toMatchObject({
          nextDue: null,
        })
        expect(await store.recover({ classes: [] })).toMatchObject({ nextDue: null })
        expect(await store.recover()).toMatchObject({ nextDue: brew })
        await done(store, request(first.pid, 'pause'))
        expect(await store.recover({ classes: BAKE })).toMatchObject({ nextDue: later })
        await done(store, request(first.pid, 'play'))
        expect(await store.recover({ classes: BAKE })).toMatchObject({ nextDue: soon })
        await clock.advance(1_000)
        // What is due already is not to come.
        expect(await store.recover({ classes: BAKE })).toMatchObject({ nextDue: later })
        await clock.advance(1_000)
        expect(await store.recover({ classes: BAKE })).toMatchObject({ nextDue: null })
        expect(await claim(store, 'A')).toHaveLength(2)
      })

      test('many come in the order of their times', async () => {
        const times = Array.from({ length: 50 }, (_, index) => ((index * 37) % 50) + 1)
        const pids = new Map<string, number>()
        for (const time of times)
          pids.set((await waitingFor(store, 'A', { until: clock.now() + time, resume: true })).pid, time)
        // Some are woken before their time, or killed.
        const [early, killed] = [...pids.keys()] as [string, string]
        await done(store, resume(early))
        await done(store, request(killed, 'kill'))
        const came: number[] = []
        for (let now = 0; now <= 50; now++) {
          came.push(...(await claim(store, 'A')).map(({ row }) => pids.get(row.pid) as number))
          await clock.advance(1)
        }
        expect(came).toEqual([1, ...times.slice(2).toSorted((a, b) => a - b)])
      })

      test('a watcher is notified when it is due', async () => {
        const heard: Change[] = []
        store.watch((changes) => heard.push(...changes))
        const until = clock.now() + 1_000
        const process = await waitingFor(store, 'A', { until, resume: true })
        for (const write of [
          request(process.pid, 'pause'),
          request(process.pid, 'play'),
          resume(process.pid),
        ])
          await done(store, write)
        expect(heard.map(({ name, ready, dueAt }) => [name, ready, dueAt])).toEqual([
          ['created', false, null],
          ['waiting', false, until],
          ['paused', false, null],
          ['played', false, until],
          ['resumed', true, null],
        ])
      })

      test('what falls due while it is paused is acted on at play', async () => {
        const process = await waitingFor(store, 'A', { until: clock.now() + 1_000, signal: 'approval' })
        const other = await waitingFor(store, 'A', { signal: 'approval' })
        await done(store, request(process.pid, 'pause'), request(other.pid, 'pause'))
        await clock.advance(2_000)
        await done(store, signal(other.pid, 'approval'))
        expect(await claim(store, 'A')).toEqual([])
        await done(store, request(process.pid, 'play'))
        expect(await claimOne(store, 'A')).toMatchObject({ pid: process.pid, wake: { by: 'timer' } })
        await done(store, request(other.pid, 'play'))
        expect(await claimOne(store, 'A')).toMatchObject({ pid: other.pid, wake: { by: 'signal' } })
      })

      test('a process that was claimed and given back sleeps or is ready as before', async () => {
        const process = await waitingFor(store, 'A', { until: clock.now() + 1_000 })
        await clock.advance(1_000)
        for (let times = 2; times > 0; times--) {
          const woken = await claimOne(store, 'A')
          expect(woken.wake).toMatchObject({ by: 'timer' })
          await done(store, { kind: 'release', pid: process.pid, fence: woken.fence })
        }
        expect(await read(process.pid)).toMatchObject({ state: 'waiting', owner: null })
      })
    })

    describe('for other processes', () => {
      const two = async (): Promise<[string, string]> => {
        const writes = [create(), create()]
        await done(store, ...writes, ...writes.map(({ pid }) => request(pid, 'pause')))
        return writes.map(({ pid }) => pid) as [string, string]
      }
      const kill = (pid: string) => request(pid, 'kill')

      test('it is ready when all of them have ended, in whatever order and way (C8)', async () => {
        const [one, other] = await two()
        const process = await waitingFor(store, 'A', { on: [one, other, one] })
        expect(await store.pending(process.pid)).toEqual({ on: [one, other].toSorted(), mail: [] })
        expect(await read(process.pid)).toMatchObject({ wait: { on: 'all' }, readyAt: null })
        await done(store, kill(other))
        expect(await claim(store, 'A')).toEqual([])
        expect(await store.pending(process.pid)).toEqual({ on: [one], mail: [] })
        const heard: Change[] = []
        store.watch((changes) => heard.push(...changes))
        await done(store, kill(one))
        expect(heard.map(({ pid, name, ready }) => [pid, name, ready])).toEqual([
          [one, 'killed', false],
          [process.pid, 'joined', true],
        ])
        const woken = await claimOne(store, 'A')
        expect(woken).toMatchObject({ pid: process.pid, wake: { by: 'handles', id: null, value: null } })
        expect(await store.pending(process.pid)).toEqual({ on: [], mail: [] })
      })

      test('it is ready when the first of them has ended, where that is enough, and once', async () => {
        const [one, other] = await two()
        const process = await waitingFor(store, 'A', { on: [one, other], any: true })
        expect(await read(process.pid)).toMatchObject({ wait: { on: 'any' } })
        await done(store, kill(other), kill(one))
        expect(await historyNames(store, process.pid)).toEqual(['created', 'waiting', 'joined'])
        const woken = await claimOne(store, 'A')
        expect(woken).toMatchObject({ pid: process.pid, wake: { by: 'handles' } })
        // Also after somebody had it who did not use that.
        await done(store, { kind: 'release', pid: process.pid, fence: woken.fence })
        expect((await claimOne(store, 'A')).wake).toMatchObject({ by: 'handles' })
      })

      test.each([
        ['all', false],
        ['one', true],
      ] as const)('those that ended before the wait, or are not there, count: %s', async (_, any) => {
        const [one, other] = await two()
        await done(store, kill(one), kill(other), { kind: 'prune', pid: other })
        await waitingFor(store, 'A', { on: [one, other, 'nobody'], any })
        expect((await claimOne(store, 'A')).wake).toMatchObject({ by: 'handles' })
      })

      test('one that ended before is enough for the first of several, and not for all', async () => {
        const [one, other] = await two()
        await done(store, kill(one))
        const all = await waitingFor(store, 'A', { on: [one, other] })
        const any = await waitingFor(store, 'A', { on: [other, one], any: true })
        expect((await claimOne(store, 'A')).pid).toBe(any.pid)
        expect(await store.pending(all.pid)).toEqual({ on: [other], mail: [] })
      })

      test('waiting for nobody is no condition, and waiting for itself never ends', async () => {
        const nobody = await waitingFor(store, 'A', { on: [], signal: 'approval' })
        expect(await read(nobody.pid)).toMatchObject({ wait: { on: null } })
        const write = create()
        await waitingFor(store, 'A', { on: [write.pid] }, write)
        const born = create()
        await done(store, { ...born, state: 'waiting', wait: waitFor({ on: [born.pid] }) })
        expect(await claim(store, 'A')).toEqual([])
        await done(store, kill(born.pid), kill(write.pid))
      })

      test('the end counts by whatever write it comes (C8)', async () => {
        await store.join(engine('B'))
        const [finished, excepted, forced, enforced, due] = [
          await running(store, 'A'),
          await running(store, 'A'),
          await running(store, 'A'),
          await running(store, 'A'),
          await running(store, 'A'),
        ]
        const [givenBack, crashed] = [await running(store, 'A'), await running(store, 'B')]
        const all = [finished, excepted, forced, enforced, due, givenBack, crashed]
        const waiters = new Map<string, string>()
        for (const { pid } of all) waiters.set(pid, (await waitingFor(store, 'A', { on: [pid] })).pid)
        const ending = { successful: false, exitCode: null, message: 'no', dropCheckpoint: false }
        const graceful = (pid: string) => request(pid, 'kill', { grace: 1_000 })
        const woken = async (ended: { pid: string }, ...writes: Write[]): Promise<void> => {
          await commit(store, ...writes)
          expect(await claimOne(store, 'A')).toMatchObject({
            pid: waiters.get(ended.pid),
            wake: { by: 'handles' },
          })
        }
        await woken(finished, finish(finished))
        await woken(excepted, advance(excepted, { state: 'excepted', ending }))
        await woken(forced, request(forced.pid, 'kill', { grace: 0 }))
        const release = { kind: 'release', pid: givenBack.pid, fence: givenBack.fence } as const
        await woken(givenBack, graceful(givenBack.pid), release)
        await done(store, graceful(enforced.pid))
        await clock.advance(1_000)
        await woken(enforced, { kind: 'enforce', pid: enforced.pid, killedState: '{"label":"killed"}' })
        await done(store, graceful(due.pid))
        await clock.advance(1_000)
        await store.recover()
        await woken(due)
        await done(store, graceful(crashed.pid))
        await crash('B')
        await woken(crashed)
      })

      test('who is claimed meanwhile, or paused, does not miss it (C8)', async () => {
        const [one, other] = await two()
        const claimed = await waitingFor(store, 'A', { on: [one], resume: true })
        const paused = await waitingFor(store, 'A', { on: [other] })
        await done(store, resume(claimed.pid), request(paused.pid, 'pause'))
        const { fence, wake } = await claimOne(store, 'A')
        await done(store, kill(one), kill(other))
        expect(await historyNames(store, claimed.pid)).toEqual(['created', 'waiting', 'resumed'])
        expect(await historyNames(store, paused.pid)).toEqual(['created', 'waiting', 'paused', 'joined'])
        expect(await claim(store, 'A')).toEqual([])
        await done(
          store,
          wait({ ...claimed, fence }, { on: [one] }, { consumes: wake?.id ?? null }),
          request(paused.pid, 'play'),
        )
        const woken = await claim(store, 'A')
        expect(new Map(woken.map(({ row, wake }) => [row.pid, wake?.by]))).toEqual(
          new Map([
            [claimed.pid, 'handles'],
            [paused.pid, 'handles'],
          ]),
        )
      })

      test('ends that are committed at the same time all count, and wake it once (C8)', async () => {
        const targets = await Promise.all(Array.from({ length: 20 }, () => running(store, 'A')))
        const one = await waitingFor(store, 'A', { on: targets.map(({ pid }) => pid) })
        await Promise.all(targets.map((target) => done(store, finish(target))))
        const woken = await claimOne(store, 'A')
        expect(woken).toMatchObject({ pid: one.pid, wake: { by: 'handles' } })
        const history = await historyNames(store, one.pid)
        expect(history.filter((name) => name === 'joined')).toHaveLength(1)
      })

      test('many may wait for one, and one for many', async () => {
        const children = Array.from({ length: 30 }, () => create())
        await done(store, ...children, ...children.map(({ pid }) => request(pid, 'pause')))
        const on = children.map(({ pid }) => pid)
        const pids: string[] = []
        for (const any of [true, false, true, false])
          pids.push((await waitingFor(store, 'A', { on, any })).pid)
        await done(store, kill(on[7] as string))
        const [first, second, third, fourth] = pids
        expect((await claim(store, 'A')).map(({ row }) => row.pid).toSorted()).toEqual([first, third])
        await done(store, ...on.filter((_, index) => index !== 7).map(kill))
        expect((await claim(store, 'A')).map(({ row }) => row.pid).toSorted()).toEqual([second, fourth])
      })
    })

    test('of several things that have come, a resume goes first, then handles, a signal, the time', async () => {
      const child = create()
      await done(store, child, request(child.pid, 'pause'))
      const on = [child.pid]
      const everything = { resume: true, signal: 'approval', until: clock.now() + 1_000, on }
      const { pid } = await waitingFor(store, 'A', everything)
      await done(store, signal(pid, 'approval'), resume(pid), request(child.pid, 'kill'))
      await clock.advance(1_000)
      const reasons: unknown[] = []
      for (const next of [everything, { ...everything, on: [] }, { ...everything, on: [] }]) {
        const woken = await claimOne(store, 'A')
        reasons.push(woken.wake?.by)
        await done(store, wait(woken, next, { consumes: woken.wake?.id ?? null }))
      }
      reasons.push((await claimOne(store, 'A')).wake?.by)
      expect(reasons).toEqual(['resume', 'handles', 'signal', 'timer'])
    })

    test('what a wait was for is forgotten when the process goes on', async () => {
      const child = create()
      await done(store, child, request(child.pid, 'pause'))
      const until = clock.now() + 1_000
      const process = await waitingFor(store, 'A', {
        resume: true,
        signal: 'approval',
        until,
        on: [child.pid],
      })
      await done(store, resume(process.pid))
      const woken = await claimOne(store, 'A')
      await done(store, advance(woken, { consumes: woken.wake?.id ?? null }))
      expect(await read(process.pid)).toMatchObject({ state: 'running', wait: null, readyAt: null })
      expect(await store.pending(process.pid)).toEqual({ on: [], mail: [] })
      await done(store, advance({ ...woken, seq: woken.seq + 1 }, { state: 'waiting' }))
      await done(store, signal(process.pid, 'approval'), request(child.pid, 'kill'))
      await clock.advance(2_000)
      expect(await claim(store, 'A')).toEqual([])
      expect(await historyNames(store, process.pid)).not.toContain('joined')
    })

    test('what ends while it waits leaves nothing behind', async () => {
      const child = create()
      await done(store, child, request(child.pid, 'pause'))
      const process = await waitingFor(store, 'A', { on: [child.pid], until: clock.now() + 1_000 })
      await done(store, request(process.pid, 'kill'))
      expect(await read(process.pid)).toMatchObject({ state: 'killed', wait: null, readyAt: null })
      expect(await store.pending(process.pid)).toEqual({ on: [], mail: [] })
      expect(await store.recover()).toMatchObject({ nextDue: null })
      await done(store, request(child.pid, 'kill'))
      expect(await historyNames(store, process.pid)).toEqual(['created', 'waiting', 'killed'])
    })

    describe('deadlines and delays', () => {
      test('a process is ready at its deadline, whatever it waits for, and gets no wake-up', async () => {
        const deadline = clock.now() + 1_000
        const process = await waitingFor(
          store,
          'A',
          { until: clock.now() + 5_000, signal: 'approval' },
          { deadline },
        )
        const early = await waitingFor(store, 'A', { until: clock.now() + 500 }, { deadline })
        expect(await read(process.pid)).toMatchObject({ deadline, readyAt: deadline })
        await clock.advance(500)
        expect(await claimOne(store, 'A')).toMatchObject({ pid: early.pid, wake: { by: 'timer' } })
        await clock.advance(500)
        const late = await claimOne(store, 'A')
        expect(late).toMatchObject({ pid: process.pid, wake: null })
        expect(await read(process.pid)).toMatchObject({ state: 'waiting', wait: { signal: 'approval' } })
        await done(store, { kind: 'release', pid: process.pid, fence: late.fence })
        expect((await claimOne(store, 'A')).pid).toBe(process.pid)
      })

      test('a launch with a delay is not claimed before, unless its deadline is', async () => {
        const readyAt = clock.now() + 1_000
        const delayed = create({ readyAt })
        const past = create({ readyAt: clock.now() - 1_000 })
        const limited = create({ readyAt, deadline: clock.now() + 500 })
        await done(store, delayed, past, limited)
        expect(await store.recover()).toMatchObject({ nextDue: clock.now() + 500 })
        expect((await claimOne(store, 'A')).pid).toBe(past.pid)
        await clock.advance(500)
        expect((await claimOne(store, 'A')).pid).toBe(limited.pid)
        expect(await read(delayed.pid)).toMatchObject({ state: 'created', readyAt })
        await clock.advance(500)
        expect((await claimOne(store, 'A')).pid).toBe(delayed.pid)
      })
    })

    test('a process may be created waiting, as one that is made from another may be', async () => {
      const child = create()
      await done(store, child, request(child.pid, 'pause'))
      const write = create({
        state: 'waiting',
        step: null,
        origin: { pid: child.pid, kind: 'restart' },
        wait: waitFor({ on: [child.pid], signal: 'approval' }),
      })
      await done(store, write)
      await done(store, write)
      expect(await claim(store, 'A')).toEqual([])
      expect(await read(write.pid)).toMatchObject({
        origin: { pid: child.pid, kind: 'restart' },
        wait: { resume: false, signal: 'approval', on: 'all' },
      })
      expect(await commitOne(store, request(child.pid, 'kill'))).toMatchObject({ applied: true })
      expect(await claimOne(store, 'A')).toMatchObject({ pid: write.pid, wake: { by: 'handles' } })
    })
  })
}
