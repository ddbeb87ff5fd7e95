import { beforeEach, describe, expect, test } from 'vitest'
import { Bundle } from '../../src/bundle/bundle.ts'
import type { Store } from '../../src/persistence/contract/store.ts'
import { CheckpointNotFound, PersistenceError } from '../../src/shared/errors.ts'
import { advance, done, finish, running } from './fixtures.ts'
import type { Bench } from './store-bench.ts'

export function checkpoints(bench: Bench): void {
  describe('checkpoints', () => {
    let store: Store
    beforeEach(() => {
      store = bench.store
    })

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
}
