import type { ClassRegistry } from '../bundle/loader.ts'
import type { GroupCommit } from '../client/write/group-commit.ts'
import { LARGEST_READ, type Control, type ListFilter } from '../persistence/contract/control.ts'
import { definitionOf } from '../process/definition/process-definition.ts'
import { methodsOf, type ActorClasses } from '../process/actor/actor-class.ts'
import { callName } from '../process/actor-call.ts'
import { prunePolicy, type PrunePolicy } from '../spec/prune-policy.ts'
import { concrete } from '../process/host/construction.ts'
import type { AnyProcessClass } from '../process/host/process-object.ts'
import { TERMINAL_STATES } from '../process/state/machine.ts'
import type { Clock } from '../shared/clock.ts'
import type { Logger } from '../shared/logger.ts'
import { endOfTurn } from '../shared/timers.ts'

/**
 * Milliseconds from the opening of the engine to the first sweep, and from one sweep to the next. The
 * interval doubles while a sweep finds mostly what may not be deleted yet.
 */
const FIRST_SWEEP = 1_000
const SHORTEST_INTERVAL = 60_000
const LONGEST_INTERVAL = 3_600_000
/** The most processes that one commit deletes, so that it does not hold up others. */
const BATCH = 100

export interface PrunerParts {
  readonly store: Control
  readonly commits: GroupCommit
  readonly classes: ClassRegistry<AnyProcessClass>
  readonly actors: ActorClasses
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Deletes the ended processes of the engine's classes, by the policy that a class declares or else
 * by that of the engine.
 *
 * The store refuses to delete what a living process needs. A later sweep deletes it. Several
 * engines may sweep one store: a process that another engine deleted is skipped.
 */
export class Pruner {
  readonly #parts: PrunerParts
  readonly #policy: PrunePolicy | undefined
  #cancel: (() => void) | undefined
  #interval = SHORTEST_INTERVAL
  #sweeping: Promise<void> | undefined
  #stopped = false

  /** `policy` is that of the classes that declare none. */
  constructor(parts: PrunerParts, policy: PrunePolicy | undefined) {
    this.#parts = parts
    this.#policy = policy
  }

  start(): void {
    this.#sweepAfter(FIRST_SWEEP)
  }

  /** Resolves when the batch under way is written. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancel?.()
    await this.#sweeping
  }

  #sweepAfter(delay: number): void {
    const { clock, logger } = this.#parts
    if (this.#stopped) return
    this.#cancel = clock.after(
      delay,
      () => {
        this.#sweeping = this.#sweep()
          .catch((error: unknown) =>
            logger.error({ err: error }, 'ended processes could not be deleted; the next sweep tries again'),
          )
          .finally(() => this.#sweepAfter(this.#interval))
      },
      'look',
    )
  }

  async #sweep(): Promise<void> {
    const { store, clock } = this.#parts
    const count: Count = { deleted: 0, refused: 0 }
    for (const [className, { after, keep }] of this.#policies()) {
      if (after !== undefined) await this.#delete({ className, endedBefore: clock.now() - after }, 0, count)
      if (keep !== undefined) await this.#delete({ className }, keep, count)
    }
    this.#interval =
      count.refused > count.deleted ? Math.min(LONGEST_INTERVAL, 2 * this.#interval) : SHORTEST_INTERVAL
    if (count.deleted === 0) return
    while (!this.#stopped && (await store.reclaim())) await endOfTurn()
  }

  /** The policy for each class, and for the calls of each actor class. */
  *#policies(): Iterable<readonly [className: string, policy: Partial<PrunePolicy>]> {
    const { classes, actors } = this.#parts
    for (const [className, processClass] of classes)
      yield [className, definitionOf(concrete(processClass)).prune ?? this.#policy ?? {}]
    for (const [className, actorClass] of actors) {
      const policy = actorClass.prune === undefined ? this.#policy : prunePolicy(actorClass.prune)
      for (const method of methodsOf(actorClass)) yield [callName(className, method), policy ?? {}]
      yield [className, policy ?? {}]
    }
  }

  /** Deletes the ended processes that match, newest first, except the first `keep` of them. */
  async #delete(filter: ListFilter, keep: number, count: Count): Promise<void> {
    const { store, commits } = this.#parts
    let kept = 0
    let after: string | undefined
    do {
      const limit = kept < keep ? Math.min(LARGEST_READ, keep - kept) : BATCH
      const page = await store.list({ ...filter, state: TERMINAL_STATES, limit, after })
      after = page.next
      if (kept < keep) {
        kept += page.rows.length
        continue
      }
      const outcomes = await commits.writeAll(page.rows.map(({ pid }) => ({ kind: 'prune', pid })))
      const deleted = outcomes.filter(({ status }) => status === 'done').length
      count.deleted += deleted
      count.refused += outcomes.length - deleted
      await endOfTurn()
    } while (after !== undefined && !this.#stopped)
  }
}

interface Count {
  deleted: number
  refused: number
}
