import type { WatchListener } from '../contract/control.ts'
import type { Change } from '../contract/rows.ts'
import { isBusy } from './driver-errors.ts'
import type { Connection } from './connection.ts'
import type { FeedRow } from './feed.ts'
import type { RowHistory } from './history-table.ts'
import { afterOf, changeOf, reportedChange, type Row } from '../rules/row.ts'
import { clearTimeout, setTimeout } from '../../shared/timers.ts'
import { WalWatcher } from './wal-watcher.ts'
import type { SqliteTables } from './sqlite-tables.ts'

/** How often to check even if no change of the WAL was noticed, in milliseconds. */
const SCAN_INTERVAL = 5_000
/** The same, while changes of the WAL can't be noticed. */
const UNHEARD_INTERVAL = 1_000
/** `CROSS JOIN` makes the list the outer loop. */
const ROWS = `SELECT p.id, p.pid, p.state, p.paused, p.parked, p.owner, p.ready_at, p.spilled, p.recent,
  p.progress, p.actor, p.awaits, p.due_at
  FROM json_each(?) AS listed CROSS JOIN process p ON p.id = listed.value`

type ChangedRow = Pick<
  Row,
  'pid' | 'state' | 'paused' | 'parked' | 'owner' | 'ready_at' | 'progress' | 'actor' | 'awaits' | 'due_at'
> &
  RowHistory

type WatchTables = Pick<SqliteTables, 'feed' | 'histories' | 'authors'>

/**
 * Notices the commits of other connections, and reads from the feed and the histories what they
 * have changed. Polls only while there are listeners, and then only compares a number: when the WAL
 * changes, and every few seconds.
 */
export class Watch {
  readonly #connection: Connection
  readonly #now: () => number
  readonly #tables: WatchTables
  readonly #publish: WatchListener
  /** Changes that were read and have not been published yet. */
  readonly #read: Change[] = []
  /** Whether commits were missed since the last publication. */
  #missed = false
  /** The id of the last commit that was read; undefined if that could not be read. */
  #cursor: number | undefined
  #version = 0
  readonly #wal: WalWatcher
  #scan: NodeJS.Timeout | undefined

  constructor(connection: Connection, tables: WatchTables, now: () => number, publish: WatchListener) {
    this.#connection = connection
    this.#tables = tables
    this.#now = now
    this.#publish = publish
    this.#wal = new WalWatcher(`${connection.path}-wal`, () => this.#look())
  }

  get running(): boolean {
    return this.#scan !== undefined
  }

  start(): void {
    if (this.running) return
    try {
      this.#version = this.#connection.dataVersion()
      this.#cursor = this.#tables.feed.last()
    } catch (error) {
      // The first look then reports that something was missed.
      if (!isBusy(error)) throw error
      this.#version = 0
      this.#cursor = undefined
    }
    this.#wal.listen()
    this.#scanLater()
  }

  stop(): void {
    clearTimeout(this.#scan)
    this.#scan = undefined
    this.#wal.stop()
  }

  #scanLater(): void {
    const scan = (): void => {
      this.#scanLater()
      this.#connection.checkFile()
      this.#wal.listen()
      this.#look()
    }
    this.#scan = setTimeout(scan, this.#wal.listens ? SCAN_INTERVAL : UNHEARD_INTERVAL)
    this.#scan.unref()
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

  /** Publishes the changes that were read from other programs, and then our own. */
  publish(own: readonly Change[]): void {
    const missed = this.#missed
    this.#missed = false
    const changes = this.#read.length === 0 ? own : [...this.#read.splice(0), ...own]
    if (changes.length > 0 || missed) this.#publish(changes, missed)
  }

  /** Skips our own commit; 0 if it changed nothing. */
  jump(commit: number): void {
    if (commit === 0 || !this.running) return
    this.#cursor = commit
    this.#wal.committed()
  }

  #look(): void {
    try {
      // Changes that were read are kept until they are published, so that a check that fails
      // half-way loses none.
      this.catchUp()
    } catch {
      // The file is busy, or the disk fails right now. The next check tries again, and a write
      // reports the error.
    }
    this.publish([])
  }

  #readNewer(): void {
    const { feed } = this.#tables
    if (this.#cursor === undefined) {
      this.#cursor = feed.last()
      this.#missed = true
      return
    }
    for (let rows = feed.newer(this.#cursor); rows.length > 0; rows = feed.newer(this.#cursor)) {
      // Ids follow on each other, and old commits are deleted.
      if (rows[0]?.id !== this.#cursor + 1) {
        this.#missed = true
        this.#cursor = feed.last()
        return
      }
      this.#readChanges(rows)
      this.#cursor = rows.at(-1)?.id ?? this.#cursor
    }
  }

  /** Reads each changed row once, and takes its new entries, in the order of the commits. */
  #readChanges(commits: readonly FeedRow[]): void {
    const { histories, authors } = this.#tables
    const first = commits[0]?.id ?? 0
    const last = commits.at(-1)?.id ?? 0
    const ids = new Set(commits.flatMap(({ processes, reported }) => [...processes, ...reported]))
    // One notice of each process, with the last of its reports.
    const reports = new Map(
      commits.flatMap(({ id, reported }) => reported.map((process) => [process, id] as const)),
    )
    const now = this.#now()
    const found: { readonly commit: number; readonly change: Change }[] = []
    for (const row of this.#connection.sql<ChangedRow>(ROWS).all(JSON.stringify([...ids]))) {
      const after = afterOf(row, now)
      for (const { commit, name, data, at, author } of histories.since(row, first)) {
        // A damaged entry has no commit, and is reported with the others of its row.
        const by = author === null ? null : authors.nameOf(author)
        if (commit <= last) found.push({ commit, change: changeOf(after, { name, data, at, by }) })
      }
      const report = reports.get(row.id)
      if (report !== undefined) found.push({ commit: report, change: reportedChange(row, now) })
    }
    for (const { change } of found.toSorted((a, b) => a.commit - b.commit)) this.#read.push(change)
  }
}
