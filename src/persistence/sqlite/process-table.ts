import { CHECKPOINT_PART, RECORD_PREFIX } from '../rules/parts.ts'
import type { BriefRow, Row } from '../rules/row.ts'
import { LoadedProcess } from '../rules/stored-process.ts'
import type { StoredProcess } from '../contract/rows.ts'
import type { Parts } from '../contract/writes.ts'
import type { Connection } from './connection.ts'

/*
 * Statements on one process, by its pid.
 */

const COLUMNS = `id, pid, class, version, state, step, status, paused, pause_asked, pause_message, pause_cause, parked, parent, key, label, seq,
  fence, owner, runner, crashes, alone, created_at, updated_at, ended_at, successful, exit_code, exit_label,
  exit_message, message, kill_deadline, kill_message, kill_state, ready_at, played, last_wake, last_request,
  resumable, receives, due_at, awaits, in_step, attempt, deadline, abandoned, origin, origin_kind, records`

/** Selects a whole row, or a row without its long columns. */
const SELECT_ROW = `SELECT ${COLUMNS}, data, before FROM process`
export const SELECT_BRIEF = `SELECT ${COLUMNS}, '' AS data, NULL AS before FROM process`

const UPDATE_ROW = `UPDATE process SET
  version = @version, state = @state, step = @step, status = @status, paused = @paused, pause_asked = @pause_asked,
  pause_message = @pause_message, pause_cause = @pause_cause, parked = @parked, seq = @seq, fence = @fence, owner = @owner, runner = @runner,
  crashes = @crashes, alone = @alone, updated_at = @updated_at, ended_at = @ended_at, successful = @successful,
  exit_code = @exit_code, exit_label = @exit_label, exit_message = @exit_message, message = @message,
  kill_deadline = @kill_deadline, kill_message = @kill_message, kill_state = @kill_state, ready_at = @ready_at,
  played = @played, last_wake = @last_wake, last_request = @last_request, resumable = @resumable,
  receives = @receives, due_at = @due_at, awaits = @awaits, in_step = @in_step, attempt = @attempt,
  deadline = @deadline, records = @records, data = @data, before = @before
  WHERE pid = @pid`

const INSERT_ROW = `INSERT INTO process
  (pid, class, version, state, step, status, paused, pause_message, pause_cause, parent, key, label, seq, fence, owner, runner,
   created_at, updated_at, ended_at, successful, exit_code, exit_label, exit_message, message, ready_at, resumable,
   receives, due_at, awaits, deadline, abandoned, origin, origin_kind, data, before)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO NOTHING`

const KEEP_LAST_ID =
  'UPDATE history SET process = 0, data = NULL WHERE id = (SELECT max(id) FROM history) AND process = ?'
const DROP_OLD_IDS = 'DELETE FROM history WHERE process = 0 AND id < (SELECT max(id) FROM history)'
const INSERT_HISTORY = 'INSERT INTO history (process, seq, at, name, data, by) VALUES (?, ?, ?, ?, ?, ?)'
const UPSERT_PART =
  'INSERT INTO part (process, name, text) VALUES (?, ?, ?) ON CONFLICT (process, name) DO UPDATE SET text = excluded.text'

const PARTS = 'SELECT name, text FROM part WHERE process = (SELECT id FROM process WHERE pid = ?)'
const PART = 'SELECT text FROM part WHERE process = (SELECT id FROM process WHERE pid = ?) AND name = ?'

/** One of a list of pids. */
const LISTED = 'pid IN (SELECT value FROM json_each(?))'
const PARTS_OF_ALL = `SELECT p.pid, part.name, part.text FROM process p CROSS JOIN part ON part.process = p.id
  WHERE p.${LISTED}`

/**
 * Drops the parts of the checkpoint, which lie in one range of names with few or no other parts.
 */
const DROP_CHECKPOINT = `DELETE FROM part WHERE process = ? AND name >= '${CHECKPOINT_PART}' AND name < '${RECORD_PREFIX}\uffff'
  AND (name = '${CHECKPOINT_PART}' OR name >= '${RECORD_PREFIX}')`

/**
 * Of a list of pids, those of processes that exist and have not ended. `CROSS JOIN` makes the list
 * the outer loop.
 */
const UNENDED = `SELECT p.pid FROM json_each(?) AS listed CROSS JOIN process p ON p.pid = listed.value
  WHERE p.ended_at IS NULL`

/**
 * All unfinished descendants of a process, level by level, except abandoned children and their
 * subtrees. A pid that is used again after a prune may close a circle, which `UNION` goes round
 * only once.
 */
const DESCENDANTS = `WITH RECURSIVE below (pid, ended_at) AS (
  SELECT pid, ended_at FROM process WHERE parent = ? AND abandoned = 0
  UNION
  SELECT p.pid, p.ended_at FROM below JOIN process p ON p.parent = below.pid WHERE p.abandoned = 0
) SELECT pid FROM below WHERE ended_at IS NULL AND pid <> ?`

interface PartOf {
  readonly pid: string
  readonly name: string
  readonly text: string
}

/** The largest number of row numbers that are remembered. */
const REMEMBERED = 10_000

/**
 * Rows, parts and history. Parts and history refer to the number of the row, which is short. The
 * table remembers the numbers of the rows that were read or written. The number of a pruned process
 * is used again, so nothing is written under a remembered number before the row was found by both
 * pid and number (`idOf`).
 */
export class ProcessTable {
  readonly #connection: Connection
  readonly #ids = new Map<string, number>()

  constructor(connection: Connection) {
    this.#connection = connection
  }

  get(pid: string): Row | undefined {
    return this.#found(this.#connection.sql<Row>(`${SELECT_ROW} WHERE pid = ?`).get(pid))
  }

  brief(pid: string): BriefRow | undefined {
    return this.#found(this.#connection.sql<BriefRow>(`${SELECT_BRIEF} WHERE pid = ?`).get(pid))
  }

  /** Several processes with their parts. */
  loadAll(pids: readonly string[]): StoredProcess[] {
    const listed = JSON.stringify(pids)
    const parts = this.#partsOfAll(listed)
    const rows = this.#connection.sql<Row>(`${SELECT_ROW} WHERE ${LISTED}`).all(listed)
    return rows.map((row) => new LoadedProcess(row, parts.get(row.pid) ?? {}))
  }

  briefAll(pids: readonly string[]): BriefRow[] {
    return this.#connection.sql<BriefRow>(`${SELECT_BRIEF} WHERE ${LISTED}`).all(JSON.stringify(pids))
  }

  byKey(key: string): Row | undefined {
    return this.#found(this.#connection.sql<Row>(`${SELECT_ROW} WHERE key = ?`).get(key))
  }

  /**
   * The number of a process's row; undefined where there is no such process. The number may belong
   * to another process by now.
   */
  idOf(pid: string): number | undefined {
    const known = this.#ids.get(pid)
    if (known !== undefined) return known
    const id = this.#connection.sql<number>('SELECT id FROM process WHERE pid = ?').pluck().get(pid)
    if (id !== undefined) this.#remember(pid, id)
    return id
  }

  #found<R extends BriefRow>(row: R | undefined): R | undefined {
    if (row !== undefined) this.#remember(row.pid, row.id)
    return row
  }

  #remember(pid: string, id: number): void {
    if (this.#ids.size >= REMEMBERED) this.#ids.clear()
    this.#ids.set(pid, id)
  }

  /** Returns false where the pid or the key is in use. */
  insert(row: Row): boolean {
    const { changes, lastInsertRowid } = this.#connection
      .sql(INSERT_ROW)
      .run(
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
        row.deadline,
        row.abandoned,
        row.origin,
        row.origin_kind,
        row.data,
        row.before,
      )
    if (changes > 0) this.#remember(row.pid, (row.id = Number(lastInsertRowid)))
    return changes > 0
  }

  update(row: Row): void {
    this.#connection.sql(UPDATE_ROW).run(row)
  }

  updateReady({ pid, ready_at }: BriefRow): void {
    this.#connection.sql('UPDATE process SET ready_at = ? WHERE pid = ?').run(ready_at, pid)
  }

  notAlone(pid: string, engine: string): void {
    this.#connection.sql('UPDATE process SET alone = 0 WHERE pid = ? AND owner = ?').run(pid, engine)
  }

  updateParent({ pid, parent }: BriefRow): void {
    this.#connection.sql('UPDATE process SET parent = ? WHERE pid = ?').run(parent, pid)
  }

  unended(pids: readonly string[]): string[] {
    return this.#connection.sql<string>(UNENDED).pluck().all(JSON.stringify(pids))
  }

  descendants(pid: string): string[] {
    return this.#connection.sql<string>(DESCENDANTS).pluck().all(pid, pid)
  }

  parts(pid: string): Parts {
    const rows = this.#connection.sql<{ readonly name: string; readonly text: string }>(PARTS).all(pid)
    return Object.fromEntries(rows.map(({ name, text }) => [name, text]))
  }

  /** The parts of several processes, by pid. */
  #partsOfAll(listed: string): ReadonlyMap<string, Parts> {
    const found = new Map<string, Record<string, string>>()
    for (const { pid, name, text } of this.#connection.sql<PartOf>(PARTS_OF_ALL).iterate(listed)) {
      let parts = found.get(pid)
      if (parts === undefined) found.set(pid, (parts = {}))
      parts[name] = text
    }
    return found
  }

  part(pid: string, name: string): string | undefined {
    return this.#connection.sql<string>(PART).pluck().get(pid, name)
  }

  putPart(pid: string, name: string, text: string): void {
    this.#connection.sql(UPSERT_PART).run(this.idOf(pid), name, text)
  }

  dropPart(pid: string, name: string): void {
    this.#connection.sql('DELETE FROM part WHERE process = ? AND name = ?').run(this.idOf(pid), name)
  }

  /** Deletes a process with all that is stored of it. */
  delete(pid: string): void {
    // The newest entry of the store stays, without a process, until there is a newer one: watchers
    // have read up to its id.
    const id = this.idOf(pid)
    this.#connection.sql(KEEP_LAST_ID).run(id)
    for (const table of ['part', 'history'])
      this.#connection.sql(`DELETE FROM ${table} WHERE process = ?`).run(id)
    for (const table of ['process', 'wake', 'awaits', 'checkpoint'])
      this.#connection.sql(`DELETE FROM ${table} WHERE pid = ?`).run(pid)
    this.#connection.sql('UPDATE process SET parent = NULL WHERE parent = ?').run(pid)
    this.#ids.delete(pid)
    this.#connection.sql(DROP_OLD_IDS).run()
  }

  dropCheckpoint(pid: string): void {
    this.#connection.sql(DROP_CHECKPOINT).run(this.idOf(pid))
  }

  addHistory(
    pid: string,
    seq: number,
    at: number,
    name: string,
    data: string | null,
    by: string | null,
  ): number {
    return Number(
      this.#connection.sql(INSERT_HISTORY).run(this.idOf(pid), seq, at, name, data, by).lastInsertRowid,
    )
  }
}
