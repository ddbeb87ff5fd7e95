import type { DueResults, LifetimeRow } from '../contract/result-lifetime.ts'
import { lifetimeRow } from '../rules/result-dropping.ts'
import type { Database } from './database.ts'
import type { LifetimeColumns } from './loaded.ts'

const LIFETIMES = `SELECT p.pid, l.policy, l.ttl, coalesce(l.dropped, 0) AS dropped,
    EXISTS (SELECT 1 FROM @retain AS r WHERE r.pid = p.pid) AS retained,
    (EXISTS (SELECT 1 FROM @process AS above WHERE above.pid = p.parent AND above.ended_at IS NULL)
      OR EXISTS (SELECT 1 FROM @need AS n WHERE n.target = p.pid)
      OR EXISTS (SELECT 1 FROM @awaits AS a WHERE a.target = p.pid)) AS needed
  FROM @process AS p LEFT JOIN @lifetime AS l ON l.pid = p.pid WHERE p.pid = ANY($1)`
const DEAD_SESSIONS = `SELECT DISTINCT r.session FROM @retain AS r
  WHERE NOT EXISTS (SELECT 1 FROM @session AS s WHERE s.id = r.session AND @alive(s.expires, s.lease, s.late))`
const END_DEAD = 'DELETE FROM @session WHERE NOT @alive(expires, lease, late)'
const DUE = 'SELECT pid FROM @lifetime WHERE check_at <= $1 ORDER BY check_at LIMIT $2'
const OUTLOOK = `SELECT (SELECT check_at FROM @lifetime WHERE check_at > $1 ORDER BY check_at LIMIT 1) AS next,
  EXISTS (SELECT 1 FROM @lifetime WHERE dropped = 0) OR EXISTS (SELECT 1 FROM @retain) AS any`

const DOING = 'looking for results to drop'

interface WithPid {
  readonly pid: string
}

/** Reads how long results are kept, and by which sessions. */
export class ResultQueries {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async lifetimes(pids: readonly string[]): Promise<readonly LifetimeRow[]> {
    type Found = LifetimeColumns & { readonly retained: boolean; readonly needed: boolean }
    const rows = await this.#database.query<Found>('reading how long results are kept', LIFETIMES, [pids])
    return rows.map(({ pid, policy, ttl, dropped, ...kept }) =>
      lifetimeRow(pid, { retention: policy === null ? null : { policy, ttl }, dropped: dropped === 1 }, kept),
    )
  }

  /** The sessions that retain results, and whose program has died. From now on they are closed. */
  async deadSessions(): Promise<readonly string[]> {
    await this.#database.query(DOING, END_DEAD)
    const rows = await this.#database.query<{ readonly session: string }>(DOING, DEAD_SESSIONS)
    return rows.map(({ session }) => session)
  }

  async forgetSession(session: string): Promise<void> {
    await this.#database.query('closing a session', 'DELETE FROM @session WHERE id = $1', [session])
  }

  /** The pids of the processes whose results a session retains. */
  async retained(session: string): Promise<readonly string[]> {
    const text = 'SELECT pid FROM @retain WHERE session = $1'
    return (await this.#database.query<WithPid>(DOING, text, [session])).map(({ pid }) => pid)
  }

  async due(now: number, limit: number): Promise<DueResults> {
    const due = await this.#database.query<WithPid>(DOING, DUE, [now, limit])
    type Outlook = Pick<DueResults, 'next' | 'any'>
    const [outlook] = await this.#database.query<Outlook>(DOING, OUTLOOK, [now])
    return { pids: due.map(({ pid }) => pid), next: outlook?.next ?? null, any: outlook?.any ?? false }
  }
}
