import { Bundle } from '../bundle/bundle.ts'
import { eventData } from '../persistence/contract/event-codec.ts'
import type { Outcome } from '../persistence/contract/outcomes.ts'
import type { Change } from '../persistence/contract/rows.ts'
import type { ClaimedProcess } from '../persistence/contract/store.ts'
import type { Create } from '../persistence/contract/writes.ts'
import { recreate } from '../process/host/construction.ts'
import type { Host } from '../process/host/host.ts'
import type { Hosted } from '../process/host/process-object.ts'
import { isTerminal } from '../process/state/machine.ts'
import { noContext } from '../process/step/current-process.ts'
import { errorText } from '../shared/error-text.ts'
import { ClosedError, PortValidationError } from '../shared/errors.ts'
import type { Actors } from './actors.ts'
import type { EngineParts } from './engine-parts.ts'
import type { ExecutionControl } from './execution-control.ts'
import { Execution } from './execution.ts'
import type { Executions } from './executions.ts'
import type { InputGathering } from './input-gathering.ts'
import type { LaunchQueue, QueuedLaunch } from './launch-queue.ts'
import { deadlineOf, revived } from './revive.ts'
import type { Scheduler, Starter } from './scheduler.ts'
import type { Occupant } from './scheduling.ts'
import type { StepJournalWriter } from './step-journal-writer.ts'
import { changesOf } from './changes-of-row.ts'
import { claimLost, endedElsewhere } from './stop-reasons.ts'
import { StoreReader } from './store-reader.ts'
import { exceptedWrite } from './writes.ts'

/** The collaborators of an executor, all built before it. */
export interface ExecutorParts {
  readonly engine: EngineParts
  readonly executions: Executions
  readonly queue: LaunchQueue
  readonly scheduler: Scheduler
  readonly control: ExecutionControl
  readonly journal: StepJournalWriter
  readonly host: Host
  readonly gathering: InputGathering
  readonly actors: Actors
}

/**
 * Starts executions, and notifies them of changes that other programs have committed.
 *
 * The engine holds the claim while a step runs. A commit that ends the process, pauses it or makes
 * it wait also gives the claim back. The object then leaves memory.
 */
export class Executor implements Starter {
  readonly #parts: ExecutorParts

  constructor(parts: ExecutorParts) {
    this.#parts = parts
  }

  /** Starts a new process. Resolves with the answer to the commit that makes it durable (C2). */
  launch(process: Hosted, create: Create): Promise<Outcome> {
    const execution = new Execution(process)
    return new Promise((answered, failed) => {
      execution.pendingLaunch = { create, answered, failed }
      this.#parts.executions.add(execution)
      this.#parts.control.armDeadline(execution, create.deadline ?? undefined)
      void this.#drive(execution)
    })
  }

  /**
   * Starts a queued launch. Its first commit is also its claim. Returns undefined if the process
   * can't be made again, so that it has to be claimed.
   */
  begin(launch: QueuedLaunch): Execution | undefined {
    const { process: made, pid, className, version, parts, seq, step } = launch
    const created = new Date(launch.createdAt).toISOString()
    // From the stored parts, since the object in memory may have changed.
    const saved = Bundle.fromParts({ pid, class: className, version, created, seq }, parts)
    const process = made ?? this.#remade(saved)
    if (process === undefined) return undefined
    const execution = new Execution(process, { fence: 0, seq, step, saved, progress: null })
    execution.claimPending = true
    this.#parts.executions.add(execution)
    this.#parts.control.armDeadline(execution, launch.deadline ?? undefined)
    void this.#drive(execution)
    return execution
  }

  /** A queued process from its saved form; undefined if it can't be made again. */
  #remade(saved: Bundle): Hosted | undefined {
    const { engine, host } = this.#parts
    const { logger, classes } = engine
    try {
      return noContext(() => recreate(saved, { host, logger, loader: classes }))
    } catch {
      // The claim of the process parks it, with the reason (C9).
      return undefined
    }
  }

  /**
   * Continues a claimed process, or parks it if it can't be loaded (C9). A process with needs
   * starts once the values of the other processes have been read.
   */
  resume(claimed: ClaimedProcess): Occupant | undefined | Promise<Occupant | undefined> {
    const actor = this.#parts.actors.start(claimed)
    if (actor !== undefined) return actor
    return claimed.row.upstream === null ? this.#continue(claimed) : this.#gather(claimed)
  }

  /**
   * Starts a process with the values that it needs, excepts it if it can no longer start, or gives
   * it back. Requests that arrive meanwhile are in the row, and its first commit reports them (C5,
   * C7).
   */
  async #gather(claimed: ClaimedProcess): Promise<Execution | undefined> {
    const { engine, scheduler, control, gathering } = this.#parts
    const { pid } = claimed.row
    try {
      const gathered = await gathering.gather(claimed)
      // While the engine closes, the claim is given back when the engine leaves.
      if (control.draining !== undefined) return undefined
      if (gathered?.starts === true) return this.#continue(claimed, gathered.inputs)
      if (gathered === undefined) await this.#giveBack(claimed)
      else await this.#except(claimed, gathered.error)
    } catch (error) {
      if (control.draining !== undefined) return undefined
      engine.logger.error({ err: error, pid }, 'a process could not be started with the values of others')
      await this.#exceptOrPark(claimed, error).catch((failure: unknown) =>
        engine.logger.error({ err: failure, pid }, 'a process that cannot be loaded could not be parked'),
      )
    }
    scheduler.giveBackSlot()
    return undefined
  }

  async #giveBack({ row, fence }: ClaimedProcess): Promise<void> {
    const { id: owner, commits } = this.#parts.engine
    await commits.write({ kind: 'release', pid: row.pid, fence, owner })
  }

  /** `inputs` are those with the values of other processes. */
  #continue(claimed: ClaimedProcess, inputs?: Readonly<Record<string, unknown>>): Execution | undefined {
    const { engine, scheduler } = this.#parts
    try {
      const process = this.#processOf(claimed, inputs)
      return this.#resume(process, claimed, deadlineOf(claimed.row, engine.classes))
    } catch (error) {
      this.#exceptOrPark(claimed, error)
        .catch((failure: unknown) => {
          // While the engine closes, the claim is given back when the engine leaves.
          if (failure instanceof ClosedError && this.#parts.control.draining !== undefined) return
          const { pid } = claimed.row
          engine.logger.error({ err: failure, pid }, 'a process that cannot be loaded could not be parked')
        })
        .finally(() => scheduler.giveBackSlot())
      return undefined
    }
  }

  /**
   * The object that was launched here, if its row has not changed since; otherwise a new object
   * from the row.
   */
  #processOf(claimed: ClaimedProcess, inputs?: Readonly<Record<string, unknown>>): Hosted {
    const { engine, queue, host } = this.#parts
    const { pid, seq } = claimed.row
    const isKept = queue.isDurable(pid) && seq === 0 && claimed.fence === 1
    const queued = queue.take(pid)
    if (queued?.process !== undefined && isKept) return queued.process
    const context = { host, logger: engine.logger, classes: engine.classes }
    return noContext(() => revived(claimed, context, inputs))
  }

  /** `deadline`: when the process is excepted, if it has a deadline. */
  #resume(process: Hosted, claimed: ClaimedProcess, deadline: number | undefined): Execution {
    const { engine, executions, control, journal } = this.#parts
    const stale = executions.find(process.pid)
    // A pending launch under this pid is not stopped: the answer to its commit reports that the
    // process existed.
    if (stale !== undefined && stale.pendingLaunch === undefined) control.stop(stale, claimLost(process.pid))
    const { fence, row, wake } = claimed
    const { seq, step, progress } = row
    const execution = new Execution(process, { fence, seq, step, saved: claimed.bundle(), progress })
    execution.rerunsStep = process.state === 'running'
    if (claimed.played) process.played()
    // A step that left memory to wait runs again, and reads what woke it itself.
    if (wake !== null && process.state === 'waiting') {
      const { by, value } = wake
      if (value === null) process.wake(undefined, { by })
      else {
        const signal = by === 'signal' ? (row.wait?.signal ?? undefined) : undefined
        process.wake(engine.codec.parse(value, by === 'signal' ? `signals.${signal}` : 'value'), {
          by,
          id: wake.id ?? undefined,
          ...(signal !== undefined && { signal }),
        })
      }
    }
    control.deliver(process, { pause: row.pauseRequested })
    // The kill has no deadline here: no step runs yet, so there is nothing to wait for.
    control.deliver(process, { kill: row.killRequested && { message: row.killRequested.message } })
    executions.replace(execution)
    control.armDeadline(execution, deadline)
    // Written before the process waits, so that the deadline wakes it even if it has left memory.
    if (deadline !== undefined && row.deadline === null) journal.deadline(execution, deadline)
    void this.#drive(execution)
    return execution
  }

  /**
   * Excepts a process whose unchecked inputs do not fit. Parks any other process that can't be
   * loaded.
   */
  async #exceptOrPark(claimed: ClaimedProcess, error: unknown): Promise<void> {
    const { commits, logger } = this.#parts.engine
    const { row, fence } = claimed
    if (!(error instanceof PortValidationError)) {
      logger.error({ err: error, pid: row.pid }, 'a process cannot be loaded and is parked')
      await commits.write({ kind: 'park', pid: row.pid, fence, reason: errorText(error) })
      return
    }
    await this.#except(claimed, error)
  }

  /** Excepts a process that has no object. None of its code runs. */
  async #except(claimed: ClaimedProcess, error: Error): Promise<void> {
    const { engine } = this.#parts
    const outcome = await engine.commits.write(exceptedWrite(claimed, error, engine))
    // A kill was stored meanwhile, and is carried out with the claim (C5).
    if (outcome.status === 'held') await this.#giveBack(claimed)
  }

  /** Handles a change that this or another program has committed. */
  note(change: Change): void {
    const { executions, control, journal } = this.#parts
    const execution = executions.find(change.pid)
    if (execution === undefined) return
    const { process } = execution
    if (isTerminal(change.state)) execution.endNotified = true
    switch (change.name) {
      case 'pause requested':
        control.deliver(process, { pause: eventData(change, 'pause requested') })
        break
      case 'paused':
        // Another write has paused the waiting process. If a commit of this execution is in flight,
        // its answer will report the pause.
        if (!execution.isCommitting && !execution.released)
          control.deliver(process, { pause: eventData(change, 'paused') }, { waits: true })
        break
      case 'played':
        execution.playCount++
        // Once the claim is given back, the process continues only under its next claim.
        if (!execution.released) process.play()
        journal.played(execution)
        break
      case 'retried':
        execution.turn?.retry()
        break
      case 'signalled':
        process.signalled(eventData(change, 'signalled').name)
        break
      case 'kill requested':
        control.deliver(process, { kill: eventData(change, 'kill requested') })
        break
      case 'crashed':
        // Another engine thought this one dead and took the process, for example because this
        // program was frozen for longer than its lease.
        control.stop(execution, claimLost(change.pid))
        break
      default:
        // Ended by another write (C5). The answer to its own commit reports its own end.
        if (isTerminal(change.state) && !execution.isCommitting && !execution.over)
          control.stop(execution, endedElsewhere(change.pid, change.state))
    }
  }

  /**
   * Reads from the rows what others have committed about the executions, because some changes can't
   * be read any more (C7, C8).
   */
  catchUp(): void {
    const { executions, engine } = this.#parts
    for (const execution of executions.all()) {
      this.#catchUp(execution).catch((error: unknown) => {
        if (execution.lost || execution.over) return
        const { pid } = execution.process
        engine.logger.error({ err: error, pid }, 'the requests to a process could not be read')
      })
    }
  }

  async #catchUp(execution: Execution): Promise<void> {
    const { engine, executions } = this.#parts
    const { pid, pausedWith } = execution.process
    const { fence, seq } = execution
    const reader = new StoreReader(engine, execution)
    const row = await reader.read(pid)
    const { mail } = await reader.retry(() => engine.store.pending(pid))
    // The answers to its own writes report the rest.
    const isSame = executions.isCurrent(execution) && execution.fence === fence && execution.seq === seq
    if (!isSame || fence === undefined || execution.isCommitting || execution.released) return
    const known = { mail, hadPause: pausedWith !== undefined, engine: engine.id }
    for (const change of changesOf(pid, row, known)) this.note(change)
  }

  /**
   * Lets steps end, and aborts them after `limit` milliseconds (C12). Steps that only wait are
   * aborted at once. Their claims are given back when the engine leaves.
   */
  async drain(limit: number, reason: Error): Promise<void> {
    const { engine, executions, control } = this.#parts
    control.draining = reason
    for (const execution of executions.all()) if (execution.slotLent) control.stop(execution, reason)
    if (!executions.isEmpty && limit > 0) {
      await new Promise<void>((resolve) => {
        const cancel = engine.clock.after(limit, resolve)
        executions.onEmpty(() => {
          cancel()
          resolve()
        })
      })
    }
    for (const execution of executions.all()) control.stop(execution, reason)
    await this.#parts.actors.empty()
    this.#parts.journal.close()
  }

  async #drive(execution: Execution): Promise<void> {
    const { control } = this.#parts
    const mayGoOn = (): boolean => !execution.lost && !execution.released && control.draining === undefined
    try {
      await execution.process.run(mayGoOn)
      execution.over = true
      if (!execution.lost && !execution.released) await control.release(execution)
    } catch (error) {
      execution.over = true
      execution.pendingLaunch?.failed(error)
      if (!execution.lost) await control.park(execution, error)
    } finally {
      this.#end(execution)
    }
  }

  #end(execution: Execution): void {
    const { executions, scheduler } = this.#parts
    execution.cancelKill?.()
    execution.cancelDeadline?.()
    executions.remove(execution)
    scheduler.executionEnded(execution)
  }
}
