import {
  LARGEST_LOAD,
  LARGEST_READ,
  type Control,
  type ListFilter,
  type ProcessPage,
} from '../../persistence/contract/control.ts'
import type { ProcessRow, StoredProcess } from '../../persistence/contract/rows.ts'
import type { Clock } from '../../shared/clock.ts'
import { enforceIfOverdue } from '../write/overdue-kill.ts'
import type { GroupCommit } from '../write/group-commit.ts'
import { SharedReads } from './shared-reads.ts'

/** Reads rows. A process whose stored kill is overdue is ended first, so that no reader sees it alive (C7). */
export class RowReader {
  readonly #store: Control
  readonly #commits: GroupCommit
  readonly #clock: Clock
  readonly #rows: SharedReads<ProcessRow>
  readonly #processes: SharedReads<StoredProcess>

  constructor(store: Control, commits: GroupCommit, clock: Clock) {
    this.#store = store
    this.#commits = commits
    this.#clock = clock
    this.#rows = new SharedReads({
      one: (pid) => store.read(pid),
      several: async (pids) => new Map((await store.readAll(pids)).map((row) => [row.pid, row])),
      largest: LARGEST_READ,
    })
    this.#processes = new SharedReads({
      one: (pid) => store.load(pid),
      several: async (pids) => new Map((await store.loadAll(pids)).map((stored) => [stored.row.pid, stored])),
      largest: LARGEST_LOAD,
    })
  }

  /** Returns the row of a process, or undefined if the store has no such process. */
  async read(pid: string): Promise<ProcessRow | undefined> {
    const row = await this.#rows.read(pid)
    if (row === undefined) return undefined
    return (await enforceIfOverdue(row, this.#clock.now(), this.#commits)) ? this.#rows.read(pid) : row
  }

  /** Returns a process with the parts of its bundle, or undefined if the store has no such process. */
  load(pid: string): Promise<StoredProcess | undefined> {
    return this.#processes.read(pid)
  }

  /** Returns one page of the rows that match the filter. */
  async list(filter: ListFilter): Promise<ProcessPage> {
    const page = await this.#store.list(filter)
    const now = this.#clock.now()
    const enforced = await Promise.all(page.rows.map((row) => enforceIfOverdue(row, now, this.#commits)))
    return enforced.includes(true) ? this.#store.list(filter) : page
  }
}
