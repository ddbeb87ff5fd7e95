import { type FSWatcher, watch } from 'node:fs'
import type { Change } from '../contract/rows.ts'
import { isBusy } from './driver-errors.ts'
import type { Connection } from './connection.ts'
import { dueAt, isReady, type Row } from '../rules/row.ts'

/**
 * The log file rings before a commit can be seen, the earlier the slower the disk is, so it is looked for a few times: milliseconds from
 * one look to the next, after the last ring.
 */
const BURST = [0, 1, 3, 10, 30, 100, 300]
/** So many looks are near enough that a ring between them need not begin anew at once. */
const NEAR = 2
/** The backstop, where the ring was missed. */
const SCAN_INTERVAL = 1_000
const PAGE = 1_000

const NEWER_HISTORY = `
SELECT h.id, p.pid, h.name, h.data, h.at, p.state, p.paused, p.parked, p.owner, p.ready_at
FROM history h JOIN process p ON p.id = h.process WHERE h.id > ? ORDER BY h.id LIMIT ${PAGE}`
const LAST_HISTORY = 'SELECT coalesce(max(id), 0) FROM history'

type HistoryJoin = Pick<Change, 'pid' | 'name' | 'data' | 'at' | 'state'> &
  Pick<Row, 'paused' | 'parked' | 'owner' | 'ready_at'> & { readonly id: number }

/**
 * Learns of what other connections commit, from the history: `id > last seen`. Nothing is polled unless somebody listens,
 * and then only a number is compared, once a second and when the log file rings.
 */
export class Watch {
  readonly #connection: Connection
  readonly #now: () => number
  readonly #tell: (changes: readonly Change[]) => void
  /** Read, and not told yet. */
  readonly #read: Change[] = []
  #cursor = 0
  #version = 0
  #watcher: FSWatcher | undefined
  #scan: NodeJS.Timeout | undefined
  #burst: NodeJS.Timeout | undefined
  /** How often it was looked since the last ring. */
  #looks = 0
  #rangAgain = false

  constructor(connection: Connection, now: () => number, tell: (changes: readonly Change[]) => void) {
    this.#connection = connection
    this.#now = now
    this.#tell = tell
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
      // Then it begins further back, and tells something that is old.
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

  /** Inside a write transaction, before anything is written: reads what others have committed until now. */
  catchUp(): void {
    if (!this.running) return
    const version = this.#connection.dataVersion()
    if (version === this.#version) return
    this.#readNewer()
    this.#version = version
  }

  /** Tells what was read of others, and after it what is our own. */
  tellAlso(own: readonly Change[]): void {
    const changes = [...this.#read.splice(0), ...own]
    if (changes.length > 0) this.#tell(changes)
  }

  /** After a commit of our own: its entries need not be read. */
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
        // The log is gone, or another file now: the next scan listens anew.
        if (event === 'rename') forget()
        this.#ring()
      })
      this.#watcher.on('error', forget)
    } catch {
      // No log file yet, or no more watches to be had: the scan does it.
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
      // What it reads is kept until it is told, so that nothing is lost to a look that fails half-way.
      this.catchUp()
    } catch {
      // Busy, or the disk fails just now: the next look tries again, and whoever writes is told.
    }
    this.tellAlso([])
  }

  #readNewer(): void {
    const newer = this.#connection.sql<HistoryJoin>(NEWER_HISTORY)
    for (let rows = newer.all(this.#cursor); rows.length > 0; rows = newer.all(this.#cursor)) {
      for (const row of rows) this.#read.push(changeOf(row, this.#now()))
      this.#cursor = rows.at(-1)?.id ?? this.#cursor
      if (rows.length < PAGE) break
    }
  }
}

function changeOf(row: HistoryJoin, now: number): Change {
  const { pid, name, data, at, state } = row
  return {
    pid,
    name,
    data,
    at,
    state,
    paused: row.paused === 1,
    ready: isReady(row, now),
    dueAt: dueAt(row, now),
  }
}
