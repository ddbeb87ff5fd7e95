import { existsSync, readdirSync, rmSync } from 'node:fs'
import { basename, dirname } from 'node:path'
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

  /**
   * Takes the lock of a new engine. Who removes what dead engines left behind may take away its file before it is locked: then it is
   * made again.
   */
  static take(database: string, engine: string): EngineLock {
    const path = lockPath(database, engine)
    for (;;) {
      const db = new Database(path, { timeout: 0 })
      try {
        db.exec('BEGIN EXCLUSIVE')
      } catch (error) {
        db.close()
        throw error
      }
      if (existsSync(path)) {
        const lock = new EngineLock(path, db)
        taken.add(lock)
        return lock
      }
      db.close()
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
  return ifFree(lockPath(database, engine), () => {})
}

/** Removes what a dead engine left behind; one that is only frozen keeps its lock. */
export function removeLock(database: string, engine: string): void {
  const path = lockPath(database, engine)
  ifFree(path, () => rmSync(path, { force: true }))
}

/**
 * Removes the locks of dead engines that the file does not know any more: they died while they were frozen, opening or
 * recovering. What a known one left behind shows that it is dead, until what it held is taken back.
 */
export function removeLocks(database: string, isKnown: (engine: string) => boolean): void {
  const [folder, prefix] = [dirname(database), `${basename(database)}${INFIX}`]
  for (const name of namesIn(folder)) {
    if (!name.startsWith(prefix)) continue
    const engine = name.slice(prefix.length)
    ifFree(lockPath(database, engine), () => {
      if (!isKnown(engine)) tryToRemove(lockPath(database, engine))
    })
  }
}

/** Does something while it holds a lock that was free. */
function ifFree(path: string, action: () => void): LockState {
  if (!existsSync(path)) return 'missing'
  let db: Database.Database | undefined
  try {
    db = new Database(path, { timeout: 0, fileMustExist: true })
    db.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    db?.close()
    return isBusy(error) ? 'held' : 'missing'
  }
  try {
    action()
    return 'free'
  } finally {
    db.close()
  }
}

/** Nothing is lost where locks can't be found or removed: the next that opens the file tries again. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function tryToRemove(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // See `namesIn`.
  }
}

const INFIX = '-engine-'

function lockPath(database: string, engine: string): string {
  return `${database}${INFIX}${engine}`
}
