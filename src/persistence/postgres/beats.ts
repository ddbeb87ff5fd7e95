import { clearInterval, setInterval } from '../../shared/timers.ts'
import type { EngineIdentity } from '../contract/engines.ts'
import type { Database } from './database.ts'
import { LeaseThread } from './lease-thread.ts'

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
  /** By engine, the milliseconds between two renewals of its lease. */
  readonly #engines = new Map<string, number>()
  readonly #timers = new Map<string, NodeJS.Timeout>()
  readonly #sessions = new Map<string, NodeJS.Timeout>()
  /** Undefined before the first engine has joined; null if no thread can run. */
  #thread: LeaseThread | null | undefined

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
    this.#engines.set(id, lease / BEATS)
    if (this.#thread === undefined) this.#thread = this.#start()
    this.#beginRenewing(id, lease / BEATS)
  }

  leave(engine: string): void {
    if (!this.#engines.delete(engine)) return
    this.#thread?.leave(engine)
    clearInterval(this.#timers.get(engine))
    this.#timers.delete(engine)
  }

  #start(): LeaseThread | null {
    const { connection } = this.#database
    const died = (): void => {
      this.#thread = null
      for (const [id, interval] of this.#engines) this.#beginRenewing(id, interval)
    }
    return LeaseThread.start(connection, this.#database.sql(BEAT), died) ?? null
  }

  #beginRenewing(id: string, interval: number): void {
    if (this.#thread == null) this.#renewByTimer(id, interval)
    else this.#thread.join(id, interval)
  }

  /** Renews a lease from this thread: steps that block it for long then count as crashes. */
  #renewByTimer(id: string, interval: number): void {
    const renew = (): void => void this.#database.query('renewing a lease', BEAT, [id]).catch(() => {})
    clearInterval(this.#timers.get(id))
    this.#timers.set(id, setInterval(renew, interval).unref())
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

  /** Stops renewing, until another engine joins or another session opens. */
  pause(): void {
    for (const engine of this.#engines.keys()) this.leave(engine)
    for (const session of this.#sessions.keys()) this.close(session)
  }

  stop(): void {
    this.pause()
    this.#thread?.stop()
    this.#thread = undefined
  }
}
