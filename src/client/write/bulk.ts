import type { Control, ListFilter } from '../../persistence/contract/control.ts'
import type { Outcome } from '../../persistence/contract/outcomes.ts'
import type { ProcessRow } from '../../persistence/contract/rows.ts'
import type { BulkFilter } from '../../persistence/rules/paging.ts'
import { isTerminal, TERMINAL_STATES, UNFINISHED_STATES } from '../../process/state/machine.ts'
import type { HandleRequest } from '../../process/handle/base-handle.ts'
import type { GroupCommit } from './group-commit.ts'
import type { Requests } from './requests.ts'

/** The number of processes in one page of a bulk write. */
const PAGE = 500

/** Writes once per process that a filter lets through, a page at a time. Each call resolves to the number of writes done. */
export class BulkWrites {
  readonly #store: Control
  readonly #commits: GroupCommit
  readonly #requests: Requests

  constructor(store: Control, commits: GroupCommit, requests: Requests) {
    this.#store = store
    this.#commits = commits
    this.#requests = requests
  }

  /** Asks each process alone, without its tree: the filter decides which processes are reached. */
  request(filter: BulkFilter, request: HandleRequest): Promise<number> {
    const unfinished = { ...filter, state: filter.state ?? UNFINISHED_STATES }
    return this.#writeAll(unfinished, ({ pid }) => this.#requests.request(pid, request, false))
  }

  /** Deletes ended processes. */
  prune(filter: BulkFilter): Promise<number> {
    const state = [filter.state ?? TERMINAL_STATES].flat().filter((one) => isTerminal(one))
    return this.#writeAll({ ...filter, state }, ({ pid }) => this.#commits.write({ kind: 'prune', pid }))
  }

  async #writeAll(filter: ListFilter, write: (row: ProcessRow) => Promise<Outcome>): Promise<number> {
    let done = 0
    let after: string | undefined
    do {
      const page = await this.#store.list({ ...filter, limit: PAGE, after })
      const outcomes = await Promise.all(page.rows.map(write))
      done += outcomes.filter(({ status }) => status === 'done').length
      after = page.next
    } while (after !== undefined)
    return done
  }
}
