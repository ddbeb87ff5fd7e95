import type Database from 'better-sqlite3'

/*
 * Histories and parts as the store has them: lines of text in the rows of processes, and beside them. Read by itself here, so that no fault
 * of the engine's code can hide.
 */

/** An entry of a history. */
export interface Entry {
  /** Its place among all entries, in the order of the commits. */
  readonly id: number
  readonly process: number
  /** Its place among the entries of its process. */
  readonly n: number
  readonly commit: number
  readonly seq: number
  readonly at: number
  readonly name: string
  readonly data: string | null
  readonly by: string | null
}

/** A part of a bundle. */
export interface Piece {
  readonly process: number
  readonly name: string
  readonly text: string
}

interface Lines {
  readonly process: number
  readonly n: number
  readonly text: string
}

/** The tables that a corruption changes: the same, a row for each. */
export const TABLES = `
CREATE TABLE entry (id INTEGER PRIMARY KEY, process INTEGER, n INTEGER, "commit" INTEGER, seq INTEGER, at INTEGER, name TEXT, data TEXT, by TEXT);
CREATE TABLE piece (process INTEGER, name TEXT, text TEXT);
`
const ENTRY = 'id, process, n, "commit", seq, at, name, data, by'

/** Unpacks a file into tables of its own, which count from then on. */
export function unpack(file: Database.Database): void {
  if (isUnpacked(file)) return
  const [entries, pieces] = [entriesOf(file), piecesOf(file)]
  file.exec(TABLES)
  const entry = file.prepare(
    `INSERT INTO entry (${ENTRY}) VALUES (@id, @process, @n, @commit, @seq, @at, @name, @data, @by)`,
  )
  const piece = file.prepare('INSERT INTO piece (process, name, text) VALUES (@process, @name, @text)')
  for (const one of entries) entry.run(one)
  for (const one of pieces) piece.run(one)
}

function isUnpacked(file: Database.Database): boolean {
  return file.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'entry'").get() !== undefined
}

export function entriesOf(file: Database.Database): readonly Entry[] {
  if (isUnpacked(file)) return file.prepare<[], Entry>(`SELECT ${ENTRY} FROM entry ORDER BY id`).all()
  const authors = new Map(
    file
      .prepare<[], { id: number; name: string }>('SELECT id, name FROM author')
      .all()
      .map(({ id, name }) => [id, name]),
  )
  const lines = file
    .prepare<[], Lines>(
      `SELECT process, n, text FROM history
       UNION ALL SELECT id, spilled + 1, recent FROM process ORDER BY process, n`,
    )
    .all()
  const entries = lines.flatMap(({ process, n, text }) =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line, index) => {
        const [head = '', data = null] = line.split(/\t(.*)/s)
        const [commit, seq, at, name, author] = JSON.parse(head) as [
          number,
          number,
          number,
          string,
          number | null,
        ]
        return { process, n: n + index, commit, seq, at, name, data, by: authors.get(author ?? 0) ?? null }
      }),
  )
  return entries
    .toSorted((a, b) => a.commit - b.commit || a.process - b.process || a.n - b.n)
    .map((entry, index) => ({ id: index + 1, ...entry }))
}

export function piecesOf(file: Database.Database): readonly Piece[] {
  if (isUnpacked(file)) return file.prepare<[], Piece>('SELECT process, name, text FROM piece').all()
  const pieces = new Map<string, Piece>()
  const put = (process: number, name: string, text: string | null | undefined): void => {
    const key = `${process} ${name}`
    if (text == null) pieces.delete(key)
    else pieces.set(key, { process, name, text })
  }
  for (const { process, name, text } of file.prepare<[], Piece>('SELECT process, name, text FROM part').all())
    put(process, name, text)
  const rows = file
    .prepare<[], { process: number; inputs: string | null; memory: string | null; lines: string }>(
      "SELECT id AS process, inputs, memory, coalesce(small, '') || coalesce(record, '') AS lines FROM process",
    )
    .all()
  for (const { process, inputs, memory, lines } of rows) {
    if (inputs !== null) put(process, 'inputs', inputs)
    if (memory !== null) put(process, 'memory', memory)
    const own = new Map(
      lines
        .split('\n')
        .filter((line) => line !== '')
        .map((line): [string, string | undefined] => {
          const [name = '', text] = line.split(/\t(.*)/s)
          return [name, text]
        }),
    )
    // A line without a text says that the row does not have it; it may be beside the row.
    for (const [name, text] of own) if (text !== undefined) put(process, name, text)
  }
  return [...pieces.values()]
}
