import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryStore } from '../../src/index.ts'
import { SqliteStore } from '../../src/persistence/sqlite/index.ts'
import { unreliable } from '../../src/testing/index.ts'
import { engineSuite } from './engine-suite.ts'

engineSuite('memory', async () => {
  const store = new MemoryStore()
  return { store, dispose: () => store.close() }
})

engineSuite('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'damson-engine-'))
  const store = await SqliteStore.open(join(folder, 'test.db'))
  return {
    store,
    dispose: async () => {
      await store.close()
      await rm(folder, { recursive: true })
    },
  }
})

engineSuite(
  'a memory store that delays, fails and loses acknowledgements',
  async () => {
    const store = unreliable(new MemoryStore(), { seed: 7 })
    return { store, dispose: () => store.close() }
  },
  true,
)
