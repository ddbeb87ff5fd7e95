import { beforeEach, describe, expect, test } from 'vitest'
import type { Store } from '../../src/persistence/contract/store.ts'
import type { Create } from '../../src/persistence/contract/writes.ts'
import type { SimulatedClock } from '../../src/testing/index.ts'
import { longName } from '../run/long-name.ts'
import {
  advance,
  claim,
  claimOne,
  commit,
  commitOne,
  create,
  done,
  finish,
  historyNames,
  request,
  resume,
  running,
} from './fixtures.ts'
import type { Bench } from './store-bench.ts'

export function creating(bench: Bench): void {
  describe('creating', () => {
    const { read, status } = bench
    let store: Store
    let clock: SimulatedClock
    beforeEach(() => {
      ;({ store, clock } = bench)
    })

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

    test.each([
      ['a NUL character', 'a\u0000b'],
      ['private characters', '\uF8FF0\uF8FF'],
      ['quotes, backslashes and wildcards', `'"\\%_?$1@`],
      ['an emoji and lines', '🥖\r\n\u2028'],
    ])('names and values with %s are found and read as they were given', async (_, text) => {
      const write = create({
        pid: `pid ${text}`,
        key: text,
        label: text,
        status: text,
        parts: { state: JSON.stringify({ label: text }), inputs: JSON.stringify({ [text]: text }) },
      })
      await done(store, write)
      await done(store, request(write.pid, 'pause', { message: text }))
      expect(await read(write.pid)).toMatchObject({ key: text, label: text, status: text })
      expect((await store.load(write.pid))?.bundle().parts).toEqual(write.parts)
      const found = await store.list({ label: text })
      expect(found.rows.map(({ pid }) => pid)).toEqual([write.pid])
      const again = create({ key: text, parts: write.parts })
      expect(await commitOne(store, again)).toMatchObject({ pid: write.pid, existed: true })
      const [first] = await store.history(write.pid)
      expect(first).toMatchObject({ pid: write.pid, name: 'created' })
      await store.saveCheckpoint((await store.load(write.pid))!.bundle(), text)
      expect((await store.loadCheckpoint(write.pid, text)).parts).toEqual(write.parts)
    })

    test('what is not there is undefined, and a write to it reports so', async () => {
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

    test('a launch that is made again is new only while its process is as it was created (C4)', async () => {
      const write = create()
      await done(store, write)
      expect(await commitOne(store, write)).toEqual({ status: 'done', pid: write.pid, existed: false })
      const claimed = await claimOne(store, 'A')
      const existed = { status: 'done', pid: write.pid, existed: true }
      expect(await commitOne(store, write)).toEqual(existed)
      await done(store, { kind: 'release', pid: write.pid, fence: claimed.fence })
      expect(await commitOne(store, write)).toEqual(existed)
      const [begun, killed] = [create(), create()]
      await done(store, begun, killed)
      const begins = advance({ pid: begun.pid, fence: 0, seq: 0 }, { begins: true })
      await done(store, begins, request(killed.pid, 'kill'))
      expect(await commit(store, begun, killed)).toMatchObject([{ existed: true }, { existed: true }])
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

    test.each([
      ['pid', { pid: 'q\ud800' }],
      ['key', { key: 'q\ud800' }],
      ['label', { label: 'q\ud800' }],
      ['class', { className: 'q\ud800' }],
      ['step', { step: 'q\ud800' }],
      ['status', { status: 'q\ud800' }],
      ['part', { parts: { state: '{}', inputs: '{}', 'out:q\ud800': '1' } }],
    ])('a create whose %s is no well-formed text is refused, and none beside it', async (_, malformed) => {
      const [good, other] = [create(), create()]
      const outcomes = await commit(store, good, create(malformed), other)
      expect(outcomes.map((outcome) => outcome.status)).toEqual(['done', 'refused', 'done'])
      expect(outcomes[1]).toMatchObject({ error: { message: expect.stringMatching(/lone surrogate/) } })
      expect((await store.list()).rows).toHaveLength(2)
    })

    test.each([
      ['pid', (name: string) => ({ pid: name })],
      ['key', (name: string) => ({ key: name })],
      ['label', (name: string) => ({ label: name })],
      ['label of an engine', (name: string) => ({ worker: name })],
      [
        'group',
        (name: string) => ({ group: { name, ordered: true, position: 0, parent: null, chunkSize: 1 } }),
      ],
    ])(
      'a create whose %s has 1,024 bytes is stored, and one with more is refused alone',
      async (_, named) => {
        const longest = longName(1_024)
        await done(store, create(named(longest)))
        const [good, other] = [create(), create()]
        const outcomes = await commit(store, good, create(named(`${longest}x`)), other)
        expect(outcomes.map((outcome) => outcome.status)).toEqual(['done', 'refused', 'done'])
        expect(outcomes[1]).toMatchObject({
          error: { message: expect.stringContaining('at most 1024 bytes in UTF-8, and has 1025') },
        })
        expect((await store.list()).rows).toHaveLength(3)
      },
    )

    test('two creates of one pid in one commit make one process, and the second one reports so', async () => {
      const write = create({ claim: 'A', state: 'running', seq: 1 })
      const outcomes = await store.commit([write, { ...write }]).catch(() => undefined)
      // Where the acknowledgement was lost, or a write refused, nobody was notified.
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
      await done(store, request(parent.pid, 'kill', { grace: 0 }))
      expect(await status(child())).toEqual(['ended'])
      expect(await status(create({ parent: 'nobody' }))).toEqual(['missing'])
    })

    test('a restart takes over children in its own commit, or is not made at all (C7)', async () => {
      const old = await running(store, 'A')
      const child = await running(store, 'A', { parent: old.pid, parentFence: old.fence })
      await done(store, finish(old))
      const restart = (): Create => {
        const pid = create().pid
        const adopts = [{ pid: child.pid, from: old.pid, parent: pid }]
        return create({ pid, origin: { pid: old.pid, kind: 'restart' }, adopts })
      }
      const [first, second] = [restart(), restart()]
      // Also where the acknowledgement is lost.
      await done(store, first)
      await done(store, first)
      expect(await status(second)).toEqual(['fenced'])
      expect(await store.read(second.pid)).toBeUndefined()
      expect(await read(child.pid)).toMatchObject({ parent: first.pid, owner: 'A' })
      expect((await store.list({ parent: first.pid })).rows.map(({ pid }) => pid)).toEqual([child.pid])
      expect((await store.list({ parent: old.pid })).rows).toEqual([])
      expect(await historyNames(store, child.pid)).toEqual(['created', 'adopted'])
      await done(store, request(first.pid, 'pause', { tree: true }))
      expect(await read(child.pid)).toMatchObject({ pauseRequested: { message: null } })
    })

    test("the children of a pruned parent are nobody's, and not those of the next one with its pid", async () => {
      const parent = await running(store, 'A')
      const child = create({ parent: parent.pid, parentFence: 1, onlyOwn: true })
      await done(store, child)
      await done(store, finish(parent))
      await commitOne(store, { kind: 'prune', pid: parent.pid })
      expect(await read(child.pid)).toMatchObject({ parent: null })
      await running(store, 'A', { pid: parent.pid })
      expect((await store.list({ parent: parent.pid })).rows).toEqual([])
      expect(await commitOne(store, child)).toMatchObject({ status: 'conflict', pid: child.pid })
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
}
