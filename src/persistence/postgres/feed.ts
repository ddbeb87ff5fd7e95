import { randomUUID } from 'node:crypto'
import type * as Pg from 'pg'
import { clearTimeout, elapsed, setTimeout } from '../../shared/timers.ts'
import { afterOf, changeOf, type Row } from '../rules/row.ts'
import type { Change } from '../contract/rows.ts'
import type { Database } from './database.ts'
import { MOST_CHANGES } from './schema.ts'
import type { Stored } from './committer.ts'

/** How often the feed looks without a notification, in milliseconds. */
const LOOK_INTERVAL = 1_000
/** The shortest time between two notifications of one program, in milliseconds. */
const NOTIFY_INTERVAL = 10
/** The shortest time from one look to the next, in milliseconds. */
const LOOK_APART = 10

/** Nothing is lost with a notification, so it need not wait for the disk. */
const NOTIFY = "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)"
const BEHIND = 'SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS xmin'
const CHANGES = 'SELECT @changes($1::xid8, $2::xid8[]) AS look'

interface Look {
  /** The id of the oldest transaction that still runs. */
  readonly end: string
  /** Null if there is nothing new. */
  readonly found: readonly Found[] | null
}

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
  #lookedAt = -LOOK_APART
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

  /** Looks now, or once more if a look is under way or was just made. */
  look(): void {
    if (!this.#isOn) return
    if (this.#looking !== undefined) {
      this.#again = true
      return
    }
    clearTimeout(this.#timer)
    const early = LOOK_APART - (elapsed() - this.#lookedAt)
    if (early > 0) {
      this.#timer = setTimeout(() => this.look(), early).unref()
      return
    }
    this.#lookedAt = elapsed()
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
    const [row] = await this.#database.query<{ readonly look: Look }>('reading the changes', CHANGES, [
      this.#next,
      [...this.#own],
    ])
    if (row === undefined) return
    const { end, found } = row.look
    const missed = found !== null && found.length > MOST_CHANGES
    // Own commits whose answers came meanwhile.
    const others = (found ?? []).filter(({ tx }) => !this.#own.has(tx))
    this.#passed(end)
    if (others.length === 0) return
    const now = this.#now()
    this.#publish(missed ? [] : others.map((one) => changeOf(afterOf(one, now), one)), missed)
  }

  #passed(end: string): void {
    this.#next = end
    for (const tx of this.#own) if (BigInt(tx) < BigInt(end)) this.#own.delete(tx)
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
