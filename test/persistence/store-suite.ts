import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Bundle } from '../../src/bundle/bundle.ts'
import type { Change, ProcessRow, Store } from '../../src/persistence/store.ts'
import {
  CheckpointNotFound,
  ClosedError,
  PersistenceError,
  SerializationError,
} from '../../src/shared/errors.ts'
import { SimulatedClock } from '../../src/testing/index.ts'
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
  held,
  historyNames,
  request,
  resume,
  running,
  waiting,
} from './fixtures.ts'

/** A back end under test. */
export interface OpenedStore {
  readonly store: Store
  /** Makes an engine that has joined look as if its program had been killed. */
  kill(engineId: string): Promise<void>
  dispose(): Promise<void>
}

/** What every back end has to keep; a third one runs it by calling this with how it is opened. */
export function storeSuite(name: string, open: (clock: SimulatedClock) => Promise<OpenedStore>): void {
  describe(`store: ${name}`, () => {
    let clock: SimulatedClock
    let opened: OpenedStore
    let store: Store

    beforeEach(async () => {
      clock = new SimulatedClock()
      opened = await open(clock)
      store = opened.store
      await store.join(engine('A'))
    })
    afterEach(() => opened.dispose())

    const read = async (pid: string): Promise<ProcessRow> => {
      const row = await store.read(pid)
      if (row === undefined) throw new Error(`there is no ${pid}`)
      return row
    }
    const status = async (...writes: Parameters<typeof commit> extends [Store, ...infer W] ? W : never) =>
      (await commit(store, ...writes)).map((outcome) => outcome.status)

    describe('creating', () => {
      test('a created process is there with its row, its parts and its history (C2)', async () => {
        const write = create({
          label: 'loaf',
          status: 'new',
          parts: { state: '{"label":"created"}', inputs: '{"n":7}' },
        })
        expect(await commitOne(store, write)).toEqual({ status: 'done', pid: write.pid, existed: false })
        expect(await read(write.pid)).toMatchObject({
          className: 'Bake',
          version: 1,
          state: 'created',
          step: 'run',
          status: 'new',
          label: 'loaf',
          seq: 0,
          owner: null,
          successful: null,
          readyAt: clock.now(),
        })
        const stored = await store.load(write.pid)
        expect(stored?.bundle().parts).toEqual(write.parts)
        expect(stored?.bundle().head).toMatchObject({ pid: write.pid, class: 'Bake', seq: 0 })
        expect(await historyNames(store, write.pid)).toEqual(['created'])
      })

      test('what is not there is undefined, and a write to it is told so', async () => {
        expect(await store.read('nobody')).toBeUndefined()
        expect(await store.load('nobody')).toBeUndefined()
        expect(await store.history('nobody')).toEqual([])
        const claimed = { pid: 'nobody', fence: 1, seq: 0 }
        expect(await status(advance(claimed), request('nobody', 'pause'), resume('nobody'))).toEqual([
          'missing',
          'missing',
          'missing',
        ])
      })

      test('the same create twice is done twice and makes one process', async () => {
        const write = create()
        await done(store, write)
        await done(store, write)
        expect(await historyNames(store, write.pid)).toEqual(['created'])
      })

      test('a key in use by the same class and inputs answers with the process that has it', async () => {
        const first = create({ key: 'order 7' })
        const second = create({ key: 'order 7' })
        await done(store, first)
        expect(await commitOne(store, second)).toEqual({ status: 'done', pid: first.pid, existed: true })
        expect(await store.read(second.pid)).toBeUndefined()
      })

      test.each([
        ['another class', { className: 'Brew' }],
        ['other inputs', { parts: { state: '{}', inputs: '{"n":2}' } }],
      ])('a key or pid in use by a process with %s is a conflict', async (_, other) => {
        const first = create({ key: `key of ${_}` })
        await done(store, first)
        expect(await commitOne(store, create({ key: first.key, ...other }))).toMatchObject({
          status: 'conflict',
          pid: first.pid,
        })
        expect(await commitOne(store, create({ pid: first.pid, ...other }))).toMatchObject({
          status: 'conflict',
          pid: first.pid,
        })
      })

      test('two creates of one pid in one commit make one process, and the second is told', async () => {
        const write = create({ claim: 'A', state: 'running', seq: 1 })
        const outcomes = await store.commit([write, { ...write }]).catch(() => undefined)
        // Where the acknowledgement was lost, or a write refused, nobody was told anything.
        const answered = outcomes?.every((outcome) => outcome.status === 'done') === true
        expect(answered ? outcomes?.at(1) : { existed: true }).toMatchObject({ existed: true })
        await done(store, write)
        expect(await historyNames(store, write.pid)).toEqual(['created'])
      })

      test('a child is created under the claim of its parent, and linked to it', async () => {
        const parent = await running(store, 'A')
        const child = create({ parent: parent.pid, parentFence: parent.fence })
        await done(store, child)
        expect((await store.list({ parent: parent.pid })).rows.map(({ pid }) => pid)).toEqual([child.pid])
      })

      test('a stale claim creates no child (C4), and neither does an ended or killed parent (C5)', async () => {
        const parent = await running(store, 'A')
        const child = () => create({ parent: parent.pid, parentFence: parent.fence })
        expect(await status(create({ parent: parent.pid, parentFence: 99 }))).toEqual(['fenced'])
        await done(store, request(parent.pid, 'kill'))
        expect(await status(child())).toEqual(['ended'])
        await done(store, finish(parent))
        expect(await status(child())).toEqual(['ended'])
        expect(await status(create({ parent: 'nobody' }))).toEqual(['missing'])
      })

      test('a process may be born running, waiting or ended', async () => {
        const born = await running(store, 'A')
        expect(await read(born.pid)).toMatchObject({ state: 'running', owner: 'A', readyAt: null })
        const asleep = create({ claim: 'A', state: 'waiting', seq: 1 })
        const ending = { successful: false, exitCode: null, message: 'no', dropCheckpoint: false }
        const ended = create({ claim: 'A', state: 'excepted', seq: 1, ending })
        await done(store, asleep, ended)
        expect(await read(asleep.pid)).toMatchObject({ owner: null, readyAt: null })
        expect(await read(ended.pid)).toMatchObject({ owner: null, successful: false, message: 'no' })
        expect(await claim(store, 'A')).toEqual([])
      })
    })

    describe('advancing', () => {
      test('an advance stores what changed, and leaves the other parts', async () => {
        const process = await running(store, 'A')
        await done(
          store,
          advance(process, { parts: { state: '{"a":1}', 'out:x.y': '5', memory: '{}' }, status: 'hot' }),
        )
        await done(store, advance({ ...process, seq: 2 }, { parts: { memory: '{"b":2}' }, step: 'cool' }))
        await done(
          store,
          advance({ ...process, seq: 3 }, { parts: { state: '{"a":3}' }, dropped: ['memory'] }),
        )
        const stored = await store.load(process.pid)
        expect(stored?.row).toMatchObject({ seq: 4, state: 'running', owner: 'A', status: null })
        expect(stored?.bundle().parts).toEqual({ state: '{"a":3}', inputs: '{"n":1}', 'out:x.y': '5' })
        expect(await historyNames(store, process.pid)).toEqual(['created', 'running', 'running', 'running'])
      })

      test('history says who wrote it, and when', async () => {
        const process = await running(store, 'A')
        await clock.advance(500)
        await done(store, advance(process, { history: [{ name: 'running', data: '{"step":"bake"}' }] }))
        expect((await store.history(process.pid)).at(-1)).toMatchObject({
          pid: process.pid,
          seq: 2,
          at: clock.now(),
          name: 'running',
          data: '{"step":"bake"}',
          by: 'A',
        })
      })

      test('a wrong fence or a sequence that is not the next changes nothing (C4)', async () => {
        const process = await running(store, 'A')
        const before = await read(process.pid)
        expect(
          await status(
            advance({ ...process, fence: 0 }),
            advance({ ...process, fence: 2 }),
            advance({ ...process, seq: 2 }),
            finish({ ...process, seq: 5 }),
          ),
        ).toEqual(['fenced', 'fenced', 'fenced', 'fenced'])
        expect(await read(process.pid)).toEqual(before)
        expect(await historyNames(store, process.pid)).toEqual(['created'])
      })

      test('the same advance twice is done twice, and written once (C4)', async () => {
        const process = await running(store, 'A')
        for (const write of [advance(process), advance({ ...process, seq: 2 }, { state: 'waiting' })]) {
          const first = await commitOne(store, write)
          expect(first.status).toBe('done')
          expect(await commitOne(store, write)).toEqual(first)
        }
        const other = await running(store, 'A')
        const end = finish(other)
        await done(store, end)
        await done(store, end)
        expect(await historyNames(store, process.pid)).toEqual(['created', 'running', 'waiting'])
        expect(await historyNames(store, other.pid)).toEqual(['created', 'finished'])
      })

      test('the claim is kept while it runs, and given back when it waits or has ended', async () => {
        const process = await running(store, 'A')
        expect(await commitOne(store, advance(process))).toMatchObject({ released: false })
        expect(await commitOne(store, advance({ ...process, seq: 2 }, { state: 'waiting' }))).toMatchObject({
          released: true,
        })
        expect(await read(process.pid)).toMatchObject({ state: 'waiting', owner: null, readyAt: null })
        expect(await claim(store, 'A')).toEqual([])
      })

      test('an error that comes after the claim was given back still counts, until somebody else claims it (C4)', async () => {
        const ending = { successful: false, exitCode: null, message: 'late', dropCheckpoint: false }
        const process = await waiting(store, 'A')
        const other = await waiting(store, 'A')
        await done(store, resume(other.pid))
        await claimOne(store, 'A')
        const excepted = (seq: number, pid: string) =>
          advance({ pid, fence: 1, seq }, { state: 'excepted', ending })
        expect(await status(excepted(2, process.pid), excepted(2, other.pid))).toEqual(['done', 'fenced'])
        expect(await read(process.pid)).toMatchObject({ state: 'excepted', message: 'late' })
      })

      test('terminal is final: no write leaves it (C5)', async () => {
        const process = await running(store, 'A')
        await done(store, finish(process))
        const after = { ...process, seq: 2 }
        expect(
          await status(
            advance(after),
            finish(after),
            request(process.pid, 'kill', { grace: 0 }),
            request(process.pid, 'pause'),
            request(process.pid, 'play'),
            resume(process.pid),
            { kind: 'release', pid: process.pid, fence: 1 },
            { kind: 'park', pid: process.pid, fence: 1, reason: 'x' },
            { kind: 'enforce', pid: process.pid, killedState: '{}' },
          ),
        ).toEqual(Array.from({ length: 9 }, () => 'ended'))
        expect(await read(process.pid)).toMatchObject({ state: 'finished', seq: 2 })
        expect(await historyNames(store, process.pid)).toEqual(['created', 'finished'])
      })

      test('a successful end keeps inputs and outputs, and drops the checkpoint', async () => {
        const process = await running(store, 'A')
        const parts = { state: '{"result":1}', 'out:x': '5', memory: '{"ctx":{}}', parsed: '{"n":2}' }
        await done(store, finish(process, { parts }))
        const stored = await store.load(process.pid)
        expect(stored?.bundle().parts).toEqual({
          state: '{"result":1}',
          inputs: '{"n":1}',
          parsed: '{"n":2}',
          'out:x': '5',
        })
        expect(stored?.row).toMatchObject({ successful: true, endedAt: clock.now() })
      })

      test('an unsuccessful end keeps the checkpoint, and says how it ended', async () => {
        const process = await running(store, 'A')
        await done(store, advance(process, { parts: { memory: '{"ctx":{}}' } }))
        const exitCode = { code: 410, label: 'BURNT', message: 'too hot' }
        const ending = { successful: false, exitCode, message: 'burnt', dropCheckpoint: false }
        await done(store, finish({ ...process, seq: 2 }, { ending }))
        const stored = await store.load(process.pid)
        expect(stored?.bundle().parts).toMatchObject({ memory: '{"ctx":{}}' })
        expect(stored?.row).toMatchObject({ successful: false, exitCode, message: 'burnt' })
      })

      test('a write that is too large is refused by the name of its part, and the others are not', async () => {
        const process = await running(store, 'A')
        const other = await running(store, 'A')
        const huge = 'x'.repeat(64 * 2 ** 20 + 1)
        const [refused, fine] = await commit(
          store,
          advance(process, { parts: { state: '{}', 'out:big': huge } }),
          advance(other),
        )
        expect(refused).toMatchObject({ status: 'refused' })
        const error = refused?.status === 'refused' ? refused.error : undefined
        expect(error).toBeInstanceOf(SerializationError)
        expect(error).toMatchObject({ path: 'outputs.big' })
        expect(fine?.status).toBe('done')
        expect(await read(process.pid)).toMatchObject({ seq: 1 })
      })
    })

    describe('claiming', () => {
      test('hands out what is ready once, the longest ready first, each under a new fence (C4)', async () => {
        await store.join(engine('B'))
        const first = create()
        await done(store, first)
        await clock.advance(1)
        const second = create()
        await done(store, second)
        const byA = await claim(store, 'A', { limit: 1 })
        const byB = await claim(store, 'B')
        expect(byA.map(({ row }) => [row.pid, row.owner])).toEqual([[first.pid, 'A']])
        expect(byB.map(({ row }) => [row.pid, row.owner])).toEqual([[second.pid, 'B']])
        expect(byA[0]?.bundle().parts).toEqual(first.parts)
        expect(await claim(store, 'A')).toEqual([])
        await done(store, { kind: 'release', pid: first.pid, fence: 1 })
        expect((await claimOne(store, 'B')).fence).toBe(2)
        // The first owner is told, and changes nothing.
        expect(await status(advance({ pid: first.pid, fence: 1, seq: 0 }))).toEqual(['fenced'])
      })

      test('hands out only what the engine can load (C9)', async () => {
        const known = create()
        const newer = create({ version: 2 })
        const unknown = create({ className: 'Brew' })
        await done(store, unknown, newer, known)
        const before = await Promise.all([read(newer.pid), read(unknown.pid)])
        expect((await claim(store, 'A')).map(({ row }) => row.pid)).toEqual([known.pid])
        expect(await Promise.all([read(newer.pid), read(unknown.pid)])).toEqual(before)
        const all = [
          { name: 'Bake', version: 3 },
          { name: 'Brew', version: 1 },
        ]
        const rest = await claim(store, 'A', { classes: all })
        expect(rest.map(({ row }) => row.pid).toSorted()).toEqual([newer.pid, unknown.pid])
      })

      test('a clean release counts as no crash and makes it ready again (C12)', async () => {
        const process = await running(store, 'A')
        const release = { kind: 'release', pid: process.pid, fence: process.fence } as const
        await done(store, release)
        await done(store, release)
        expect(await read(process.pid)).toMatchObject({ owner: null, crashes: 0, readyAt: clock.now() })
        expect(await historyNames(store, process.pid)).toEqual(['created', 'released'])
        expect(await status(advance(process))).toEqual(['fenced'])
      })

      test('a release in the name of an engine leaves alone what another one holds', async () => {
        const process = await running(store, 'A')
        const release = { kind: 'release', pid: process.pid, fence: process.fence } as const
        expect(await status({ ...release, owner: 'B' })).toEqual(['fenced'])
        expect(await read(process.pid)).toMatchObject({ owner: 'A' })
        await done(store, { ...release, owner: 'A' })
        expect(await read(process.pid)).toMatchObject({ owner: null })
      })

      test('what has ended is pruned with all that is stored of it; what has not is not touched', async () => {
        const ended = await running(store, 'A', { key: 'a key' })
        await done(store, finish(ended))
        const lives = await running(store, 'A')
        const pruned = await commit(
          store,
          { kind: 'prune', pid: ended.pid },
          { kind: 'prune', pid: lives.pid },
          { kind: 'prune', pid: 'nobody' },
        )
        expect(pruned.map((outcome) => outcome.status)).toEqual([
          expect.stringMatching(/done|missing/),
          'conflict',
          'missing',
        ])
        expect(await store.read(ended.pid)).toBeUndefined()
        expect(await store.load(ended.pid)).toBeUndefined()
        expect(await store.history(ended.pid)).toEqual([])
        expect(await store.getProcessCheckpoints(ended.pid)).toEqual([])
        expect(await read(lives.pid)).toMatchObject({ state: 'running' })
        // The key is free again.
        await done(store, create({ key: 'a key' }), advance(lives))
      })

      test('no id of a history entry is used twice, also when the last one is pruned', async () => {
        const ended = await running(store, 'A')
        await done(store, finish(ended))
        const last = (await store.history(ended.pid)).at(-1)?.id ?? Number.NaN
        await commit(store, { kind: 'prune', pid: ended.pid })
        const next = create()
        await done(store, next)
        expect((await store.history(next.pid))[0]?.id).toBeGreaterThan(last)
      })

      test('a leaving engine gives back what it holds (C12)', async () => {
        const process = await running(store, 'A')
        await store.leave('A')
        expect((await store.engines()).map(({ id }) => id)).toEqual([])
        expect(await read(process.pid)).toMatchObject({ owner: null, crashes: 0 })
        await store.join(engine('B'))
        expect((await claimOne(store, 'B')).pid).toBe(process.pid)
      })

      test('what is parked is left alone, its bytes kept, until it is played (C9)', async () => {
        const process = await running(store, 'A')
        await done(store, { kind: 'park', pid: process.pid, fence: process.fence, reason: 'damaged' })
        expect(await read(process.pid)).toMatchObject({ parked: 'damaged', owner: null, seq: 1 })
        expect((await store.load(process.pid))?.bundle().parts).toEqual(create().parts)
        expect(await claim(store, 'A')).toEqual([])
        await done(store, request(process.pid, 'play'))
        expect(await claimOne(store, 'A')).toMatchObject({ pid: process.pid, played: true })
      })

      test('engines and classes are known to all who ask', async () => {
        await store.describe([{ name: 'Bake', version: 1, inputs: '{"type":"object"}', signals: '{}' }])
        await store.describe([{ name: 'Bake', version: 2, inputs: '{}', signals: '{}' }])
        await store.describe([{ name: 'Bake', version: 1, inputs: '{"type":"object"}', signals: '{}' }])
        expect(await store.classes()).toEqual([{ name: 'Bake', version: 2, inputs: '{}', signals: '{}' }])
        expect(await store.engines()).toMatchObject([{ id: 'A', host: 'here', alive: true, classes: BAKE }])
      })
    })

    describe('waking', () => {
      test.each(['before', 'during', 'after'] as const)(
        'a resume that comes %s the wait wakes it, and is used up once (C8)',
        async (when) => {
          const process = await running(store, 'A')
          const write = resume(process.pid, { value: '"warm"' })
          const wait = advance(process, { state: 'waiting' })
          if (when === 'before') await done(store, write, wait)
          else if (when === 'during') await done(store, wait, write)
          else {
            await done(store, wait)
            await done(store, write)
          }
          const woken = await claimOne(store, 'A')
          expect(woken.wake).toMatchObject({ by: 'resume', value: '"warm"' })
          await done(store, advance(woken, { consumes: woken.wake?.id ?? null }))
          await done(store, advance({ ...woken, seq: woken.seq + 1 }, { state: 'waiting' }))
          expect(await claim(store, 'A')).toEqual([])
          expect(await historyNames(store, process.pid)).toContain('resumed')
        },
      )

      test('wake-ups are kept in order, and one is used up by each wait (C8)', async () => {
        const process = await waiting(store, 'A')
        await done(store, resume(process.pid, { value: '1' }), resume(process.pid, { value: '2' }))
        const values: unknown[] = []
        for (let left = 2; left > 0; left--) {
          const woken = await claimOne(store, 'A')
          values.push(woken.wake?.value)
          await done(store, advance(woken, { state: 'waiting', consumes: woken.wake?.id ?? null }))
        }
        expect(values).toEqual(['1', '2'])
        expect(await claim(store, 'A')).toEqual([])
      })

      test('the same resume twice is kept once, also when it was used up in between (C8)', async () => {
        const process = await waiting(store, 'A')
        const write = resume(process.pid)
        await done(store, write, write)
        const woken = await claimOne(store, 'A')
        await done(store, advance(woken, { state: 'waiting', consumes: woken.wake?.id ?? null }))
        await done(store, write)
        expect(await claim(store, 'A')).toEqual([])
        expect((await historyNames(store, process.pid)).filter((entry) => entry === 'resumed')).toHaveLength(
          1,
        )
      })

      test('a wake-up outlives a claim that did not use it', async () => {
        const process = await waiting(store, 'A')
        await done(store, resume(process.pid))
        const first = await claimOne(store, 'A')
        await done(store, { kind: 'release', pid: process.pid, fence: first.fence })
        expect((await claimOne(store, 'A')).wake).toEqual(first.wake)
      })
    })

    describe('requests', () => {
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
        expect(entries.map((entry) => entry.name)).toEqual([
          'created',
          'pause requested',
          'running',
          'paused',
        ])
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

    describe('crashes', () => {
      const crash = async (id: string): Promise<void> => {
        await opened.kill(id)
        await store.recover()
      }

      test('what a dead engine held is taken back at once (C11), and its writes are fenced (C4)', async () => {
        await store.join(engine('B'))
        const process = await running(store, 'B')
        expect(await store.recover()).toEqual({
          processes: 0,
          suspects: false,
          nextDeadline: null,
          nextDue: null,
        })
        await opened.kill('B')
        expect(await store.recover()).toEqual({
          processes: 1,
          suspects: false,
          nextDeadline: null,
          nextDue: null,
        })
        expect((await store.engines()).map(({ id }) => id)).toEqual(['A'])
        expect(await read(process.pid)).toMatchObject({ owner: null, crashes: 1, readyAt: clock.now() })
        const taken = await claimOne(store, 'A')
        expect(taken.fence).toBeGreaterThan(process.fence)
        expect(await status(advance(process))).toEqual(['fenced'])
        expect((await store.history(process.pid)).map((entry) => [entry.name, entry.by])).toEqual([
          ['created', 'B'],
          ['crashed', 'B'],
          ['recovered', 'A'],
        ])
        await done(store, advance(taken))
        expect(await read(process.pid)).toMatchObject({ crashes: 0 })
      })

      test('a dead owner does not hold up requests: they take effect at once (C7)', async () => {
        await store.join(engine('B'))
        const [one, two, three] = [
          await running(store, 'B'),
          await running(store, 'B'),
          await running(store, 'B'),
        ]
        await done(store, request(two.pid, 'kill', { message: 'asked before' }))
        await opened.kill('B')
        expect(await commitOne(store, request(one.pid, 'kill'))).toMatchObject({
          status: 'done',
          applied: true,
        })
        expect(await commitOne(store, request(two.pid, 'kill'))).toMatchObject({
          status: 'done',
          applied: true,
        })
        expect(await commitOne(store, request(three.pid, 'pause'))).toMatchObject({ applied: true })
        expect(await read(one.pid)).toMatchObject({ state: 'killed' })
        expect(await read(two.pid)).toMatchObject({ state: 'killed', message: 'asked before' })
        expect(await read(three.pid)).toMatchObject({ paused: { message: null }, crashes: 1 })
      })

      test('requests that were stored when the engine died are carried out by recovery (C7)', async () => {
        await store.join(engine('B'))
        const [paused, killed] = [await running(store, 'B'), await running(store, 'B')]
        await done(store, request(paused.pid, 'pause', { message: 'lunch' }), request(killed.pid, 'kill'))
        await crash('B')
        expect(await read(paused.pid)).toMatchObject({ paused: { message: 'lunch' }, owner: null })
        expect(await read(killed.pid)).toMatchObject({ state: 'killed' })
      })

      test('after two crashes it runs alone, and the third such time it is paused; the innocent are not (C11)', async () => {
        const guilty = create()
        const innocent = create()
        await done(store, guilty, innocent)
        for (const id of ['B', 'C']) {
          await store.join(engine(id))
          expect(await claim(store, id)).toHaveLength(2)
          await crash(id)
        }
        expect(await store.recover()).toMatchObject({ suspects: true })
        expect(await claim(store, 'A')).toEqual([])
        // The innocent one gets on alone, and is no suspect any more.
        await store.join(engine('D'))
        const alone = await claim(store, 'D', { suspects: true })
        expect(alone.map(({ row }) => row.crashes)).toEqual([2, 2])
        const [first, second] = alone.map(held)
        if (first === undefined || second === undefined) throw new Error('two were claimed')
        const lucky = first.pid === innocent.pid ? first : second
        await done(store, advance(lucky))
        await crash('D')
        expect(await read(innocent.pid)).toMatchObject({ crashes: 1, paused: null })
        const blamed = await read(guilty.pid)
        expect(blamed).toMatchObject({ crashes: 3, owner: null })
        expect(blamed.paused?.message).toContain('3 times')
        expect(await store.recover()).toMatchObject({ suspects: false })
        await done(store, request(guilty.pid, 'play'))
        expect(await read(guilty.pid)).toMatchObject({ crashes: 0, paused: null })
      })

      test('a suspect beside which others were claimed does not count as alone any more (C11)', async () => {
        const guilty = create()
        await done(store, guilty)
        for (const id of ['B', 'C']) {
          await store.join(engine(id))
          await claim(store, id)
          await crash(id)
        }
        await store.join(engine('D'))
        expect(await claim(store, 'D', { suspects: true })).toHaveLength(1)
        const other = create()
        await done(store, other)
        expect(await claim(store, 'D', { beside: guilty.pid })).toHaveLength(1)
        await crash('D')
        expect(await read(guilty.pid)).toMatchObject({ crashes: 3, paused: null })
      })

      test('recovery tells only of suspects that the engine could run', async () => {
        await done(store, create())
        for (const id of ['B', 'C']) {
          await store.join(engine(id))
          await claim(store, id)
          await crash(id)
        }
        expect(await store.recover(BAKE)).toMatchObject({ suspects: true })
        expect(await store.recover([{ name: 'Brew', version: 1 }])).toMatchObject({ suspects: false })
        expect(await store.recover([{ name: 'Bake', version: 0 }])).toMatchObject({ suspects: false })
        expect(await store.recover([])).toMatchObject({ suspects: false })
      })

      test('three crashes in company pause nobody (C11)', async () => {
        const write = create()
        await done(store, write)
        for (const [index, id] of ['B', 'C', 'D'].entries()) {
          await store.join(engine(id))
          const claimed = await claim(store, id, { suspects: index >= 2 })
          // Handed back by an engine that could not run it alone, and claimed with others before it counted as suspect.
          if (index >= 2)
            await done(store, { kind: 'release', pid: write.pid, fence: claimed[0]?.fence ?? 0 })
          await crash(id)
        }
        expect(await read(write.pid)).toMatchObject({ crashes: 2, paused: null })
      })
    })

    describe('looking', () => {
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

      test('filters by state, class, parent, pause, time and text', async () => {
        const process = await running(store, 'A', { className: 'Brew', key: 'Käse 1', createdAt: 50 })
        const asleep = await waiting(store, 'A', { label: 'LOAF', createdAt: 60 })
        const plain = create({ createdAt: 70 })
        await done(store, plain, request(plain.pid, 'pause'))
        const found = async (filter: Parameters<Store['list']>[0]) =>
          (await store.list(filter)).rows.map(({ pid }) => pid)
        expect(await found({ state: 'waiting' })).toEqual([asleep.pid])
        expect(await found({ state: ['running', 'waiting'] })).toEqual([asleep.pid, process.pid])
        expect(await found({ className: 'Brew' })).toEqual([process.pid])
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

      test('who watches is told of every change, in order, until he stops', async () => {
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
        stop()
        await done(store, request(write.pid, 'play'))
        expect(heard).toHaveLength(4)
      })

      test('a listener that writes in turn is heard after what it was told', async () => {
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

      test('a closed store says so', async () => {
        await store.close()
        await store.close()
        await expect(store.read('x')).rejects.toThrow(ClosedError)
        await expect(store.list()).rejects.toThrow(ClosedError)
        expect(() => store.watch(() => {})).toThrow(ClosedError)
      })
    })

    describe('checkpoints', () => {
      const bundle = (pid: string, seq = 0) =>
        Bundle.fromParts(
          { pid, class: 'Bake', version: 1, created: '2026-01-01T00:00:00.000Z', seq },
          { state: '{"label":"created"}', inputs: '{}' },
        )

      test('are saved, replaced, listed, loaded and deleted by pid and tag', async () => {
        await store.saveCheckpoint(bundle('one'))
        await store.saveCheckpoint(bundle('one'), 'before')
        await store.saveCheckpoint(bundle('one', 5), 'before')
        await store.saveCheckpoint(bundle('two'), 'before')
        expect(await store.getProcessCheckpoints('one')).toEqual([
          { pid: 'one', tag: null },
          { pid: 'one', tag: 'before' },
        ])
        expect(await store.getCheckpoints()).toHaveLength(3)
        expect((await store.loadCheckpoint('one', 'before')).text).toBe(bundle('one', 5).text)
        await store.deleteCheckpoint('one', 'before')
        await store.deleteCheckpoint('one', 'never was')
        await expect(store.loadCheckpoint('one', 'before')).rejects.toThrow(CheckpointNotFound)
        await store.deleteProcessCheckpoints('one')
        expect(await store.getCheckpoints()).toEqual([{ pid: 'two', tag: 'before' }])
      })

      test('the rows of a process are its untagged checkpoint, which nobody else writes (C1)', async () => {
        const process = await running(store, 'A')
        await done(store, advance(process, { parts: { state: '{"at":2}' } }))
        expect((await store.loadCheckpoint(process.pid)).parts['state']).toBe('{"at":2}')
        await expect(store.saveCheckpoint(bundle(process.pid))).rejects.toThrow(PersistenceError)
        await expect(store.deleteCheckpoint(process.pid)).rejects.toThrow(PersistenceError)
        await store.saveCheckpoint(bundle(process.pid), 'mine')
        expect(await store.getProcessCheckpoints(process.pid)).toEqual([
          { pid: process.pid, tag: null },
          { pid: process.pid, tag: 'mine' },
        ])
        await done(store, finish({ ...process, seq: 2 }))
        await expect(store.loadCheckpoint(process.pid)).rejects.toThrow(CheckpointNotFound)
        expect(await store.getProcessCheckpoints(process.pid)).toEqual([{ pid: process.pid, tag: 'mine' }])
      })
    })
  })
}
