import type { Lifetime } from '../rules/result-dropping.ts'
import type { Row } from '../rules/row.ts'
import type { NeedEntry } from '../rules/upstream.ts'

/** The row of a process with the columns that only this back end has. */
export type StoredRow = Row & {
  readonly rev: number
  readonly entries: number
  readonly log_entries: number
}

type Flag = 0 | 1
type NeedColumns = readonly [pid: string, ended: NeedEntry['ended'], any: Flag, over: Flag]

/** A process as the function `load` returns it. */
export interface LoadedRow {
  readonly row: StoredRow
  readonly messages:
    readonly (readonly [id: number, sender: string, signal: string | null, value: string])[] | null
  readonly awaits: readonly (readonly [target: string, over: Flag])[] | null
  readonly waiters: readonly (readonly [pid: string, over: Flag])[] | null
  /** What the process needs. */
  readonly needs: readonly NeedColumns[] | null
  /** The processes that need it. */
  readonly needing: readonly NeedColumns[] | null
  readonly lifetime: LifetimeColumns | null
  readonly retained: readonly string[] | null
  /** Whether it has outputs. */
  readonly outputs: boolean
  /** Of an actor: its first calls that have not ended, or all if they were asked for. */
  readonly calls: readonly (readonly [pid: string, awaits: string | null])[] | null
  readonly parts: readonly (readonly [name: string, text: string])[] | null
}

export interface LifetimeColumns {
  readonly pid: string
  readonly policy: NonNullable<Lifetime['retention']>['policy'] | null
  readonly ttl: number | null
  readonly wanted: Lifetime['wanted']
  readonly check_at: number | null
  readonly dropped: Flag
}

/** A group as the function `load` returns it. */
export interface LoadedGroup {
  readonly row: {
    readonly id: number
    readonly name: string
    readonly ordered: Flag
    readonly parent: string | null
    readonly created_at: number
    readonly length: number | null
    readonly chunk_size: number
    readonly rev: number
  }
  readonly end: number
  readonly members: readonly (readonly [position: number, pid: string])[] | null
}

/** The answer of the function `load`. */
export interface LoadAnswer {
  /** By the clock of the database. */
  readonly now: number
  /** The engines that live. */
  readonly engines: readonly string[] | null
  readonly found: readonly LoadedRow[] | null
  readonly trees: readonly (readonly [root: string, pids: readonly string[]])[] | null
  readonly groups: readonly LoadedGroup[] | null
}

/** How many calls of an actor are loaded if not all are asked for. */
export const FIRST_CALLS = 200

/** All that was read for one commit. */
export class Loaded {
  readonly rows = new Map<string, LoadedRow | undefined>()
  readonly keys = new Map<string, string | undefined>()
  /** The processes whose parts were loaded. */
  readonly withParts = new Set<string>()
  /** The actors of which all calls were loaded. */
  readonly queues = new Set<string>()
  readonly trees = new Map<string, readonly string[]>()
  readonly groups = new Map<
    string,
    { readonly group: LoadedGroup | undefined; readonly positions: Set<number> }
  >()
  engines: ReadonlySet<string> = new Set()
}
