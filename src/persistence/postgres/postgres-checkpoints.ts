import { Bundle } from '../../bundle/bundle.ts'
import { CheckpointNotFound } from '../../shared/errors.ts'
import type { Checkpoint } from '../contract/persister.ts'
import type { Parts } from '../contract/writes.ts'
import {
  belongsToEngine,
  checkNames,
  checkNewNames,
  hasOwnCheckpoint,
  missingCheckpoint,
} from '../rules/checkpoints.ts'
import type { Row } from '../rules/row.ts'
import { LoadedProcess } from '../rules/stored-process.ts'
import type { Database } from './database.ts'

const DOING = 'reading checkpoints'
const PUT = `INSERT INTO @checkpoint VALUES ($1, $2, $3, $4)
  ON CONFLICT (pid, tagged, tag) DO UPDATE SET text = excluded.text`
const SELECT = 'SELECT text FROM @checkpoint WHERE pid = $1 AND tagged = $2 AND tag = $3'
/** The saved bundles, and the rows of processes, which are their untagged checkpoints. */
const NAMES = `SELECT pid, tagged, tag FROM @checkpoint
  UNION ALL SELECT pid, 0, '' FROM @process WHERE successful IS DISTINCT FROM 1`

interface Name {
  readonly pid: string
  readonly tagged: number
  readonly tag: string
}

/** Saved bundles by pid and tag. */
export class PostgresCheckpoints {
  readonly #database: Database
  readonly #find: (pid: string) => Promise<{ readonly row: Row; readonly parts: Parts } | undefined>

  constructor(
    database: Database,
    find: (pid: string) => Promise<{ readonly row: Row; readonly parts: Parts } | undefined>,
  ) {
    this.#database = database
    this.#find = find
  }

  async save(bundle: Bundle, tag: string | null): Promise<void> {
    const { pid } = bundle.head
    checkNewNames(pid, tag)
    await this.#requireFree(pid, tag)
    await this.#database.query('saving a checkpoint', PUT, [pid, ...columns(tag), bundle.text])
  }

  /** @throws CheckpointNotFound */
  async load(pid: string, tag: string | null): Promise<Bundle> {
    checkNames(pid, tag)
    const found = tag === null ? await this.#find(pid) : undefined
    if (found !== undefined) {
      if (hasOwnCheckpoint(found.row)) return new LoadedProcess(found.row, found.parts).bundle()
      throw new CheckpointNotFound(missingCheckpoint(pid, tag, true))
    }
    const [row] = await this.#database.query<{ readonly text: string }>(DOING, SELECT, [pid, ...columns(tag)])
    if (row === undefined) throw new CheckpointNotFound(missingCheckpoint(pid, tag, false))
    return Bundle.parse(row.text)
  }

  async all(): Promise<Checkpoint[]> {
    const rows = await this.#database.query<Name>(
      DOING,
      `SELECT * FROM (${NAMES}) AS names ORDER BY pid, tagged, tag`,
    )
    return rows.map(checkpoint)
  }

  async of(pid: string): Promise<Checkpoint[]> {
    const rows = await this.#database.query<Name>(
      DOING,
      `SELECT * FROM (${NAMES}) AS names WHERE pid = $1 ORDER BY tagged, tag`,
      [pid],
    )
    return rows.map(checkpoint)
  }

  async delete(pid: string, tag: string | null): Promise<void> {
    checkNames(pid, tag)
    await this.#requireFree(pid, tag)
    await this.#database.query(
      'deleting a checkpoint',
      'DELETE FROM @checkpoint WHERE pid = $1 AND tagged = $2 AND tag = $3',
      [pid, ...columns(tag)],
    )
  }

  async deleteAll(pid: string): Promise<void> {
    await this.#database.query('deleting checkpoints', 'DELETE FROM @checkpoint WHERE pid = $1', [pid])
  }

  async #requireFree(pid: string, tag: string | null): Promise<void> {
    if (tag === null && (await this.#find(pid)) !== undefined) throw belongsToEngine(pid)
  }
}

function columns(tag: string | null): [number, string] {
  return tag === null ? [0, ''] : [1, tag]
}

function checkpoint({ pid, tagged, tag }: Name): Checkpoint {
  return { pid, tag: tagged === 0 ? null : tag }
}
