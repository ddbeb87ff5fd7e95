import type { Control, ListFilter, ProcessPage } from '../../persistence/contract/control.ts'
import type { ProcessRow } from '../../persistence/contract/rows.ts'
import type { Clock } from '../../shared/clock.ts'
import { enforceDue } from '../write/due-kill.ts'
import type { GroupCommit } from '../write/group-commit.ts'

/** Reads rows. A process whose stored kill is overdue is ended first, so that no reader sees it alive (C7). */
export class RowReader {
  readonly #store: Control
  readonly #commits: GroupCommit
  readonly #clock: Clock

  constructor(store: Control, commits: GroupCommit, clock: Clock) {
    this.#store = store
    this.#commits = commits
    this.#clock = clock
  }

  /** Returns the row of a process, or undefined if the store has no such process. */
  async read(pid: string): Promise<ProcessRow | undefined> {
    const row = await this.#store.read(pid)
    if (row === undefined) return undefined
    return (await enforceDue(row, this.#clock.now(), this.#commits)) ? this.#store.read(pid) : row
  }

  /** Returns one page of the rows that the filter lets through. */
  async list(filter: ListFilter): Promise<ProcessPage> {
    const page = await this.#store.list(filter)
    const now = this.#clock.now()
    const enforced = await Promise.all(page.rows.map((row) => enforceDue(row, now, this.#commits)))
    return enforced.includes(true) ? this.#store.list(filter) : page
  }
}
