import { type FSWatcher, watch } from 'node:fs'
import type { Change } from '../contract/rows.ts'
import { isBusy } from './driver-errors.ts'
import type { Connection } from './connection.ts'
import { afterOf, type Row } from '../rules/row.ts'
import { clearInterval, clearTimeout, setInterval, setTimeout } from '../../shared/timers.ts'

/**
 * Milliseconds between the looks after a change of the log file. The file changes before the commit
 * can be seen, the earlier the slower the disk is, so a few looks follow.
 */
const BURST = [0, 1, 3, 10, 30, 100, 300]
/**
 * A change of the log file during the first looks does not start them anew at once, since they are
 * near enough.
 */
const NEAR = 2
/** How often to look even where no change of the log file was noticed, in milliseconds. */
const SCAN_INTERVAL = 1_000
const PAGE = 1_000

const NEWER_HISTORY = `
SELECT h.id, p.pid, h.name, h.data, h.at, p.state, p.paused, p.parked, p.owner, p.ready_at
FROM history h JOIN process p ON p.id = h.process WHERE h.id > ? ORDER BY h.id LIMIT ${PAGE}`
const LAST_HISTORY = 'SELECT coalesce(max(id), 0) FROM history'

type HistoryJoin = Pick<Change, 'pid' | 'name' | 'data' | 'at' | 'state'> &
  Pick<Row, 'paused' | 'parked' | 'owner' | 'ready_at'> & { readonly id: number }

/**
 * Notices the commits of other connections and reads them from the history (`id > last seen`).
 * Polls only while there are listeners, and then only compares a number, once a second and when the
 * log file changes.
 */
export class Watch {
  readonly #connection: Connection
  readonly #now: () => number
  readonly #publish: (changes: readonly Change[]) => void
  /** Changes that were read and have not been published yet. */
  readonly #read: Change[] = []
  #cursor = 0
  #version = 0
  #watcher: FSWatcher | undefined
  #scan: NodeJS.Timeout | undefined
  #burst: NodeJS.Timeout | undefined
  /** The number of looks since the last change of the log file. */
  #looks = 0
  #rangAgain = false

  constructor(connection: Connection, now: () => number, publish: (changes: readonly Change[]) => void) {
    this.#connection = connection
    this.#now = now
    this.#publish = publish
  }

  get running(): boolean {
    return this.#scan !== undefined
  }

  start(): void {
    if (this.running) return
    try {
      this.#version = this.#connection.dataVersion()
      this.#cursor = this.#connection.sql<number>(LAST_HISTORY).pluck().get() ?? 0
    } catch (error) {
      // The watch then begins further back and publishes some older changes.
      if (!isBusy(error)) throw error
    }
    this.#listen()
    this.#scan = setInterval(() => {
      this.#connection.checkFile()
      this.#listen()
      this.#look()
    }, SCAN_INTERVAL)
    this.#scan.unref()
  }

  stop(): void {
    clearInterval(this.#scan)
    clearTimeout(this.#burst)
    this.#watcher?.close()
    this.#scan = undefined
    this.#burst = undefined
    this.#watcher = undefined
  }

  /**
   * Reads what others have committed until now; called inside a write transaction before its first
   * write.
   */
  catchUp(): void {
    if (!this.running) return
    const version = this.#connection.dataVersion()
    if (version === this.#version) return
    this.#readNewer()
    this.#version = version
  }

  /** Publishes the changes that were read of other programs, and then our own. */
  publish(own: readonly Change[]): void {
    const changes = [...this.#read.splice(0), ...own]
    if (changes.length > 0) this.#publish(changes)
  }

  /** Skips the entries of our own commit. */
  jump(lastId: number): void {
    this.#cursor = Math.max(this.#cursor, lastId)
  }

  #listen(): void {
    if (this.#watcher !== undefined) return
    const forget = (): void => {
      this.#watcher?.close()
      this.#watcher = undefined
    }
    try {
      this.#watcher = watch(`${this.#connection.path}-wal`, { persistent: false }, (event) => {
        // The log file is gone or replaced: the next scan listens anew.
        if (event === 'rename') forget()
        this.#ring()
      })
      this.#watcher.on('error', forget)
    } catch {
      // There is no log file yet, or the system has no more watches: the scan notices the commits.
      forget()
    }
  }

  #ring(): void {
    if (this.#burst === undefined || this.#looks > NEAR) this.#lookSoon(0)
    else this.#rangAgain = true
  }

  #lookSoon(looks: number): void {
    clearTimeout(this.#burst)
    this.#burst = undefined
    this.#looks = looks
    const delay = BURST[looks]
    if (delay === undefined) return
    this.#burst = setTimeout(() => {
      if (!this.running) return
      this.#look()
      const anew = this.#rangAgain && looks === NEAR
      if (anew) this.#rangAgain = false
      this.#lookSoon(anew ? 0 : looks + 1)
    }, delay)
    this.#burst.unref()
  }

  #look(): void {
    try {
      // Changes that were read are kept until they are published, so that a look that fails
      // half-way loses none.
      this.catchUp()
    } catch {
      // The file is busy, or the disk fails just now. The next look tries again, and a write
      // reports the error.
    }
    this.publish([])
  }

  #readNewer(): void {
    const newer = this.#connection.sql<HistoryJoin>(NEWER_HISTORY)
    for (let rows = newer.all(this.#cursor); rows.length > 0; rows = newer.all(this.#cursor)) {
      for (const row of rows) {
        const { name, data, at } = row
        this.#read.push({ ...afterOf(row, this.#now()), name, data, at })
      }
      this.#cursor = rows.at(-1)?.id ?? this.#cursor
      if (rows.length < PAGE) break
    }
  }
}
