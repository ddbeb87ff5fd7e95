import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Bundle, type Checkpoint, MemoryStore, type Persister } from 'damson'
import { SqliteStore } from 'damson/sqlite'
import { Nothing } from './example-processes.ts'

const BACK_ENDS = {
  memory: async () => {
    const store = new MemoryStore()
    return { store, dispose: () => store.close() }
  },
  file: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'damson-persisters-'))
    const store = await SqliteStore.open(join(folder, 'store.db'))
    const dispose = async (): Promise<void> => {
      await store.close()
      rmSync(folder, { recursive: true })
    }
    return { store, dispose }
  },
}

describe.each(Object.entries(BACK_ENDS))('%s', (_, open) => {
  let persister: Persister
  let dispose: () => Promise<void>
  const a = Bundle.from(new Nothing())
  const b = Bundle.from(new Nothing())
  const [pidA, pidB] = [a.head.pid, b.head.pid]

  beforeEach(async () => {
    const opened = await open()
    persister = opened.store
    dispose = opened.dispose
  })
  afterEach(() => dispose())

  const saveBothTwice = async (): Promise<void> => {
    for (const bundle of [a, b]) for (const tag of ['1', '2']) await persister.saveCheckpoint(bundle, tag)
  }
  const expectAll = async (expected: readonly Checkpoint[]): Promise<void> => {
    const all = await persister.getCheckpoints()
    expect(all).toHaveLength(expected.length)
    expect(all).toEqual(expect.arrayContaining([...expected]))
  }

  test('a process is saved and comes back the same', async () => {
    await persister.saveCheckpoint(a)
    const loaded = await persister.loadCheckpoint(pidA)
    expect(loaded.text).toBe(a.text)
    expect(Bundle.from(Nothing.recreateFrom(loaded)).text).toBe(a.text)
  })

  test('checkpoints without tags are listed', async () => {
    await persister.saveCheckpoint(a)
    await persister.saveCheckpoint(b)
    await expectAll([
      { pid: pidA, tag: null },
      { pid: pidB, tag: null },
    ])
  })

  test('checkpoints with tags are listed with them', async () => {
    await persister.saveCheckpoint(a, 'of a')
    await persister.saveCheckpoint(b, 'of b')
    await expectAll([
      { pid: pidA, tag: 'of a' },
      { pid: pidB, tag: 'of b' },
    ])
  })

  test('the checkpoints of one process are listed alone', async () => {
    await saveBothTwice()
    expect(await persister.getProcessCheckpoints(pidA)).toEqual([
      { pid: pidA, tag: '1' },
      { pid: pidA, tag: '2' },
    ])
  })

  test('the checkpoints of one process are deleted together, and no others', async () => {
    await saveBothTwice()
    await persister.deleteProcessCheckpoints(pidA)
    expect(await persister.getProcessCheckpoints(pidA)).toEqual([])
    expect(await persister.getProcessCheckpoints(pidB)).toHaveLength(2)
  })

  test('one checkpoint is deleted by its tag', async () => {
    await saveBothTwice()
    await persister.deleteCheckpoint(pidA, '2')
    await expectAll([
      { pid: pidA, tag: '1' },
      { pid: pidB, tag: '1' },
      { pid: pidB, tag: '2' },
    ])
    await persister.deleteCheckpoint(pidB, '1')
    await expectAll([
      { pid: pidA, tag: '1' },
      { pid: pidB, tag: '2' },
    ])
  })
})
