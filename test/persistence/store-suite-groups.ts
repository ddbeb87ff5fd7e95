import { beforeEach, describe, expect, test } from 'vitest'
import type { GroupPosition } from '../../src/persistence/contract/groups.ts'
import type { Store } from '../../src/persistence/contract/store.ts'
import type { CompleteGroup } from '../../src/persistence/contract/writes.ts'
import type { SimulatedClock } from '../../src/testing/index.ts'
import { claim, claimOne, commit, commitOne, create, done, finish, request } from './fixtures.ts'
import type { Bench } from './store-bench.ts'

const at = (position: number, name = 'loaves'): GroupPosition => ({ name, position, ordered: true })
const inputs = (n: number) => ({ state: '{"label":"created"}', inputs: `{"n":${n}}` })
const complete = (length: number, fields: Partial<CompleteGroup> = {}): CompleteGroup => ({
  kind: 'complete',
  pid: 'loaves',
  name: 'loaves',
  ordered: true,
  createdAt: 1_000,
  length,
  parent: null,
  parentFence: null,
  ...fields,
})

export function groups(bench: Bench): void {
  describe('groups', () => {
    const { status } = bench
    let store: Store
    let clock: SimulatedClock
    beforeEach(() => {
      ;({ store, clock } = bench)
    })
    const members = async (name = 'loaves') => (await store.members(name, 0)).map(({ pid }) => pid)

    test('a group is stored with its first member, and is complete once that is said', async () => {
      expect(await store.group('loaves')).toBeUndefined()
      expect(await store.members('loaves', 0)).toEqual([])
      const [a, b, c] = [2, 0, 1].map((position) => create({ createdAt: 5_000, group: at(position) }))
      await done(store, a!)
      expect(await store.group('loaves')).toEqual({
        name: 'loaves',
        ordered: true,
        parent: null,
        createdAt: 5_000,
        length: null,
        chunkSize: 1,
        launched: 1,
      })
      await done(store, b!)
      await done(store, c!)
      await done(store, complete(3))
      expect(await store.group('loaves')).toMatchObject({ length: 3, launched: 3 })
      expect(await members()).toEqual([b!.pid, c!.pid, a!.pid])
      expect(await store.members('loaves', 2)).toEqual([{ position: 2, pid: a!.pid }])
    })

    test('a group of chunks counts inputs, and has each chunk at the position of its first input', async () => {
      const [a, b] = [0, 10].map((position) => create({ group: { ...at(position), chunkSize: 10 } }))
      await done(store, b!)
      await done(store, a!)
      await done(store, complete(13, { chunkSize: 10 }))
      expect(await store.group('loaves')).toMatchObject({ length: 13, chunkSize: 10, launched: 2 })
      expect(await store.members('loaves', 0)).toEqual([
        { position: 0, pid: a!.pid },
        { position: 10, pid: b!.pid },
      ])
    })

    test('an empty group is stored', async () => {
      await done(store, complete(0, { ordered: false }))
      expect(await store.group('loaves')).toMatchObject({ length: 0, launched: 0, ordered: false })
      await done(store, complete(0))
      expect(await store.group('loaves')).toMatchObject({ ordered: false })
    })

    test('a position that is taken gives the process that has it, for the same class and inputs', async () => {
      const first = create({ group: at(0), parts: inputs(1) })
      await done(store, first)
      expect(await commitOne(store, create({ group: at(0), parts: inputs(1) }))).toEqual({
        status: 'done',
        pid: first.pid,
        existed: true,
      })
      expect(await commitOne(store, create({ group: at(0), parts: inputs(2) }))).toEqual({
        status: 'conflict',
        pid: first.pid,
        reason: 'position 0 of the group "loaves" belongs to a process of class Bake with other inputs',
      })
      expect(
        await commitOne(store, create({ group: at(0), className: 'Boil', parts: inputs(1) })),
      ).toMatchObject({
        reason: 'position 0 of the group "loaves" belongs to a process of class Bake, not Boil',
      })
      expect(await members()).toEqual([first.pid])
      expect((await store.list()).rows).toHaveLength(1)
    })

    test('a launch that is made again after its acknowledgement was lost is new (C4)', async () => {
      const write = create({ group: at(0) })
      const twice = [await commitOne(store, write), await commitOne(store, write)]
      expect(twice).toEqual([1, 2].map(() => ({ status: 'done', pid: write.pid, existed: false })))
      expect(await store.group('loaves')).toMatchObject({ launched: 1 })
    })

    test('of two launches for one position in one commit, the first one counts', async () => {
      const writes = [create({ group: at(0) }), create({ group: at(0) })]
      expect(await commit(store, ...writes)).toMatchObject([
        { pid: writes[0]!.pid, existed: false },
        { pid: writes[0]!.pid, existed: true },
      ])
    })

    test('a process that is found by its key takes the position', async () => {
      const first = create({ key: 'rye' })
      await done(store, first)
      await done(store, create({ key: 'rye', group: at(0) }))
      expect(await members()).toEqual([first.pid])
    })

    test('a complete group takes no more members, and no other number of them', async () => {
      await done(store, create({ group: at(0) }))
      await done(store, create({ group: at(1) }))
      expect(await commitOne(store, complete(1))).toMatchObject({
        status: 'conflict',
        reason: 'the group "loaves" has 2 members, not 1',
      })
      await done(store, complete(2))
      await done(store, complete(2))
      const late = create({ group: at(2) })
      expect(await commit(store, late, complete(3))).toMatchObject([
        { status: 'conflict', reason: 'the group "loaves" is complete with 2 members' },
        { status: 'conflict', reason: 'the group "loaves" has 2 members, not 3' },
      ])
      expect(await store.read(late.pid)).toBeUndefined()
    })

    test('the members are listed and counted by the name of their group', async () => {
      const [a, b] = [0, 1].map((position) => create({ group: at(position) }))
      const other = create({ group: at(0, 'rolls') })
      for (const write of [a!, b!, create(), other]) await done(store, write)
      const pids = async (filter: object) => (await store.list(filter)).rows.map(({ pid }) => pid)
      expect(await pids({ group: 'loaves' })).toEqual([b!.pid, a!.pid])
      expect(await pids({ group: 'loaves', state: 'finished' })).toEqual([])
      expect(await pids({ group: 'nothing' })).toEqual([])
      const page = await store.list({ group: 'loaves', limit: 1 })
      expect(await pids({ group: 'loaves', limit: 1, after: page.next })).toEqual([a!.pid])
      await done(store, request(a!.pid, 'kill', { grace: 0 }))
      expect(await store.count({ group: 'loaves' })).toMatchObject({ created: 1, killed: 1, finished: 0 })
      expect(await store.count({ group: 'loaves', state: ['killed'] })).toMatchObject({
        created: 0,
        killed: 1,
      })
    })

    test('the groups are listed newest first, by pages', async () => {
      for (const name of ['a', 'b', 'c']) await done(store, create({ group: at(0, name) }))
      const first = await store.groups({ limit: 2 })
      expect(first.rows.map(({ name }) => name)).toEqual(['c', 'b'])
      const second = await store.groups({ limit: 2, after: first.next })
      expect(second).toMatchObject({ rows: [{ name: 'a' }], next: undefined })
      await expect(store.groups({ after: 'b' })).rejects.toThrow('after is "b": give the `next` of a page')
      await expect(store.groups({ limit: 0 })).rejects.toThrow(RangeError)
    })

    test('a pruned member keeps its position, until the last one is pruned and the group with it', async () => {
      const writes = [0, 1].map((position) => create({ group: at(position) }))
      await commit(store, ...writes, complete(2))
      const [a, b] = writes.map(({ pid }) => pid) as [string, string]
      await commit(store, request(a, 'kill', { grace: 0 }), request(b, 'kill', { grace: 0 }))
      await done(store, { kind: 'prune', pid: a })
      expect(await members()).toEqual([a, b])
      expect(await store.count({ group: 'loaves' })).toMatchObject({ killed: 1 })
      expect((await store.list({ group: 'loaves' })).rows.map(({ pid }) => pid)).toEqual([b])
      // The number of the row of a pruned process may be used again.
      const other = create()
      await done(store, other)
      expect((await store.list({ group: 'loaves' })).rows.map(({ pid }) => pid)).toEqual([b])
      const again = create({ group: at(0) })
      await done(store, again)
      expect(await members()).toEqual([again.pid, b])
      await done(store, request(again.pid, 'kill', { grace: 0 }))
      await done(store, { kind: 'prune', pid: again.pid })
      expect(await store.group('loaves')).toMatchObject({ launched: 2 })
      await done(store, { kind: 'prune', pid: b })
      expect(await store.group('loaves')).toBeUndefined()
      expect(await members()).toEqual([])
      expect((await store.groups()).rows).toEqual([])
    })

    describe('launched by a step', () => {
      const launched = async (): Promise<{ readonly parent: string; readonly parentFence: number }> => {
        await done(store, create({ pid: 'baker' }))
        const { pid, fence } = await claimOne(store, 'A')
        return { parent: pid, parentFence: fence }
      }

      test('under a name that the step has made, the new child takes the position of another one', async () => {
        const by = await launched()
        const child = (position: number, n: number) =>
          create({ ...by, group: { ...at(position), byStep: true }, parts: inputs(n) })
        const [a, b, c] = [child(0, 1), child(1, 2), child(0, 3)]
        await commit(store, a, b, complete(2, { ...by, byStep: true }))
        expect(await store.group('loaves')).toMatchObject({ parent: 'baker', length: 2 })
        await done(store, c)
        expect(await members()).toEqual([c.pid, b.pid])
        expect((await store.count({ group: 'loaves' })).created).toBe(2)
        await done(store, complete(1, { ...by, byStep: true }))
        expect(await members()).toEqual([c.pid])
        expect(await store.group('loaves')).toMatchObject({ length: 1, launched: 1 })
        const d = child(2, 4)
        await done(store, d)
        expect(await store.group('loaves')).toMatchObject({ length: null, launched: 2 })
      })

      test('under a given name, the process that has the position keeps it', async () => {
        const by = await launched()
        const first = create({ ...by, group: at(0), parts: inputs(1) })
        await done(store, first)
        expect(await commitOne(store, create({ ...by, group: at(0), parts: inputs(1) }))).toMatchObject({
          pid: first.pid,
          existed: true,
        })
        expect(await status(create({ ...by, group: at(0), parts: inputs(2) }))).toEqual(['conflict'])
        expect(await status(complete(0, by))).toEqual(['conflict'])
      })

      test('an engine that has lost the claim completes nothing (C4)', async () => {
        const by = await launched()
        const fenced = complete(0, { ...by, parentFence: by.parentFence + 1 })
        expect(await status(fenced)).toEqual(['fenced'])
        expect(await store.group('loaves')).toBeUndefined()
        await done(store, finish({ pid: 'baker', fence: by.parentFence, seq: 0 }))
        expect(await status(complete(0, by))).toEqual(['ended'])
      })
    })

    test('the members are claimed in the order of their commits', async () => {
      const writes = [0, 1, 2].map((position) => create({ group: at(position) }))
      await commit(store, ...writes)
      await clock.advance(1)
      expect((await claim(store, 'A')).map(({ row }) => row.pid)).toEqual(writes.map(({ pid }) => pid))
    })

    test('a name that is not well-formed text is refused', async () => {
      const outcome = await commitOne(store, create({ group: at(0, '\ud800') }))
      expect(outcome).toMatchObject({ status: 'refused', error: { name: 'SerializationError' } })
    })
  })
}
