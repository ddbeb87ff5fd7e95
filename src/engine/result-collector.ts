import type { GroupCommit } from '../client/write/group-commit.ts'
import type { Store } from '../persistence/contract/store.ts'
import type { Clock } from '../shared/clock.ts'
import type { Logger } from '../shared/logger.ts'
import { endOfTurn } from '../shared/timers.ts'

/**
 * Milliseconds from the opening of the engine to the first round, and from one round to the next: while
 * the store keeps all results for ever, and while it does not. After the end of a process the next round
 * comes sooner.
 */
const FIRST_ROUND = 1_000
const IDLE_INTERVAL = 60_000
const BUSY_INTERVAL = 5_000
const AFTER_END = 500
const SHORTEST_PAUSE = 100
/** The most results that one commit drops, so that it does not hold up others. */
const BATCH = 100

interface CollectorParts {
  readonly store: Pick<Store, 'dueResults' | 'reclaim'>
  readonly commits: GroupCommit
  /** The name of the engine in histories. */
  readonly name: string
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Makes the store drop the results that are due by their retention, and end the sessions of
 * programs that have died. Several engines may do this for one store.
 */
export class ResultCollector {
  readonly #parts: CollectorParts
  #cancel: (() => void) | undefined
  /** When the next round begins. */
  #at = Number.POSITIVE_INFINITY
  #collecting: Promise<void> | undefined
  /** Whether the store may have results that are not kept for ever. */
  #any = false
  #stopped = false

  constructor(parts: CollectorParts) {
    this.#parts = parts
  }

  start(): void {
    this.#collectAfter(FIRST_ROUND)
  }

  /** Resolves when the batch under way is written. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancel?.()
    await this.#collecting
  }

  /** A process with a retention is launched here. */
  expect(): void {
    this.#any = true
  }

  /** A process has ended, so its result may be due. */
  processEnded(): void {
    if (this.#any && this.#collecting === undefined) this.#collectAfter(AFTER_END)
  }

  #collectAfter(delay: number): void {
    const { clock, logger } = this.#parts
    const at = clock.now() + delay
    if (this.#stopped || this.#at <= at) return
    this.#cancel?.()
    this.#at = at
    this.#cancel = clock.after(
      delay,
      () => {
        this.#at = Number.POSITIVE_INFINITY
        let pause = BUSY_INTERVAL
        this.#collecting = this.#collect()
          .then((next) => {
            pause = next
          })
          .catch((error: unknown) =>
            logger.error({ err: error }, 'results could not be dropped; the next round tries again'),
          )
          .finally(() => {
            this.#collecting = undefined
            this.#collectAfter(pause)
          })
      },
      'look',
    )
  }

  /** Resolves to the pause until the next round. */
  async #collect(): Promise<number> {
    const { store, commits, clock, name: by } = this.#parts
    let count = 0
    for (;;) {
      const { pids, next, any } = await store.dueResults(BATCH)
      this.#any = any
      const outcomes = await commits.writeAll(pids.map((pid) => ({ kind: 'drop', pid, by })))
      count += outcomes.filter((outcome) => outcome.status === 'done' && outcome.applied === true).length
      if (this.#stopped || pids.length < BATCH) {
        if (count > 0) while (!this.#stopped && (await store.reclaim())) await endOfTurn()
        const pause = Math.min(
          any ? BUSY_INTERVAL : IDLE_INTERVAL,
          (next ?? Number.POSITIVE_INFINITY) - clock.now(),
        )
        return Math.max(SHORTEST_PAUSE, pause)
      }
      await endOfTurn()
    }
  }
}
