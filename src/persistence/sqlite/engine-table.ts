import type { EngineRecord } from '../rules/row.ts'
import type { LoadableClass } from '../contract/engines.ts'
import type { Connection } from './connection.ts'
import { lockState } from './engine-lock.ts'
import type { LeaseJudge } from './lease-judge.ts'

interface EngineColumns {
  readonly id: string
  readonly host: string
  readonly os_pid: number
  readonly lease: number
  readonly concurrency: number
  readonly classes: string
  readonly labels: string
  readonly started_at: number
  readonly expires: number
}

/** A heartbeat. It also restores an engine that was considered dead while it was frozen. */
export const BEAT = `
INSERT INTO engine (id, host, os_pid, lease, concurrency, classes, labels, started_at, expires)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET expires = excluded.expires`

export function beatValues(engine: EngineRecord): unknown[] {
  const { id, host, osPid, lease, concurrency, classes, labels, startedAt, expires } = engine
  return [
    id,
    host,
    osPid,
    lease,
    concurrency,
    JSON.stringify(classes),
    JSON.stringify(labels ?? []),
    startedAt,
    expires,
  ]
}

/** The engines of a file, and which of them are alive. */
export class EngineTable {
  readonly #connection: Connection
  readonly #judge: LeaseJudge
  /** The engines of this store object, which are alive. */
  readonly own = new Set<string>()

  constructor(connection: Connection, judge: LeaseJudge) {
    this.#connection = connection
    this.#judge = judge
  }

  all(): EngineRecord[] {
    const rows = this.#connection.sql<EngineColumns>('SELECT * FROM engine ORDER BY started_at, id').all()
    return rows.map(recordOf)
  }

  /**
   * Whether an engine is alive (C11). A free lock shows at once that it is dead. If the lock is
   * held, the engine may be frozen; if there is no lock, nothing is known. In both cases the lease
   * decides.
   */
  isAlive(id: string): boolean {
    if (this.own.has(id)) return true
    const row = this.#connection
      .sql<Pick<EngineColumns, 'expires' | 'lease'>>('SELECT expires, lease FROM engine WHERE id = ?')
      .get(id)
    const lock = lockState(this.#connection.path, id)
    if (lock === 'free' || (lock === 'missing' && row === undefined)) return false
    // An engine that was considered dead while it was frozen has no row until its next heartbeat.
    return !this.#judge.isOver(id, row?.expires ?? null, row?.lease ?? 0)
  }

  /**
   * Whether an engine seems alive to a store without a heartbeat of its own: if there is no
   * lock, by the clock.
   */
  seemsAlive({ id, expires }: EngineRecord, now: number): boolean {
    return this.isAlive(id) && (expires > now || lockState(this.#connection.path, id) !== 'missing')
  }

  /** The registered engines that have died, and the owners of processes that are not registered. */
  dead(): string[] {
    const known = new Set([
      ...this.#connection.sql<string>('SELECT id FROM engine').pluck().all(),
      ...this.#owners(),
    ])
    this.#judge.keep(known)
    return [...known].filter((id) => !this.isAlive(id))
  }

  /** Whether the file knows an engine by its row or by a process that it owns. */
  isKnown(id: string): boolean {
    return this.#connection.sql(KNOWN).get(id, id) !== undefined
  }

  remove(id: string): void {
    this.#connection.sql('DELETE FROM engine WHERE id = ?').run(id)
  }

  /** All owners of processes, with one look-up in the index for each. */
  #owners(): string[] {
    const next = this.#connection.sql<string>(NEXT_OWNER).pluck()
    const owners: string[] = []
    for (let owner = next.get(''); owner !== undefined; owner = next.get(owner)) owners.push(owner)
    return owners
  }
}

const KNOWN = 'SELECT 1 FROM engine WHERE id = ? UNION ALL SELECT 1 FROM process WHERE owner = ? LIMIT 1'
const NEXT_OWNER = 'SELECT owner FROM process WHERE owner IS NOT NULL AND owner > ? ORDER BY owner LIMIT 1'

function recordOf(row: EngineColumns): EngineRecord {
  return {
    id: row.id,
    host: row.host,
    osPid: row.os_pid,
    lease: row.lease,
    concurrency: row.concurrency,
    classes: JSON.parse(row.classes) as LoadableClass[],
    labels: JSON.parse(row.labels) as string[],
    startedAt: row.started_at,
    expires: row.expires,
  }
}
