import { beforeEach, describe, expect, test } from 'vitest'
import type { Store } from '../../src/persistence/contract/store.ts'
import type { Edit } from '../../src/persistence/contract/writes.ts'
import {
  advance,
  claimOne,
  commitOne,
  create,
  done,
  engine,
  finish,
  historyNames,
  record,
  request,
  resume,
  running,
  waiting,
  waitInStep,
} from './fixtures.ts'
import type { Bench } from './store-bench.ts'

export function edits(bench: Bench): void {
  describe('edits', () => {
    const { kill, read, status } = bench
    let store: Store
    let made = 0
    beforeEach(() => {
      ;({ store } = bench)
    })

    /** An edit made from the process as it is now. */
    const edit = async (pid: string, fields: Partial<Edit> = {}): Promise<Edit> => {
      const stored = await store.load(pid)
      return {
        kind: 'edit',
        pid,
        id: `edit ${++made}`,
        fence: stored?.fence ?? 0,
        seq: stored?.row.seq ?? 0,
        parts: { memory: '{"ctx":{"limit":20}}' },
        history: [{ name: 'edited', data: '{"path":"ctx.limit","after":"20"}' }],
        by: 'a client',
        ...fields,
      }
    }
    const parts = async (pid: string) => (await store.load(pid))?.bundle().parts

    test('what waits gets other parts in one commit, with the sender in the history', async () => {
      const { pid } = await waiting(store, 'A')
      const before = await read(pid)
      const write = await edit(pid, {
        parts: { memory: '{"ctx":{}}', state: '{"label":"waiting","step":"x"}' },
      })
      // Twice: the acknowledgement may have been lost.
      await done(store, write, write)
      expect(await parts(pid)).toMatchObject({
        memory: '{"ctx":{}}',
        state: '{"label":"waiting","step":"x"}',
        inputs: '{"n":1}',
      })
      expect(await read(pid)).toEqual(before)
      expect(await historyNames(store, pid)).toEqual(['created', 'waiting', 'edited'])
      expect((await store.history(pid)).at(-1)).toMatchObject({
        by: 'a client',
        data: write.history[0]?.data,
      })
      await done(store, resume(pid))
      expect((await claimOne(store, 'A')).pid).toBe(pid)
    })

    test('of two edits made from the same row, the second one is refused', async () => {
      const { pid } = await waiting(store, 'A')
      const [first, second] = [await edit(pid), await edit(pid)]
      expect(await status(first, second)).toEqual(['done', 'fenced'])
      expect(await historyNames(store, pid)).toEqual(['created', 'waiting', 'edited'])
    })

    test('an edit that was made before an engine claimed the process changes nothing (C4)', async () => {
      const { pid } = await waiting(store, 'A')
      const write = await edit(pid)
      await done(store, resume(pid))
      const claimed = await claimOne(store, 'A')
      expect(await status(write)).toEqual(['fenced'])
      await done(store, advance(claimed, { state: 'waiting' }))
      expect(await status(write)).toEqual(['fenced'])
      expect((await parts(pid))?.['memory']).toBeUndefined()
    })

    test('what an engine runs or holds is not edited, and the refusal says what to do', async () => {
      const process = await running(store, 'A')
      const refused = await commitOne(store, await edit(process.pid))
      expect(refused).toMatchObject({ status: 'conflict', pid: process.pid })
      expect(refused).toHaveProperty('reason', expect.stringMatching(/runs step run: pause it first/))
      await done(store, request(process.pid, 'pause'))
      expect(await commitOne(store, await edit(process.pid))).toHaveProperty(
        'reason',
        expect.stringMatching(/once the pause has taken effect/),
      )
      const held = await running(store, 'A')
      await done(store, waitInStep(held, { resume: true }))
      expect(await commitOne(store, await edit(held.pid))).toHaveProperty(
        'reason',
        expect.stringMatching(/which engine A holds in memory.*pause it and stop that engine/),
      )
      expect(await historyNames(store, held.pid)).toEqual(['created'])
    })

    test('a process that waits within a step, out of memory, is edited and keeps its record', async () => {
      const held = await running(store, 'A')
      await done(
        store,
        record(held, { parts: { 'record:effect:pay': '1' } }),
        waitInStep(held, { signal: 'go' }, { count: 2, evicts: true }),
      )
      await done(store, await edit(held.pid))
      expect(await parts(held.pid)).toMatchObject({
        memory: '{"ctx":{"limit":20}}',
        'record:effect:pay': '1',
      })
    })

    test('an engine that has the launch in memory reads it anew', async () => {
      const write = create()
      await done(store, write)
      await done(store, await edit(write.pid))
      const begins = advance({ pid: write.pid, fence: 0, seq: 0 }, { begins: true })
      expect(await status(begins)).toEqual(['fenced'])
      const claimed = await claimOne(store, 'A')
      expect(claimed).toMatchObject({ pid: write.pid, fence: 2 })
    })

    test('an ended process is never changed (C5)', async () => {
      const process = await running(store, 'A')
      await done(store, finish(process))
      const before = [await read(process.pid), await parts(process.pid)]
      expect(await commitOne(store, await edit(process.pid))).toEqual({ status: 'ended', state: 'finished' })
      expect([await read(process.pid), await parts(process.pid)]).toEqual(before)
      expect(await status({ ...(await edit(process.pid)), pid: 'nobody' })).toEqual(['missing'])
    })

    test('the process of a dead engine is taken back, and edited in the same commit (C11)', async () => {
      await store.join(engine('B'))
      const process = await running(store, 'B')
      const write = await edit(process.pid)
      await kill('B')
      await done(store, write)
      expect(await read(process.pid)).toMatchObject({ owner: null, crashes: 1, state: 'running' })
      expect(await historyNames(store, process.pid)).toEqual(['created', 'crashed', 'edited'])
      expect(await parts(process.pid)).toMatchObject({ memory: '{"ctx":{"limit":20}}' })
      await store.recover()
      expect(await read(process.pid)).toMatchObject({ crashes: 1 })
    })

    test('the process of a dead engine ends by its stored kill, and the edit changes nothing (C5)', async () => {
      await store.join(engine('B'))
      const process = await running(store, 'B')
      await done(store, request(process.pid, 'kill'))
      const write = await edit(process.pid)
      await kill('B')
      expect(await commitOne(store, write)).toEqual({ status: 'ended', state: 'killed' })
      expect((await parts(process.pid))?.['memory']).toBeUndefined()
      expect(await historyNames(store, process.pid)).toEqual([
        'created',
        'kill requested',
        'crashed',
        'killed',
      ])
    })

    test('an edit that is too large is refused, and changes nothing', async () => {
      const { pid } = await waiting(store, 'A')
      const large = `"${'x'.repeat(64 * 2 ** 20)}"`
      expect(await commitOne(store, await edit(pid, { parts: { memory: large } }))).toMatchObject({
        status: 'refused',
        error: { code: 'SERIALIZATION', path: 'memory' },
      })
      expect(await historyNames(store, pid)).toEqual(['created', 'waiting'])
    })
  })
}
