import { beforeEach, describe, expect, test } from 'vitest'
import type { Store } from '../../src/persistence/contract/store.ts'
import {
  advance,
  commit,
  create,
  done,
  finish,
  record,
  request,
  running,
  signal,
  waiting,
} from './fixtures.ts'
import type { Bench } from './store-bench.ts'

export function histories(bench: Bench): void {
  describe('histories and parts', () => {
    let store: Store
    beforeEach(() => {
      store = bench.store
    })

    /** A process with as many entries as were sent, and two. */
    async function signalled(count: number): Promise<string> {
      const { pid } = await waiting(store, 'A')
      for (let index = 0; index < count; index++) await done(store, signal(pid, `number ${index}`))
      return pid
    }

    test('a long history is read a page at a time, from either end', async () => {
      const pid = await signalled(70)
      const all = await store.history(pid)
      expect(all.map(({ n }) => n)).toEqual(Array.from({ length: 72 }, (_, index) => index + 1))
      expect(all.slice(2).map(({ data }) => data)).toEqual(
        Array.from({ length: 70 }, (_, index) => `{"name":"number ${index}"}`),
      )
      expect(all.map(({ commit }) => commit)).toEqual(
        all.map(({ commit }) => commit).toSorted((a, b) => a - b),
      )
      const numbers = async (range: Parameters<Store['history']>[1]) =>
        (await store.history(pid, range)).map(({ n }) => n)
      expect(await numbers({ limit: 3 })).toEqual([1, 2, 3])
      expect(await numbers({ after: 30, limit: 3 })).toEqual([31, 32, 33])
      expect(await numbers({ after: 70 })).toEqual([71, 72])
      expect(await numbers({ after: 72 })).toEqual([])
      expect(await numbers({ before: 31, limit: 3 })).toEqual([28, 29, 30])
      expect(await numbers({ before: Number.POSITIVE_INFINITY, limit: 2 })).toEqual([71, 72])
      expect(await numbers({ after: 10, before: 14 })).toEqual([11, 12, 13])
      expect(await numbers({ before: 1 })).toEqual([])
      for (let after = 0; after < 72; after += 5)
        expect(await store.history(pid, { after, limit: 5 })).toEqual(all.slice(after, after + 5))
    })

    test('a range that no history has is refused, and a process that is not there has no history', async () => {
      expect(await store.history('nobody')).toEqual([])
      expect(await store.history('nobody', { before: Number.POSITIVE_INFINITY })).toEqual([])
      for (const range of [
        { limit: 0 },
        { limit: 1_001 },
        { limit: 1.5 },
        { after: -1 },
        { before: Number.NaN },
      ])
        await expect(store.history('nobody', range)).rejects.toThrow(RangeError)
    })

    test('parts that grow, shrink and go are read as they were written last', async () => {
      const process = await running(store, 'A')
      let { seq } = process
      const parts = async () => (await store.load(process.pid))?.bundle().parts
      const write = async (fields: Parameters<typeof advance>[1]) =>
        done(store, advance({ ...process, seq: seq++ }, fields))
      const [small, large] = ['"small"', JSON.stringify('x'.repeat(9_000))]
      const state = '{"label":"running"}'
      for (const text of [small, large, large, small, large, small]) {
        await write({ parts: { state, memory: text, parsed: text, 'out:x.y': text } })
        expect(await parts()).toEqual({
          state,
          inputs: '{"n":1}',
          memory: text,
          parsed: text,
          'out:x.y': text,
        })
      }
      await write({ parts: { state, 'out:x.y': large }, dropped: ['parsed'] })
      expect(await parts()).toEqual({ state, inputs: '{"n":1}', memory: small, 'out:x.y': large })
      await write({ parts: { state }, dropped: ['out:x.y', 'memory'] })
      expect(await parts()).toEqual({ state, inputs: '{"n":1}' })
      // Many of them, so that the row has no room for all.
      const many = Object.fromEntries(
        Array.from({ length: 30 }, (_, index) => [`out:p${index}`, JSON.stringify('y'.repeat(400 + index))]),
      )
      for (const [name, text] of Object.entries(many)) await write({ parts: { state, [name]: text } })
      await write({ parts: { state, memory: large, inputs: '{"n":2}' } })
      expect(await parts()).toEqual({ state, inputs: '{"n":2}', memory: large, ...many })
      await done(store, finish({ ...process, seq }, { parts: { state, 'out:p3': large } }))
      expect(await parts()).toEqual({ state, inputs: '{"n":2}', ...many, 'out:p3': large })
    })

    test('a part of any name and text comes back as it is', async () => {
      const odd = { 'out:a\tb': '1', 'out:c\nd': '"\\n"', 'out:e': '{\n"f":\t1}', 'out:g': '' }
      const process = await running(store, 'A', { parts: { state: '{}', inputs: '[\n]', ...odd } })
      const parts = async () => (await store.load(process.pid))?.bundle().parts
      expect(await parts()).toEqual({ state: '{}', inputs: '[\n]', ...odd })
      await done(
        store,
        advance(process, { parts: { state: '1', 'out:e': '2' }, dropped: ['out:a\tb', 'out:g'] }),
      )
      expect(await parts()).toEqual({ state: '1', inputs: '[\n]', 'out:c\nd': '"\\n"', 'out:e': '2' })
    })

    test('the record of a step is dropped as a whole, however large it is, and nothing else is', async () => {
      const process = await running(store, 'A')
      const entries = Object.fromEntries(
        Array.from({ length: 40 }, (_, index) => [
          `record:effect:${index}`,
          JSON.stringify('z'.repeat(index === 7 ? 3_000 : 200)),
        ]),
      )
      for (const [index, [name, text]] of Object.entries(entries).entries())
        await done(store, record(process, { count: index + 1, parts: { [name]: text } }))
      const parts = async () => (await store.load(process.pid))?.bundle().parts
      expect(await parts()).toMatchObject(entries)
      const kept = { state: '{}', memory: '2', 'out:x': '3' }
      await done(store, advance(process, { parts: kept, dropsRecord: true }))
      expect(await parts()).toEqual({ ...kept, inputs: '{"n":1}' })
    })

    test('a process that is pruned leaves nothing, also of what is large', async () => {
      const pid = await signalled(70)
      const large = JSON.stringify('x'.repeat(9_000))
      const other = create({ parts: { state: '{}', inputs: large, 'out:old': large } })
      await done(store, other)
      await done(store, request(pid, 'kill'), request(other.pid, 'kill'))
      await commit(store, { kind: 'prune', pid }, { kind: 'prune', pid: other.pid })
      // The rows of new processes have the numbers of the old ones.
      const [next, last] = [create(), create({ parts: { state: '{}', inputs: '{}', 'out:new': large } })]
      await done(store, next)
      await done(store, last)
      expect(await store.history(pid)).toEqual([])
      expect((await store.history(next.pid)).map(({ name }) => name)).toEqual(['created'])
      for (const { pid: made, parts } of [next, last])
        expect((await store.load(made))?.bundle().parts).toEqual(parts)
    })
  })
}
