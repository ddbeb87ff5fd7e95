import Database from 'better-sqlite3'
import { seconds, withFile } from './measure.ts'

/** Bytes that one transition writes: of the row of its process, and of its entry in the history. */
export interface RowSizes {
  readonly process: number
  readonly history: number
}

const PID_LENGTH = 36
const PROCESSES = 1000

export const PER_COMMIT = [1, 10, 100, 1000] as const
export type PerCommit = (typeof PER_COMMIT)[number]

/** Transitions per second of a loop that does nothing but write such rows to a file, so many in a commit. */
export async function bareFile(sizes: RowSizes, perCommit: number): Promise<number> {
  return withFile(async (path) => {
    const db = new Database(path)
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = FULL')
    db.exec(`CREATE TABLE process (pid TEXT PRIMARY KEY, body TEXT NOT NULL);
      CREATE TABLE history (id INTEGER PRIMARY KEY, pid TEXT NOT NULL, body TEXT NOT NULL)`)
    const save = db.prepare(
      'INSERT INTO process (pid, body) VALUES (?, ?) ON CONFLICT (pid) DO UPDATE SET body = excluded.body',
    )
    const note = db.prepare('INSERT INTO history (pid, body) VALUES (?, ?)')
    const pids = Array.from({ length: PROCESSES }, () => globalThis.crypto.randomUUID())
    const body = 'p'.repeat(Math.max(1, sizes.process - PID_LENGTH))
    const entry = 'h'.repeat(Math.max(1, sizes.history - PID_LENGTH))
    let written = 0
    const commit = db.transaction(() => {
      for (let i = 0; i < perCommit; i++) {
        const pid = pids[written++ % PROCESSES]
        save.run(pid, body)
        note.run(pid, entry)
      }
    })
    const transitions = perCommit === 1 ? 1000 : perCommit === 10 ? 5000 : 20_000
    const took = await seconds(() => {
      for (let commits = transitions / perCommit; commits > 0; commits--) commit.immediate()
    })
    db.close()
    return transitions / took
  })
}

/** What a transition has written on average, in a file that Damson has filled. */
export function rowSizes(path: string): RowSizes {
  const db = new Database(path, { readonly: true })
  try {
    // The row of a process has its history too, a line for each entry, which counts by itself.
    const entry = db.prepare(ENTRY).pluck().get() as number
    return { process: averageRow(db, 'process'), history: Math.round(entry) }
  } finally {
    db.close()
  }
}

/** The average length of an entry of a history, in bytes. */
const ENTRY = `SELECT sum(octet_length(recent)) * 1.0 / sum(length(recent) - length(replace(recent, char(10), '')))
  FROM process`

function averageRow(db: Database.Database, table: string): number {
  const columns = db.pragma(`table_info(${table})`) as { readonly name: string }[]
  // Texts by their bytes; of numbers, which SQLite keeps in 0 to 8 bytes, what `octet_length` says, at most 8.
  const others = columns.filter(({ name }) => name !== 'recent')
  const bytes = others.map(
    ({ name }) =>
      `CASE typeof(${name}) WHEN 'text' THEN octet_length(${name}) WHEN 'integer' THEN min(6, length(${name})) ELSE 0 END`,
  )
  const average = db
    .prepare(`SELECT avg(${bytes.join(' + ')}) FROM ${table}`)
    .pluck()
    .get() as number
  return Math.round(average + others.length)
}
