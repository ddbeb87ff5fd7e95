import type { Control } from '../../persistence/contract/control.ts'
import type { Outcome } from '../../persistence/contract/outcomes.ts'
import type { Write } from '../../persistence/contract/writes.ts'
import { ClosedError } from '../../shared/errors.ts'
import type { Logger } from '../../shared/logger.ts'
import { clearTimeout, setImmediate, setTimeout } from '../../shared/timers.ts'

/** First pause before a failed commit is tried again, and the longest, in milliseconds. */
const FIRST_PAUSE = 20
const LONGEST_PAUSE = 5_000
/** The most writes in one commit, so that a commit does not block the event loop for long. */
const LARGEST_BATCH = 1_000
/** The writes of earlier commits that the queue may hold before it is moved up. */
const LONGEST_GAP = 10_000
/** How often a write is tried whose caller can handle the failure. */
const ATTEMPTS = 3

interface Pending {
  readonly write: Write
  /** Whether the next write has to be in the same commit. */
  readonly joined: boolean
  readonly answered: (outcome: Outcome) => void
  readonly failed: (error: unknown) => void
  failures: number
}

/**
 * Group commit: one commit is in flight, and the writes that arrive meanwhile form the next one.
 *
 * A rejected commit may have been applied all the same, if only its answer was lost. The same writes are
 * therefore tried again; the store answers `done` to a write that it already has (C4). A request by a
 * caller fails after a few attempts. A write of a running process is tried for as long as the engine is
 * open.
 */
export class GroupCommit {
  readonly #store: Control
  readonly #logger: Logger
  /** The writes to commit, from `#first` on. */
  #queue: Pending[] = []
  #first = 0
  #busy = false
  #closed = false
  readonly #idle: (() => void)[] = []
  #wakeFromPause: (() => void) | undefined

  constructor(store: Control, logger: Logger) {
    this.#store = store
    this.#logger = logger
  }

  /** Resolves when the store has answered this write. */
  write(write: Write): Promise<Outcome> {
    return new Promise((answered, failed) => this.#push(write, false, answered, failed))
  }

  /** Callback form of `write`; avoids a promise on the hot path. Callbacks must not throw. */
  send(write: Write, answered: (outcome: Outcome) => void, failed: (error: unknown) => void): void {
    this.#push(write, false, answered, failed)
  }

  /** Puts several writes into one commit: all of them are stored or none, except those that the store refuses. */
  writeAll(writes: readonly Write[]): Promise<readonly Outcome[]> {
    return Promise.all(
      writes.map((write, index) => {
        const joined = index < writes.length - 1
        return new Promise<Outcome>((answered, failed) => this.#push(write, joined, answered, failed))
      }),
    )
  }

  #push(write: Write, joined: boolean, answered: Pending['answered'], failed: Pending['failed']): void {
    if (this.#closed) {
      failed(new ClosedError('nothing can be written any more: it was closed'))
      return
    }
    this.#queue.push({ write, joined, answered, failed, failures: 0 })
    if (this.#busy) return
    this.#busy = true
    // After the callbacks of this turn, so that all their writes share one commit.
    void endOfTurn().then(() => this.#run())
  }

  /** Commits the queued writes, with one more attempt after a failure. Later writes fail with `ClosedError`. */
  async close(): Promise<void> {
    this.#closed = true
    this.#wakeFromPause?.()
    if (this.#busy) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  async #run(): Promise<void> {
    while (this.#first < this.#queue.length) {
      const batch = this.#nextBatch()
      try {
        const outcomes = await this.#store.commit(batch.map(({ write }) => write))
        batch.forEach(({ answered }, index) => answered(outcomes[index] as Outcome))
        // The callbacks of this commit are the writers of the next.
        await endOfTurn()
      } catch (error) {
        await this.#failed(batch, error)
      }
    }
    this.#busy = false
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  #nextBatch(): readonly Pending[] {
    let end = Math.min(this.#first + LARGEST_BATCH, this.#queue.length)
    while (this.#queue[end - 1]?.joined === true) end++
    const batch = this.#queue.slice(this.#first, end)
    this.#first = end
    // Moved up now and then only, since that takes as long as the queue is.
    if (this.#first >= LONGEST_GAP || this.#first * 2 >= this.#queue.length) {
      this.#queue = this.#queue.slice(this.#first)
      this.#first = 0
    }
    return batch
  }

  async #failed(batch: readonly Pending[], error: unknown): Promise<void> {
    const again = batch.filter((pending) => {
      pending.failures++
      const last = this.#closed
        ? pending.failures > 1
        : pending.failures >= ATTEMPTS && isByCaller(pending.write)
      if (last) pending.failed(error)
      return !last
    })
    if (again.length === 0) return
    this.#queue = [...again, ...this.#queue.slice(this.#first)]
    this.#first = 0
    const failures = Math.max(...again.map((pending) => pending.failures))
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (failures - 1))
    this.#logger.warn({ err: error, writes: again.length, pause }, 'a commit failed and is tried again')
    if (this.#closed) return
    await new Promise<void>((resolve) => {
      // Real time, even if the clock is simulated: this waits for a disk.
      const timer = setTimeout(resolve, pause)
      this.#wakeFromPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Whether a caller outside a process waits for this write and can handle its failure. */
function isByCaller(write: Write): boolean {
  // What a step launches is part of what its process does: a disk that is full for a while must not fail it.
  if (write.kind === 'create' && write.parentFence !== null) return false
  return CALLERS.has(write.kind)
}

const CALLERS: ReadonlySet<Write['kind']> = new Set([
  'create',
  'request',
  'edit',
  'resume',
  'signal',
  'enforce',
  'prune',
])
