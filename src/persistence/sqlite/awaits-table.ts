import type { Awaited } from '../rules/decision.ts'
import type { Connection } from './connection.ts'

const ADD = `INSERT INTO awaits (pid, target, over) SELECT ?, value ->> 0, value ->> 1 FROM json_each(?) WHERE true
  ON CONFLICT (pid, target) DO UPDATE SET over = excluded.over`

/** One look-up, since each commit that ends processes makes it. */
const ANY = `SELECT EXISTS (SELECT 1 FROM awaits) OR EXISTS (SELECT 1 FROM need) AS awaits,
  EXISTS (SELECT 1 FROM lifetime WHERE ended = 0) AS lifetimes`

const TARGETS = `SELECT target FROM awaits WHERE pid = ? AND over = 0
  UNION SELECT target FROM need WHERE pid = ? AND over = 0 ORDER BY target LIMIT ?`

/** A child needs no entry that is over. */
const DROP_OF_PARENT =
  'DELETE FROM awaits WHERE target = ? AND pid = (SELECT parent FROM process WHERE process.pid = ?)'

/** The table `awaits`: which process waits for the end of which others, or may still take their values. */
export class AwaitsTable {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  isAwaiting(pid: string): boolean {
    const one = this.#connection.sql('SELECT 1 FROM awaits WHERE pid = ? AND over = 0 LIMIT 1')
    return one.get(pid) !== undefined
  }

  /** Whether any process awaits or needs another, and whether one that has not ended has a lifetime. */
  any(): { readonly awaits: boolean; readonly lifetimes: boolean } {
    const found = this.#connection.sql<{ readonly awaits: number; readonly lifetimes: number }>(ANY).get()
    return { awaits: found?.awaits === 1, lifetimes: found?.lifetimes === 1 }
  }

  /** What a process awaits or needs, and has not ended. */
  targets(pid: string, limit: number): string[] {
    return this.#connection.sql<string>(TARGETS).pluck().all(pid, pid, limit)
  }

  add(pid: string, awaited: readonly Awaited[]): void {
    const listed = awaited.map(({ pid: target, over }) => [target, Number(over)])
    this.#connection.sql(ADD).run(pid, JSON.stringify(listed))
  }

  settle(pid: string): void {
    this.#connection.sql('UPDATE awaits SET over = 1 WHERE pid = ? AND over = 0').run(pid)
  }

  drop(pid: string): void {
    this.#connection.sql('DELETE FROM awaits WHERE pid = ?').run(pid)
  }

  /** One process that awaits this one, or may still take its value. */
  awaiting(target: string): string | undefined {
    return this.#connection.sql<string>('SELECT pid FROM awaits WHERE target = ? LIMIT 1').pluck().get(target)
  }

  /**
   * Marks the waits for the end of this process as over. Returns the pids of the processes that
   * waited.
   */
  takeWaiters(target: string): string[] {
    const waiters = this.#connection
      .sql<string>('SELECT pid FROM awaits WHERE target = ? AND over = 0')
      .pluck()
      .all(target)
    if (waiters.length === 0) return waiters
    const { changes } = this.#connection.sql(DROP_OF_PARENT).run(target, target)
    if (changes < waiters.length)
      this.#connection.sql('UPDATE awaits SET over = 1 WHERE target = ? AND over = 0').run(target)
    return waiters
  }
}
