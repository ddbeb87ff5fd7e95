export { SqliteStore } from './sqlite-store.ts'
export type { SqliteStoreOptions } from './sqlite-store-options.ts'
