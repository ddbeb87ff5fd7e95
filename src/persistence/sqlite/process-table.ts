import { OUTPUT_PREFIX, RECORD_PREFIX } from '../rules/parts.ts'
import type { AwaitTarget } from '../rules/decision.ts'
import type { ActorRow, BriefRow, Row } from '../rules/row.ts'
import { LoadedProcess } from '../rules/stored-process.ts'
import type { Ends } from '../rules/upstream.ts'
import type { StoredProcess } from '../contract/rows.ts'
import type { Parts } from '../contract/writes.ts'
import type { Connection } from './connection.ts'
import { LONGEST_RECENT } from './history-lines.ts'
import type { HistoryTable } from './history-table.ts'
import type { LogTable } from './log-table.ts'
import { dropFromRow, dropOutputsFromRow, partsOf, putInRow, type RowParts } from './row-parts.ts'

/*
 * Statements on one process, by its pid.
 */

const COLUMNS = `id, pid, class, version, state, step, status, progress, reported, paused, pause_asked, pause_message, pause_cause, parked, parent,
  key, label, worker, seq, fence, owner, runner, crashes, alone, created_at, updated_at, ended_at, successful, exit_code, exit_label,
  exit_message, message, reason, kill_deadline, kill_message, kill_state, ready_at, played, consumed, last_request,
  resumable, receives, due_at, awaits, starts_at, in_step, attempt, deadline, abandoned, origin, origin_kind, records,
  actor, calls, most_calls, call_order, stopping, beside, spilled`

/** Selects a whole row, or a row without its long columns. */
const SELECT_ROW = `SELECT ${COLUMNS}, data, inputs, memory, small, record, before FROM process`
export const SELECT_BRIEF = `SELECT ${COLUMNS}, '' AS data, NULL AS before FROM process`

const ASSIGNED = `
  version = @version, state = @state, step = @step, status = @status, progress = @progress,
  reported = @reported, paused = @paused, pause_asked = @pause_asked,
  pause_message = @pause_message, pause_cause = @pause_cause, parked = @parked, seq = @seq, fence = @fence, owner = @owner, runner = @runner,
  crashes = @crashes, alone = @alone, updated_at = @updated_at, ended_at = @ended_at, successful = @successful,
  exit_code = @exit_code, exit_label = @exit_label, exit_message = @exit_message, message = @message, reason = @reason,
  kill_deadline = @kill_deadline, kill_message = @kill_message, kill_state = @kill_state, ready_at = @ready_at,
  played = @played, consumed = @consumed, last_request = @last_request, resumable = @resumable,
  receives = @receives, due_at = @due_at, awaits = @awaits, in_step = @in_step, attempt = @attempt,
  deadline = @deadline, records = @records, calls = @calls, stopping = @stopping, beside = @beside, data = @data, inputs = @inputs,
  memory = @memory, small = @small, record = @record, before = @before`

const INSERT_ROW = `INSERT INTO process
  (pid, class, version, state, step, status, paused, pause_message, pause_cause, parent, key, label, worker, seq, fence, owner, runner,
   created_at, updated_at, ended_at, successful, exit_code, exit_label, exit_message, message, ready_at, resumable,
   receives, due_at, awaits, starts_at, deadline, abandoned, origin, origin_kind, beside, data, inputs, memory, small, record,
   before, recent)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
   ?, ?, ?, ?, ?)
  ON CONFLICT DO NOTHING`
/** The same for the calls of actors, and for actors. */
const INSERT_CALL = INSERT_ROW.replace('(pid,', '(actor, pid,').replace('(?,', '(?, ?,')
const INSERT_ACTOR = INSERT_ROW.replace('(pid,', '(calls, most_calls, call_order, pid,').replace(
  '(?,',
  '(?, ?, ?, ?,',
)

const UPSERT_PART =
  'INSERT INTO part (process, name, text) VALUES (?, ?, ?) ON CONFLICT (process, name) DO UPDATE SET text = excluded.text'
const BESIDE = 'SELECT name, text FROM part WHERE process = ?'
const DROP_PART = 'DELETE FROM part WHERE process = ? AND name = ?'
const DROP_RECORD = `DELETE FROM part WHERE process = ? AND name >= '${RECORD_PREFIX}' AND name < '${RECORD_PREFIX}\uffff'`
const DROP_OUTPUTS = `DELETE FROM part WHERE process = ? AND name >= '${OUTPUT_PREFIX}' AND name < '${OUTPUT_PREFIX}\uffff'`

/** One of a list of pids. */
const LISTED = 'pid IN (SELECT value FROM json_each(?))'
const BESIDE_ALL = `SELECT p.id, part.name, part.text FROM process p CROSS JOIN part ON part.process = p.id
  WHERE p.${LISTED} AND p.beside = 1`

/** Adds lines to a history, while the row has room for them. */
const APPEND = `recent = recent || ?`
const HAS_ROOM = `octet_length(recent) < ${LONGEST_RECENT}`

const UPDATE_ROW = `UPDATE process SET ${ASSIGNED} WHERE pid = @pid`
const UPDATE_ROW_APPENDING = `UPDATE process SET ${ASSIGNED}, ${APPEND} WHERE pid = @pid AND ${HAS_ROOM}`

/**
 * The existing processes of a list of pids, except ended children of one process. `CROSS JOIN`
 * makes the list the outer loop.
 */
const AWAITED = `SELECT p.pid, p.ended_at IS NOT NULL AS ended, p.parent IS @of AS isChild FROM json_each(@pids) AS listed
  CROSS JOIN process p ON p.pid = listed.value WHERE p.ended_at IS NULL OR p.parent IS NOT @of`

/** Of a list of pids, how those processes ended that exist. */
const ENDS = `SELECT p.pid, p.ended_at, p.successful FROM json_each(?) AS listed
  CROSS JOIN process p ON p.pid = listed.value`

/**
 * All unfinished descendants of a process, level by level, except abandoned children and their
 * subtrees. A pid that is used again after a prune may form a cycle, which `UNION` follows only
 * once.
 */
const DESCENDANTS = `WITH RECURSIVE below (pid, ended_at) AS (
  SELECT pid, ended_at FROM process WHERE parent = ? AND abandoned = 0
  UNION
  SELECT p.pid, p.ended_at FROM below JOIN process p ON p.parent = below.pid WHERE p.abandoned = 0
) SELECT pid FROM below WHERE ended_at IS NULL AND pid <> ?`

/** The largest number of rows that are remembered. */
const REMEMBERED = 10_000

/** A row as the table has it, without its long columns. */
export interface StoredBrief extends BriefRow {
  /** Whether parts of the process are stored beside its row. */
  beside: number
  /** How many entries of its history are not in the row. */
  spilled: number
}

/** A whole row as the table has it. */
export interface StoredRow extends Row, StoredBrief, RowParts {}

/** What the table remembers about a row. */
interface Known {
  readonly id: number
  beside: number
}

/**
 * The rows, which contain the small parts of each process, and the parts outside them. Parts and
 * histories refer to the number of the row, which is short. The table remembers the numbers of the
 * rows that were read or written. A new process may get the number of a pruned one, so a write by a
 * remembered number also checks the pid (`advance.ts`).
 */
export class ProcessTable {
  readonly #connection: Connection
  readonly #histories: HistoryTable
  readonly #logs: LogTable
  readonly #known = new Map<string, Known>()

  constructor(connection: Connection, histories: HistoryTable, logs: LogTable) {
    this.#connection = connection
    this.#histories = histories
    this.#logs = logs
  }

  get(pid: string): StoredRow | undefined {
    return this.#found(this.#connection.sql<StoredRow>(`${SELECT_ROW} WHERE pid = ?`).get(pid))
  }

  brief(pid: string): StoredBrief | undefined {
    return this.#found(this.#connection.sql<StoredBrief>(`${SELECT_BRIEF} WHERE pid = ?`).get(pid))
  }

  /** Several processes with their parts. */
  loadAll(pids: readonly string[]): StoredProcess[] {
    const listed = JSON.stringify(pids)
    const beside = new Map<number, NamedPart[]>()
    for (const part of this.#connection.sql<NamedPart & { readonly id: number }>(BESIDE_ALL).all(listed)) {
      const known = beside.get(part.id)
      if (known === undefined) beside.set(part.id, [part])
      else known.push(part)
    }
    const rows = this.#connection.sql<StoredRow>(`${SELECT_ROW} WHERE ${LISTED}`).all(listed)
    return rows.map((row) => new LoadedProcess(row, partsOf(row, beside.get(row.id) ?? [])))
  }

  briefAll(pids: readonly string[]): BriefRow[] {
    return this.#connection.sql<BriefRow>(`${SELECT_BRIEF} WHERE ${LISTED}`).all(JSON.stringify(pids))
  }

  byKey(key: string): StoredRow | undefined {
    return this.#found(this.#connection.sql<StoredRow>(`${SELECT_ROW} WHERE key = ?`).get(key))
  }

  /**
   * The number of a process's row, and whether parts are stored outside it; undefined if there is
   * no such process. By now both may belong to another process.
   */
  known(pid: string): Readonly<Known> | undefined {
    const known = this.#known.get(pid)
    if (known !== undefined) return known
    const found = this.#connection.sql<Known>('SELECT id, beside FROM process WHERE pid = ?').get(pid)
    if (found !== undefined) this.#remember(pid, found)
    return found
  }

  #found<R extends StoredBrief>(row: R | undefined): R | undefined {
    if (row !== undefined) this.#remember(row.pid, { id: row.id, beside: row.beside })
    return row
  }

  #remember(pid: string, known: Known): void {
    if (this.#known.size >= REMEMBERED) this.#known.clear()
    this.#known.set(pid, known)
  }

  /** Stores a new row with the first lines of its history. Returns false if the pid or the key is in use. */
  insert(row: Row, parts: RowParts, beside: number, recent: string): boolean {
    const { changes, lastInsertRowid } = this.#connection
      .sql(row.actor !== null ? INSERT_CALL : row.calls !== null ? INSERT_ACTOR : INSERT_ROW)
      .run(
        ...(row.actor !== null
          ? [row.actor]
          : row.calls !== null
            ? [row.calls, row.most_calls, row.call_order]
            : []),
        row.pid,
        row.class,
        row.version,
        row.state,
        row.step,
        row.status,
        row.paused,
        row.pause_message,
        row.pause_cause,
        row.parent,
        row.key,
        row.label,
        row.worker,
        row.seq,
        row.fence,
        row.owner,
        row.runner,
        row.created_at,
        row.updated_at,
        row.ended_at,
        row.successful,
        row.exit_code,
        row.exit_label,
        row.exit_message,
        row.message,
        row.ready_at,
        row.resumable,
        row.receives,
        row.due_at,
        row.awaits,
        row.starts_at,
        row.deadline,
        row.abandoned,
        row.origin,
        row.origin_kind,
        beside,
        row.data,
        parts.inputs,
        parts.memory,
        parts.small,
        parts.record,
        row.before,
        recent,
      )
    if (changes > 0) {
      row.id = Number(lastInsertRowid)
      this.#remember(row.pid, { id: row.id, beside })
    }
    return changes > 0
  }

  /** Stores what a new process has reported. */
  updateReport({ id, progress, reported }: Row): void {
    this.#connection
      .sql('UPDATE process SET progress = ?, reported = ? WHERE id = ?')
      .run(progress, reported, id)
  }

  /** Stores a row, and adds lines to its history. Others may have added lines since the row was read. */
  update(row: StoredRow, lines: string): void {
    if (lines === '') this.#connection.sql(UPDATE_ROW).run(row)
    else this.#appending(row.id, () => this.#connection.sql(UPDATE_ROW_APPENDING).run(row, lines).changes > 0)
    this.#remember(row.pid, { id: row.id, beside: row.beside })
  }

  /** Stores `ready_at` of a row, and adds lines to its history. */
  updateReady({ id, ready_at }: BriefRow, lines: string): void {
    this.#append('ready_at = ?', [ready_at], id, lines)
  }

  /** Stores `calls` and `ready_at` of the row of an actor, and adds lines to its history. */
  updateQueue({ id, calls, ready_at }: ActorRow, lines: string): void {
    this.#append('calls = ?, ready_at = ?', [calls, ready_at], id, lines)
  }

  /** Stores `awaits` of a row, and adds lines to its history. */
  updateAwaits({ id, awaits }: BriefRow, lines: string): void {
    this.#append('awaits = ?', [awaits], id, lines)
  }

  /** Stores `parent` of a row, and adds lines to its history. */
  updateParent({ id, parent }: BriefRow, lines: string): void {
    this.#append('parent = ?', [parent], id, lines)
  }

  /** Parks a process for this reason, and adds lines to its history. */
  park({ id }: BriefRow, reason: string, lines: string): void {
    this.#append('owner = NULL, fence = fence + 1, alone = 0, parked = ?', [reason], id, lines)
  }

  #append(columns: string, values: readonly unknown[], id: number, lines: string): void {
    if (lines === '') {
      this.#connection.sql(`UPDATE process SET ${columns} WHERE id = ?`).run(...values, id)
      return
    }
    const append = this.#connection.sql(
      `UPDATE process SET ${columns}, ${APPEND} WHERE id = ? AND ${HAS_ROOM}`,
    )
    this.#appending(id, () => append.run(...values, lines, id).changes > 0)
  }

  /** Adds to the history of a row by a statement that changes nothing if the row has no room. */
  #appending(id: number, append: () => boolean): void {
    if (!append() && this.#histories.makeRoom(id)) append()
  }

  notAlone(pid: string, engine: string): void {
    this.#connection.sql('UPDATE process SET alone = 0 WHERE pid = ? AND owner = ?').run(pid, engine)
  }

  targets(pids: readonly string[], of: string): AwaitTarget[] {
    const rows = this.#connection.sql<AwaitColumns>(AWAITED).all({ of, pids: JSON.stringify(pids) })
    return rows.map(({ pid, ended, isChild }) => ({ pid, ended: ended === 1, isChild: isChild === 1 }))
  }

  ends(pids: readonly string[]): Ends {
    const rows = this.#connection.sql<EndRow>(ENDS).all(JSON.stringify(pids))
    return new Map(
      rows.map(({ pid, ended_at, successful }) => [pid, ended_at === null ? null : successful === 1]),
    )
  }

  descendants(pid: string): string[] {
    return this.#connection.sql<string>(DESCENDANTS).pluck().all(pid, pid)
  }

  /** The parts of a process, except `state`. */
  parts(row: RowParts & Pick<StoredRow, 'id' | 'beside'>): Parts {
    return partsOf(row, row.beside === 0 ? [] : this.#connection.sql<NamedPart>(BESIDE).all(row.id))
  }

  /** Puts a part into a row that is stored afterwards, or beside it. */
  putPart(row: StoredRow, name: string, text: string): void {
    if (!putInRow(row, name, text)) {
      this.putBeside(row.id, name, text)
      row.beside = 1
    } else if (row.beside === 1) this.dropBeside(row.id, name)
  }

  /** Drops a part of a row that is stored afterwards. */
  dropPart(row: StoredRow, name: string): void {
    dropFromRow(row, name)
    if (row.beside === 1) this.dropBeside(row.id, name)
  }

  /** Drops the outputs of a row that is stored afterwards. Returns whether there were any. */
  dropOutputs(row: StoredRow): boolean {
    const had = dropOutputsFromRow(row)
    if (row.beside === 0) return had
    return this.#connection.sql(DROP_OUTPUTS).run(row.id).changes > 0 || had
  }

  /** Drops the record of the step from a row that is stored afterwards. */
  dropRecord(row: StoredRow): void {
    row.record = null
    if (row.beside === 1) this.dropRecordBeside(row.id)
  }

  /** Notes that parts are stored beside a row. */
  noteBeside(pid: string): void {
    const known = this.#known.get(pid)
    if (known !== undefined) known.beside = 1
  }

  putBeside(id: number, name: string, text: string): void {
    this.#connection.sql(UPSERT_PART).run(id, name, text)
  }

  dropBeside(id: number, name: string): void {
    this.#connection.sql(DROP_PART).run(id, name)
  }

  dropRecordBeside(id: number): void {
    this.#connection.sql(DROP_RECORD).run(id)
  }

  /** Deletes a process with everything that is stored about it. */
  delete({ pid, id, beside, spilled, reported }: StoredBrief): void {
    if (beside === 1) this.#connection.sql('DELETE FROM part WHERE process = ?').run(id)
    if (spilled > 0) this.#histories.deleteAll(id)
    if (reported > 0) this.#logs.deleteAll(id)
    for (const table of ['process', 'message', 'awaits', 'need', 'checkpoint'])
      this.#connection.sql(`DELETE FROM ${table} WHERE pid = ?`).run(pid)
    this.#connection.sql('UPDATE process SET parent = NULL WHERE parent = ?').run(pid)
    this.#known.delete(pid)
  }
}

interface AwaitColumns {
  readonly pid: string
  readonly ended: number
  readonly isChild: number
}
type EndRow = Pick<BriefRow, 'pid' | 'ended_at' | 'successful'>

interface NamedPart {
  readonly name: string
  readonly text: string
}
