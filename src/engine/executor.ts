import { Bundle } from '../bundle/bundle.ts'
import { eventData } from '../persistence/contract/history-event.ts'
import type { Outcome } from '../persistence/contract/outcomes.ts'
import type { Change } from '../persistence/contract/rows.ts'
import type { ClaimedProcess } from '../persistence/contract/store.ts'
import type { Create } from '../persistence/contract/writes.ts'
import type { Hosted } from '../process/host/process-object.ts'
import type { Host } from '../process/host/host.ts'
import { isTerminal } from '../process/state/machine.ts'
import { alarm } from '../shared/clock.ts'
import { DeadlineExceeded } from '../shared/errors.ts'
import { DurableHost, type DurableHostContext } from './durable-host.ts'
import { endedElsewhere, claimLost } from './stop-reasons.ts'
import { Execution } from './execution.ts'
import { StepJournalWriter, type Besides } from './step-journal-writer.ts'
import type { QueuedLaunch } from './launch-queue.ts'

/** What the runs need of their engine. */
export interface ExecutorContext extends DurableHostContext {
  /** A run is over. */
  over(execution: Execution): void
  /** The step of a run only waits: somebody else may have its slot. */
  lend(execution: Execution): void
  takeBack(execution: Execution): void
  /** See `StepJournalContext`. */
  readonly besides: Besides
}

/**
 * The processes that this engine runs just now.
 *
 * The claim is held while steps execution. The commit that ends, pauses or puts the process to wait gives it back, and with
 * it the process leaves memory.
 */
export class Executor {
  /** What the processes talk to. */
  readonly host: Host
  readonly #context: ExecutorContext
  readonly #journal: StepJournalWriter
  readonly #live = new Map<string, Execution>()
  readonly #byProcess = new WeakMap<Hosted, Execution>()
  readonly #empty: (() => void)[] = []
  #draining: Error | undefined

  constructor(context: ExecutorContext) {
    this.#context = context
    const lose = (execution: Execution, reason: Error): void => this.#lose(execution, reason)
    this.#journal = new StepJournalWriter({
      logger: context.logger,
      write: (write) => context.write(write),
      lose,
      kill: (execution, message, deadline, force) => this.#kill(execution, message, deadline, force),
      lend: (execution) => context.lend(execution),
      takeBack: (execution) => context.takeBack(execution),
      besides: context.besides,
      suspended: (execution) => this.#suspended(execution),
      setAside: (execution, error) => void this.#setAside(execution, error),
    })
    const lives = {
      of: (process: Hosted) => this.#byProcess.get(process),
      isLive: (execution: Execution) => this.#live.get(execution.process.pid) === execution,
      lose,
      release: (execution: Execution) => void this.#release(execution),
      armKill: (execution: Execution, message: string | undefined, deadline: number) =>
        this.#armKill(execution, message, deadline),
    }
    this.host = new DurableHost(context, lives, this.#journal)
  }

  /** Starts a new process; resolves with the answer to the commit that makes it durable (C2). */
  launch(process: Hosted, create: Create): Promise<Outcome> {
    const execution = new Execution(process)
    this.#byProcess.set(process, execution)
    return new Promise((told, failed) => {
      execution.pendingLaunch = { create, told, failed }
      this.#armDeadline(execution, create.deadline ?? undefined)
      void this.#drive(execution)
    })
  }

  /** Starts a process that was launched here and had to wait: its first commit is its claim as well. */
  begin({ process, create }: QueuedLaunch): Execution {
    const { pid, className, version, parts, seq, step } = create
    const created = new Date(process.createdAt).toISOString()
    // What was stored of it, whatever has become of it in memory since.
    const saved = Bundle.fromParts({ pid, class: className, version, created, seq }, parts)
    const execution = new Execution(process, { fence: 0, seq, step, saved })
    execution.claimPending = true
    this.#byProcess.set(process, execution)
    this.#armDeadline(execution, create.deadline ?? undefined)
    void this.#drive(execution)
    return execution
  }

  /** Goes on with a claimed process; `deadline` is when it is to be excepted, if it has one. */
  resume(process: Hosted, claimed: ClaimedProcess, deadline: number | undefined): Execution {
    const stale = this.#live.get(process.pid)
    // A launch under this pid that is under way is not lost: its commit will tell it that the process was there already.
    if (stale !== undefined && stale.pendingLaunch === undefined) this.#lose(stale, claimLost(process.pid))
    const { fence, row, wake } = claimed
    const execution = new Execution(process, { fence, seq: row.seq, step: row.step, saved: claimed.bundle() })
    execution.rerunsStep = process.state === 'running'
    this.#byProcess.set(process, execution)
    if (claimed.played) process.played()
    // A step that had left memory while it waited runs again, and finds by itself what has come.
    if (wake !== null && process.state === 'waiting') {
      const { by, value } = wake
      if (value === null) process.wake(undefined, { by })
      else {
        const signal = by === 'signal' ? (row.wait?.signal ?? undefined) : undefined
        process.wake(this.#context.codec.parse(value, by === 'signal' ? `signals.${signal}` : 'value'), {
          by,
          id: wake.id ?? undefined,
          ...(signal !== undefined && { signal }),
        })
      }
    }
    const { killRequested, pauseRequested } = row
    if (pauseRequested !== null) process.pause(pauseRequested.message ?? undefined)
    if (killRequested !== null) process.kill(killRequested.message ?? undefined)
    this.#live.set(process.pid, execution)
    this.#armDeadline(execution, deadline)
    // Before it waits for anything: it is to be woken then, also where no engine has it in memory.
    if (deadline !== undefined && row.deadline === null) this.#journal.deadline(execution, deadline)
    void this.#drive(execution)
    return execution
  }

  /** Takes in what has just been committed by anyone. */
  note(change: Change): void {
    const execution = this.#live.get(change.pid)
    if (execution === undefined) return
    if (isTerminal(change.state)) execution.endNotified = true
    switch (change.name) {
      case 'pause requested':
        execution.process.pause(eventData(change, 'pause requested').message)
        break
      case 'paused':
        // By somebody else, at once, since it waits. What one's own commit did is told by the answer to it.
        if (!execution.isCommitting && !execution.released)
          execution.process.pause(eventData(change, 'paused').message, { waits: true })
        break
      case 'played':
        execution.playCount++
        // Once the claim is given back it goes on under its next claim alone, whoever gets that.
        if (!execution.released) execution.process.play()
        this.#journal.played(execution)
        break
      case 'signalled':
        execution.process.signalled(eventData(change, 'signalled').name)
        break
      case 'kill requested': {
        const { message, deadline } = eventData(change, 'kill requested')
        this.#kill(execution, message, deadline)
        break
      }
      case 'crashed':
        // Somebody thought this engine dead, and took the process: it was frozen past its lease, perhaps.
        this.#lose(execution, claimLost(change.pid))
        break
      default:
        // Ended by somebody else's write (C5). One's own is told by the answer to it.
        if (isTerminal(change.state) && !execution.isCommitting && !execution.over)
          this.#lose(execution, endedElsewhere(change.pid, change.state))
    }
  }

  /** Whether the process runs here and its end is certain to be told yet. */
  willNotifyEnd(pid: string): boolean {
    const execution = this.#live.get(pid)
    return (
      execution !== undefined &&
      execution.fence !== undefined &&
      !execution.over &&
      !execution.lost &&
      !execution.endNotified
    )
  }

  /** Whether the end of the process is just being written here, so that the answer is still to come. */
  isCommittingEnd(pid: string): boolean {
    const execution = this.#live.get(pid)
    return execution !== undefined && execution.isCommitting && execution.isEnding
  }

  /** Whether a process of this pid is being launched or run here. */
  has(pid: string): boolean {
    return this.#live.has(pid)
  }

  /** Whether this very process runs here. */
  runs(process: Hosted): boolean {
    const execution = this.#byProcess.get(process)
    return execution !== undefined && !execution.over
  }

  /**
   * Lets steps end, and aborts them after so many milliseconds (C12); at once those that only wait. What they held is given back when
   * the engine leaves.
   */
  async drain(limit: number, reason: Error): Promise<void> {
    this.#draining = reason
    for (const execution of Array.from(this.#live.values())) if (execution.lent) this.#lose(execution, reason)
    if (this.#live.size > 0 && limit > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.#context.clock.after(limit, resolve)
        this.#empty.push(() => {
          cancel()
          resolve()
        })
      })
    }
    for (const execution of Array.from(this.#live.values())) this.#lose(execution, reason)
  }

  // ---------- running ----------

  async #drive(execution: Execution): Promise<void> {
    const { process } = execution
    if (!this.#live.has(process.pid)) this.#live.set(process.pid, execution)
    try {
      await process.run(() => !execution.lost && !execution.released && this.#draining === undefined)
      execution.over = true
      if (!execution.lost && !execution.released) await this.#release(execution)
    } catch (error) {
      execution.over = true
      execution.pendingLaunch?.failed(error)
      if (!execution.lost) {
        await this.#setAside(execution, error)
      }
    } finally {
      this.#end(execution)
    }
  }

  #end(execution: Execution): void {
    execution.cancelKill?.()
    execution.cancelDeadline?.()
    if (this.#live.get(execution.process.pid) === execution) this.#live.delete(execution.process.pid)
    this.#context.over(execution)
    if (this.#live.size === 0) for (const resolve of this.#empty.splice(0)) resolve()
  }

  #kill(execution: Execution, message: string | undefined, deadline: number, force = false): void {
    execution.process.kill(message, { force })
    this.#journal.letGo(execution)
    this.#armKill(execution, message, deadline)
  }

  /** At the deadline the step is not waited for any longer. */
  #armKill(execution: Execution, message: string | undefined, deadline: number): void {
    execution.cancelKill?.()
    execution.cancelKill = alarm(this.#context.clock, deadline, () => {
      execution.process.kill(message, { force: true })
    })
  }

  /** A process that has not ended by then is excepted; before any step runs, where that has passed already. */
  #armDeadline(execution: Execution, deadline: number | undefined): void {
    if (deadline === undefined) return
    const { process } = execution
    const expire = (): void =>
      process.expire(
        new DeadlineExceeded(
          `process ${process.pid} had not ended by its deadline, ${new Date(deadline).toISOString()}`,
        ),
      )
    if (deadline <= this.#context.clock.now()) expire()
    else execution.cancelDeadline = alarm(this.#context.clock, deadline, expire)
  }

  /** A step that only waits holds up no close: it runs again elsewhere, from its record. */
  #suspended(execution: Execution): void {
    const reason = this.#draining
    if (reason === undefined) return
    setImmediate(() => {
      if (execution.lent) this.#lose(execution, reason)
    })
  }

  /** The process is not this engine's any more: it is stopped without a trace, and its step's command dropped. */
  #lose(execution: Execution, reason: Error): void {
    if (execution.lost) return
    execution.lost = true
    execution.process.detach(reason)
    this.#journal.letGo(execution)
  }

  async #setAside(execution: Execution, error: unknown): Promise<void> {
    const { pid } = execution.process
    this.#context.logger.error({ err: error, pid }, 'a process could not be run and is set aside')
    this.#lose(execution, claimLost(pid))
    await this.#park(execution, error)
  }

  /** Neither its transition nor its failure could be stored: it waits for somebody to look at it (C9). */
  async #park(execution: Execution, error: unknown): Promise<void> {
    if (execution.fence === undefined) return
    const reason = error instanceof Error ? error.message : String(error)
    try {
      await this.#context.write({ kind: 'park', pid: execution.process.pid, fence: execution.fence, reason })
    } catch (failure) {
      this.#context.logger.warn(
        { err: failure, pid: execution.process.pid },
        'a process could not be set aside',
      )
    }
  }

  async #release(execution: Execution): Promise<void> {
    if (execution.fence === undefined) return
    try {
      await this.#context.write({
        kind: 'release',
        pid: execution.process.pid,
        fence: execution.fence,
        owner: this.#context.engine,
      })
    } catch (error) {
      // It comes back all the same when this engine leaves, or when its lease ends.
      this.#context.logger.warn(
        { err: error, pid: execution.process.pid },
        'a claim could not be given back at once',
      )
    }
  }
}
