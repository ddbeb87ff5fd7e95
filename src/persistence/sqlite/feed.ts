import type { Connection } from './connection.ts'

/** How many commits are kept for other programs, and how many are deleted at a time. */
const KEPT = 10_000
const PIECE = 50

const LAST = 'SELECT coalesce(max(id), 0) FROM feed'
const ADD = 'INSERT INTO feed (id, processes, reported) VALUES (?, ?, ?)'
const DROP = 'DELETE FROM feed WHERE id <= ?'
const NEWER = `SELECT id, processes, reported FROM feed WHERE id > ? ORDER BY id LIMIT ${PIECE}`

/** A commit, and the numbers of the rows to whose history it has added. */
export interface FeedRow {
  readonly id: number
  readonly processes: readonly number[]
  /** The rows whose processes have reported something other than history entries. */
  readonly reported: readonly number[]
}

/**
 * The commits that have changed processes, for other programs. Their ids have no gaps, and the last
 * one is never deleted. If the id after the last one that a reader knows is missing, the reader is
 * too late, since old ones are deleted.
 */
export class Feed {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** The id of the last commit; 0 if there is none. */
  last(): number {
    return this.#connection.sql<number>(LAST).pluck().get() ?? 0
  }

  add(id: number, processes: Iterable<number>, reported: Iterable<number> | undefined): void {
    this.#connection
      .sql(ADD)
      .run(id, [...processes].join(), reported === undefined ? null : [...reported].join())
    if (id % PIECE === 0 && id > KEPT) this.#connection.sql(DROP).run(id - KEPT)
  }

  /** Some of the commits after one, oldest first. */
  newer(id: number): readonly FeedRow[] {
    const rows = this.#connection.sql<StoredFeedRow>(NEWER).all(id)
    return rows.map(({ id: commit, processes, reported }) => ({
      id: commit,
      processes: numbersOf(processes),
      reported: numbersOf(reported),
    }))
  }
}

interface StoredFeedRow {
  readonly id: number
  readonly processes: string
  readonly reported: string | null
}

function numbersOf(list: string | null): number[] {
  return list === null || list === '' ? [] : list.split(',').map(Number)
}
