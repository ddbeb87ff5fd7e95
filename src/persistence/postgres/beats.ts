import { clearInterval, setInterval } from '../../shared/timers.ts'
import type { EngineIdentity } from '../contract/engines.ts'
import type { Database } from './database.ts'
import { startLeaseThread } from './lease-thread.ts'

/** How many heartbeats come in the time of a lease. */
const BEATS = 4
/** How long a session counts as open after each heartbeat, in milliseconds. */
const SESSION_LEASE = 60_000

const JOIN = `INSERT INTO @engine VALUES ($1, $2, $3, $4, $5, $6, $7, $8, @now() + $4)
  ON CONFLICT (id) DO UPDATE SET expires = excluded.expires`
/** 0 marks an engine whose death a test has simulated. */
const BEAT = 'UPDATE @engine SET expires = @now() + lease WHERE id = $1 AND expires > 0'
const OPEN =
  'INSERT INTO @session VALUES ($1, @now() + $2) ON CONFLICT (id) DO UPDATE SET expires = excluded.expires'

/** Keeps the leases of the engines and sessions of this program, by the clock of the database. */
export class Beats {
  readonly #database: Database
  readonly #engines = new Map<string, () => void>()
  readonly #sessions = new Map<string, NodeJS.Timeout>()

  constructor(database: Database) {
    this.#database = database
  }

  async join(engine: EngineIdentity, now: number): Promise<void> {
    const { id, host, osPid, lease, concurrency, classes, labels = [] } = engine
    await this.#database.query('registering an engine', JOIN, [
      id,
      host,
      osPid,
      lease,
      concurrency,
      JSON.stringify(classes),
      JSON.stringify(labels),
      now,
    ])
    this.#engines.get(id)?.()
    const interval = lease / BEATS
    const byTimer = (): void => this.#renewByTimer(id, interval)
    const stop = startLeaseThread(
      { connection: this.#database.connection, statement: this.#database.sql(BEAT), id, interval },
      byTimer,
    )
    if (stop === undefined) byTimer()
    else this.#engines.set(id, stop)
  }

  leave(engine: string): void {
    this.#engines.get(engine)?.()
    this.#engines.delete(engine)
  }

  /** Renews a lease from this thread: steps that block it for long then count as crashes. */
  #renewByTimer(id: string, interval: number): void {
    const renew = (): void => void this.#database.query('renewing a lease', BEAT, [id]).catch(() => {})
    const timer = setInterval(renew, interval).unref()
    this.#engines.set(id, () => clearInterval(timer))
  }

  async open(session: string): Promise<void> {
    const renew = (): Promise<unknown> =>
      this.#database.query('opening a session', OPEN, [session, SESSION_LEASE])
    await renew()
    clearInterval(this.#sessions.get(session))
    this.#sessions.set(
      session,
      setInterval(() => void renew().catch(() => {}), SESSION_LEASE / BEATS).unref(),
    )
  }

  close(session: string): void {
    clearInterval(this.#sessions.get(session))
    this.#sessions.delete(session)
  }

  stop(): void {
    for (const stop of this.#engines.values()) stop()
    for (const timer of this.#sessions.values()) clearInterval(timer)
    this.#engines.clear()
    this.#sessions.clear()
  }
}
