import type { Message } from '../rules/claim.ts'
import type { Lifetime } from '../rules/result-dropping.ts'
import type { LifetimeColumns, LoadedRow, StoredRow } from './loaded.ts'
import type { SessionNeed, SessionNeeds } from './session-needs.ts'

export interface KeptMessage extends Message {
  readonly sender: string
  readonly signal: string | null
}

/** One process, as it is within a commit: what was loaded of it, and what the commit changes. */
export class Work {
  row: StoredRow
  /** The `rev` of the row after the commit, if it concerns the process. */
  readonly nextRev = Math.floor(Math.random() * 2 ** 48)
  /** Undefined for a process that the commit creates. */
  readonly loaded: LoadedRow | undefined
  messages: KeptMessage[]
  /** By target, whether the wait for it is over. */
  readonly awaits: Map<string, boolean>
  /** By the pid of each process that waits for this one, whether that wait is over. */
  readonly waiters: Map<string, boolean>
  lifetime: Lifetime | undefined
  readonly retainedBy: Set<string>
  hasOutputs: boolean
  /** The calls of an actor that have not ended: whether each waits for its inputs. */
  readonly calls: Map<string, boolean>
  /** Whether the row was changed. */
  isPut = false
  /** Whether anything else of the process was changed. */
  isTouched = false
  isDeleted = false
  /** The parts that change; null for one that is dropped. */
  readonly parts = new Map<string, string | null>()
  readonly droppedPrefixes = new Set<string>()

  constructor(row: StoredRow, loaded: LoadedRow | undefined) {
    this.row = row
    this.loaded = loaded
    this.messages = (loaded?.messages ?? []).map(([id, sender, signal, value]) => ({
      id,
      sender,
      signal,
      value,
    }))
    this.awaits = new Map((loaded?.awaits ?? []).map(([target, over]) => [target, over === 1]))
    this.waiters = new Map((loaded?.waiters ?? []).map(([pid, over]) => [pid, over === 1]))
    this.lifetime = loaded?.lifetime == null ? undefined : lifetimeOf(loaded.lifetime)
    this.retainedBy = new Set(loaded?.retained)
    this.hasOutputs = loaded?.outputs ?? false
    this.calls = new Map((loaded?.calls ?? []).map(([pid, awaits]) => [pid, awaits === 'inputs']))
  }

  /** The process as `load` would return it after the commit, without its parts and calls. */
  after(needs: SessionNeeds): LoadedRow {
    const { row, nextRev, isPut, isTouched, lifetime } = this
    return {
      row: isTouched && !isPut ? { ...row, rev: nextRev } : row,
      messages: this.messages.map(({ id, sender, signal, value }) => [id, sender, signal, value]),
      awaits: flags(this.awaits),
      waiters: flags(this.waiters),
      needs: needs.of(row.pid).map((need) => needColumns(need.target, need)),
      needing: needs.on(row.pid).map((need) => needColumns(need.pid, need)),
      lifetime: lifetime === undefined ? null : lifetimeColumns(row.pid, lifetime),
      retained: [...this.retainedBy],
      outputs: this.hasOutputs,
      calls: null,
      parts: null,
    }
  }
}

function flags(waits: ReadonlyMap<string, boolean>): readonly (readonly [pid: string, over: 0 | 1])[] {
  return [...waits].map(([pid, over]) => [pid, over ? 1 : 0])
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
