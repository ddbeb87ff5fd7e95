import type { LogEntry, StoredLevel } from '../../process/state/report.ts'
import { LARGEST_LOG_PAGE } from '../contract/control.ts'
import type { LogRow } from '../contract/rows.ts'
import type { Connection } from './connection.ts'
import { linesOf } from './history-lines.ts'

/*
 * The logs of processes: some entries in a row, as lines of text. A line is a JSON array: the stream
 * (1 or 2), the time, the attempt, the text, and the level if a logger has written it.
 */

const LAST = 'SELECT coalesce(max(n), 0) FROM log WHERE process = ?'
const ADD = 'INSERT INTO log (process, n, text) VALUES (?, ?, ?)'
const AFTER = `SELECT log.n, log.text FROM process p JOIN log ON log.process = p.id
  WHERE p.pid = ? AND log.n > ? ORDER BY log.n LIMIT ${LARGEST_LOG_PAGE}`

type Line = [stream: 1 | 2, at: number, attempt: number, text: string, level?: StoredLevel]

export class LogTable {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Adds entries to the log of a process, by the number of its row. */
  add(process: number, entries: readonly LogEntry[]): void {
    if (entries.length === 0) return
    const last = this.#connection.sql<number>(LAST).pluck().get(process) ?? 0
    const text = entries.map((entry) => `${JSON.stringify(lineOf(entry))}\n`).join('')
    this.#connection.sql(ADD).run(process, last + entries.length, text)
  }

  /** Some entries after one, oldest first. */
  page(pid: string, after: number): LogRow[] {
    const entries: LogRow[] = []
    const rows = this.#connection.sql<{ readonly n: number; readonly text: string }>(AFTER)
    for (const { n: last, text } of rows.iterate(pid, after)) {
      const lines = linesOf(text)
      for (const [index, line] of lines.entries()) {
        const n = last - lines.length + 1 + index
        if (n > after) entries.push({ pid, n, ...entryOf(line) })
        if (entries.length === LARGEST_LOG_PAGE) return entries
      }
    }
    return entries
  }

  deleteAll(process: number): void {
    this.#connection.sql('DELETE FROM log WHERE process = ?').run(process)
  }
}

function lineOf({ stream, at, attempt, text, level }: LogEntry): Line {
  const line: Line = [stream === 'stdout' ? 1 : 2, at, attempt, text]
  if (level !== undefined) line.push(level)
  return line
}

/** The entry of a line. A damaged line gives an entry that reports the damage. */
function entryOf(line: string): LogEntry {
  try {
    const [stream, at, attempt, text, level] = JSON.parse(line) as Line
    if (typeof text === 'string')
      return { stream: stream === 1 ? 'stdout' : 'stderr', text, at, attempt, ...(level && { level }) }
  } catch {
    // It is damaged.
  }
  return { stream: 'stderr', text: '[this entry of the log is damaged]\n', at: 0, attempt: 1 }
}
