import type { Message } from '../rules/claim.ts'
import type { Lifetime } from '../rules/result-dropping.ts'
import type { LifetimeColumns, LoadedRow } from './loaded.ts'
import { copyOf, type StoredRow } from './stored-row.ts'
import type { SessionNeed, SessionNeeds } from './session-needs.ts'

export interface KeptMessage extends Message {
  readonly sender: string
  readonly signal: string | null
}

/**
 * One process, as it is within a commit: what was loaded of it, and what the commit changes. Most have no
 * entries of most kinds, and to make a map without any takes longer than most rules do.
 */
export class Work {
  row: StoredRow
  /** The `rev` of the row after the commit, if it concerns the process. */
  readonly nextRev = Math.floor(Math.random() * 2 ** 48)
  /** Undefined for a process that the commit creates. */
  readonly loaded: LoadedRow | undefined
  messages: KeptMessage[]
  /** By target, whether the wait for it is over. */
  awaits: Map<string, boolean> | undefined
  /** By the pid of each process that waits for this one, whether that wait is over. */
  waiters: Map<string, boolean> | undefined
  lifetime: Lifetime | undefined
  retainedBy: Set<string> | undefined
  hasOutputs: boolean
  /** The calls of an actor that have not ended: whether each waits for its inputs. */
  calls: Map<string, boolean> | undefined
  /** Whether the row was changed. */
  isPut = false
  /** Whether anything else of the process was changed. */
  isTouched = false
  isDeleted = false
  /** The parts that change; null for one that is dropped. */
  parts: Map<string, string | null> | undefined
  droppedPrefixes: Set<string> | undefined

  constructor(row: StoredRow, loaded: LoadedRow | undefined) {
    this.row = row
    this.loaded = loaded
    this.messages = (loaded?.messages ?? []).map(([id, sender, signal, value]) => ({
      id,
      sender,
      signal,
      value,
    }))
    this.awaits = mapOf(loaded?.awaits, (over) => over === 1)
    this.waiters = mapOf(loaded?.waiters, (over) => over === 1)
    this.lifetime = loaded?.lifetime == null ? undefined : lifetimeOf(loaded.lifetime)
    this.retainedBy = loaded?.retained == null ? undefined : new Set(loaded.retained)
    this.hasOutputs = loaded?.outputs ?? false
    this.calls = mapOf(loaded?.calls, (awaits) => awaits === 'inputs')
  }

  /** The process as `load` would return it after the commit, without its parts and calls. */
  after(needs: SessionNeeds): LoadedRow {
    const { row, nextRev, isPut, isTouched, lifetime } = this
    return {
      row: isTouched && !isPut ? Object.assign(copyOf(row), { rev: nextRev }) : row,
      messages: orNull(this.messages, ({ id, sender, signal, value }) => [id, sender, signal, value]),
      awaits: flags(this.awaits),
      waiters: flags(this.waiters),
      needs: orNull(needs.of(row.pid), (need) => needColumns(need.target, need)),
      needing: orNull(needs.on(row.pid), (need) => needColumns(need.pid, need)),
      lifetime: lifetime === undefined ? null : lifetimeColumns(row.pid, lifetime),
      retained: orNull([...(this.retainedBy ?? [])], (session) => session),
      outputs: this.hasOutputs,
      calls: null,
      parts: null,
    }
  }
}

function mapOf<C, V>(
  entries: readonly (readonly [key: string, column: C])[] | null | undefined,
  valueOf: (column: C) => V,
): Map<string, V> | undefined {
  if (entries == null || entries.length === 0) return undefined
  return new Map(entries.map(([key, column]) => [key, valueOf(column)]))
}

function orNull<T, C>(all: readonly T[], columnsOf: (one: T) => C): readonly C[] | null {
  return all.length === 0 ? null : all.map(columnsOf)
}

function flags(
  waits: ReadonlyMap<string, boolean> | undefined,
): readonly (readonly [pid: string, over: 0 | 1])[] | null {
  return orNull([...(waits ?? [])], ([pid, over]) => [pid, over ? 1 : 0])
}

function needColumns(
  pid: string,
  { ended, any, over }: SessionNeed,
): NonNullable<LoadedRow['needs']>[number] {
  return [pid, ended, any ? 1 : 0, over ? 1 : 0]
}

function lifetimeOf({ policy, ttl, wanted, check_at, dropped }: LifetimeColumns): Lifetime {
  return {
    retention: policy === null ? null : { policy, ttl },
    wanted,
    checkAt: check_at,
    dropped: dropped === 1,
  }
}

export function lifetimeColumns(
  pid: string,
  { retention, wanted, checkAt, dropped }: Lifetime,
): LifetimeColumns {
  return {
    pid,
    policy: retention?.policy ?? null,
    ttl: retention?.ttl ?? null,
    wanted,
    check_at: checkAt,
    dropped: dropped ? 1 : 0,
  }
}
