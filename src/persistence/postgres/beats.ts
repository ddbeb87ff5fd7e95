import { clearInterval, setInterval } from '../../shared/timers.ts'
import type { EngineIdentity } from '../contract/engines.ts'
import { WAITS_FOR_REPLICA, type Database } from './database.ts'
import { LeaseThread } from './lease-thread.ts'
import { placeOfProgram } from './program-place.ts'

/** How many heartbeats come in the time of a lease. */
const BEATS = 4

const REGISTER =
  'INSERT INTO @engine VALUES ($1, $2, $3, $4, $5, $6, $7, $8, @now() + $4, $9) ON CONFLICT (id)'
const JOIN = `${REGISTER} DO UPDATE SET expires = excluded.expires, noted = 0, late = 0`
/** 0 marks an engine whose death a test has simulated. */
const BEAT =
  'UPDATE @engine SET expires = @now() + lease, noted = 0, late = 0 WHERE id = $1 AND expires > 0 RETURNING id'
/** For an engine that others have taken for dead, and have removed. */
const REJOIN = `${REGISTER} DO NOTHING`
const OPEN = `INSERT INTO @session VALUES ($1, $2, @now() + $2)
  ON CONFLICT (id) DO UPDATE SET expires = excluded.expires, noted = 0, late = 0`

interface Renewals {
  /** The milliseconds between two of them. */
  readonly interval: number
  /** What registers the engine. */
  readonly values: readonly unknown[]
}

/** Keeps the leases of the engines and sessions of this program, by the clock of the database. */
export class Beats {
  readonly #database: Database
  readonly #engines = new Map<string, Renewals>()
  readonly #timers = new Map<string, NodeJS.Timeout>()
  readonly #sessions = new Map<string, NodeJS.Timeout>()
  /** How long a session counts as open after each heartbeat, in milliseconds. */
  sessionLease = 60_000
  /** Undefined before the first engine has joined; null if no thread can run. */
  #thread: LeaseThread | null | undefined

  constructor(database: Database) {
    this.#database = database
  }

  async join(engine: EngineIdentity, now: number): Promise<void> {
    const { id, host, osPid, lease, concurrency, classes, labels = [] } = engine
    const known = [JSON.stringify(classes), JSON.stringify(labels)]
    const place = osPid === process.pid ? placeOfProgram() : null
    const values = [id, host, osPid, lease, concurrency, ...known, now, place]
    await this.#database.query('registering an engine', JOIN, values)
    const renewals = { interval: lease / BEATS, values }
    this.#engines.set(id, renewals)
    if (this.#thread === undefined) this.#thread = this.#start()
    this.#beginRenewing(id, renewals)
  }

  leave(engine: string): void {
    if (!this.#engines.delete(engine)) return
    this.#thread?.leave(engine)
    clearInterval(this.#timers.get(engine))
    this.#timers.delete(engine)
  }

  #start(): LeaseThread | null {
    const database = this.#database
    const died = (): void => {
      this.#thread = null
      for (const [id, renewals] of this.#engines) this.#beginRenewing(id, renewals)
    }
    const statements = {
      renew: database.sql(BEAT),
      rejoin: database.sql(REJOIN),
      waits: WAITS_FOR_REPLICA,
    }
    return LeaseThread.start(database.connection, statements, died) ?? null
  }

  #beginRenewing(id: string, renewals: Renewals): void {
    if (this.#thread == null) this.#renewByTimer(id, renewals)
    else this.#thread.join(id, renewals.interval, renewals.values)
  }

  /** Renews a lease from this thread: steps that block it for long then count as crashes. */
  #renewByTimer(id: string, { interval, values }: Renewals): void {
    const renew = async (): Promise<void> => {
      const renewed = await this.#database.query('renewing a lease', BEAT, [id])
      if (renewed.length === 0 && this.#engines.has(id))
        await this.#database.query('registering an engine again', REJOIN, values)
    }
    clearInterval(this.#timers.get(id))
    this.#timers.set(id, setInterval(() => void renew().catch(() => {}), interval).unref())
  }

  async open(session: string): Promise<void> {
    const lease = this.sessionLease
    const renew = (): Promise<unknown> => this.#database.query('opening a session', OPEN, [session, lease])
    await renew()
    clearInterval(this.#sessions.get(session))
    this.#sessions.set(session, setInterval(() => void renew().catch(() => {}), lease / BEATS).unref())
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
