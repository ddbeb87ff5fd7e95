import { mayBeDue } from '../rules/result-dropping.ts'
import type { DueResults } from '../contract/result-lifetime.ts'
import type { MemoryTables } from './memory-tables.ts'

/** See `Store.dueResults`. */
export function dueResults(tables: MemoryTables, now: number, limit: number): DueResults {
  endSessions(tables, now)
  let next: number | null = null
  let any = false
  const due: { readonly pid: string; readonly at: number }[] = []
  for (const { lifetime, retainedBy, row } of tables.limited) {
    any ||= lifetime?.dropped === false || retainedBy.size > 0
    const at = lifetime?.checkAt ?? null
    if (at === null) continue
    if (at <= now) due.push({ pid: row.pid, at })
    else next = next === null ? at : Math.min(next, at)
  }
  const longest = due.toSorted((one, other) => one.at - other.at).slice(0, limit)
  return { pids: longest.map(({ pid }) => pid), next, any }
}

/** Drops the retains of the sessions that are not open. What they retained is looked at again. */
export function endSessions(tables: MemoryTables, now: number): void {
  for (const saved of tables.limited) {
    const { lifetime, row, retainedBy } = saved
    const ended = [...retainedBy].filter((session) => !tables.sessions.has(session))
    for (const session of ended) retainedBy.delete(session)
    if (ended.length === 0) continue
    if (lifetime === undefined && retainedBy.size === 0) tables.limited.delete(saved)
    if (lifetime !== undefined && row.ended_at !== null && mayBeDue(lifetime))
      saved.lifetime = { ...lifetime, checkAt: now }
  }
}
