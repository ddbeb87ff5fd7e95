import { droppedStateText } from '../../process/state/saved-state.ts'
import { DROP_REASONS, type Dropped } from '../../process/state/dropped.ts'
import { IncompatibleBundle } from '../../shared/errors.ts'
import type { StoredRetention } from '../../process/host/retention.ts'
import type { DropDue, LifetimeRow, Purge, Retain, Unretain } from '../contract/result-lifetime.ts'
import type { Outcome } from '../contract/outcomes.ts'
import type { Create } from '../contract/writes.ts'
import { entry, type Awaited, type Entry } from './decision.ts'
import type { BriefRow, Row } from './row.ts'

/*
 * How long results are kept.
 *
 * 1. Only a process with a retention, or one that was purged, has a lifetime. It is stored outside
 *    the row, so that other processes pay nothing for it.
 * 2. A value is needed while its process is needed by one that has not started (`upstream.ts`), is
 *    awaited by one that has not ended (`waits.ts`), or has a parent that has not ended: a step of
 *    the parent that runs again reads it again. Nothing drops a needed value; it is dropped later.
 * 3. A session that retains a value keeps it from being dropped by its retention, but not from a purge.
 * 4. `checkAt` is when an engine looks at the process (`DropDue`). A session's last release and the end
 *    of the process set it.
 * 5. Dropping takes the result, the outputs and the checkpoints by tag. The state keeps a note of it.
 */

/** The lifetime of a result, as a back end stores it. */
export interface Lifetime {
  /** Null for a process that is kept, and was purged. */
  readonly retention: StoredRetention | null
  /** Whether its drop was requested: by a purge, or by the release of its group. */
  readonly wanted: 'purged' | 'released' | null
  /** In wall-clock milliseconds. Null while the process has not ended, and if nothing is due. */
  readonly checkAt: number | null
  readonly dropped: boolean
}

/** The part of the tables of a back end about lifetimes. */
export interface LifetimeTables {
  readonly now: number
  get(pid: string): Row | undefined
  brief(pid: string): BriefRow | undefined
  put(row: Row, history: readonly Entry[]): void
  lifetime(pid: string): Lifetime | undefined
  putLifetime(pid: string, lifetime: Lifetime): void
  /** Call it when the process has ended. Calls `ended` if it has a lifetime. */
  endLifetime(pid: string, ended: (lifetime: Lifetime) => Lifetime): void
  isRetained(pid: string): boolean
  retain(pid: string, session: string): void
  unretain(pid: string, session: string): void
  /** A process that needs this one before it starts, or awaits it and has not ended. */
  needing(pid: string): string | undefined
  /** Drops the outputs of a row that is put afterwards. Returns whether there were any. */
  dropOutputs(pid: string): boolean
  /** Drops the bundles that are kept under tags. */
  dropCheckpoints(pid: string): void
}

/** The shortest and the longest time until a needed value is checked again, in milliseconds. */
const SHORTEST_PAUSE = 1_000
const LONGEST_PAUSE = 3_600_000

/** What a process that a `Create` made or found adds. */
export function beginLifetime(
  tables: LifetimeTables,
  pid: string,
  { retention, retainedBy }: Create,
  isNew: boolean,
): void {
  if (retainedBy !== undefined) tables.retain(pid, retainedBy)
  if (!isNew || retention === undefined) return
  const lifetime: Lifetime = { retention, wanted: null, checkAt: null, dropped: false }
  // It may have ended as it was created.
  const endedAt = tables.brief(pid)?.ended_at ?? null
  tables.putLifetime(pid, { ...lifetime, checkAt: endedAt === null ? null : dueAt(lifetime, endedAt) })
}

/** A process has ended, so its time counts from now on. */
export function ended(tables: LifetimeTables, pid: string): void {
  tables.endLifetime(pid, (lifetime) => ({ ...lifetime, checkAt: dueAt(lifetime, tables.now) }))
}

/** Whether the value of an ended process may be dropped without a further request. */
export function mayBeDue(lifetime: Lifetime): boolean {
  return !lifetime.dropped && dueAt(lifetime, 0) !== null
}

/** When a value that nothing keeps must be dropped; null if at no fixed time. */
function dueAt({ retention, wanted }: Lifetime, endedAt: number): number | null {
  if (wanted !== null || retention?.policy === 'refs') return endedAt
  return retention?.policy === 'ttl' ? endedAt + (retention.ttl ?? 0) : null
}

export function retain(tables: LifetimeTables, { pid, session }: Retain): Outcome {
  if (tables.brief(pid) === undefined) return { status: 'missing' }
  tables.retain(pid, session)
  return { status: 'done', pid }
}

export function unretain(tables: LifetimeTables, { pid, session, ofGroup, by }: Unretain): Outcome {
  if (session !== null) tables.unretain(pid, session)
  const lifetime = tables.lifetime(pid)
  if (lifetime === undefined) return { status: 'done', pid, applied: false }
  // The acknowledgement of this write was lost, or another one has dropped it.
  if (lifetime.dropped) return { status: 'done', pid, applied: true }
  const isReleased = ofGroup && lifetime.retention?.policy === 'until-fetched' && lifetime.wanted === null
  const after: Lifetime = isReleased ? { ...lifetime, wanted: 'released' } : lifetime
  return { status: 'done', pid, applied: look(tables, pid, after, by) }
}

export function purge(tables: LifetimeTables, { pid, by }: Purge): Outcome {
  const row = tables.brief(pid)
  if (row === undefined) return { status: 'missing' }
  if (row.ended_at === null) {
    const reason = `process ${pid} is ${row.state}: only the result of a process that has ended is purged`
    return { status: 'conflict', pid, reason }
  }
  const known = tables.lifetime(pid)
  if (known?.dropped === true) return { status: 'done', pid, applied: true }
  const lifetime: Lifetime = {
    retention: known?.retention ?? null,
    wanted: 'purged',
    checkAt: null,
    dropped: false,
  }
  return { status: 'done', pid, applied: look(tables, pid, lifetime, by) }
}

export function dropDue(tables: LifetimeTables, { pid, by }: DropDue): Outcome {
  const lifetime = tables.lifetime(pid)
  if (lifetime === undefined) return { status: 'missing' }
  return { status: 'done', pid, applied: lifetime.dropped || look(tables, pid, lifetime, by) }
}

/** Drops the value if it is due and nothing keeps it; otherwise notes when to check again. */
function look(tables: LifetimeTables, pid: string, lifetime: Lifetime, by: string): boolean {
  const row = tables.brief(pid)
  if (row === undefined) return false
  const checkAt = row.ended_at === null ? null : dueAt(lifetime, row.ended_at)
  const keep = (until: number | null): boolean => {
    tables.putLifetime(pid, { ...lifetime, checkAt: until })
    return false
  }
  if (row.ended_at === null || checkAt === null || checkAt > tables.now) return keep(checkAt)
  if (lifetime.wanted !== 'purged' && tables.isRetained(pid)) return keep(null)
  if (isNeeded(tables, row)) {
    const age = tables.now - row.ended_at
    return keep(tables.now + Math.min(LONGEST_PAUSE, Math.max(SHORTEST_PAUSE, age)))
  }
  return drop(tables, pid, lifetime, by)
}

/** Whether a process that has not ended may still take the value of this one. */
export function isNeeded(
  tables: Pick<LifetimeTables, 'brief' | 'needing'>,
  { pid, parent }: BriefRow,
): boolean {
  const above = parent === null ? undefined : tables.brief(parent)
  return above?.ended_at === null || tables.needing(pid) !== undefined
}

function drop(tables: LifetimeTables, pid: string, lifetime: Lifetime, by: string): boolean {
  const row = tables.get(pid)
  if (row === undefined) return false
  const why = DROP_REASONS[lifetime.wanted ?? (lifetime.retention?.policy === 'ttl' ? 'ttl' : 'refs')]
  const data = droppedData(row, { at: tables.now, why })
  // Damaged data stays as it is, so that it can be repaired (C9).
  tables.putLifetime(pid, { ...lifetime, checkAt: null, dropped: data !== undefined })
  if (data === undefined) return false
  const hasOutputs = tables.dropOutputs(pid)
  // A process that failed without an output keeps everything that a restart needs.
  if (row.state !== 'finished' && !hasOutputs) return true
  row.data = data
  tables.dropCheckpoints(pid)
  tables.put(row, [entry('result dropped', by, { why })])
  return true
}

function droppedData(row: Row, dropped: Dropped): string | undefined {
  try {
    return droppedStateText(row.data, dropped)
  } catch (error) {
    if (error instanceof IncompatibleBundle) return undefined
    throw error
  }
}

/** The public form of the stored lifetime of a process; `lifetime` is undefined if there is none. */
export function lifetimeRow(
  pid: string,
  lifetime: Pick<Lifetime, 'retention' | 'dropped'> | undefined,
  { retained, needed }: Pick<LifetimeRow, 'retained' | 'needed'>,
): LifetimeRow {
  return {
    pid,
    retention: lifetime?.retention ?? null,
    dropped: lifetime?.dropped ?? false,
    retained,
    needed,
  }
}

/** Refuses a restart that refers to a value which was dropped since it was read (C1). */
export function referenceRefusal(
  tables: Pick<LifetimeTables, 'brief' | 'lifetime'>,
  { refers = [] }: Create,
): Outcome | undefined {
  const isGone = (pid: string): boolean =>
    tables.brief(pid) === undefined || tables.lifetime(pid)?.dropped === true
  return refers.some(isGone) ? { status: 'fenced' } : undefined
}

/** What a new process refers to, in addition to what it awaits. */
export function referred({ refers = [] }: Create, awaits: readonly Awaited[]): readonly Awaited[] {
  const known = new Set(awaits.map(({ pid }) => pid))
  return refers.filter((pid) => !known.has(pid)).map((pid) => ({ pid, over: true, isChild: false }))
}
