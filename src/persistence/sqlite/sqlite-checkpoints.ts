import { Bundle } from '../../bundle/bundle.ts'
import { CheckpointNotFound } from '../../shared/errors.ts'
import {
  belongsToEngine,
  checkNames,
  checkNewNames,
  hasOwnCheckpoint,
  missingCheckpoint,
} from '../rules/checkpoints.ts'
import type { Checkpoint } from '../contract/persister.ts'
import { LoadedProcess } from '../rules/stored-process.ts'
import type { Connection } from './connection.ts'
import type { ProcessTable } from './process-table.ts'

const UPSERT = `INSERT INTO checkpoint (pid, tagged, tag, text) VALUES (?, ?, ?, ?)
  ON CONFLICT (pid, tagged, tag) DO UPDATE SET text = excluded.text`
const SELECT = 'SELECT text FROM checkpoint WHERE pid = ? AND tagged = ? AND tag = ?'
/** The saved bundles, and the rows of processes, which are their untagged checkpoints. */
const NAMES = `SELECT pid, tagged, tag FROM checkpoint
  UNION ALL SELECT pid, 0, '' FROM process WHERE successful IS NOT 1`
const DELETE = 'DELETE FROM checkpoint WHERE pid = ? AND tagged = ? AND tag = ?'

interface Name {
  readonly pid: string
  readonly tagged: number
  readonly tag: string
}

/** Saved bundles by pid and tag. */
export class SqliteCheckpoints {
  readonly #connection: Connection
  readonly #processes: ProcessTable

  constructor(connection: Connection, processes: ProcessTable) {
    this.#connection = connection
    this.#processes = processes
  }

  save(bundle: Bundle, tag: string | null): void {
    const { pid } = bundle.head
    checkNewNames(pid, tag)
    this.#requireFree(pid, tag)
    this.put(pid, tag, bundle.text)
  }

  /** Keeps the text of a bundle. */
  put(pid: string, tag: string | null, text: string): void {
    this.#connection.sql(UPSERT).run(pid, ...columns(tag), text)
  }

  /** @throws CheckpointNotFound */
  load(pid: string, tag: string | null): Bundle {
    checkNames(pid, tag)
    const row = tag === null ? this.#processes.get(pid) : undefined
    if (row !== undefined) {
      if (hasOwnCheckpoint(row)) return new LoadedProcess(row, this.#processes.parts(row)).bundle()
      throw new CheckpointNotFound(missingCheckpoint(pid, tag, true))
    }
    const text = this.#connection
      .sql<string>(SELECT)
      .pluck()
      .get(pid, ...columns(tag))
    if (text === undefined) throw new CheckpointNotFound(missingCheckpoint(pid, tag, false))
    return Bundle.parse(text)
  }

  all(): Checkpoint[] {
    return this.#connection.sql<Name>(`${NAMES} ORDER BY pid, tagged, tag`).all().map(checkpoint)
  }

  of(pid: string): Checkpoint[] {
    const rows = this.#connection
      .sql<Name>(`SELECT * FROM (${NAMES}) WHERE pid = ? ORDER BY tagged, tag`)
      .all(pid)
    return rows.map(checkpoint)
  }

  delete(pid: string, tag: string | null): void {
    checkNames(pid, tag)
    this.#requireFree(pid, tag)
    this.#connection.sql(DELETE).run(pid, ...columns(tag))
  }

  deleteAll(pid: string): void {
    this.#connection.sql('DELETE FROM checkpoint WHERE pid = ?').run(pid)
  }

  #requireFree(pid: string, tag: string | null): void {
    if (tag === null && this.#processes.brief(pid) !== undefined) throw belongsToEngine(pid)
  }
}

function columns(tag: string | null): [number, string] {
  return tag === null ? [0, ''] : [1, tag]
}

function checkpoint({ pid, tagged, tag }: Name): Checkpoint {
  return { pid, tag: tagged === 0 ? null : tag }
}
