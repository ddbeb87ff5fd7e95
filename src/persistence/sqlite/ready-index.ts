import type { Capabilities, LoadableClass } from '../contract/engines.ts'
import { READY, SUSPECT } from '../rules/filter-sql.ts'
import type { Connection } from './connection.ts'

/*
 * The queries over the indexes of ready processes. The indexes lead from class to class, from version
 * to version and from label to label, so that processes that the engine can't load (C9), or whose label
 * it does not have, are never looked at: a million of them cost nothing.
 */

export const KINDS = ['ready', 'suspect'] as const
export type Kind = (typeof KINDS)[number]
const CONDITION: Readonly<Record<Kind, string>> = { ready: READY, suspect: SUSPECT }

/**
 * The next version of a class, and the next class, version and label of all, with a process that is
 * ready now or later.
 */
const NEXT_VERSION = forEach(
  (condition) =>
    `SELECT version FROM process WHERE class = ? AND version > ? AND version <= ? AND ${condition} ORDER BY version LIMIT 1`,
)
const NEXT_KIND = forEach(
  (condition) =>
    `SELECT class AS name, version, worker FROM process WHERE (class, version, worker) > (?, ?, ?) AND ${condition} ORDER BY class, version, worker LIMIT 1`,
)
/**
 * The ready processes of a class, version and label, the one ready for longest first; and when the
 * next one becomes ready.
 */
const CANDIDATES = forEach(
  (condition) =>
    `SELECT id, pid, ready_at FROM process WHERE class = ? AND version = ? AND worker = ? AND ready_at <= ? AND ${condition} ORDER BY ready_at, id LIMIT ?`,
)
const NEXT_DUE = forEach(
  (condition) =>
    `SELECT ready_at FROM process WHERE class = ? AND version = ? AND worker = ? AND ready_at > ? AND ${condition} ORDER BY ready_at LIMIT 1`,
)

function forEach(sql: (condition: string) => string): Readonly<Record<Kind, string>> {
  return { ready: sql(CONDITION.ready), suspect: sql(CONDITION.suspect) }
}

/** The processes that the same engines may claim. */
export interface Claimable extends LoadableClass {
  /** The label that they ask for; empty for none. */
  readonly worker: string
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
   * The classes, versions and labels with a process that is ready now or later: those that an
   * engine can run, or all.
   */
  *claimable(kind: Kind, runs: Capabilities | undefined): Iterable<Claimable> {
    if (runs === undefined) {
      const next = this.#connection.sql<Claimable>(NEXT_KIND[kind])
      for (let found = next.get('', -1, ''); found !== undefined;) {
        yield found
        found = next.get(found.name, found.version, found.worker)
      }
      return
    }
    const workers = ['', ...(runs.labels ?? [])]
    const next = this.#connection.sql<number>(NEXT_VERSION[kind]).pluck()
    for (const { name, version: newest } of runs.classes) {
      for (
        let version = next.get(name, -1, newest);
        version !== undefined;
        version = next.get(name, version, newest)
      ) {
        for (const worker of workers) yield { name, version, worker }
      }
    }
  }

  /** The ready processes of a class, version and label, in the order of claims. */
  candidates(kind: Kind, { name, version, worker }: Claimable, now: number, limit: number): Candidate[] {
    return this.#connection.sql<Candidate>(CANDIDATES[kind]).all(name, version, worker, now, limit)
  }

  /** The one of a class, version and label that has been ready longest. */
  first(kind: Kind, { name, version, worker }: Claimable, now: number): Candidate | undefined {
    return this.#connection.sql<Candidate>(CANDIDATES[kind]).get(name, version, worker, now, 1)
  }

  /** When the next process of a class, version and label becomes ready; undefined if none has a time. */
  nextDue(kind: Kind, { name, version, worker }: Claimable, now: number): number | undefined {
    return this.#connection.sql<number>(NEXT_DUE[kind]).pluck().get(name, version, worker, now)
  }
}
