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
import { endedAs, lost } from './losses.ts'
import { Run } from './run.ts'
import { StepRecords, type Besides } from './step-records.ts'
import type { Waiting } from './waiting-room.ts'

/** What the runs need of their engine. */
export interface RunsContext extends DurableHostContext {
  /** A run is over. */
  over(run: Run): void
  /** The step of a run only waits: somebody else may have its slot. */
  lend(run: Run): void
  takeBack(run: Run): void
  /** See `StepRecordsContext`. */
  readonly besides: Besides
}

/**
 * The processes that this engine runs just now.
 *
 * The claim is held while steps run. The commit that ends, pauses or puts the process to wait gives it back, and with
 * it the process leaves memory.
 */
export class Runs {
  /** What the processes talk to. */
  readonly host: Host
  readonly #context: RunsContext
  readonly #records: StepRecords
  readonly #live = new Map<string, Run>()
  readonly #byProcess = new WeakMap<Hosted, Run>()
  readonly #empty: (() => void)[] = []
  #draining: Error | undefined

  constructor(context: RunsContext) {
    this.#context = context
    const lose = (run: Run, reason: Error): void => this.#lose(run, reason)
    this.#records = new StepRecords({
      logger: context.logger,
      write: (write) => context.write(write),
      lose,
      kill: (run, message, deadline, force) => this.#kill(run, message, deadline, force),
      lend: (run) => context.lend(run),
      takeBack: (run) => context.takeBack(run),
      besides: context.besides,
      suspended: (run) => this.#suspended(run),
      setAside: (run, error) => void this.#setAside(run, error),
    })
    const lives = {
      of: (process: Hosted) => this.#byProcess.get(process),
      isLive: (run: Run) => this.#live.get(run.process.pid) === run,
      lose,
      release: (run: Run) => void this.#release(run),
      armKill: (run: Run, message: string | undefined, deadline: number) =>
        this.#armKill(run, message, deadline),
    }
    this.host = new DurableHost(context, lives, this.#records)
  }

  /** Starts a new process; resolves with the answer to the commit that makes it durable (C2). */
  born(process: Hosted, create: Create): Promise<Outcome> {
    const run = new Run(process)
    this.#byProcess.set(process, run)
    return new Promise((told, failed) => {
      run.birth = { create, told, failed }
      this.#armDeadline(run, create.deadline ?? undefined)
      void this.#drive(run)
    })
  }

  /** Starts a process that was launched here and had to wait: its first commit is its claim as well. */
  begin({ process, create }: Waiting): Run {
    const { pid, className, version, parts, seq, step } = create
    const created = new Date(process.createdAt).toISOString()
    // What was stored of it, whatever has become of it in memory since.
    const saved = Bundle.fromParts({ pid, class: className, version, created, seq }, parts)
    const run = new Run(process, { fence: 0, seq, step, saved })
    run.begins = true
    this.#byProcess.set(process, run)
    this.#armDeadline(run, create.deadline ?? undefined)
    void this.#drive(run)
    return run
  }

  /** Goes on with a claimed process; `deadline` is when it is to be excepted, if it has one. */
  resume(process: Hosted, claimed: ClaimedProcess, deadline: number | undefined): Run {
    const stale = this.#live.get(process.pid)
    // A launch under this pid that is under way is not lost: its commit will tell it that the process was there already.
    if (stale !== undefined && stale.birth === undefined) this.#lose(stale, lost(process.pid))
    const { fence, row, wake } = claimed
    const run = new Run(process, { fence, seq: row.seq, step: row.step, saved: claimed.bundle() })
    run.again = process.state === 'running'
    this.#byProcess.set(process, run)
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
    this.#live.set(process.pid, run)
    this.#armDeadline(run, deadline)
    // Before it waits for anything: it is to be woken then, also where no engine has it in memory.
    if (deadline !== undefined && row.deadline === null) this.#records.deadline(run, deadline)
    void this.#drive(run)
    return run
  }

  /** Takes in what has just been committed by anyone. */
  note(change: Change): void {
    const run = this.#live.get(change.pid)
    if (run === undefined) return
    if (isTerminal(change.state)) run.told = true
    switch (change.name) {
      case 'pause requested':
        run.process.pause(eventData(change, 'pause requested').message)
        break
      case 'paused':
        // By somebody else, at once, since it waits. What one's own commit did is told by the answer to it.
        if (!run.writing && !run.released)
          run.process.pause(eventData(change, 'paused').message, { waits: true })
        break
      case 'played':
        run.plays++
        // Once the claim is given back it goes on under its next claim alone, whoever gets that.
        if (!run.released) run.process.play()
        this.#records.played(run)
        break
      case 'signalled':
        run.process.signalled(eventData(change, 'signalled').name)
        break
      case 'kill requested': {
        const { message, deadline } = eventData(change, 'kill requested')
        this.#kill(run, message, deadline)
        break
      }
      case 'crashed':
        // Somebody thought this engine dead, and took the process: it was frozen past its lease, perhaps.
        this.#lose(run, lost(change.pid))
        break
      default:
        // Ended by somebody else's write (C5). One's own is told by the answer to it.
        if (isTerminal(change.state) && !run.writing && !run.over)
          this.#lose(run, endedAs(change.pid, change.state))
    }
  }

  /** Whether the process runs here and its end is certain to be told yet. */
  tells(pid: string): boolean {
    const run = this.#live.get(pid)
    return run !== undefined && run.fence !== undefined && !run.over && !run.lost && !run.told
  }

  /** Whether the end of the process is just being written here, so that the answer is still to come. */
  ends(pid: string): boolean {
    const run = this.#live.get(pid)
    return run !== undefined && run.writing && run.ending
  }

  /** Whether a process of this pid is being launched or run here. */
  has(pid: string): boolean {
    return this.#live.has(pid)
  }

  /** Whether this very process runs here. */
  runs(process: Hosted): boolean {
    const run = this.#byProcess.get(process)
    return run !== undefined && !run.over
  }

  /**
   * Lets steps end, and aborts them after so many milliseconds (C12); at once those that only wait. What they held is given back when
   * the engine leaves.
   */
  async drain(limit: number, reason: Error): Promise<void> {
    this.#draining = reason
    for (const run of Array.from(this.#live.values())) if (run.lent) this.#lose(run, reason)
    if (this.#live.size > 0 && limit > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.#context.clock.after(limit, resolve)
        this.#empty.push(() => {
          cancel()
          resolve()
        })
      })
    }
    for (const run of Array.from(this.#live.values())) this.#lose(run, reason)
  }

  // ---------- running ----------

  async #drive(run: Run): Promise<void> {
    const { process } = run
    if (!this.#live.has(process.pid)) this.#live.set(process.pid, run)
    try {
      await process.run(() => !run.lost && !run.released && this.#draining === undefined)
      run.over = true
      if (!run.lost && !run.released) await this.#release(run)
    } catch (error) {
      run.over = true
      run.birth?.failed(error)
      if (!run.lost) {
        await this.#setAside(run, error)
      }
    } finally {
      this.#end(run)
    }
  }

  #end(run: Run): void {
    run.disarm?.()
    run.cancelDeadline?.()
    if (this.#live.get(run.process.pid) === run) this.#live.delete(run.process.pid)
    this.#context.over(run)
    if (this.#live.size === 0) for (const resolve of this.#empty.splice(0)) resolve()
  }

  #kill(run: Run, message: string | undefined, deadline: number, force = false): void {
    run.process.kill(message, { force })
    this.#records.letGo(run)
    this.#armKill(run, message, deadline)
  }

  /** At the deadline the step is not waited for any longer. */
  #armKill(run: Run, message: string | undefined, deadline: number): void {
    run.disarm?.()
    run.disarm = alarm(this.#context.clock, deadline, () => {
      run.process.kill(message, { force: true })
    })
  }

  /** A process that has not ended by then is excepted; before any step runs, where that has passed already. */
  #armDeadline(run: Run, deadline: number | undefined): void {
    if (deadline === undefined) return
    const { process } = run
    const expire = (): void =>
      process.expire(
        new DeadlineExceeded(
          `process ${process.pid} had not ended by its deadline, ${new Date(deadline).toISOString()}`,
        ),
      )
    if (deadline <= this.#context.clock.now()) expire()
    else run.cancelDeadline = alarm(this.#context.clock, deadline, expire)
  }

  /** A step that only waits holds up no close: it runs again elsewhere, from its record. */
  #suspended(run: Run): void {
    const reason = this.#draining
    if (reason === undefined) return
    setImmediate(() => {
      if (run.lent) this.#lose(run, reason)
    })
  }

  /** The process is not this engine's any more: it is stopped without a trace, and its step's command dropped. */
  #lose(run: Run, reason: Error): void {
    if (run.lost) return
    run.lost = true
    run.process.detach(reason)
    this.#records.letGo(run)
  }

  async #setAside(run: Run, error: unknown): Promise<void> {
    const { pid } = run.process
    this.#context.logger.error({ err: error, pid }, 'a process could not be run and is set aside')
    this.#lose(run, lost(pid))
    await this.#park(run, error)
  }

  /** Neither its transition nor its failure could be stored: it waits for somebody to look at it (C9). */
  async #park(run: Run, error: unknown): Promise<void> {
    if (run.fence === undefined) return
    const reason = error instanceof Error ? error.message : String(error)
    try {
      await this.#context.write({ kind: 'park', pid: run.process.pid, fence: run.fence, reason })
    } catch (failure) {
      this.#context.logger.warn({ err: failure, pid: run.process.pid }, 'a process could not be set aside')
    }
  }

  async #release(run: Run): Promise<void> {
    if (run.fence === undefined) return
    try {
      await this.#context.write({
        kind: 'release',
        pid: run.process.pid,
        fence: run.fence,
        owner: this.#context.engine,
      })
    } catch (error) {
      // It comes back all the same when this engine leaves, or when its lease ends.
      this.#context.logger.warn(
        { err: error, pid: run.process.pid },
        'a claim could not be given back at once',
      )
    }
  }
}
