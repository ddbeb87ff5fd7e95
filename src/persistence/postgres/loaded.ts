import type { Lifetime } from '../rules/result-dropping.ts'
import type { NeedEntry } from '../rules/upstream.ts'
import type { StoredRow } from './stored-row.ts'
import type { Wanted } from './wanted.ts'

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

/** All that was read for one attempt at a commit, from one snapshot of the database, beside what is remembered. */
export class Loaded {
  /** What was asked for. */
  readonly wanted: Wanted
  /** The engines that live; undefined if the database was not asked. */
  readonly engines: ReadonlySet<string> | undefined
  /** The pids that are taken for free, which the database did not look up. */
  readonly assumedFree: readonly string[]
  /** Whether some of it is remembered or assumed, and perhaps wrong. */
  readonly isAssumed: boolean
  readonly #rows: ReadonlyMap<string, LoadedRow>
  readonly #keys: ReadonlyMap<string, string>
  readonly #trees: ReadonlyMap<string, readonly string[]>
  readonly #groups: ReadonlyMap<string, LoadedGroup>

  /** Without an answer, nothing more was wanted than what is remembered and assumed. */
  constructor(
    wanted: Wanted,
    remembered: readonly LoadedRow[],
    assumedFree: readonly string[],
    answer?: LoadAnswer,
  ) {
    const { engines, found, trees, groups } = answer ?? {}
    this.wanted = wanted
    this.engines = answer && new Set(engines)
    this.assumedFree = assumedFree
    this.isAssumed = remembered.length + assumedFree.length > 0
    const rows = [...remembered, ...(found ?? [])]
    this.#rows = new Map(rows.map((one) => [one.row.pid, one]))
    this.#keys = new Map(rows.flatMap(({ row: { key, pid } }) => (key === null ? [] : [[key, pid] as const])))
    this.#trees = new Map(trees)
    this.#groups = new Map(groups?.map((one) => [one.row.name, one]))
  }

  /** Whether the process was looked for. */
  looksFor(pid: string): boolean {
    return this.#rows.has(pid) || this.wanted.pids.has(pid)
  }

  row(pid: string): LoadedRow | undefined {
    return this.#rows.get(pid)
  }

  /** The pid of the process that has a key. */
  pidOf(key: string): string | undefined {
    return this.#keys.get(key)
  }

  /** The unfinished descendants of a process; undefined if they were not asked for. */
  descendants(pid: string): readonly string[] | undefined {
    return this.#trees.get(pid)
  }

  group(name: string): LoadedGroup | undefined {
    return this.#groups.get(name)
  }
}
