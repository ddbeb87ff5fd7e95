import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryStore } from '../../src/persistence/memory/memory-store.ts'
import { SqliteStore } from '../../src/persistence/sqlite/index.ts'
import type { Store } from '../../src/persistence/contract/store.ts'
import { unreliable } from '../../src/testing/index.ts'
import { engine } from './fixtures.ts'
import { type OpenedStore, storeSuite } from './store-suite.ts'

storeSuite('memory', async (clock) => opened(new MemoryStore({ clock })))

storeSuite('memory behind a bad network: delays, refusals and lost acknowledgements', async (clock) => {
  const store = new MemoryStore({ clock })
  return { ...opened(store), store: unreliable(store, { seed: 20, refused: 0.1, failed: 0.2, lost: 0.3 }) }
})

storeSuite('sqlite', async (clock) => {
  const folder = mkdtempSync(join(tmpdir(), 'damson-store-'))
  const path = join(folder, 'store.db')
  const store = await SqliteStore.open(path, { clock })
  const programs = new Map<string, SqliteStore>()
  return {
    // An engine other than A lives in a program of its own as far as the file can tell: in another store, which is closed
    // without leaving.
    store: joiningElsewhere(store, async (identity) => {
      const other = await SqliteStore.open(path, { clock })
      programs.set(identity.id, other)
      await other.join(identity)
    }),
    async kill(id) {
      await programs.get(id)?.close()
    },
    async dispose() {
      for (const program of programs.values()) await program.close()
      await store.close()
      rmSync(folder, { recursive: true })
    },
  }
})

function opened(store: MemoryStore): OpenedStore {
  return { store, kill: async (id) => store.forget(id), dispose: () => store.close() }
}

function joiningElsewhere(
  store: SqliteStore,
  join: (identity: ReturnType<typeof engine>) => Promise<void>,
): Store {
  return new Proxy(store, {
    get(target, name) {
      if (name === 'join')
        return (identity: ReturnType<typeof engine>) =>
          identity.id === 'A' ? target.join(identity) : join(identity)
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
