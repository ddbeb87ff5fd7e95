import { existsSync, readdirSync, rmSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import Database from 'better-sqlite3'
import { isBusy } from './driver-errors.ts'

/*
 * Each engine holds an exclusive lock on a file of its own next to the database, and so does each
 * session that retains results (`open-sessions.ts`). The kernel frees the lock when the program
 * ends, however it ends, so a free lock shows at once that the engine is dead. A process id of the
 * system would not: it may be reused, or belong to another container. SQLite takes the lock for us.
 * The files must never be opened otherwise: closing any handle of a file gives up its locks.
 */

/** The state of a lock. If it is `missing`, the lease decides. */
export type LockState = 'held' | 'free' | 'missing'

/**
 * Keeps the locks reachable. A lock that is garbage collected would be freed while its engine
 * lives.
 */
const taken = new Set<EngineLock>()

export class EngineLock {
  readonly #path: string
  readonly #db: Database.Database

  private constructor(path: string, db: Database.Database) {
    this.#path = path
    this.#db = db
  }

  /**
   * Takes the lock of a new engine. A program that cleans up after dead engines may remove the file
   * before it is locked. The file is then created again.
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

  /** Frees the lock and leaves the file, so that the engine counts as dead from now on. */
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

/** Removes the lock file of a dead engine. An engine that is only frozen keeps its lock. */
export function removeLock(database: string, engine: string): void {
  const path = lockPath(database, engine)
  ifFree(path, () => rmSync(path, { force: true }))
}

/**
 * Removes the lock files of dead engines that the store no longer knows: they died while they were
 * frozen, opening or recovering. The lock file of a known engine stays until its processes are
 * taken back, since it shows that the engine is dead.
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

/** Runs an action while holding a lock that was free. */
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

/** Lists lock files. Ignores an error: the next program that opens the file tries again. */
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

export function lockPath(database: string, engine: string): string {
  return `${database}${INFIX}${engine}`
}
