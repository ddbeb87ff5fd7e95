import { Bundle } from '../bundle/bundle.ts'
import { encodeEvent } from '../persistence/contract/event-codec.ts'
import type { Done } from '../persistence/contract/outcomes.ts'
import type { Came, Transaction } from '../process/host/transaction.ts'
import type { StepWait } from '../process/state/transition.ts'
import type { RecordEntry } from '../process/host/host.ts'
import type { EngineParts } from './engine-parts.ts'
import type { ExecutionControl } from './execution-control.ts'
import { evicted, claimLost, unsavable } from './stop-reasons.ts'
import type { PendingWait, Execution } from './execution.ts'
import { contentOf, type RecordContent } from './record-content.ts'
import { RecordSender } from './record-sender.ts'
import type { Scheduler } from './scheduler.ts'
import { TransactionAttempt } from './transaction-attempt.ts'
import { SpecError } from '../shared/errors.ts'
import { setImmediate } from '../shared/timers.ts'
import { UnstoredReports } from './unstored-reports.ts'

/** The most characters of output that wait in memory to be stored. */
const LARGEST_UNSTORED = 64_000

const NOTHING = { parts: {}, consumes: null, history: [] } as const satisfies RecordContent

/**
 * Writes the record of a running step: its named operations (C6), and whether it only waits.
 *
 * 1. Each write carries the claim's fence and a count of its own (C4). The writes are made in
 *    order.
 * 2. The wait in the row is for people and for the next engine that runs the process. It is
 *    therefore written once at the end of a turn of the event loop, for all that happened in that
 *    turn, and the step does not wait for the write.
 * 3. A status and the reports of the process are written with its next write. If there is none
 *    within a second, they get a write of their own.
 * 4. Nothing is written once the commit that ends the step has begun.
 */
export class StepJournalWriter {
  readonly #parts: EngineParts
  readonly #scheduler: Scheduler
  readonly #control: ExecutionControl
  readonly #sender: RecordSender
  readonly #unstored: UnstoredReports

  constructor(parts: EngineParts, scheduler: Scheduler, control: ExecutionControl) {
    this.#parts = parts
    this.#scheduler = scheduler
    this.#control = control
    this.#sender = new RecordSender(scheduler, control)
    this.#unstored = new UnstoredReports(parts.clock, (execution) => this.#writeReport(execution))
  }

  async record(execution: Execution, entry: RecordEntry): Promise<void> {
    const content = contentOf(entry)
    await (stopsWaiting(execution) ? this.#showRunning(execution, content) : this.#write(execution, content))
    Object.assign((execution.recorded ??= {}), content.parts)
  }

  /** See `Host.transaction`. */
  async transaction(
    execution: Execution,
    act: (tx: Transaction) => unknown,
    entryOf: (value: unknown) => RecordEntry,
  ): Promise<Came> {
    const { transactions } = this.#parts.store
    if (transactions === undefined)
      throw new SpecError(
        'the store of this engine has no transactions: open one on an SQLite file or on Postgres',
      )
    if (stopsWaiting(execution)) await this.#showRunning(execution)
    const { seq } = execution
    for (;;) {
      const attempt = new TransactionAttempt(act, entryOf)
      const begun = await attempt.begin(transactions)
      const done =
        begun === undefined
          ? undefined
          : await this.#sender.send(execution, seq, false, (head) =>
              this.#parts.commits.writeApart(head.pid, () => begun({ ...head, seq })),
            )
      const { came, content } = attempt
      if (attempt.unsavable !== undefined) throw attempt.unsavable.error
      if (came !== undefined && 'error' in came) return came
      // Its transaction was lost, or the store did not take it.
      if (came === undefined || done === undefined) continue
      if (done.status === 'refused') throw unsavable(done.error)
      Object.assign((execution.recorded ??= {}), content?.parts)
      return came
    }
  }

  /** Stores the process under a tag: as it was saved last, with the step's records since then. */
  async checkpoint(execution: Execution, tag: string): Promise<void> {
    const { saved } = execution
    if (saved === undefined) throw claimLost(execution.process.pid)
    const { text } = Bundle.fromParts(
      { ...saved.head, seq: execution.seq },
      { ...saved.parts, ...execution.recorded },
    )
    await this.#write(execution, {
      ...NOTHING,
      checkpoint: { tag, text },
      history: [encodeEvent('checkpoint', { tag })],
    })
  }

  /** The step has set the status of its process. */
  status(execution: Execution, status: string | undefined): void {
    execution.status = status ?? null
    this.#unstored.add(execution)
  }

  /** The process has printed something, added an event or reported its progress. */
  reported(execution: Execution): void {
    this.#unstored.add(execution)
    // A large report is written soon, so that it does not stay in memory. Before the first commit
    // it has to wait.
    const isMuch = (execution.process.reports?.pending ?? 0) >= LARGEST_UNSTORED
    if (!isMuch || execution.reportScheduled) return
    execution.reportScheduled = true
    setImmediate(() => {
      execution.reportScheduled = false
      this.#writeReport(execution)
    })
  }

  /** Stops the timer of reports. */
  close(): void {
    this.#unstored.close()
  }

  #writeReport(execution: Execution): void {
    const { lost, over, released, process, fence } = execution
    // A process that is paused in its step writes nothing before it is played.
    if (lost || over || released || process.paused) return
    // The commit in flight does not have it, and before the first one there is no row to write to.
    if (execution.isCommitting || fence === undefined || execution.claimPending) {
      this.#unstored.add(execution)
      return
    }
    this.#write(execution, NOTHING).catch((error: unknown) =>
      this.#report(execution, error, 'the output or status of a process could not be written down'),
    )
  }

  /** Writes the deadline of the process into the row. */
  deadline(execution: Execution, time: number): void {
    this.#write(execution, { ...NOTHING, deadline: time }).catch((error: unknown) =>
      this.#report(execution, error, 'the store could not record the deadline of a process'),
    )
  }

  suspend(execution: Execution, wait: StepWait): () => void {
    // A new object for each call, since the same wait may be given again while it is pending.
    const token: PendingWait = { ...wait, pids: new Set(wait.for.on) }
    const waits = (execution.waits ??= new Set())
    waits.add(token)
    execution.lastWait = token
    this.#scheduler.lendSlot(execution)
    this.#show(execution)
    this.#control.stopIfDraining(execution)
    return () => {
      if (waits.delete(token)) this.#goOnIfReady(execution)
    }
  }

  /** See `Host.goOn`. */
  goOn(execution: Execution, does: boolean): Promise<void> | undefined {
    const shows = execution.shownWait !== undefined || execution.goingOn !== undefined
    // Even if the row never showed the wait, the slot was lent, and a suspect may have taken it
    // (C11).
    const joins =
      this.#scheduler.suspectClaim !== undefined || this.#scheduler.suspectBeside(execution) !== undefined
    if (!joins && (!shows || (!does && waits(execution)))) return undefined
    return execution.goingOn ?? this.#showRunning(execution)
  }

  /**
   * While the step checks whether its wait is over, the row still shows the wait. The write of the
   * result then shows the step as running.
   */
  async whileReading<T>(execution: Execution, read: Promise<T>): Promise<T> {
    execution.reads++
    try {
      return await read
    } finally {
      execution.reads--
      if (stopsWaiting(execution)) this.#show(execution)
    }
  }

  /**
   * Call it when the process was played. Sends the held writes again, and lets the step continue if
   * its wait ended during the pause.
   */
  played(execution: Execution): void {
    execution.retryHeldWrites()
    this.#goOnIfReady(execution)
    // The timer has passed over the paused process.
    if (execution.status !== undefined || execution.process.reports?.isEmpty === false)
      this.#unstored.add(execution)
  }

  /**
   * The process is paused inside its step. It gives its slot to others, and does not hold up a
   * close.
   */
  heldBack(execution: Execution): void {
    this.#scheduler.lendSlot(execution)
    this.#control.stopIfDraining(execution)
  }

  evict(execution: Execution, wait: StepWait): void {
    this.#scheduler.lendSlot(execution)
    this.#evict(execution, wait).catch((error: unknown) => this.#report(execution, error))
  }

  /** The step has ended, or its commit has begun. Discards the waits that are still pending. */
  stepEnded(execution: Execution): void {
    execution.waits?.clear()
    execution.waits = undefined
    execution.lastWait = undefined
    execution.shownWait = undefined
    execution.status = undefined
    this.#unstored.remove(execution)
    this.#scheduler.reclaimSlot(execution)
  }

  async #evict(execution: Execution, wait: StepWait): Promise<void> {
    const outcome = await this.#write(
      execution,
      {
        ...NOTHING,
        waits: { message: wait.message, for: wait.for },
        evicts: true,
        // The entry is written even if the row shows this wait already, because other engines learn
        // from it when the process is ready (C8).
        history: [encodeEvent('waiting', { message: wait.message })],
      },
      // A kill does not wait for this step, which can't end because its promise never settles.
      true,
    )
    if (outcome.released !== true) return
    execution.released = true
    this.#control.stop(execution, evicted(execution.process.pid))
  }

  /**
   * Gives the step its slot back if it waits for nothing more and the process is not paused, and
   * updates the row.
   */
  #goOnIfReady(execution: Execution): void {
    if (execution.waits?.size === 0) {
      if (execution.process.paused) return
      this.#scheduler.reclaimSlot(execution)
    }
    this.#show(execution)
  }

  #show(execution: Execution): void {
    if (execution.showScheduled) return
    execution.showScheduled = true
    setImmediate(() => {
      execution.showScheduled = false
      const write = this.#rowUpdate(execution)
      if (write !== undefined)
        this.#write(execution, write).catch((error: unknown) => this.#report(execution, error))
    })
  }

  /**
   * The write that makes the row show what the step waits for; undefined if the row already shows
   * it.
   */
  #rowUpdate(execution: Execution): RecordContent | undefined {
    if (
      execution.lost ||
      execution.over ||
      execution.isCommitting ||
      execution.released ||
      execution.goingOn !== undefined
    )
      return undefined
    const { waits, lastWait } = execution
    const [first] = waits ?? []
    if (waits === undefined || first === undefined) {
      if (execution.process.paused) return this.#pausedWait(execution)
      if (execution.shownWait !== undefined && execution.reads === 0)
        this.#showRunning(execution).catch((error: unknown) => this.#report(execution, error))
      return undefined
    }
    const shown = lastWait !== undefined && waits.has(lastWait) ? lastWait : first
    const others = shown !== first && !first.for.on.some((pid) => shown.pids.has(pid))
    const message = others ? `${shown.message}, and others` : shown.message
    if (execution.shownWait === message) return undefined
    return this.#waitingContent(execution, message, shown.for)
  }

  /**
   * Writes `content`, and sets the row to `running`. If a suspect was claimed while the slot was
   * lent, the same write clears its `alone` flag (C11). If such a claim is in flight, waits for its
   * answer first.
   */
  #showRunning(execution: Execution, content: RecordContent = NOTHING): Promise<void> {
    const left = (): void => {
      execution.goingOn = undefined
    }
    const claimed = this.#scheduler.suspectClaim
    const written =
      claimed === undefined
        ? this.#writeRunning(execution, content)
        : this.#writeRunningAfter(claimed, execution, content)
    execution.goingOn = written.then(() => {
      left()
      execution.shownWait = undefined
      // The step may still wait for something else.
      if (waits(execution)) this.#show(execution)
    })
    execution.goingOn.catch(left)
    return execution.goingOn
  }

  async #writeRunningAfter(
    claimed: Promise<void>,
    execution: Execution,
    content: RecordContent,
  ): Promise<void> {
    const { seq } = execution
    await claimed
    // The step has ended meanwhile, so nothing more is written for it.
    if (execution.isCommitting || execution.seq !== seq) throw claimLost(execution.process.pid)
    await this.#writeRunning(execution, content)
  }

  async #writeRunning(execution: Execution, content: RecordContent): Promise<void> {
    const beside = this.#scheduler.suspectBeside(execution)
    const shows = execution.shownWait !== undefined
    if (beside === undefined && !shows && content === NOTHING) return
    const history = shows
      ? [...content.history, encodeEvent('running', { step: execution.step ?? undefined })]
      : content.history
    await this.#write(execution, {
      ...content,
      waits: null,
      history,
      ...(beside !== undefined && { beside }),
    })
    if (beside !== undefined) this.#scheduler.markAccompanied(beside)
  }

  /**
   * For a paused step whose wait ended before the row was updated. The row must show the wait,
   * because the pause is shown as a pause of that wait.
   */
  #pausedWait(execution: Execution): RecordContent | undefined {
    const { shownWait, lastWait } = execution
    if (shownWait !== undefined || lastWait === undefined) return undefined
    return this.#waitingContent(execution, lastWait.message, lastWait.for)
  }

  #waitingContent(execution: Execution, message: string, conditions: StepWait['for']): RecordContent {
    execution.shownWait = message
    return {
      ...NOTHING,
      waits: { message, for: conditions },
      history: [encodeEvent('waiting', { message })],
    }
  }

  async #write(execution: Execution, content: RecordContent, force = false): Promise<Done> {
    const { seq } = execution
    const { taken, ...unstored } = this.#unstored.take(execution)
    const write = taken === undefined && unstored.status === undefined ? content : { ...content, ...unstored }
    for (;;) {
      const outcome = await this.#sender.send(execution, seq, force, (head) =>
        this.#parts.commits.write({ ...head, ...write }),
      )
      if (outcome?.status === 'done') return outcome
      if (outcome === undefined) continue
      this.#unstored.putBack(execution, taken)
      throw unsavable(outcome.error)
    }
  }

  #report(
    execution: Execution,
    error: unknown,
    message = 'the store could not record what a step waits for',
  ): void {
    if (execution.lost || execution.over) return
    this.#parts.logger.warn({ err: error, pid: execution.process.pid }, message)
  }
}

/** Whether the row shows a wait that is over. */
function stopsWaiting(execution: Execution): boolean {
  return execution.shownWait !== undefined && execution.goingOn === undefined && !waits(execution)
}

function waits({ waits }: Execution): boolean {
  return waits !== undefined && waits.size > 0
}
