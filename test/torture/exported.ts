import Database from 'better-sqlite3'
import { TABLES } from './checker/unpacked.ts'
import { rowsOf } from './reader.ts'

/** The columns of a process that the checker reads. */
const COLUMNS =
  'id, pid, class, state, seq, paused, parked, parent, key, owner, runner, origin, ended_at, successful, message, actor, calls, data'

/**
 * In the order in which the transactions have committed; their ids are drawn before that. Needs the setting
 * `track_commit_timestamp` of the server. Within one commit, a kill comes after what was launched before it.
 */
const ENTRIES = `SELECT * FROM (
  SELECT p.id AS process, h.n, h.seq, h.at, h.name, h.data, h.author AS by,
    dense_rank() OVER (ORDER BY pg_xact_commit_timestamp(h.tx::text::xid), h.tx::text::bigint) AS commit,
    max(CASE WHEN h.name IN ('kill requested', 'killed') THEN 1 ELSE 0 END) OVER (PARTITION BY h.tx, h.pid ORDER BY h.n) AS kill
  FROM history AS h JOIN process AS p ON p.pid = h.pid) AS entry ORDER BY commit, kill, process, n`

/** Copies what the checker needs of a store on Postgres into a file, with a row for each entry and part. */
export async function exportStore(url: string, path: string): Promise<void> {
  const file = new Database(path)
  try {
    file.exec(`CREATE TABLE process (${COLUMNS.replace('id,', 'id INTEGER PRIMARY KEY,')});
      CREATE TABLE message (pid, by, sender, value); CREATE TABLE awaits (pid); CREATE TABLE engine (id); ${TABLES}`)
    const copy = async (table: string, columns: string, query: string): Promise<void> => {
      const names = columns.split(', ')
      const text = `INSERT INTO ${table} (${columns}) VALUES (${names.map(() => '?').join(', ')})`
      const insert = file.prepare(text)
      let id = 0
      for (const row of await rowsOf<Record<string, unknown>>(url, query)) {
        id++
        insert.run(names.map((name) => row[name.replaceAll('"', '')] ?? (name === 'id' ? id : null)))
      }
    }
    await copy('process', COLUMNS, `SELECT ${COLUMNS} FROM process ORDER BY id`)
    await copy('message', 'pid', 'SELECT pid FROM message')
    await copy('awaits', 'pid', 'SELECT pid FROM awaits')
    await copy('engine', 'id', 'SELECT id FROM engine')
    await copy('entry', 'id, process, n, "commit", seq, at, name, data, by', ENTRIES)
    await copy(
      'piece',
      'process, name, text',
      'SELECT p.id AS process, t.name, t.text FROM part AS t JOIN process AS p ON p.pid = t.pid',
    )
  } finally {
    file.close()
  }
}
