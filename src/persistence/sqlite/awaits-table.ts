import type { Connection } from './connection.ts'

const ADD = 'INSERT INTO awaits (pid, target) SELECT ?, value FROM json_each(?)'

/** One look-up, since each commit that ends processes makes it. */
const ANY = 'SELECT EXISTS (SELECT 1 FROM awaits) OR EXISTS (SELECT 1 FROM need)'

const TARGETS = `SELECT target FROM awaits WHERE pid = ? UNION SELECT target FROM need WHERE pid = ? AND over = 0
  ORDER BY target LIMIT ?`

/** The table `awaits`: which process waits for the end of which others. */
export class AwaitsTable {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  isAwaiting(pid: string): boolean {
    return this.#connection.sql('SELECT 1 FROM awaits WHERE pid = ? LIMIT 1').get(pid) !== undefined
  }

  /** Whether any process awaits or needs another. */
  any(): boolean {
    return this.#connection.sql<number>(ANY).pluck().get() === 1
  }

  /** What a process awaits or needs, and has not ended. */
  targets(pid: string, limit: number): string[] {
    return this.#connection.sql<string>(TARGETS).pluck().all(pid, pid, limit)
  }

  add(pid: string, targets: readonly string[]): void {
    this.#connection.sql(ADD).run(pid, JSON.stringify(targets))
  }

  drop(pid: string): void {
    this.#connection.sql('DELETE FROM awaits WHERE pid = ?').run(pid)
  }

  /**
   * Removes the waits for the end of this process. Returns the pids of the processes that waited.
   */
  takeWaiters(target: string): string[] {
    const waiters = this.#connection
      .sql<string>('SELECT pid FROM awaits WHERE target = ?')
      .pluck()
      .all(target)
    if (waiters.length > 0) this.#connection.sql('DELETE FROM awaits WHERE target = ?').run(target)
    return waiters
  }
}
