import type { CallOrder } from '../contract/writes.ts'
import type { ActorRow, BriefRow, CallRow } from '../rules/row.ts'
import type { Connection } from './connection.ts'
import { SELECT_BRIEF, type StoredRow } from './process-table.ts'
import type { RowParts } from './row-parts.ts'

/** Within the index `process_call`, the calls of an actor, in their order. */
const OF_ACTOR = 'INDEXED BY process_call WHERE actor = ? AND ended_at IS NULL'
/** The calls that may run: among those before the first that waits for its inputs, or among all. */
const MAY_RUN: Readonly<Record<CallOrder, string>> = {
  strict: `${OF_ACTOR} AND awaits IS NULL AND id < coalesce((SELECT id FROM process ${OF_ACTOR}
    AND awaits = 'inputs' ORDER BY id LIMIT 1), 9223372036854775807)`,
  ready: `${OF_ACTOR} AND awaits IS NULL AND ? IS NOT NULL`,
}
const SELECT_CALL = `SELECT id, pid, class, version, state, step, status, progress, paused, pause_message, pause_cause, parent, seq,
  fence, created_at, kill_deadline, kill_message, due_at, awaits, attempt, deadline, beside, data, inputs, memory, small, record
  FROM process`
const ACTOR = `SELECT id, pid, class, state, seq, owner, paused, parked, ended_at, ready_at, actor, calls, most_calls,
  call_order, stopping FROM process WHERE pid = ?`
const LISTED = '(SELECT value FROM json_each(?))'
const AHEAD = `SELECT (SELECT count(*) FROM process ${OF_ACTOR.replace('?', 'call.actor')} AND id < call.id)
  FROM process AS call WHERE call.pid = ? AND call.actor IS NOT NULL AND call.ended_at IS NULL`

/** A call as the table has it, with what an engine needs of it. */
export type StoredCallRow = CallRow & RowParts & Pick<StoredRow, 'beside'>

/**
 * Counts a call, if its actor accepts it and no check of whether it may run is needed. It does what
 * `callRefusal` and `addCall` do.
 */
const ADD = `UPDATE process SET calls = calls + 1 WHERE pid = ? AND class = ? AND calls IS NOT NULL AND ended_at IS NULL
  AND stopping = 0 AND (most_calls IS NULL OR calls < most_calls)
  AND (owner IS NOT NULL OR ready_at IS NOT NULL OR state <> 'waiting')`

/**
 * The calls of actors that have not ended. Their order is that of their rows. Each look-up seeks in an
 * index of these calls alone, so that it takes as long with one call as with a million.
 */
export class MailboxTable {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** What concerns the calls of an actor. */
  actor(pid: string): ActorRow | undefined {
    return this.#connection.sql<ActorRow>(ACTOR).get(pid)
  }

  /** Counts a new call in the plain case. If the rules must decide, returns false and changes nothing. */
  add(actor: string, className: string): boolean {
    return this.#connection.sql(ADD).run(actor, className).changes === 1
  }

  /** Whether an actor has a call that may run. */
  hasCall(actor: string, order: CallOrder): boolean {
    const found = this.#connection.sql(`SELECT 1 FROM process ${MAY_RUN[order]} LIMIT 1`).get(actor, actor)
    return found !== undefined
  }

  /** The next calls that an actor may run, except these. */
  next(actor: string, limit: number, except: readonly string[]): StoredCallRow[] {
    const order = this.actor(actor)?.call_order ?? 'strict'
    const text = `${SELECT_CALL} ${MAY_RUN[order]} AND pid NOT IN ${LISTED} ORDER BY id LIMIT ?`
    return this.#connection.sql<StoredCallRow>(text).all(actor, actor, JSON.stringify(except), limit)
  }

  /** The pids of the calls of an actor, in their order. */
  pids(actor: string): string[] {
    return this.#connection.sql<string>(`SELECT pid FROM process ${OF_ACTOR} ORDER BY id`).pluck().all(actor)
  }

  /** The first calls of an actor, in their order. */
  rows(actor: string, limit: number): BriefRow[] {
    return this.#connection.sql<BriefRow>(`${SELECT_BRIEF} ${OF_ACTOR} ORDER BY id LIMIT ?`).all(actor, limit)
  }

  /** How many calls come before this one; undefined for anything but a call, and once it has ended. */
  ahead(pid: string): number | undefined {
    return this.#connection.sql<number>(AHEAD).pluck().get(pid)
  }
}
