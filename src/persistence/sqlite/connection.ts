import { statSync } from 'node:fs'
import Database from 'better-sqlite3'
import { ClosedError, PersistenceError } from '../../shared/errors.ts'
import { isBusy, persistenceError } from './driver-errors.ts'
import { APPLICATION_ID, MIGRATIONS } from './schema.ts'
import { elapsed, pause } from '../../shared/timers.ts'

/**
 * How long another program may hold the lock of the file before a call rejects, in milliseconds.
 */
const PATIENCE = 60_000
const LONGEST_PAUSE = 16
/**
 * After this many pages in the WAL (about 3 MiB), a commit copies them into the database, and the
 * next one begins the WAL anew. A longer WAL makes this rarer, but a commit that lengthens the file
 * takes about 1.4 times as long as one that writes over it.
 */
const CHECKPOINT_PAGES = 800
/** How often a write checks that the file is still there, in milliseconds. */
const LOOK_INTERVAL = 1_000

/**
 * The size in bytes to which the WAL is cut once its content is in the database: somewhat more than
 * its size at a checkpoint. A large commit or a long read may make it larger for a while.
 */
const LARGEST_WAL = 6 * 2 ** 20
/** How many pages are given back to the system at a time. */
const PIECE = 200

/** Called with each statement that runs, for tests that count them. */
export type Trace = (sql: string) => void

export interface ConnectionOptions {
  /** Whether to create a file if there is none. */
  readonly create: boolean
  /** The steps from one version of the schema to the next. Default: those of this release. */
  readonly migrations?: readonly string[] | undefined
  readonly trace?: Trace | undefined
}

/**
 * One connection to one file.
 *
 * No call waits for the lock of the file, since that would hold up the event loop. A call that
 * finds the lock taken is repeated from the event loop after a random pause, so that no caller gets
 * `database is locked`.
 */
export class Connection {
  readonly path: string
  readonly #db: Database.Database
  readonly #statements = new Map<string, Database.Statement>()
  /** The file to which the path led when it was opened. */
  readonly #file: string | undefined
  /** When the path was last checked, by the monotonic clock. */
  #lookedAt = elapsed()
  /** Why every write is refused from now on, if one is. */
  #gone: PersistenceError | undefined

  /** @throws PersistenceError if the file can't be opened; it is then untouched */
  static async open(
    path: string,
    { create, trace, migrations = MIGRATIONS }: ConnectionOptions,
  ): Promise<Connection> {
    const doing = 'opening the store'
    await whenFree(path, doing, () => inspect(path, create, migrations.length))
    const db = await whenFree(path, doing, () => {
      const verbose = trace === undefined ? {} : { verbose: (sql: unknown) => trace(String(sql)) }
      return new Database(path, { timeout: 0, fileMustExist: !create, ...verbose })
    })
    const connection = new Connection(path, db)
    try {
      await whenFree(path, doing, () => connection.#prepare(migrations))
      return connection
    } catch (error) {
      db.close()
      throw error
    }
  }

  private constructor(path: string, db: Database.Database) {
    this.path = path
    this.#db = db
    this.#file = fileAt(path)
    db.function('fold', { deterministic: true }, (text: unknown) =>
      typeof text === 'string' ? text.toLowerCase() : null,
    )
  }

  /** The prepared statement of a text, made at its first use. */
  sql<R = unknown>(text: string): Database.Statement<unknown[], R> {
    let statement = this.#statements.get(text)
    if (statement === undefined) {
      statement = this.#db.prepare(text)
      this.#statements.set(text, statement)
    }
    return statement as Database.Statement<unknown[], R>
  }

  /** A statement that is not kept, since its text is not ours. */
  prepare(text: string): Database.Statement {
    return this.#db.prepare(text)
  }

  get inTransaction(): boolean {
    return this.#db.inTransaction
  }

  /** A number that changes only when another connection has committed. */
  dataVersion(): number {
    return this.sql<{ readonly data_version: number }>('PRAGMA data_version').get()?.data_version ?? 0
  }

  /** Reads from one snapshot of the file. */
  read<T>(doing: string, action: () => T): Promise<T> {
    return this.#whenFree(doing, () => this.#transaction('BEGIN', action))
  }

  /** Reads with a single statement, which needs no transaction of its own. */
  readOne<T>(doing: string, action: () => T): Promise<T> {
    return this.#whenFree(doing, action)
  }

  /**
   * Writes in one transaction, which is durable when this resolves. `action` may run again if
   * the lock was taken, or after a rollback; `committed` runs directly after the commit, in the
   * same turn.
   */
  write<T>(doing: string, action: () => T, committed?: (value: T) => void): Promise<T> {
    return this.#whenFree(doing, () => {
      this.#requireFile()
      const value = this.#transaction('BEGIN IMMEDIATE', action)
      committed?.(value)
      return value
    })
  }

  /**
   * As `write`, but does not wait for the disk. The next commit of any connection makes it durable,
   * since it follows in the same log. Other programs see it at once, and it survives the end of the
   * program, but not always that of the machine. Only for writes that may then be lost.
   */
  writeAhead<T>(doing: string, action: () => T, committed?: (value: T) => void): Promise<T> {
    return this.#whenFree(doing, () => {
      this.#requireFile()
      // It takes effect when the statement is prepared, so a prepared one can't be kept.
      this.#db.pragma('synchronous = NORMAL')
      let value: T
      try {
        value = this.#transaction('BEGIN IMMEDIATE', action)
      } finally {
        this.#db.pragma('synchronous = FULL')
      }
      committed?.(value)
      return value
    })
  }

  /**
   * Returns some free pages to the system, and leaves the rest for later: other users have to wait
   * while pages are moved. Resolves to whether any are left.
   */
  reclaim(): Promise<boolean> {
    return this.#whenFree('returning space', () => {
      this.#requireFile()
      const before = this.#freePages()
      if (before > 0) this.#db.pragma(`incremental_vacuum(${PIECE})`)
      const left = this.#freePages()
      const isDone = left === 0 || left >= before
      // The file gets shorter once the WAL is in it.
      if (isDone && before > 0) this.#db.pragma('wal_checkpoint(PASSIVE)')
      return !isDone
    })
  }

  #freePages(): number {
    return this.#db.pragma('freelist_count', { simple: true }) as number
  }

  /**
   * Checks that the path still leads to the open file. Writes to a file that was deleted or moved
   * would be lost to all other programs, so they are refused from then on.
   */
  checkFile(): void {
    this.#lookedAt = elapsed()
    if (this.#gone !== undefined) return
    let file: string | undefined
    try {
      file = fileAt(this.path)
    } catch {
      // It is not known whether the file is still there. The next check may show it.
      return
    }
    if (file === this.#file) return
    const what = file === undefined ? 'was deleted or moved' : 'was replaced by another file'
    this.#gone = new PersistenceError(
      `${this.path} ${what} while it was open: nothing is written any more. Close, put the file back, and open it again`,
    )
  }

  /** @throws PersistenceError if the file is gone */
  #requireFile(): void {
    if (elapsed() - this.#lookedAt >= LOOK_INTERVAL) this.checkFile()
    if (this.#gone !== undefined) throw this.#gone
  }

  /** Runs a part of a transaction that leaves nothing behind if it throws. */
  savepoint<T>(action: () => T): T {
    this.sql('SAVEPOINT one').run()
    try {
      const value = action()
      this.sql('RELEASE one').run()
      return value
    } catch (error) {
      // After some errors SQLite has rolled back everything: the whole transaction has failed, not
      // only this part.
      if (!this.#db.inTransaction) throw persistenceError(this.path, 'a part of a transaction', error)
      this.sql('ROLLBACK TO one').run()
      this.sql('RELEASE one').run()
      throw error
    }
  }

  close(): void {
    this.#statements.clear()
    this.#db.close()
  }

  #whenFree<T>(doing: string, action: () => T): Promise<T> {
    return whenFree(this.path, doing, () => {
      if (!this.#db.open) throw new ClosedError('the store is closed: open another one')
      return action()
    })
  }

  #transaction<T>(begin: 'BEGIN' | 'BEGIN IMMEDIATE', action: () => T): T {
    this.sql(begin).run()
    try {
      const value = action()
      this.sql('COMMIT').run()
      return value
    } catch (error) {
      // After some errors SQLite has already rolled back.
      if (this.#db.inTransaction) this.sql('ROLLBACK').run()
      throw error
    }
  }

  #prepare(migrations: readonly string[]): void {
    // Only a new file takes this, before anything else is written to it.
    if (this.#db.pragma('page_count', { simple: true }) === 0) this.#db.pragma('auto_vacuum = INCREMENTAL')
    const mode = this.#db.pragma('journal_mode = WAL', { simple: true })
    if (mode !== 'wal') {
      throw new PersistenceError(
        `${this.path}: the file system of this folder cannot keep a write-ahead log (journal mode ${String(mode)}): ` +
          'put the store on a local disk',
      )
    }
    this.#db.pragma('synchronous = FULL')
    this.#db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
    this.#db.pragma(`journal_size_limit = ${LARGEST_WAL}`)
    this.#transaction('BEGIN IMMEDIATE', () => this.#migrate(migrations))
  }

  #migrate(migrations: readonly string[]): void {
    const version = this.#db.pragma('user_version', { simple: true }) as number
    if (version >= migrations.length) {
      refuseNewer(this.path, version, migrations.length)
      return
    }
    for (const migration of migrations.slice(version)) this.#db.exec(migration)
    this.#db.pragma(`application_id = ${APPLICATION_ID}`)
    this.#db.pragma(`user_version = ${migrations.length}`)
    this.#db
      .prepare("INSERT INTO meta (name, value) VALUES ('id', ?) ON CONFLICT DO NOTHING")
      .run(globalThis.crypto.randomUUID())
  }
}

/** Reads a file without being able to change it, and refuses a file that is not a store. */
function inspect(path: string, create: boolean, known: number): void {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found?.isDirectory() === true)
    throw new PersistenceError(`${path} is a folder: give the path of a file in it`)
  if (found === undefined && !create) {
    throw new PersistenceError(
      `there is no store at ${path}: nothing was created. Check the path, open an engine there first, or give \`create: true\``,
    )
  }
  if (found === undefined || found.size === 0) return
  const db = new Database(path, { readonly: true, fileMustExist: true, timeout: 0 })
  try {
    const application = db.pragma('application_id', { simple: true }) as number
    const version = db.pragma('user_version', { simple: true }) as number
    if (application === APPLICATION_ID) {
      refuseNewer(path, version, known)
      return
    }
    const tables = db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() as number
    if (application !== 0 || version !== 0 || tables > 0) {
      throw new PersistenceError(
        `${path} is the SQLite file of another program: nothing was changed. Give another path`,
      )
    }
  } finally {
    db.close()
  }
}

function refuseNewer(path: string, version: number, known: number): void {
  if (version <= known) return
  throw new PersistenceError(
    `${path} was written by a newer Damson (schema ${version}, this one knows up to ${known}): ` +
      'nothing was changed. Update this program',
  )
}

/** The file to which a path leads; undefined if there is none. */
function fileAt(path: string): string | undefined {
  try {
    const found = statSync(path, { throwIfNoEntry: false, bigint: true })
    return found && `${found.dev} ${found.ino}`
  } catch (error) {
    if (LEADS_NOWHERE.has(String((error as NodeJS.ErrnoException).code))) return undefined
    throw error
  }
}

/** The errors for a path in which something else has replaced a folder. */
const LEADS_NOWHERE: ReadonlySet<string> = new Set(['ENOTDIR', 'ELOOP'])

/** Repeats a call while it finds the lock of the file taken. */
async function whenFree<T>(path: string, doing: string, action: () => T): Promise<T> {
  let since: number | undefined
  for (let length = 1; ; length = Math.min(LONGEST_PAUSE, length * 2)) {
    try {
      return action()
    } catch (error) {
      if (!isBusy(error)) throw persistenceError(path, doing, error)
      since ??= elapsed()
      if (elapsed() - since > PATIENCE) {
        throw new PersistenceError(
          `${path}: ${doing} failed: another program has held the lock of this file for ${PATIENCE / 1000} s`,
          { cause: error },
        )
      }
    }
    // Waits in real time even if the clock is simulated, since another program holds the lock.
    await pause(length * Math.random())
  }
}
