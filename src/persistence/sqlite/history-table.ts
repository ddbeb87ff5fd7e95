import { IncompatibleBundle } from '../../shared/errors.ts'
import type { HistoryRange } from '../contract/control.ts'
import type { HistoryRow } from '../contract/rows.ts'
import { rangeOf } from '../rules/history-range.ts'
import type { Authors } from './authors.ts'
import type { Connection } from './connection.ts'
import {
  countLines,
  linesOf,
  linesSince,
  LONGEST_RECENT,
  readHistoryLine,
  type HistoryLine,
} from './history-lines.ts'

const NEWEST = 'SELECT id, recent, spilled FROM process WHERE pid = ?'
const FULL = `SELECT id, recent, spilled FROM process WHERE id = ? AND octet_length(recent) >= ${LONGEST_RECENT}`
/** Older entries from the row on that has the entry with a number. */
const OLDER = `SELECT n, text FROM history WHERE process = ?
  AND n >= (SELECT coalesce(max(n), 0) FROM history WHERE process = ? AND n <= ?) ORDER BY n LIMIT ?`
const BACKWARD = 'SELECT n, text FROM history WHERE process = ? AND n < ? ORDER BY n DESC LIMIT 1'
const SPILL = 'INSERT INTO history (process, n, text) VALUES (?, ?, ?)'
const SPILLED = "UPDATE process SET recent = '', spilled = ? WHERE id = ?"

/** How many rows of older entries are read at a time. */
const ROWS = 100

/** The history of a row: what is in the row, and how many entries are not. */
export interface RowHistory {
  readonly id: number
  readonly recent: string
  readonly spilled: number
}

/** The histories: the newest entries of each in the row of its process, older ones in `history`. */
export class HistoryTable {
  readonly #connection: Connection
  readonly #authors: Authors

  constructor(connection: Connection, authors: Authors) {
    this.#connection = connection
    this.#authors = authors
  }

  page(pid: string, range: HistoryRange): HistoryRow[] {
    const newest = this.#connection.sql<RowHistory>(NEWEST).get(pid)
    const { after, count } = rangeOf(range, () =>
      newest === undefined ? 0 : newest.spilled + countLines(newest.recent),
    )
    const rows: HistoryRow[] = []
    if (newest === undefined) return rows
    const take = (text: string, first: number): void => {
      for (const [index, line] of linesOf(text).entries()) {
        const n = first + index
        if (n <= after) continue
        if (rows.length === count) return
        rows.push(this.#row(readHistoryLine(line), pid, n))
      }
    }
    for (let next = after + 1; next <= newest.spilled && rows.length < count;) {
      const older = this.#connection
        .sql<{ readonly n: number; readonly text: string }>(OLDER)
        .all(newest.id, newest.id, next, ROWS)
      const first = next
      for (const { n, text } of older) {
        take(text, n)
        next = n + countLines(text)
      }
      if (next <= first)
        throw new IncompatibleBundle(`the history of process ${pid} lacks its entry ${first}`)
    }
    take(newest.recent, newest.spilled + 1)
    return rows
  }

  /** The entries of a row that a commit has added, or a later one; oldest first. */
  since(row: RowHistory, commit: number): HistoryLine[] {
    let found = linesSince(row.recent, commit)
    if (found.length < countLines(row.recent)) return found
    let n = row.spilled + 1
    while (n > 1) {
      const older = this.#connection
        .sql<{ readonly n: number; readonly text: string }>(BACKWARD)
        .get(row.id, n)
      if (older === undefined) break
      const lines = linesSince(older.text, commit)
      found = [...lines, ...found]
      if (lines.length < countLines(older.text)) break
      n = older.n
    }
    return found
  }

  /** Moves the entries of a row into `history` if the row has no room for more. Returns whether it did. */
  makeRoom(id: number): boolean {
    const row = this.#connection.sql<RowHistory>(FULL).get(id)
    if (row === undefined) return false
    this.#connection.sql(SPILL).run(id, row.spilled + 1, row.recent)
    this.#connection.sql(SPILLED).run(row.spilled + countLines(row.recent), id)
    return true
  }

  deleteAll(id: number): void {
    this.#connection.sql('DELETE FROM history WHERE process = ?').run(id)
  }

  #row({ author, ...line }: HistoryLine, pid: string, n: number): HistoryRow {
    return { n, pid, ...line, by: author === null ? null : this.#authors.nameOf(author) }
  }
}
