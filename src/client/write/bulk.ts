import { setImmediate } from '../../shared/timers.ts'
import type { Control, ListFilter } from '../../persistence/contract/control.ts'
import type { Done, Outcome } from '../../persistence/contract/outcomes.ts'
import type { ProcessRow } from '../../persistence/contract/rows.ts'
import { statesOf, type BulkFilter } from '../../persistence/rules/paging.ts'
import { isTerminal, TERMINAL_STATES, UNFINISHED_STATES } from '../../process/state/machine.ts'
import type { HandleRequest } from '../../process/handle/base-handle.ts'
import type { GroupCommit } from './group-commit.ts'
import { reaches, type BulkRequest } from './reach.ts'
import type { Requests } from './requests.ts'

/** The number of processes in one page of a bulk write. */
const PAGE = 500

/** Writes once per process that matches a filter, a page at a time. Each call resolves to the number of writes done. */
export class BulkWrites {
  readonly #store: Control
  readonly #commits: GroupCommit
  readonly #requests: Requests

  constructor(store: Control, commits: GroupCommit, requests: Requests) {
    this.#store = store
    this.#commits = commits
    this.#requests = requests
  }

  /**
   * Sends the request to each process alone, without its tree: the filter decides which processes
   * are reached.
   */
  request(filter: BulkFilter, request: HandleRequest): Promise<number> {
    return this.#writeAll(unfinished(filter), ({ pid }) => this.#requests.request(pid, request, false))
  }

  /** Ends processes that have not started. */
  abort(filter: BulkFilter, message: string): Promise<number> {
    const state = (statesOf(filter) ?? ['created']).filter((one) => one === 'created')
    return this.#writeAll(
      { ...filter, state },
      ({ pid }) => this.#requests.request(pid, { kind: 'abort', message }, true),
      ({ applied }) => applied === true,
    )
  }

  /**
   * Plays the processes that are paused, about to be paused, or parked. With `deliberate: false`,
   * leaves out those that someone has paused on purpose.
   */
  play(filter: BulkFilter, deliberate: boolean): Promise<number> {
    return this.#writeAll(unfinished(filter), (row) =>
      reaches('play', row, deliberate) ? this.#requests.request(row.pid, { kind: 'play' }, false) : undefined,
    )
  }

  /**
   * Lets unfinished processes continue if they back off, were paused by failures or crashes, or are
   * parked.
   */
  retry(filter: BulkFilter): Promise<number> {
    return this.#writeAll(
      unfinished(filter),
      (row) => (reaches('retry', row, false) ? this.#requests.retry(row.pid) : undefined),
      ({ applied }) => applied === true,
    )
  }

  /** Sends each process the same signal, whose payload is checked and encoded. */
  signal(filter: BulkFilter, name: string, payload: string, deliberate: boolean): Promise<number> {
    return this.#writeAll(unfinished(filter), (row) =>
      reaches('signal', row, deliberate) ? this.#requests.signal(row.pid, name, payload) : undefined,
    )
  }

  /** The unfinished processes that a request would reach now, newest first. */
  async reached(
    request: BulkRequest,
    filter: BulkFilter,
    deliberate: boolean,
  ): Promise<readonly ProcessRow[]> {
    const found: ProcessRow[] = []
    await this.eachPage(unfinished(filter), (rows) => {
      found.push(...rows.filter((row) => reaches(request, row, deliberate)))
    })
    return found
  }

  /** Deletes ended processes, and then returns their space to the system, piece by piece. */
  async prune(filter: BulkFilter): Promise<number> {
    const state = (statesOf(filter) ?? TERMINAL_STATES).filter((one) => isTerminal(one))
    const done = await this.#writeAll({ ...filter, state }, ({ pid }) =>
      this.#commits.write({ kind: 'prune', pid }),
    )
    // Other writes have their turn after each piece.
    while (await this.#store.reclaim()) await new Promise((resolve) => setImmediate(resolve))
    return done
  }

  /** Calls back with each page of rows, newest first. */
  async eachPage(
    filter: ListFilter,
    take: (rows: readonly ProcessRow[]) => Promise<void> | void,
  ): Promise<void> {
    let after: string | undefined
    do {
      const page = await this.#store.list({ ...filter, limit: PAGE, after })
      await take(page.rows)
      after = page.next
    } while (after !== undefined)
  }

  /**
   * `write` returns undefined for a process that it leaves as it is; `counts` decides which
   * outcomes are counted.
   */
  async #writeAll(
    filter: ListFilter,
    write: (row: ProcessRow) => Promise<Outcome> | undefined,
    counts: (outcome: Done) => boolean = () => true,
  ): Promise<number> {
    let done = 0
    await this.eachPage(filter, async (rows) => {
      const outcomes = await Promise.all(rows.flatMap((row) => write(row) ?? []))
      done += outcomes.filter((outcome) => outcome.status === 'done' && counts(outcome)).length
    })
    return done
  }
}

/** The filter for processes that have not ended, whatever states it names. */
export function unfinished(filter: BulkFilter): BulkFilter {
  const state = (statesOf(filter) ?? UNFINISHED_STATES).filter((one) => !isTerminal(one))
  return { ...filter, state }
}
