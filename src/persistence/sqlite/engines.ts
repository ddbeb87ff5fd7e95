import type { EngineRecord } from '../row.ts'
import type { LoadableClass } from '../store.ts'
import type { Connection } from './connection.ts'
import { lockState } from './engine-lock.ts'

interface EngineColumns {
  readonly id: string
  readonly host: string
  readonly os_pid: number
  readonly lease: number
  readonly classes: string
  readonly started_at: number
  readonly expires: number
}

/** A beat of the heart: also brings back an engine that was taken for dead while it was frozen. */
export const BEAT = `
INSERT INTO engine (id, host, os_pid, lease, classes, started_at, expires) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET expires = excluded.expires`

export function beatValues(engine: EngineRecord): unknown[] {
  const { id, host, osPid, lease, classes, startedAt, expires } = engine
  return [id, host, osPid, lease, JSON.stringify(classes), startedAt, expires]
}

/** The engines of a file, and which of them live. */
export class Engines {
  readonly #connection: Connection
  /** Those of this very store, which live as long as it asks. */
  readonly own = new Set<string>()

  constructor(connection: Connection) {
    this.#connection = connection
  }

  all(): EngineRecord[] {
    const rows = this.#connection.sql<EngineColumns>('SELECT * FROM engine ORDER BY started_at, id').all()
    return rows.map(recordOf)
  }

  /** Alive are those whose lease lasts and whose lock is not free (C11). */
  isAlive(id: string, now: number): boolean {
    if (this.own.has(id)) return true
    const row = this.#connection.sql<EngineColumns>('SELECT * FROM engine WHERE id = ?').get(id)
    return row !== undefined && row.expires > now && lockState(this.#connection.path, id) !== 'free'
  }

  /** Registered engines that have died, and owners that nobody has registered. */
  dead(now: number): string[] {
    const known = new Set([
      ...this.#connection.sql<string>('SELECT id FROM engine').pluck().all(),
      ...this.#owners(),
    ])
    return [...known].filter((id) => !this.isAlive(id, now))
  }

  remove(id: string): void {
    this.#connection.sql('DELETE FROM engine WHERE id = ?').run(id)
  }

  /** All owners of processes, by a step from one to the next in the index: as many look-ups as there are owners. */
  #owners(): string[] {
    const next = this.#connection.sql<string>(NEXT_OWNER).pluck()
    const owners: string[] = []
    for (let owner = next.get(''); owner !== undefined; owner = next.get(owner)) owners.push(owner)
    return owners
  }
}

const NEXT_OWNER = 'SELECT owner FROM process WHERE owner IS NOT NULL AND owner > ? ORDER BY owner LIMIT 1'

function recordOf(row: EngineColumns): EngineRecord {
  return {
    id: row.id,
    host: row.host,
    osPid: row.os_pid,
    lease: row.lease,
    classes: JSON.parse(row.classes) as LoadableClass[],
    startedAt: row.started_at,
    expires: row.expires,
  }
}
