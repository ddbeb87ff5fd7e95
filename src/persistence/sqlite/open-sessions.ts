import { existsSync } from 'node:fs'
import type { Connection } from './connection.ts'
import { EngineLock, lockPath, lockState, removeLock } from './engine-lock.ts'

/**
 * The sessions that were opened through one store object, each with a lock as an engine has one. A
 * session has no lease: its lock alone shows whether its program lives, since a program that is frozen
 * still retains what it has retained.
 */
export class OpenSessions {
  readonly #connection: Connection
  readonly #locks = new Map<string, EngineLock>()

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** The lock comes first: a program that finds what the session retains must not find its lock free. */
  async open(session: string): Promise<void> {
    if (this.#locks.has(session)) return
    const { path } = this.#connection
    const lock = await this.#connection.readOne('opening a session', () => EngineLock.take(path, session))
    this.#locks.set(session, lock)
  }

  /** Whether a session is open. A lock that can't be read counts as held. */
  isOpen(session: string): boolean {
    if (this.#locks.has(session)) return true
    const { path } = this.#connection
    return existsSync(lockPath(path, session)) && lockState(path, session) !== 'free'
  }

  /** Ends a session whose retains are dropped. */
  close(session: string): void {
    const lock = this.#locks.get(session)
    this.#locks.delete(session)
    if (lock === undefined) removeLock(this.#connection.path, session)
    else lock.release()
  }

  /** Frees all locks, so that the sessions that were not closed count as ended from now on. */
  drop(): void {
    for (const lock of this.#locks.values()) lock.drop()
    this.#locks.clear()
  }
}
