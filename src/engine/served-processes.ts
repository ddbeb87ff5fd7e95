import type { RpcGroup } from '../communication/contract/communicator.ts'
import type { Control } from '../persistence/contract/control.ts'
import type { Change } from '../persistence/contract/rows.ts'
import { isTerminal, UNFINISHED_STATES } from '../process/state/machine.ts'
import { isProcessState, type ProcessState } from '../process/state/process-state.ts'
import type { Logger } from '../shared/logger.ts'

/**
 * The most processes of a store that answer RPCs. A carrier keeps an entry for each of them, such as a
 * binding of RabbitMQ.
 */
const MOST_SERVED = 100_000
const PAGE = 1_000

/** A change of the state of a process. */
export interface StateChange {
  readonly pid: string
  /** Null for a new process. */
  readonly from: ProcessState | null
  readonly to: ProcessState
}

/**
 * The unfinished processes of a store under whose pids RPCs are answered, with their last known
 * states. They need not be in memory.
 */
export class ServedProcesses {
  readonly #store: Pick<Control, 'list'>
  readonly #group: RpcGroup
  readonly #logger: Logger
  readonly #mostServed: number
  readonly #states = new Map<string, ProcessState>()
  /** The processes that have ended while a list was read, which may still contain them. */
  #ended: Set<string> | undefined
  #reading: Promise<void> | undefined
  #isOver = false
  #hasWarned = false

  constructor(
    store: Pick<Control, 'list'>,
    group: RpcGroup,
    logger: Logger,
    { mostServed = MOST_SERVED }: { readonly mostServed?: number | undefined } = {},
  ) {
    this.#store = store
    this.#group = group
    this.#logger = logger
    this.#mostServed = mostServed
  }

  /** Notes what was committed. Returns the change of the state, if it is one. */
  note({ pid, name, actor }: Change): StateChange | undefined {
    // A call of an actor is controlled by its handle alone.
    if (actor !== undefined || !isProcessState(name)) return undefined
    // It was not noted before only if it slept when this engine was opened, among very many.
    const from = name === 'created' ? null : (this.#states.get(pid) ?? 'waiting')
    if (isTerminal(name)) {
      this.#ended?.add(pid)
      if (this.#states.delete(pid)) this.#group.remove(pid)
    } else {
      this.#ended?.delete(pid)
      this.#serve(pid, name)
    }
    return { pid, from, to: name }
  }

  /** Reads which processes there are, newest first. Resolves once a first page was read. */
  learn(): Promise<void> {
    if (this.#reading !== undefined || this.#isOver) return Promise.resolve()
    const ended = (this.#ended = new Set())
    const first = this.#page(ended, undefined)
    this.#reading = first
      .then(async (next) => {
        for (let after = next; after !== undefined;) after = await this.#page(ended, after)
      })
      .catch((error: unknown) => {
        if (!this.#isOver)
          this.#logger.error(
            { err: error },
            'the processes of the store could not be read; those that do not change do not answer RPCs',
          )
      })
      .finally(() => {
        this.#reading = undefined
        this.#ended = undefined
      })
    return first.then(() => {})
  }

  /** Ends the reading of a list. */
  async stop(): Promise<void> {
    this.#isOver = true
    await this.#reading
  }

  async #page(ended: ReadonlySet<string>, after: string | undefined): Promise<string | undefined> {
    const { rows, next } = await this.#store.list({ state: UNFINISHED_STATES, limit: PAGE, after })
    for (const { pid, state, actor } of rows)
      if (actor === null && !ended.has(pid) && !this.#states.has(pid)) this.#serve(pid, state)
    return this.#isOver || this.#states.size >= this.#mostServed ? undefined : next
  }

  #serve(pid: string, state: ProcessState): void {
    if (this.#states.has(pid) || this.#states.size < this.#mostServed) {
      if (!this.#states.has(pid)) this.#group.add(pid)
      this.#states.set(pid, state)
    } else if (!this.#hasWarned) {
      this.#hasWarned = true
      this.#logger.warn(
        { processes: this.#mostServed },
        'the store has more unfinished processes than answer RPCs; use a client of the store to control the others',
      )
    }
  }
}
