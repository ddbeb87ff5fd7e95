import type { LoadableClass } from '../contract/engines.ts'
import type { Connection } from './connection.ts'

/*
 * The queries over the indexes of ready processes. The indexes lead from class to class and from
 * version to version, so that processes that the engine can't load are never looked at (C9): a
 * million of them cost nothing.
 */

/** The conditions of the indexes `process_ready` and `process_suspect`, and what both have. */
export const UNOWNED = 'ready_at IS NOT NULL AND owner IS NULL AND paused = 0 AND parked IS NULL'
export const READY = `${UNOWNED} AND crashes < 2`
export const SUSPECT = `${UNOWNED} AND crashes >= 2`

export const KINDS = ['ready', 'suspect'] as const
export type Kind = (typeof KINDS)[number]
const CONDITION: Readonly<Record<Kind, string>> = { ready: READY, suspect: SUSPECT }

/**
 * The next version of a class, and the next class and version of all, of which a process wants to
 * run now or later.
 */
const NEXT_VERSION = forEach(
  (condition) =>
    `SELECT version FROM process WHERE class = ? AND version > ? AND version <= ? AND ${condition} ORDER BY version LIMIT 1`,
)
const NEXT_CLASS = forEach(
  (condition) =>
    `SELECT class AS name, version FROM process WHERE (class, version) > (?, ?) AND ${condition} ORDER BY class, version LIMIT 1`,
)
/**
 * The ready processes of a class and version, the longest ready first; and the time at which the
 * next one becomes ready.
 */
const CANDIDATES = forEach(
  (condition) =>
    `SELECT id, pid, ready_at FROM process WHERE class = ? AND version = ? AND ready_at <= ? AND ${condition} ORDER BY ready_at, id LIMIT ?`,
)
const NEXT_DUE = forEach(
  (condition) =>
    `SELECT ready_at FROM process WHERE class = ? AND version = ? AND ready_at > ? AND ${condition} ORDER BY ready_at LIMIT 1`,
)

function forEach(sql: (condition: string) => string): Readonly<Record<Kind, string>> {
  return { ready: sql(CONDITION.ready), suspect: sql(CONDITION.suspect) }
}

/** A process that an engine may claim. */
export interface Candidate {
  readonly id: number
  readonly pid: string
  readonly ready_at: number
}

/** The order in which processes are claimed. */
export function isBefore(a: Candidate, b: Candidate): boolean {
  return a.ready_at < b.ready_at || (a.ready_at === b.ready_at && a.id < b.id)
}

/** Finds the processes that no engine has and that want to run. */
export class ReadyIndex {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * The classes and versions of which a process wants to run: of these classes up to their
   * versions, or of all.
   */
  *classes(kind: Kind, loadable: readonly LoadableClass[] | undefined): Iterable<LoadableClass> {
    if (loadable === undefined) {
      const next = this.#connection.sql<LoadableClass>(NEXT_CLASS[kind])
      for (let found = next.get('', -1); found !== undefined; found = next.get(found.name, found.version))
        yield found
      return
    }
    const next = this.#connection.sql<number>(NEXT_VERSION[kind]).pluck()
    for (const { name, version: newest } of loadable) {
      for (
        let version = next.get(name, -1, newest);
        version !== undefined;
        version = next.get(name, version, newest)
      ) {
        yield { name, version }
      }
    }
  }

  /** The ready processes of a class and version, in the order of claims. */
  candidates(kind: Kind, { name, version }: LoadableClass, now: number, limit: number): Candidate[] {
    return this.#connection.sql<Candidate>(CANDIDATES[kind]).all(name, version, now, limit)
  }

  /** The one of a class and version that has been ready longest. */
  first(kind: Kind, { name, version }: LoadableClass, now: number): Candidate | undefined {
    return this.#connection.sql<Candidate>(CANDIDATES[kind]).get(name, version, now, 1)
  }

  /** When the next process of a class and version becomes ready; undefined if none does by itself. */
  nextDue(kind: Kind, { name, version }: LoadableClass, now: number): number | undefined {
    return this.#connection.sql<number>(NEXT_DUE[kind]).pluck().get(name, version, now)
  }
}
