import type { MetNeed, NeedEntry } from '../rules/upstream.ts'
import type { Connection } from './connection.ts'

const ADD = `INSERT OR IGNORE INTO need (pid, target, ended, any, over)
  SELECT ?, value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?)`
const LEFT = {
  all: 'SELECT 1 FROM need WHERE pid = ? AND over = 0 LIMIT 1',
  any: 'SELECT 1 FROM need WHERE pid = ? AND over = 0 AND any = 1 LIMIT 1',
} as const
const TARGETS = 'SELECT DISTINCT target FROM need WHERE pid = ? AND over = 0'
const OF_TARGET = 'SELECT pid, ended, any FROM need WHERE target = ? AND over = 0'
const TAKE = 'UPDATE need SET over = 1 WHERE target = ? AND over = 0'
const SETTLE = {
  all: 'UPDATE need SET over = 1 WHERE pid = ? AND over = 0',
  any: 'UPDATE need SET over = 1 WHERE pid = ? AND over = 0 AND any = 1',
} as const

/** The table `need`: what processes need of others before they start (`rules/upstream.ts`). */
export class NeedTable {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  add(pid: string, needs: readonly NeedEntry[]): void {
    const listed = needs.map((need) => [need.pid, need.ended, Number(need.any), Number(need.over)])
    this.#connection.sql(ADD).run(pid, JSON.stringify(listed))
  }

  isLeft(pid: string, which: 'all' | 'any'): boolean {
    return this.#connection.sql(LEFT[which]).get(pid) !== undefined
  }

  left(pid: string): string[] {
    return this.#connection.sql<string>(TARGETS).pluck().all(pid)
  }

  settle(pid: string, which: 'all' | 'any'): void {
    this.#connection.sql(SETTLE[which]).run(pid)
  }

  take(target: string): MetNeed[] {
    const taken = this.#connection
      .sql<{ readonly pid: string; readonly ended: MetNeed['ended']; readonly any: number }>(OF_TARGET)
      .all(target)
    if (taken.length > 0) this.#connection.sql(TAKE).run(target)
    return taken.map(({ pid, ended, any }) => ({ pid, ended, any: any === 1 }))
  }

  drop(pid: string): void {
    this.#connection.sql('DELETE FROM need WHERE pid = ?').run(pid)
  }

  /** One process that needs this one. */
  needing(target: string): string | undefined {
    return this.#connection.sql<string>('SELECT pid FROM need WHERE target = ? LIMIT 1').pluck().get(target)
  }
}
