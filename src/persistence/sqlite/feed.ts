import type { Connection } from './connection.ts'

/** How many commits are kept for other programs, and how many are deleted at a time. */
const KEPT = 10_000
const PIECE = 50

const LAST = 'SELECT coalesce(max(id), 0) FROM feed'
const ADD = 'INSERT INTO feed (id, processes) VALUES (?, ?)'
const DROP = 'DELETE FROM feed WHERE id <= ?'
const NEWER = `SELECT id, processes FROM feed WHERE id > ? ORDER BY id LIMIT ${PIECE}`

/** A commit, and the numbers of the rows to whose history it has added. */
export interface FeedRow {
  readonly id: number
  readonly processes: readonly number[]
}

/**
 * The commits that have changed processes, for other programs. Their ids follow on each other, and
 * the last one is never deleted. A reader that misses the id after the last one that it knows has
 * come too late, since old ones are deleted.
 */
export class Feed {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** The id of the last commit; 0 where there is none. */
  last(): number {
    return this.#connection.sql<number>(LAST).pluck().get() ?? 0
  }

  add(id: number, processes: Iterable<number>): void {
    this.#connection.sql(ADD).run(id, [...processes].join())
    if (id % PIECE === 0 && id > KEPT) this.#connection.sql(DROP).run(id - KEPT)
  }

  /** Some of the commits after one, oldest first. */
  newer(id: number): readonly FeedRow[] {
    const rows = this.#connection.sql<{ readonly id: number; readonly processes: string }>(NEWER).all(id)
    return rows.map(({ id: commit, processes }) => ({
      id: commit,
      processes: processes.split(',').map(Number),
    }))
  }
}
