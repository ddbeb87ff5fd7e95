import type { Clock } from '../shared/clock.ts'
import { PersistenceError } from '../shared/errors.ts'
import { hasAll } from '../shared/options.ts'
import { isDatabaseUrl } from '../shared/store-url.ts'
import { MemoryStore } from './memory/memory-store.ts'
import type { Store } from './contract/store.ts'

const isStore = hasAll('a path or a store', ['commit', 'read', 'load', 'list', 'watch', 'close'])

export interface OpenStoreOptions {
  readonly clock?: Clock | undefined
  /** Whether to create a file or a schema if there is none. */
  readonly create: boolean
}

/**
 * Opens the store at a path or the URL of a Postgres database, or checks a store object. Only a path loads
 * the SQLite back end with its native module, and only a URL the one for Postgres.
 *
 * @throws TypeError for a value that is neither a path nor a store
 * @throws PersistenceError if the file can't be opened, or is missing and is not to be created
 */
export async function openStore(store: string | Store, { clock, create }: OpenStoreOptions): Promise<Store> {
  if (store === undefined || store === null) {
    throw new PersistenceError(
      `there is no store to open: give a path, ':memory:' or a store as \`store\`, not ${String(store)}`,
    )
  }
  if (typeof store !== 'string') {
    isStore('store', store)
    return store
  }
  if (store === '')
    throw new TypeError(
      "the path of the store must not be empty: give a path, ':memory:' or a store as `store`",
    )
  const options = clock === undefined ? {} : { clock }
  if (store === ':memory:') return new MemoryStore(options)
  if (isDatabaseUrl(store)) {
    const { PostgresStore } = await import('./postgres/index.ts')
    return PostgresStore.open(store, { ...options, create })
  }
  const { SqliteStore } = await import('./sqlite/index.ts')
  return SqliteStore.open(store, { ...options, create })
}
