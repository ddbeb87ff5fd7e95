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
/** How many writes of earlier commits the queue may hold before it is compacted. */
const LONGEST_GAP = 10_000
/** How often to try a write whose caller can handle the failure. */
const ATTEMPTS = 3

/** A commit of its own for one write of a process. */
interface Apart {
  readonly kind: 'apart'
  readonly pid: string
  readonly commit: () => Promise<Outcome>
}

interface Pending<W extends Write | Apart = Write | Apart> {
  readonly write: W
  /** Whether the next write has to be in the same commit. */
  readonly joined: boolean
  readonly answered: (outcome: Outcome) => void
  readonly failed: (error: unknown) => void
  failures: number
}

/**
 * Group commit: one commit is in flight, and the writes that arrive meanwhile form the next one. A
 * commit has at most one write of each process, so a store may apply its writes in any order. A
 * second write of a process waits for the next commit.
 *
 * A rejected commit may have been applied anyway, if only its answer was lost. The same writes are
 * therefore tried again; the store answers `done` to a write that it already has (C4). A request by
 * a caller fails after a few attempts. A write of a running process is tried for as long as the
 * engine is open.
 */
export class GroupCommit {
  readonly #store: Control
  readonly #logger: Logger
  /**
   * The writes of the next commits, from `#first` on: at most one of each process, unless they have to be in one
   * commit.
   */
  #queue: Pending[] = []
  #first = 0
  /** The processes that have a write in the queue. */
  readonly #queued = new Set<string>()
  /** By process, the writes that have to wait until its write has left the queue, each with those of its commit. */
  readonly #later = new Map<string, (readonly Pending[])[]>()
  /** The writes of a commit that failed, which are the next commit. */
  #again: readonly Pending<Write>[] = []
  /** How many commits of their own are in flight. */
  #apart = 0
  #busy = false
  #closed = false
  readonly #idle: (() => void)[] = []
  readonly #endPauses = new Set<() => void>()

  constructor(store: Control, logger: Logger) {
    this.#store = store
    this.#logger = logger
  }

  /** Resolves when the store has answered this write. */
  write(write: Write): Promise<Outcome> {
    return new Promise((answered, failed) => this.send(write, answered, failed))
  }

  /** Callback form of `write`; avoids a promise on the hot path. Callbacks must not throw. */
  send(write: Write, answered: (outcome: Outcome) => void, failed: (error: unknown) => void): void {
    this.#push([{ write, joined: false, answered, failed, failures: 0 }])
  }

  /** Puts several writes into one commit: all of them are stored or none, except those that the store refuses. */
  writeAll(writes: readonly Write[]): Promise<readonly Outcome[]> {
    const group: Pending[] = []
    const outcomes = writes.map((write, index) => {
      const joined = index < writes.length - 1
      return new Promise<Outcome>((answered, failed) =>
        group.push({ write, joined, answered, failed, failures: 0 }),
      )
    })
    this.#push(group)
    return Promise.all(outcomes)
  }

  /**
   * Makes a commit of its own for one write of a process, after the writes of the process before it and
   * before the later ones. The commits of other processes do not wait for it. It is tried again as others
   * are.
   */
  writeApart(pid: string, commit: () => Promise<Outcome>): Promise<Outcome> {
    return new Promise((answered, failed) =>
      this.#push([{ write: { kind: 'apart', pid, commit }, joined: false, answered, failed, failures: 0 }]),
    )
  }

  /** Adds writes that must be in one commit. */
  #push(group: readonly Pending[]): void {
    if (this.#closed) {
      for (const { failed } of group)
        failed(new ClosedError('nothing can be written any more: it was closed'))
      return
    }
    this.#enqueue(group)
    this.#begin()
  }

  #begin(): void {
    if (this.#busy) return
    this.#busy = true
    // After the callbacks of this turn, so that all their writes share one commit.
    void endOfTurn().then(() => this.#run())
  }

  /** Commits the queued writes, with one more attempt after a failure. Later writes fail with `ClosedError`. */
  async close(): Promise<void> {
    this.#closed = true
    for (const endPause of this.#endPauses) endPause()
    if (this.#busy || this.#apart > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  async #run(): Promise<void> {
    while (this.#first < this.#queue.length || this.#again.length > 0) {
      const batch = this.#nextBatch()
      if (batch.length === 0) continue
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
    this.#resolveIdle()
  }

  #enqueue(group: readonly Pending[]): void {
    const before = group.find(({ write }) => this.#queued.has(write.pid))
    if (before !== undefined) {
      const { pid } = before.write
      const waiting = this.#later.get(pid)
      if (waiting === undefined) this.#later.set(pid, [group])
      else waiting.push(group)
      return
    }
    for (const pending of group) {
      this.#queued.add(pending.write.pid)
      this.#queue.push(pending)
    }
  }

  /** Takes the next writes from the queue, and begins the commits of their own among them. */
  #nextBatch(): readonly Pending<Write>[] {
    if (this.#again.length > 0) {
      const again = this.#again
      this.#again = []
      return again
    }
    let end = Math.min(this.#first + LARGEST_BATCH, this.#queue.length)
    while (this.#queue[end - 1]?.joined === true) end++
    const batch = this.#queue.slice(this.#first, end)
    this.#first = end
    // Compacted only now and then, since the time for that grows with the queue.
    if (this.#first >= LONGEST_GAP || this.#first * 2 >= this.#queue.length) {
      this.#queue = this.#queue.slice(this.#first)
      this.#first = 0
    }
    const together: Pending<Write>[] = []
    for (const pending of batch)
      if (isApart(pending)) void this.#commitApart(pending)
      else together.push(pending as Pending<Write>)
    for (const { write } of together) this.#queued.delete(write.pid)
    if (this.#later.size > 0) for (const { write } of together) this.#enqueueNext(write.pid)
    return together
  }

  async #commitApart(pending: Pending<Apart>): Promise<void> {
    const { pid, commit } = pending.write
    this.#apart++
    for (let isAnswered = false; !isAnswered;) {
      try {
        pending.answered(await commit())
        isAnswered = true
      } catch (error) {
        isAnswered = this.#hasFailed(pending, error)
        if (!isAnswered) await this.#pauseAfter([pending], error)
      }
    }
    this.#apart--
    this.#queued.delete(pid)
    this.#enqueueNext(pid)
    if (this.#first < this.#queue.length) this.#begin()
    else this.#resolveIdle()
  }

  #resolveIdle(): void {
    if (this.#busy || this.#apart > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** The write of a process has left the queue, so those that waited for that may follow. */
  #enqueueNext(pid: string): void {
    const waiting = this.#later.get(pid)
    const next = waiting?.shift()
    if (waiting?.length === 0) this.#later.delete(pid)
    if (next !== undefined) this.#enqueue(next)
  }

  async #failed(batch: readonly Pending<Write>[], error: unknown): Promise<void> {
    const again = batch.filter((pending) => !this.#hasFailed(pending, error))
    if (again.length === 0) return
    this.#again = again
    await this.#pauseAfter(again, error)
  }

  /** A commit has failed. Rejects the write if that was its last attempt. */
  #hasFailed(pending: Pending, error: unknown): boolean {
    pending.failures++
    const last = this.#closed
      ? pending.failures > 1
      : pending.failures >= ATTEMPTS && isByCaller(pending.write)
    if (last) pending.failed(error)
    return last
  }

  async #pauseAfter(again: readonly Pending[], error: unknown): Promise<void> {
    const failures = Math.max(...again.map((pending) => pending.failures))
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (failures - 1))
    this.#logger.warn({ err: error, writes: again.length, pause }, 'a commit failed and is tried again')
    if (this.#closed) return
    await new Promise<void>((resolve) => {
      // Real time, even if the clock is simulated: this waits for a disk.
      const end = (): void => {
        clearTimeout(timer)
        this.#endPauses.delete(end)
        resolve()
      }
      const timer = setTimeout(end, pause)
      this.#endPauses.add(end)
    })
  }
}

function isApart(pending: Pending): pending is Pending<Apart> {
  return pending.write.kind === 'apart'
}

function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Whether a caller outside a process waits for this write and can handle its failure. */
function isByCaller(write: Write | Apart): boolean {
  if (write.kind === 'apart') return false
  // What a step launches is part of what its process does: a disk that is full for a while must not fail it.
  if (write.kind === 'create' && write.parentFence !== null) return false
  if (write.kind === 'complete' && write.parentFence !== null) return false
  return CALLERS.has(write.kind)
}

const CALLERS: ReadonlySet<Write['kind']> = new Set([
  'create',
  'complete',
  'request',
  'edit',
  'event',
  'resume',
  'signal',
  'enforce',
  'prune',
  'retain',
  'unretain',
  'purge',
  'drop',
])
