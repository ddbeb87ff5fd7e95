import { lifetimeRow, type Lifetime } from '../rules/result-dropping.ts'
import type { DueResults, LifetimeRow } from '../contract/result-lifetime.ts'
import type { StoredRetention } from '../../process/host/retention.ts'
import type { Connection } from './connection.ts'

const GET = 'SELECT pid, policy, ttl, wanted, check_at, dropped FROM lifetime WHERE pid = ?'
const PUT = `INSERT INTO lifetime (pid, policy, ttl, wanted, check_at, dropped, ended)
  SELECT ?, ?, ?, ?, ?, ?, ended_at IS NOT NULL FROM process WHERE pid = ?
  ON CONFLICT (pid) DO UPDATE SET wanted = excluded.wanted, check_at = excluded.check_at, dropped = excluded.dropped`
const END = 'UPDATE lifetime SET ended = 1, check_at = ? WHERE pid = ?'
const DUE = `SELECT pid FROM lifetime WHERE check_at <= ? ORDER BY check_at LIMIT ?`
const NEXT = 'SELECT check_at FROM lifetime WHERE check_at > ? ORDER BY check_at LIMIT 1'
const ANY = 'SELECT 1 FROM lifetime WHERE dropped = 0 UNION ALL SELECT 1 FROM retain LIMIT 1'
const ANY_ROW = 'SELECT 1 FROM lifetime UNION ALL SELECT 1 FROM retain LIMIT 1'

/** A process that has ended, and all that may keep its value. */
const NEEDED = `EXISTS (SELECT 1 FROM process above WHERE above.pid = p.parent AND above.ended_at IS NULL)
  OR EXISTS (SELECT 1 FROM need WHERE need.target = p.pid)
  OR EXISTS (SELECT 1 FROM awaits WHERE awaits.target = p.pid)`
const ALL = `SELECT p.pid, l.policy, l.ttl, coalesce(l.dropped, 0) AS dropped,
  EXISTS (SELECT 1 FROM retain WHERE retain.pid = p.pid) AS retained, (${NEEDED}) AS needed
  FROM json_each(?) AS listed CROSS JOIN process p ON p.pid = listed.value LEFT JOIN lifetime l ON l.pid = p.pid`

const NEXT_SESSION = 'SELECT session FROM retain WHERE session > ? ORDER BY session LIMIT 1'
/** Processes that the session retained last are looked at again. */
const CHECK = `UPDATE lifetime SET check_at = ? WHERE ended = 1 AND dropped = 0 AND (policy <> 'until-fetched' OR wanted IS NOT NULL)
  AND pid IN (SELECT pid FROM retain WHERE session = ?)`
const END_SESSION = 'DELETE FROM retain WHERE session = ?'

interface Columns {
  readonly pid: string
  readonly policy: StoredRetention['policy'] | null
  readonly ttl: number | null
  readonly wanted: Lifetime['wanted']
  readonly check_at: number | null
  readonly dropped: number
}

/** The tables `lifetime` and `retain`: how long results are kept. */
export class LifetimeTable {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  get(pid: string): Lifetime | undefined {
    const row = this.#connection.sql<Columns>(GET).get(pid)
    return row && { ...flagged(row), wanted: row.wanted, checkAt: row.check_at }
  }

  /** Stores a lifetime of an existing process. */
  put(pid: string, { retention, wanted, checkAt, dropped }: Lifetime): void {
    this.#connection
      .sql(PUT)
      .run(pid, retention?.policy ?? null, retention?.ttl ?? null, wanted, checkAt, Number(dropped), pid)
  }

  /** The process has ended. */
  end(pid: string, checkAt: number | null): void {
    this.#connection.sql(END).run(checkAt, pid)
  }

  isRetained(pid: string): boolean {
    return this.#connection.sql('SELECT 1 FROM retain WHERE pid = ? LIMIT 1').get(pid) !== undefined
  }

  retain(pid: string, session: string): void {
    this.#connection.sql('INSERT OR IGNORE INTO retain (pid, session) VALUES (?, ?)').run(pid, session)
  }

  unretain(pid: string, session: string): void {
    this.#connection.sql('DELETE FROM retain WHERE pid = ? AND session = ?').run(pid, session)
  }

  due(now: number, limit: number): DueResults {
    return {
      pids: this.#connection.sql<string>(DUE).pluck().all(now, limit),
      next: this.#connection.sql<number>(NEXT).pluck().get(now) ?? null,
      any: this.#connection.sql(ANY).get() !== undefined,
    }
  }

  isEmpty(): boolean {
    return this.#connection.sql(ANY_ROW).get() === undefined
  }

  rows(pids: readonly string[]): LifetimeRow[] {
    const rows = this.#connection
      .sql<Omit<Columns, 'wanted' | 'check_at'> & { readonly retained: number; readonly needed: number }>(ALL)
      .all(JSON.stringify(pids))
    return rows.map((row) =>
      lifetimeRow(row.pid, flagged(row), { retained: row.retained === 1, needed: row.needed === 1 }),
    )
  }

  /** All sessions that retain results, with one look-up in the index for each. */
  sessions(): string[] {
    const next = this.#connection.sql<string>(NEXT_SESSION).pluck()
    const sessions: string[] = []
    for (let one = next.get(''); one !== undefined; one = next.get(one)) sessions.push(one)
    return sessions
  }

  /** What a session retained is looked at again, if it is due. */
  endSession(session: string, now: number): void {
    this.#connection.sql(CHECK).run(now, session)
    this.#connection.sql(END_SESSION).run(session)
  }

  /** Forgets a process that is pruned. */
  delete(pid: string): void {
    this.#connection.sql('DELETE FROM lifetime WHERE pid = ?').run(pid)
    this.#connection.sql('DELETE FROM retain WHERE pid = ?').run(pid)
  }
}

function flagged({ policy, ttl, dropped }: Pick<Columns, 'policy' | 'ttl' | 'dropped'>) {
  return { retention: policy === null ? null : { policy, ttl }, dropped: dropped === 1 }
}
