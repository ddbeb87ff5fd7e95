import { pause } from '../../shared/timers.ts'
import type { Change } from '../contract/rows.ts'
import { InFlight } from './in-flight.ts'
import { isTaken, type Calls, type Database } from './database.ts'
import { Loaded, type LoadAnswer } from './loaded.ts'
import { NotLoaded } from './not-loaded.ts'
import { OwnTransaction } from './own-transaction.ts'
import { PostgresSession } from './postgres-session.ts'
import { RecentRows } from './recent-rows.ts'
import type { Wanted } from './wanted.ts'

/** How often a commit is repeated without a pause because others changed what it read. */
const AT_ONCE = 5
const LONGEST_PAUSE = 50
/** After how many repetitions, and after how many waits for other commits of this store, a commit locks what it reads. */
const MOST_TRIES = 8
const MOST_WAITS = 20

/** A transaction of the database that has stored something. */
export interface Stored {
  /** Its id. */
  readonly tx: string
  /** The id of the oldest transaction that ran when it committed. */
  readonly xmin: string
}

export interface Committed<T> {
  readonly value: T
  readonly changes: readonly Change[]
  /** Undefined if there was nothing to store. */
  readonly stored: Stored | undefined
}

/**
 * Runs the rules on data from the database, and stores their decisions if that data has not changed
 * meanwhile; otherwise starts again. No lock is held while the rules run, so that a frozen program
 * holds up no one. Only a commit that others have come before again and again, as the kill of a tree that grows,
 * keeps the locks of its last try and reads once more. The server ends it if its program is frozen.
 */
export class Committer {
  readonly #database: Database
  readonly #now: () => number
  readonly #sawTime: (now: number) => void
  readonly #recent = new RecentRows()
  readonly #inFlight = new InFlight()

  /** `sawTime` is called with each time of the database that was read. */
  constructor(database: Database, now: () => number, sawTime: (now: number) => void) {
    this.#database = database
    this.#now = now
    this.#sawTime = sawTime
  }

  /**
   * `action` may run several times, each time on a new session. `wanted` gets what else it asks for. With
   * `within`, all is read and stored in that transaction.
   */
  async run<T>(
    doing: string,
    wanted: Wanted,
    action: (session: PostgresSession) => T,
    within: Calls = this.#database,
  ): Promise<Committed<T>> {
    let [tries, waits] = [0, 0]
    const isWithin = within !== this.#database
    // What is remembered may be newer than what the user's transaction sees.
    let mayAssume = !isWithin
    for (;;) {
      if (!isWithin && (tries > MOST_TRIES || waits > MOST_WAITS)) {
        const committed = await this.#runLocked(doing, wanted, action)
        if (committed !== undefined) return committed
        ;[tries, waits] = [AT_ONCE, 0]
      }
      // A transaction waits for none of those in flight, which may wait for its locks.
      const before = isWithin ? undefined : this.#inFlight.of(wanted.pids)
      if (before !== undefined) {
        waits++
        await before
        continue
      }
      const loaded = await this.#load(doing, wanted, within, mayAssume)
      const session = new PostgresSession(loaded, this.#now())
      let value: T
      try {
        value = action(session)
      } catch (error) {
        // All is read again, so that the rules see one snapshot.
        if (error instanceof NotLoaded && wanted.add(session.wanted)) continue
        if (!loaded.isAssumed) throw error
        mayAssume = false
        continue
      }
      const document = session.document()
      if (document === undefined) {
        if (!loaded.isAssumed) return { value, changes: session.changes, stored: undefined }
        // The database has compared nothing.
        mayAssume = false
        continue
      }
      const pids = [...session.pids]
      const other = isWithin ? undefined : this.#inFlight.of(pids)
      if (other !== undefined) {
        waits++
        await other
        continue
      }
      // Whether it is stored is not known if there is no answer.
      this.#recent.forget(pids)
      const stored = isWithin
        ? await this.#apply(doing, document, within)
        : await this.#inFlight.add(pids, async () => {
            const answer = await this.#apply(doing, document, within)
            if (answer !== undefined) this.#recent.keep(session.after())
            return answer
          })
      if (stored !== undefined) return { value, changes: session.changes, stored }
      mayAssume = false
      if (++tries > AT_ONCE) await pause(Math.random() * LONGEST_PAUSE)
    }
  }

  /** Runs in a transaction, where a try that fails keeps its locks. Undefined if that could not be completed. */
  async #runLocked<T>(
    doing: string,
    wanted: Wanted,
    action: (session: PostgresSession) => T,
  ): Promise<Committed<T> | undefined> {
    const own = await OwnTransaction.begin(this.#database).catch(() => undefined)
    if (own === undefined) return undefined
    own.end()
    try {
      const committed = await this.run(doing, wanted, action, own)
      if (committed.stored === undefined) await own.rollback()
      else await own.commit()
      return committed
    } catch (error) {
      await own.rollback()
      // Whether it was stored is seen by the next try.
      if (own.isLost || isTaken(error)) return undefined
      throw error
    }
  }

  /** Undefined if what was read has changed, and nothing was stored. */
  async #apply(doing: string, document: unknown, within: Calls): Promise<Stored | undefined> {
    try {
      const answer = await within.call<(Stored & { readonly now: number }) | { readonly stale: unknown }>(
        doing,
        'apply',
        document,
      )
      if ('stale' in answer) return undefined
      this.#sawTime(answer.now)
      return answer
    } catch (error) {
      // Within a transaction of the user, that is over.
      if (isTaken(error) && within === this.#database) return undefined
      throw error
    }
  }

  async #load(doing: string, wanted: Wanted, within: Calls, mayAssume: boolean): Promise<Loaded> {
    const remembered = mayAssume ? this.#recent.of(wanted) : []
    const known = new Set(remembered.map(({ row }) => row.pid))
    const free = mayAssume ? [...wanted.created].filter((pid) => !known.has(pid)) : []
    for (const pid of free) known.add(pid)
    if (!wanted.isMoreThan(known)) return new Loaded(wanted, remembered, free)
    const answer = await within.call<LoadAnswer>(doing, 'load', wanted.except(known))
    this.#sawTime(answer.now)
    return new Loaded(wanted, remembered, free, answer)
  }
}
