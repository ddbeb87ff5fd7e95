import type { Control } from '../../persistence/contract/control.ts'
import type { Outcome } from '../../persistence/contract/outcomes.ts'
import type { Write } from '../../persistence/contract/writes.ts'
import { ClosedError } from '../../shared/errors.ts'
import type { Logger } from '../../shared/logger.ts'
import { clearTimeout, setImmediate, setTimeout } from '../../shared/timers.ts'
import { WriteQueue } from './write-queue.ts'

/** First pause before a failed commit is tried again, and the longest, in milliseconds. */
const FIRST_PAUSE = 20
const LONGEST_PAUSE = 5_000
/** The most writes in one commit, so that a commit does not block the event loop for long. */
const LARGEST_BATCH = 1_000
/** The fewest writes that are worth a commit which overlaps another. */
const SMALLEST_SHARE = 16
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
 * Group commit: the writes that arrive while a commit is in flight form the next one. A commit has at
 * most one write of each process, so a store may apply its writes in any order. A second write of a
 * process waits until the first is answered.
 *
 * Several commits may be in flight over a store that allows it (`Control.commitsAtOnce`). All but one
 * of them have only what running processes have done, whose order concerns no other process. Launches,
 * signals and calls keep their order.
 *
 * A rejected commit may have been applied anyway, if only its answer was lost. The same writes are
 * therefore tried again; the store answers `done` to a write that it already has (C4). A request by
 * a caller fails after a few attempts. A write of a running process is tried for as long as the
 * engine is open.
 */
export class GroupCommit {
  readonly #store: Control
  readonly #logger: Logger
  /** The writes of the next commits: at most one of each process, unless they have to be in one commit. */
  readonly #inOrder = new WriteQueue<Pending>()
  /** Those of them that may overtake others. */
  readonly #inAnyOrder = new WriteQueue<Pending>()
  /** The processes that have a write in a queue or in flight. */
  readonly #busy = new Set<string>()
  /** By process, the writes that have to wait until its write is answered, each with those of its commit. */
  readonly #later = new Map<string, (readonly Pending[])[]>()
  /** How many loops make commits, one after the other. */
  #lanes = 0
  /** How many commits are in flight, not counting those of their own. */
  #inFlight = 0
  /** Whether one of them has writes in their order. */
  #isInOrder = false
  /** How many commits of their own are in flight. */
  #apart = 0
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
    if (this.#lanes >= this.#mostLanes) return
    this.#lanes++
    // After the callbacks of this turn, so that all their writes share one commit.
    void endOfTurn().then(() => this.#run())
  }

  get #mostLanes(): number {
    return this.#store.commitsAtOnce ?? 1
  }

  /** Commits the queued writes, with one more attempt after a failure. Later writes fail with `ClosedError`. */
  async close(): Promise<void> {
    this.#closed = true
    for (const endPause of this.#endPauses) endPause()
    if (this.#lanes > 0 || this.#apart > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  /** Makes commits until nothing is left that may be committed now. */
  async #run(): Promise<void> {
    for (;;) {
      const inOrder = this.#isInOrder ? 0 : this.#inOrder.size
      const share = this.#share()
      if (inOrder + share === 0) break
      const free = this.#inAnyOrder.take(share)
      const ordered = inOrder === 0 ? [] : this.#inOrder.take(LARGEST_BATCH - free.length)
      const batch = withoutApart([...ordered, ...free], (pending) => void this.#commitApart(pending))
      if (batch.length === 0) continue
      const isInOrder = ordered.some((pending) => !isApart(pending))
      if (isInOrder) this.#isInOrder = true
      this.#inFlight++
      await this.#commit(batch)
      this.#inFlight--
      if (isInOrder) this.#isInOrder = false
      // The callbacks of this commit are the writers of the next.
      await endOfTurn()
    }
    this.#lanes--
    this.#resolveIdle()
  }

  /** How many of the writes in any order are committed together: half of many, so that commits overlap. */
  #share(): number {
    const { size } = this.#inAnyOrder
    const isDivided = this.#mostLanes > 1 && this.#inFlight === 0 && size >= 2 * SMALLEST_SHARE
    if (isDivided) this.#begin()
    return Math.min(isDivided ? Math.ceil(size / 2) : size, LARGEST_BATCH)
  }

  #enqueue(group: readonly Pending[]): void {
    const before = group.find(({ write }) => this.#busy.has(write.pid))
    if (before !== undefined) {
      const { pid } = before.write
      const waiting = this.#later.get(pid)
      if (waiting === undefined) this.#later.set(pid, [group])
      else waiting.push(group)
      return
    }
    const queue = group.every(({ write }) => IN_ANY_ORDER.has(write.kind)) ? this.#inAnyOrder : this.#inOrder
    for (const pending of group) {
      this.#busy.add(pending.write.pid)
      queue.push(pending)
    }
  }

  /** Commits these writes, and again those that are tried again, until all are answered or have failed. */
  async #commit(batch: readonly Pending<Write>[]): Promise<void> {
    for (let left = batch; left.length > 0;) {
      try {
        const outcomes = await this.#store.commit(left.map(({ write }) => write))
        this.#release(left)
        left.forEach(({ answered }, index) => answered(outcomes[index] as Outcome))
        return
      } catch (error) {
        const again = left.filter((pending) => !this.#hasFailed(pending, error))
        this.#release(left.filter((pending) => !again.includes(pending)))
        left = again
        if (left.length > 0) await this.#pauseAfter(left, error)
      }
    }
  }

  /** The writes are over, so those that waited for that may follow. */
  #release(over: readonly Pending[]): void {
    for (const { write } of over) this.#busy.delete(write.pid)
    if (this.#later.size > 0) for (const { write } of over) this.#enqueueNext(write.pid)
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
    this.#busy.delete(pid)
    this.#enqueueNext(pid)
    if (this.#inOrder.size + this.#inAnyOrder.size > 0) this.#begin()
    this.#resolveIdle()
  }

  #resolveIdle(): void {
    if (this.#lanes > 0 || this.#apart > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  #enqueueNext(pid: string): void {
    const waiting = this.#later.get(pid)
    const next = waiting?.shift()
    if (waiting?.length === 0) this.#later.delete(pid)
    if (next !== undefined) this.#enqueue(next)
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

/** Hands each commit of its own to `begin`, and returns the other writes. */
function withoutApart(
  batch: readonly Pending[],
  begin: (pending: Pending<Apart>) => void,
): readonly Pending<Write>[] {
  const together: Pending<Write>[] = []
  for (const pending of batch)
    if (isApart(pending)) begin(pending)
    else together.push(pending as Pending<Write>)
  return together
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

/** What running processes write of themselves, and commits of their own. */
const IN_ANY_ORDER: ReadonlySet<(Write | Apart)['kind']> = new Set(['advance', 'record', 'apart'])

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
