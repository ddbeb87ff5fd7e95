import type Database from 'better-sqlite3'
import { unpack } from '../checker/unpacked.ts'
import type { Line } from '../log.ts'

/** A run that was good, and is made bad in one place. */
export interface Corruption {
  readonly what: string
  /** The rule that is violated then. */
  readonly rule: string
  readonly store?: (sql: Sql) => void
  readonly log?: (lines: readonly Line[]) => readonly object[]
  /** The names of lock files that are there. */
  readonly locks?: readonly string[]
  readonly stderr?: string
}

/** Changes the store, and insists that it changed something. */
export class Sql {
  readonly #db: Database.Database

  constructor(db: Database.Database) {
    unpack(db)
    this.#db = db
  }

  run(text: string): void {
    if (this.#db.prepare(text).run().changes === 0) throw new Error(`nothing is corrupted by ${text}`)
  }

  /** The number of an entry of history: the first one that fits. */
  entry(pid: string, where: string): number {
    const found = this.#db
      .prepare<[], { id: number }>(
        `SELECT h.id FROM entry h WHERE h.process = (SELECT id FROM process WHERE pid = '${pid}') AND ${where} ORDER BY h.id`,
      )
      .get()
    if (found === undefined) throw new Error(`${pid} has no entry with ${where}`)
    return found.id
  }

  /** Two entries come in the other order. */
  swap(one: number, other: number): void {
    this.run(`UPDATE entry SET id = -1 WHERE id = ${one}`)
    this.run(`UPDATE entry SET id = ${one} WHERE id = ${other}`)
    this.run(`UPDATE entry SET id = ${other} WHERE id = -1`)
  }

  /** Adds an entry after all others. */
  append(pid: string, name: string, data: object = {}, by: string | null = null): void {
    const author = by === null ? 'NULL' : by
    this.run(
      `INSERT INTO entry (process, n, "commit", seq, at, name, data, by)
       SELECT id, (SELECT max(n) + 1 FROM entry WHERE process = p.id), (SELECT max("commit") + 1 FROM entry),
         seq, 0, '${name}', '${JSON.stringify(data)}', ${author} FROM process p WHERE pid = '${pid}'`,
    )
  }
}

/** Of the recorded run: it is paused while its first step runs. */
export const STEPS = 'paused in its step'
/** The condition for the rows of a process. */
export const ofProcess = (pid: string): string => `process = (SELECT id FROM process WHERE pid = '${pid}')`
