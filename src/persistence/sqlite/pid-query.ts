import type { PidParts } from '../contract/control.ts'
import type { Connection } from './connection.ts'

/** Each beginning is a range of the index of pids. `CROSS JOIN` makes the list the outer loop. */
const BEGINNING = `SELECT p.pid FROM json_each(?) AS listed CROSS JOIN process p
  ON p.pid >= listed.value AND p.pid < listed.value || char(0x10FFFF) LIMIT ?`

/**
 * No index has the endings, since a random entry in one more index would cost each launch more than
 * a list gains. The query reads the index of pids from end to end instead, and no row.
 */
const ENDING = `SELECT pid FROM process WHERE substr(pid, ?) IN (SELECT value FROM json_each(?)) LIMIT ?`

/** At most `limit` pids with one of these beginnings or endings. */
export function pidsWith(connection: Connection, parts: PidParts, limit: number): string[] {
  if ('beginnings' in parts)
    return connection.sql<string>(BEGINNING).pluck().all(JSON.stringify(parts.beginnings), limit)
  const [first] = parts.endings
  if (first === undefined) return []
  // SQLite counts the characters of a text, and a character may have two units here.
  return connection
    .sql<string>(ENDING)
    .pluck()
    .all(-Array.from(first).length, JSON.stringify(parts.endings), limit)
}
