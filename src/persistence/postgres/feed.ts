import { randomUUID } from 'node:crypto'
import type * as Pg from 'pg'
import { setTimeout, clearTimeout } from '../../shared/timers.ts'
import { afterOf, type Row } from '../rules/row.ts'
import { REPORTED, type Change } from '../contract/rows.ts'
import type { Database } from './database.ts'
import type { Stored } from './committer.ts'

/** How often the feed looks without a notification, in milliseconds. */
const LOOK_INTERVAL = 1_000
/** The shortest time between two notifications of one program, in milliseconds. */
const NOTIFY_INTERVAL = 10
/** The most changes of one look. Beyond them the listeners read what they follow. */
const MOST = 5_000

/** Nothing is lost with a notification, so it need not wait for the disk. */
const NOTIFY = "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)"
const BEHIND = 'SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS xmin'
/** The third argument has own transactions. */
const LOOKED_AT = 'tx >= $1::xid8 AND tx < $2::xid8 AND tx <> ALL($3::xid8[])'
const CHANGES = `SELECT h.tx::text AS tx, h.pid, h.name, h.data, h.at, h.author AS by, p.state, p.paused, p.parked, p.owner, p.ready_at, p.actor, p.awaits, p.due_at
  FROM (SELECT tx, pid, n, name, data, at, author FROM @history WHERE ${LOOKED_AT}
    UNION ALL SELECT tx, pid, 0, '${REPORTED}', data, at, NULL FROM @reported WHERE ${LOOKED_AT}) AS h
  JOIN @process AS p ON p.pid = h.pid ORDER BY h.tx, h.pid, h.n LIMIT ${MOST + 1}`

type Found = Pick<
  Row,
  'pid' | 'state' | 'paused' | 'parked' | 'owner' | 'ready_at' | 'actor' | 'awaits' | 'due_at'
> &
  Pick<Change, 'name' | 'data' | 'at' | 'by'> & { readonly tx: string }

/**
 * The changes that other programs have committed.
 *
 * Transactions get their ids before they commit. So a look goes no further than the oldest transaction
 * that still runs, and none is overlooked that commits late.
 */
export class Feed {
  /** By which this program knows its own notifications. */
  readonly #id = randomUUID()
  readonly #database: Database
  readonly #now: () => number
  readonly #publish: (changes: readonly Change[], missed: boolean) => void
  /** The id of the first transaction that was not looked at. */
  #next: string
  /** The ids of own transactions that were not looked at yet. */
  readonly #own = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined
  #again = false
  #listener: Pg.Client | undefined
  #notifying: NodeJS.Timeout | undefined
  #isOn = false

  constructor(
    database: Database,
    next: string,
    now: () => number,
    publish: (changes: readonly Change[], missed: boolean) => void,
  ) {
    this.#database = database
    this.#next = next
    this.#now = now
    this.#publish = publish
  }

  /** The id of the first transaction that is not known to be over. */
  static async behind(database: Database): Promise<string> {
    const [row] = await database.query<{ readonly xmin: string }>('reading the changes', BEHIND)
    return row?.xmin ?? '0'
  }

  start(): void {
    if (this.#isOn) return
    this.#isOn = true
    this.look()
    void this.#listen()
  }

  /** Ends the listening, and waits for a look that is under way. */
  async stop(): Promise<void> {
    this.#isOn = false
    clearTimeout(this.#timer)
    const listener = this.#listener
    this.#listener = undefined
    await listener?.end().catch(() => {})
    await this.#looking
  }

  async close(): Promise<void> {
    clearTimeout(this.#notifying)
    await this.stop()
  }

  /** We have committed, and published it. Tells the other programs soon. */
  committed({ tx, xmin }: Stored): void {
    this.#own.add(tx)
    // No one watches, so no one misses what has ended since.
    if (!this.#isOn) this.#passed(xmin)
    this.#notifying ??= setTimeout(() => {
      this.#notifying = undefined
      this.#database.query('notifying', NOTIFY, [this.#channel, this.#id]).catch(() => {})
    }, NOTIFY_INTERVAL)
  }

  /** Looks now, or once more if a look is under way. */
  look(): void {
    if (!this.#isOn) return
    if (this.#looking !== undefined) {
      this.#again = true
      return
    }
    clearTimeout(this.#timer)
    this.#looking = this.#lookNow()
      .catch(() => {})
      .then(() => {
        this.#looking = undefined
        if (!this.#isOn) return
        if (this.#again) {
          this.#again = false
          this.look()
        } else {
          this.#timer = setTimeout(() => this.look(), LOOK_INTERVAL).unref()
        }
      })
  }

  async #lookNow(): Promise<void> {
    const end = await Feed.behind(this.#database)
    if (end === this.#next) return
    const found = await this.#database.query<Found>('reading the changes', CHANGES, [
      this.#next,
      end,
      [...this.#own],
    ])
    const missed = found.length > MOST
    // Own commits whose answers came meanwhile.
    const others = found.filter(({ tx }) => !this.#own.has(tx))
    this.#passed(end)
    if (others.length > 0) this.#publish(missed ? [] : others.map((row) => this.#change(row)), missed)
  }

  #passed(end: string): void {
    this.#next = end
    for (const tx of this.#own) if (BigInt(tx) < BigInt(end)) this.#own.delete(tx)
  }

  #change(row: Found): Change {
    const { name, data, at, by } = row
    return { ...afterOf(row, this.#now()), name, data, at, by }
  }

  get #channel(): string {
    return `damson ${this.#database.schema}`
  }

  /** Listens for notifications. Without them, as behind some proxies, the looks of each second do. */
  async #listen(): Promise<void> {
    const client = this.#database.client()
    this.#listener = client
    const broken = (): void => {
      if (this.#listener !== client) return
      this.#listener = undefined
      client.end().catch(() => {})
      if (this.#isOn)
        setTimeout(
          () => void (this.#isOn && this.#listener === undefined && this.#listen()),
          LOOK_INTERVAL,
        ).unref()
    }
    client.on('error', broken)
    client.on('end', broken)
    client.on('notification', ({ payload }) => {
      if (payload !== this.#id) this.look()
    })
    try {
      await client.connect()
      await client.query(`LISTEN ${client.escapeIdentifier(this.#channel)}`)
      // Commits from before the listening began have notified no one.
      this.look()
    } catch {
      broken()
    }
  }
}
