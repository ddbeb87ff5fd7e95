import type { Clock } from '../../shared/clock.ts'
import { isClock, isFlag, type OptionNames } from '../../shared/options.ts'
import type { Trace } from './connection.ts'

/** Options of `SqliteStore.open`. */
export interface SqliteStoreOptions {
  /** The source of the time. Default: the machine's clock. */
  readonly clock?: Clock | undefined
  /** Whether to make a file if there is none. Default: true. */
  readonly create?: boolean | undefined
  /** @internal The steps of the schema, for tests of a later one. */
  readonly migrations?: readonly string[] | undefined
  /** @internal Called with each statement that runs. */
  readonly trace?: Trace | undefined
}

/** The check of each option. */
export const SQLITE_STORE_OPTIONS: OptionNames<SqliteStoreOptions> = {
  clock: isClock,
  create: isFlag,
  migrations: true,
  trace: true,
}
