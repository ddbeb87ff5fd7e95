import type { LoadedRow } from './loaded.ts'
import type { Wanted } from './wanted.ts'

/** How many processes are remembered. */
const MOST = 2_000
/** The longest texts of a process that is remembered, in characters. */
const LONGEST = 16_384

/**
 * The processes that this store has read or written last. An engine writes each of its processes several
 * times, and need not read what it has written itself. Another program may have changed them since: what
 * follows from a remembered row counts only once the database has compared its `rev`.
 */
export class RecentRows {
  /** From the one that was used the longest ago. */
  readonly #rows = new Map<string, LoadedRow>()

  /** Those of which only the row is wanted, if it is remembered. */
  of({ pids, parts, queues }: Wanted): readonly LoadedRow[] {
    const found: LoadedRow[] = []
    for (const pid of pids) {
      const row = parts.has(pid) || queues.has(pid) ? undefined : this.#rows.get(pid)
      if (row === undefined) continue
      this.#rows.delete(pid)
      this.#rows.set(pid, row)
      found.push(row)
    }
    return found
  }

  keep(rows: readonly LoadedRow[]): void {
    for (const row of rows) {
      // One that has ended is hardly ever used again.
      if (row.row.ended_at !== null || !isSmall(row)) continue
      this.#rows.set(row.row.pid, row)
    }
    for (const pid of this.#rows.keys()) {
      if (this.#rows.size <= MOST) break
      this.#rows.delete(pid)
    }
  }

  forget(pids: Iterable<string>): void {
    for (const pid of pids) this.#rows.delete(pid)
  }
}

function isSmall({ row: { data, before }, messages, awaits, waiters, needs, needing }: LoadedRow): boolean {
  const texts = data.length + (before?.length ?? 0)
  const relations = [messages, awaits, waiters, needs, needing].reduce(
    (sum, all) => sum + (all?.length ?? 0),
    0,
  )
  return relations < 100 && texts <= LONGEST
}
