import type { Row } from '../rules/row.ts'

/** The row of a process with the columns that only this back end has. */
export type StoredRow = Row & {
  rev: number
  entries: number
  log_entries: number
}

/**
 * Another row with the same columns. They are written out so that all copies have one hidden class. A copy by
 * spread has a new one each time, and a copy of a copy soon takes ten times the memory.
 */
export function copyOf(row: StoredRow): StoredRow {
  return {
    id: row.id,
    pid: row.pid,
    class: row.class,
    version: row.version,
    state: row.state,
    step: row.step,
    status: row.status,
    progress: row.progress,
    reported: row.reported,
    paused: row.paused,
    pause_asked: row.pause_asked,
    pause_message: row.pause_message,
    pause_cause: row.pause_cause,
    parked: row.parked,
    parent: row.parent,
    key: row.key,
    label: row.label,
    worker: row.worker,
    seq: row.seq,
    fence: row.fence,
    owner: row.owner,
    runner: row.runner,
    crashes: row.crashes,
    alone: row.alone,
    created_at: row.created_at,
    updated_at: row.updated_at,
    ended_at: row.ended_at,
    successful: row.successful,
    exit_code: row.exit_code,
    exit_label: row.exit_label,
    exit_message: row.exit_message,
    message: row.message,
    reason: row.reason,
    kill_deadline: row.kill_deadline,
    kill_message: row.kill_message,
    kill_state: row.kill_state,
    ready_at: row.ready_at,
    played: row.played,
    consumed: row.consumed,
    last_request: row.last_request,
    resumable: row.resumable,
    receives: row.receives,
    due_at: row.due_at,
    awaits: row.awaits,
    starts_at: row.starts_at,
    in_step: row.in_step,
    attempt: row.attempt,
    deadline: row.deadline,
    abandoned: row.abandoned,
    origin: row.origin,
    origin_kind: row.origin_kind,
    records: row.records,
    actor: row.actor,
    calls: row.calls,
    most_calls: row.most_calls,
    call_order: row.call_order,
    stopping: row.stopping,
    data: row.data,
    before: row.before,
    rev: row.rev,
    entries: row.entries,
    log_entries: row.log_entries,
  }
}

/** The columns that differ. */
export function changedColumns(before: StoredRow, after: StoredRow): readonly (keyof StoredRow)[] {
  const changed: (keyof StoredRow)[] = []
  for (const name in after) {
    const column = name as keyof StoredRow
    if (after[column] !== before[column]) changed.push(column)
  }
  return changed
}
