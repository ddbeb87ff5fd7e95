import { existsSync, rmSync } from 'node:fs'
import Database from 'better-sqlite3'
import { isBusy } from './driver-errors.ts'

/*
 * Each engine holds an exclusive lock on a file of its own beside the database. The kernel frees it when the program ends,
 * however it ends, so a free lock means a dead engine, at once; program numbers may be reused or belong to another container.
 * SQLite takes the lock for us. The files must never be opened otherwise: closing any handle of a file gives up its locks.
 */

/** What became of the lock: `missing` tells nothing, then the lease decides. */
export type LockState = 'held' | 'free' | 'missing'

/** Held here, since a lock whose store nobody refers to any more would be collected, and given up, while its engine lives. */
const taken = new Set<EngineLock>()

export class EngineLock {
  readonly #path: string
  readonly #db: Database.Database

  private constructor(path: string, db: Database.Database) {
    this.#path = path
    this.#db = db
  }

  /** Takes the lock of a new engine. */
  static take(database: string, engine: string): EngineLock {
    const path = lockPath(database, engine)
    const db = new Database(path, { timeout: 0 })
    try {
      db.exec('BEGIN EXCLUSIVE')
      const lock = new EngineLock(path, db)
      taken.add(lock)
      return lock
    } catch (error) {
      db.close()
      throw error
    }
  }

  /** Lets go, and leaves the file: from now on the engine counts as dead. */
  drop(): void {
    taken.delete(this)
    this.#db.close()
  }

  release(): void {
    this.drop()
    rmSync(this.#path, { force: true })
  }
}

export function lockState(database: string, engine: string): LockState {
  const path = lockPath(database, engine)
  if (!existsSync(path)) return 'missing'
  let db: Database.Database | undefined
  try {
    db = new Database(path, { timeout: 0, fileMustExist: true })
    db.exec('BEGIN EXCLUSIVE; ROLLBACK')
    return 'free'
  } catch (error) {
    return isBusy(error) ? 'held' : 'missing'
  } finally {
    db?.close()
  }
}

/** Removes what a dead engine left behind; one that is only frozen keeps its lock. */
export function removeLock(database: string, engine: string): void {
  if (lockState(database, engine) === 'free') rmSync(lockPath(database, engine), { force: true })
}

function lockPath(database: string, engine: string): string {
  return `${database}-engine-${engine}`
}
