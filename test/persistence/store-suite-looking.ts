import { beforeEach, describe, expect, test } from 'vitest'
import type { Change, StoredProcess } from '../../src/persistence/contract/rows.ts'
import type { Create } from '../../src/persistence/contract/writes.ts'
import type { Store } from '../../src/persistence/contract/store.ts'
import { ClosedError } from '../../src/shared/errors.ts'
import {
  advance,
  claimOne,
  create,
  done,
  finish,
  type Held,
  request,
  resume,
  running,
  wait,
  waiting,
} from './fixtures.ts'
import type { Bench } from './store-bench.ts'

export function looking(bench: Bench): void {
  describe('looking', () => {
    let store: Store
    beforeEach(() => {
      store = bench.store
    })

    test('lists newest first, a page at a time', async () => {
      const writes = Array.from({ length: 7 }, () => create())
      await done(store, ...writes)
      const pids: string[] = []
      let after: string | undefined
      do {
        const page = await store.list({ limit: 3, after })
        pids.push(...page.rows.map(({ pid }) => pid))
        after = page.next
      } while (after !== undefined)
      expect(pids).toEqual(writes.map(({ pid }) => pid).toReversed())
      await expect(store.list({ limit: 0 })).rejects.toThrow(RangeError)
      await expect(store.list({ after: 'nonsense' })).rejects.toThrow(RangeError)
    })

    test('reads and loads several processes at once, and leaves out a pid without one', async () => {
      const [first, second] = [await running(store, 'A'), await running(store, 'A')]
      await done(store, advance(second, { parts: { state: '{}', 'out:sum': '3', memory: '{"ctx":{}}' } }))
      const pids = [first.pid, second.pid]
      const asked = [second.pid, 'no such pid', first.pid, second.pid]
      const byPid = <T extends { readonly pid: string }>(rows: readonly T[]): readonly T[] =>
        rows.toSorted((a, b) => (a.pid < b.pid ? -1 : 1))
      const one = await Promise.all(pids.map((pid) => store.load(pid)))
      expect(byPid(await store.readAll(asked))).toEqual(one.map((stored) => stored?.row))
      const loaded = await store.loadAll(asked)
      expect(byPid(loaded.map(({ row }) => row))).toEqual(one.map((stored) => stored?.row))
      const texts = (all: readonly (StoredProcess | undefined)[]): ReadonlySet<unknown> =>
        new Set(all.map((stored) => stored?.bundle().text))
      expect(texts(loaded)).toEqual(texts(one))
      expect([await store.readAll([]), await store.loadAll([])]).toEqual([[], []])
    })

    test('filters by state, class, label, parent, pause, time and text', async () => {
      const process = await running(store, 'A', { className: 'Brew', key: 'Käse 1', createdAt: 50 })
      const asleep = await waiting(store, 'A', { label: 'LOAF', createdAt: 60 })
      const plain = create({ createdAt: 70 })
      await done(store, plain, request(plain.pid, 'pause'))
      const found = async (filter: Parameters<Store['list']>[0]) =>
        (await store.list(filter)).rows.map(({ pid }) => pid)
      expect(await found({ state: 'waiting' })).toEqual([asleep.pid])
      expect(await found({ state: ['running', 'waiting'] })).toEqual([asleep.pid, process.pid])
      expect(await found({ className: 'Brew' })).toEqual([process.pid])
      expect(await found({ label: 'LOAF' })).toEqual([asleep.pid])
      for (const label of ['loaf', 'LOA', 'LOAF ', '%', '']) expect(await found({ label })).toEqual([])
      expect(await found({ label: 'LOAF', state: ['running', 'waiting'], paused: false })).toEqual([
        asleep.pid,
      ])
      expect(await store.count({ label: 'LOAF' })).toMatchObject({ waiting: 1, running: 0, created: 0 })
      expect(await found({ paused: true })).toEqual([plain.pid])
      expect(await found({ paused: false, limit: 1 })).toEqual([asleep.pid])
      expect(await found({ since: 60 })).toEqual([plain.pid, asleep.pid])
      expect(await found({ until: 60 })).toEqual([process.pid])
      expect(await found({ text: 'loaf' })).toEqual([asleep.pid])
      expect(await found({ text: 'KÄSE' })).toEqual([process.pid])
      expect(await found({ text: '%' })).toEqual([])
      expect(await store.count()).toMatchObject({ created: 1, running: 1, waiting: 1, finished: 0 })
      expect(await store.count({ className: 'Brew' })).toMatchObject({ created: 0, running: 1 })
    })

    test('finds what is ready, parked, asked for or failed, and counts each class once', async () => {
      const now = bench.clock.now()
      const parked = await running(store, 'A')
      await done(store, { kind: 'park', pid: parked.pid, fence: parked.fence, reason: 'damaged' })
      const [pausing, killing, overdue] = [
        await running(store, 'A'),
        await running(store, 'A'),
        await running(store, 'A'),
      ]
      await done(
        store,
        request(pausing.pid, 'pause'),
        request(killing.pid, 'kill'),
        request(overdue.pid, 'kill', { grace: 1_000 }),
      )
      const failed = await running(store, 'A')
      const ending = { successful: false, exitCode: null, message: 'no memory', dropCheckpoint: false }
      await done(store, finish(failed, { state: 'excepted', ending }))
      const succeeded = await running(store, 'A')
      await done(store, finish(succeeded))
      await waiting(store, 'A')
      const [killed, paused, ready, later] = [
        create(),
        create(),
        create({ className: 'Brew', version: 3 }),
        create({ readyAt: now + 60_000 }),
      ]
      await done(
        store,
        killed,
        paused,
        ready,
        later,
        request(killed.pid, 'kill'),
        request(paused.pid, 'pause'),
      )
      await bench.clock.advance(2_000)
      const found = async (filter: Parameters<Store['list']>[0]) =>
        (await store.list(filter)).rows.map(({ pid }) => pid)
      expect(await found({ ready: true })).toEqual([ready.pid])
      expect(await found({ ready: true, className: 'Bake' })).toEqual([])
      expect(await found({ ready: false, state: 'created' })).toEqual([later.pid, paused.pid])
      expect(await found({ parked: true })).toEqual([parked.pid])
      expect(await found({ parked: false, paused: true })).toEqual([paused.pid])
      expect(await found({ requested: 'pause' })).toEqual([pausing.pid])
      expect(await found({ requested: 'kill' })).toEqual([overdue.pid, killing.pid])
      expect(await found({ requested: 'kill', state: ['created', 'waiting'] })).toEqual([])
      expect(await found({ successful: false })).toEqual([killed.pid, failed.pid])
      expect(await found({ successful: false, state: 'excepted' })).toEqual([failed.pid])
      expect(await found({ successful: true })).toEqual([succeeded.pid])
      expect(await found({ engine: 'A', state: 'running' })).toEqual([overdue.pid, killing.pid, pausing.pid])
      expect(await found({ engine: 'B' })).toEqual([])
      expect(await store.count({ successful: false })).toMatchObject({ excepted: 1, killed: 1, finished: 0 })
      expect(await store.count({ ready: true })).toMatchObject({ created: 1, running: 0 })
      const page = await store.list({ successful: false, limit: 1 })
      expect(await found({ successful: false, after: page.next })).toEqual([failed.pid])
      await expect(store.list({ requested: 'play' as 'pause' })).rejects.toThrow(RangeError)
      await expect(store.list({ ready: 1 as never })).rejects.toThrow(TypeError)

      const none = {
        ready: 0,
        running: 0,
        waiting: 0,
        paused: 0,
        parked: 0,
        succeeded: 0,
        killed: 0,
        failed: 0,
      }
      expect(await store.survey(now)).toEqual({
        classes: [
          {
            className: 'Bake',
            ready: 0,
            running: 3,
            waiting: 2,
            paused: 1,
            parked: 1,
            succeeded: 1,
            killed: 1,
            failed: 1,
            failedLately: 1,
            gaveUp: 0,
            selfAwaiting: 0,
            selfAwaitingPid: null,
            readyKinds: [],
          },
          {
            className: 'Brew',
            ...none,
            ready: 1,
            failedLately: 0,
            gaveUp: 0,
            selfAwaiting: 0,
            selfAwaitingPid: null,
            readyKinds: [{ version: 3, worker: null, count: 1 }],
          },
        ],
        running: { A: 3 },
        waits: [
          { for: 'resume', name: null, count: 1 },
          { for: 'start', name: null, count: 1 },
        ],
        overdueKills: 1,
      })
      expect((await store.survey(now + 1)).classes[0]).toMatchObject({ failed: 1, failedLately: 0 })
    })

    test('tells what failures have paused from what someone has paused', async () => {
      const tired = await running(store, 'A')
      const held = create()
      await done(
        store,
        advance(tired, { state: 'waiting', paused: { message: 'no memory' } }),
        held,
        request(held.pid, 'pause'),
      )
      const found = async (filter: Parameters<Store['list']>[0]) =>
        (await store.list(filter)).rows.map(({ pid }) => pid)
      expect(await found({ gaveUp: true })).toEqual([tired.pid])
      expect(await found({ gaveUp: true, paused: false })).toEqual([])
      expect(await found({ gaveUp: false, paused: true })).toEqual([held.pid])
      expect((await store.survey(0)).classes).toMatchObject([{ paused: 2, gaveUp: 1 }])
      await done(store, request(tired.pid, 'pause'))
      expect(await found({ gaveUp: true })).toEqual([])
      expect((await store.survey(0)).classes).toMatchObject([{ paused: 2, gaveUp: 0 }])
    })

    test('counts what waits for itself, and names the last one', async () => {
      for (const pid of ['self-1', 'self-2']) {
        const selfish = await running(store, 'A', { pid })
        await done(store, wait(selfish, { on: [pid] }))
      }
      const other = await running(store, 'A')
      await done(store, wait(other, { on: ['self-1'] }))
      expect((await store.survey(0)).classes).toMatchObject([{ selfAwaiting: 2, selfAwaitingPid: 'self-2' }])
    })

    test('a failure is superseded by what was made of it, or later of what it was made of, and so below', async () => {
      const store = bench.store
      const ending = { successful: false, exitCode: null, message: 'no', dropCheckpoint: false }
      const from = (pid: string) => ({ origin: { pid, kind: 'restart' as const } })
      const made: string[] = []
      const end = async (one: Held) => {
        await done(store, finish(one, { state: 'excepted', ending }))
        made.push(one.pid)
        return one.pid
      }
      const fails = async (given: Partial<Create> = {}) => end(await running(store, 'A', given))
      const parent = create()
      await done(store, parent)
      const child = await fails({ parent: parent.pid })
      const middle = create({ parent: parent.pid })
      await done(store, middle)
      const grandchild = await fails({ parent: middle.pid })
      const plain = await fails()
      const first = await fails()
      const again = await running(store, 'A', from(first))
      const ofSecond = await fails({ parent: again.pid })
      const second = await end(again)
      const found = async (superseded: boolean) =>
        (await store.list({ superseded, successful: false })).rows.map(({ pid }) => pid)
      const lately = async () => (await store.survey(0)).classes[0]?.failedLately
      expect(await found(true)).toEqual([first])
      expect(await found(false)).toEqual([ofSecond, second, plain, grandchild, child])
      expect(await lately()).toBe(5)
      await done(store, create(from(first)), create(from(parent.pid)))
      expect(await found(true)).toEqual([ofSecond, second, first, grandchild, child])
      expect(await store.count({ superseded: false })).toMatchObject({ excepted: 1 })
      expect(await lately()).toBe(1)
      expect(made).toHaveLength(6)
    })

    test('finds the process of a key, which must match as a whole', async () => {
      const keyed = create({ key: 'order 17' })
      await done(store, keyed, create({ key: 'order 1' }), create())
      const found = async (key: string) => (await store.list({ key })).rows.map(({ pid }) => pid)
      expect(await found('order 17')).toEqual([keyed.pid])
      for (const key of ['order', 'ORDER 17', 'order 17 ']) expect(await found(key)).toEqual([])
      expect(await store.count({ key: 'order 17' })).toMatchObject({ created: 1 })
      await expect(store.list({ key: '' })).rejects.toThrow('list: key must not be empty')
    })

    test('finds pids by a beginning or an ending', async () => {
      const pids = ['ship-1', 'ship-2', 'boat-2', 'ünü-😀', '%_-2']
      await done(store, ...pids.map((pid) => create({ pid })))
      const beginning = async (...beginnings: string[]) => (await store.pids({ beginnings }, 10)).toSorted()
      const ending = async (...endings: string[]) => (await store.pids({ endings }, 10)).toSorted()
      expect(await beginning('ship')).toEqual(['ship-1', 'ship-2'])
      expect(await beginning('ship-1', 'boat', 'none')).toEqual(['boat-2', 'ship-1'])
      expect(await beginning('')).toHaveLength(5)
      expect(await beginning('%')).toEqual(['%_-2'])
      expect(await ending('-2')).toEqual(['%_-2', 'boat-2', 'ship-2'])
      expect(await ending('p-1', 'ü-😀')).toEqual(['ship-1', 'ünü-😀'])
      expect(await ending('%')).toEqual([])
      expect(await ending()).toEqual([])
      expect(await store.pids({ endings: ['-2'] }, 2)).toHaveLength(2)
      expect(await store.pids({ beginnings: [''] }, 2)).toHaveLength(2)
    })

    test('finds what ended before a time, whenever it was created', async () => {
      const [early, late, lives] = [create(), create(), create()]
      const start = bench.clock.now()
      const old = { createdAt: start }
      await done(store, { ...early, ...old }, { ...late, ...old }, { ...lives, ...old })
      await bench.clock.advance(1_000)
      await done(store, request(early.pid, 'kill'))
      await bench.clock.advance(1_000)
      await done(store, request(late.pid, 'kill'))
      const ended = async (time: number) =>
        (await store.list({ endedBefore: start + time })).rows.map(({ pid }) => pid)
      expect(await ended(1_000)).toEqual([])
      expect(await ended(1_500)).toEqual([early.pid])
      expect(await ended(9_000)).toEqual([late.pid, early.pid])
      expect(await store.count({ endedBefore: start + 1_500 })).toMatchObject({ killed: 1, created: 0 })
      await expect(store.list({ endedBefore: Number.NaN })).rejects.toThrow(TypeError)
    })

    test('a watcher is notified of every change, in order, until it stops', async () => {
      const heard: Change[] = []
      const stop = store.watch((changes) => heard.push(...changes))
      const write = create()
      await done(store, write)
      const claimed = await claimOne(store, 'A')
      await done(store, advance(claimed, { state: 'waiting' }), resume(write.pid))
      await done(store, request(write.pid, 'pause'))
      expect(heard.map(({ name, state, paused, ready }) => [name, state, paused, ready])).toEqual([
        ['created', 'created', false, true],
        ['waiting', 'waiting', false, false],
        ['resumed', 'waiting', false, true],
        ['paused', 'waiting', true, false],
      ])
      const history = await store.history(write.pid)
      expect(heard.map(({ by }) => by)).toEqual(history.map(({ by }) => by))
      stop()
      await done(store, request(write.pid, 'play'))
      expect(heard).toHaveLength(4)
    })

    test('a listener that writes in turn is heard after the changes that it was notified of', async () => {
      const heard: string[] = []
      const write = create()
      let nested: Promise<void> | undefined
      store.watch((changes) => {
        if (nested === undefined) nested = done(store, request(write.pid, 'pause'))
        heard.push(`first ${changes.map((change) => change.name).join()}`)
      })
      store.watch((changes) => heard.push(`second ${changes.map((change) => change.name).join()}`))
      await done(store, write)
      await nested
      expect(heard).toEqual(['first created', 'second created', 'first paused', 'second paused'])
    })

    test('a listener that fails harms neither whoever commits, nor other listeners, nor the program', async () => {
      const warned: string[] = []
      const note = ({ name, message }: Error): void => void warned.push(`${name}: ${message.split('\n')[0]}`)
      process.on('warning', note)
      const heard: string[] = []
      store.watch(() => {
        throw new Error('at once')
      })
      const failsLater: () => unknown = () => Promise.reject(new Error('later'))
      store.watch(failsLater)
      store.watch((changes) => heard.push(...changes.map(({ name }) => name)))
      const write = create()
      await done(store, write)
      await done(store, request(write.pid, 'pause'))
      await new Promise((resolve) => setImmediate(resolve))
      process.off('warning', note)
      expect(heard).toEqual(['created', 'paused'])
      expect(warned.filter((text) => text.startsWith('DamsonListenerWarning')).toSorted()).toEqual([
        ...Array.from({ length: 2 }, () => expect.stringMatching(/Error: at once$/) as string),
        ...Array.from({ length: 2 }, () => expect.stringMatching(/Error: later$/) as string),
      ])
    })

    test('a closed store says so', async () => {
      await store.close()
      await store.close()
      await expect(store.read('x')).rejects.toThrow(ClosedError)
      await expect(store.list()).rejects.toThrow(ClosedError)
      expect(() => store.watch(() => {})).toThrow(ClosedError)
    })
  })
}
