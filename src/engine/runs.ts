import type { Codec } from '../bundle/codec.ts'
import { registeredName } from '../bundle/loader.ts'
import type { Launcher } from '../client/launching.ts'
import { killedState } from '../client/requests.ts'
import type {
  Change,
  ClaimedProcess,
  Create,
  Mail,
  Outcome,
  Parts,
  ProcessRow,
  Write,
} from '../persistence/store.ts'
import type { AnyProcessClass, LaunchOptions, ProcessHandle, Settled } from '../process/handle.ts'
import type {
  Committed,
  ControlRequest,
  Host,
  KeptSignal,
  RecordEntry,
  StepWait,
  Transition,
} from '../process/host.ts'
import { isTerminal } from '../process/machine.ts'
import { hosted, type Process } from '../process/process.ts'
import { alarm, type Clock } from '../shared/clock.ts'
import { DeadlineExceeded } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import { launchingPid } from './launching-pid.ts'
import { endedAs, lost, unsavable } from './losses.ts'
import { Run } from './run.ts'
import { StepRecords } from './step-records.ts'
import { advanceWrite, bornWrite } from './writes.ts'

/** Characters from which on a saved part is worth a warning. */
const LARGE_PART = 4 * 2 ** 20
/** How many ends of processes are read at a time. */
const ENDS_AT_A_TIME = 200

/** What the runs need of their engine. */
export interface RunsContext {
  readonly engine: string
  readonly name: string
  readonly codec: Codec
  readonly clock: Clock
  readonly logger: Logger
  readonly killGrace: number
  write(write: Write): Promise<Outcome>
  read(pid: string): Promise<ProcessRow | undefined>
  mail(pid: string, signal: string): Promise<Mail | undefined>
  launch(
    processClass: AnyProcessClass | string,
    inputs: Readonly<Record<string, unknown>> | undefined,
    options: LaunchOptions,
    launcher: Launcher,
  ): Promise<ProcessHandle>
  /** How a process ended; undefined while it has not. */
  outcome(pid: string): Promise<Settled<unknown> | undefined>
  /** A run is over. */
  ended(run: Run): void
  /** A run has got a step further. */
  committed(run: Run): void
  /** The step of a run only waits: somebody else may have its slot. */
  lend(run: Run): void
  takeBack(run: Run): void
}

/** A launch that waits for its first commit. */
interface Birth {
  readonly create: Create
  readonly told: (outcome: Outcome) => void
  readonly failed: (error: unknown) => void
}

/**
 * The processes that this engine runs just now, and the durable host that they talk to.
 *
 * 1. A step starts only after the commit that leads into it (C3): `step()` awaits `commit`.
 * 2. Every write carries the claim's fence and the run's own sequence (C4). One that is refused ends the run: nothing that
 *    it does after counts.
 * 3. The claim is held while steps run. The commit that ends, pauses or puts the process to wait gives it back, and with
 *    it the process leaves memory.
 */
export class Runs implements Host {
  readonly durable = true
  readonly codec: Codec
  readonly clock: Clock
  readonly #context: RunsContext
  readonly #records: StepRecords
  readonly #live = new Map<string, Run>()
  readonly #byProcess = new WeakMap<Process, Run>()
  readonly #births = new WeakMap<Run, Birth>()
  readonly #empty: (() => void)[] = []
  #draining: Error | undefined

  constructor(context: RunsContext) {
    this.#context = context
    this.codec = context.codec
    this.clock = context.clock
    this.#records = new StepRecords({
      logger: context.logger,
      write: (write) => context.write(write),
      lose: (run, reason) => this.#lose(run, reason),
      kill: (run, message, deadline, force) => this.#kill(run, message, deadline, force),
      lend: (run) => context.lend(run),
      takeBack: (run) => context.takeBack(run),
      suspended: (run) => this.#suspended(run),
    })
  }

  /** Starts a new process; resolves with the answer to the commit that makes it durable (C2). */
  born(process: Process, create: Create): Promise<Outcome> {
    const run = new Run(process)
    this.#byProcess.set(process, run)
    return new Promise((told, failed) => {
      this.#births.set(run, { create, told, failed })
      this.#armDeadline(run, create.deadline ?? undefined)
      void this.#drive(run)
    })
  }

  /** Goes on with a claimed process; `deadline` is when it is to be excepted, if it has one. */
  resume(process: Process, claimed: ClaimedProcess, deadline: number | undefined): Run {
    const stale = this.#live.get(process.pid)
    // A launch under this pid that is under way is not lost: its commit will tell it that the process was there already.
    if (stale !== undefined && !this.#births.has(stale)) this.#lose(stale, lost(process.pid))
    const { fence, row, wake } = claimed
    const run = new Run(process, { fence, seq: row.seq, step: row.step, saved: claimed.bundle() })
    this.#byProcess.set(process, run)
    const hold = hosted(process)
    if (claimed.played) hold.played()
    // A step that had left memory while it waited runs again, and finds by itself what has come.
    if (wake !== null && process.state === 'waiting') {
      const { by, value } = wake
      if (value === null) hold.wake(undefined, { by })
      else {
        const signal = by === 'signal' ? (row.wait?.signal ?? undefined) : undefined
        hold.wake(this.codec.parse(value, by === 'signal' ? `signals.${signal}` : 'value'), {
          by,
          id: wake.id ?? undefined,
          ...(signal !== undefined && { signal }),
        })
      }
    }
    const { killRequested, pauseRequested } = row
    if (pauseRequested !== null) hold.pause(pauseRequested.message ?? undefined)
    if (killRequested !== null) hold.kill(killRequested.message ?? undefined)
    this.#live.set(process.pid, run)
    this.#armDeadline(run, deadline)
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
        hosted(run.process).pause(asked(change).message)
        break
      case 'paused':
        // By somebody else, at once, since its step only waits. What one's own commit did is told by the answer to it.
        if (!run.writing && run.lent) hosted(run.process).pause(asked(change).message)
        break
      case 'played':
        run.plays++
        // Once the claim is given back it goes on under its next claim alone, whoever gets that.
        if (!run.released) hosted(run.process).play()
        this.#records.played(run)
        break
      case 'signalled': {
        const { name } = JSON.parse(change.data ?? '{}') as { readonly name?: string }
        if (name !== undefined) hosted(run.process).signalled(name)
        break
      }
      case 'kill requested': {
        const { message, deadline } = asked(change)
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

  /** Whether a process of this pid is being launched or run here. */
  has(pid: string): boolean {
    return this.#live.has(pid)
  }

  /** Whether this very process runs here. */
  runs(process: Process): boolean {
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
        const cancel = this.clock.after(limit, resolve)
        this.#empty.push(() => {
          cancel()
          resolve()
        })
      })
    }
    for (const run of Array.from(this.#live.values())) this.#lose(run, reason)
  }

  // ---------- the host ----------

  async commit(process: Process, transition: Transition): Promise<Committed> {
    const run = this.#byProcess.get(process)
    if (run === undefined || run.lost) throw lost(process.pid)
    const bundle = transition.bundle()
    const birth = run.fence === undefined ? this.#births.get(run) : undefined
    this.#records.stepEnded(run)
    const write =
      birth === undefined
        ? advanceWrite(run, run.fence as number, transition, bundle)
        : bornWrite(birth.create, transition, bundle, this.#context.engine)
    this.#warnOfSize(run, write.parts)
    run.writing = true
    let outcome: Outcome
    try {
      outcome = await this.#context.write(write)
    } catch (error) {
      this.#lose(run, lost(process.pid))
      if (birth !== undefined) {
        birth.failed(error)
        // It may be durable all the same, and held by this engine, which does not run it.
        run.fence = 1
        void this.#release(run)
      }
      throw lost(process.pid)
    } finally {
      run.writing = false
    }
    if (birth !== undefined) this.#told(run, birth, outcome)
    if (outcome.status === 'refused') throw unsavable(outcome.error)
    if (outcome.status !== 'done') {
      const reason = outcome.status === 'ended' ? endedAs(process.pid, outcome.state) : lost(process.pid)
      this.#lose(run, reason)
      throw lost(process.pid)
    }
    run.seq++
    run.step = transition.step
    run.saved = bundle
    run.recorded = undefined
    run.released = outcome.released === true || isTerminal(transition.to)
    run.launches = undefined
    if (outcome.kill !== undefined)
      this.#armKill(run, outcome.kill.message ?? undefined, outcome.kill.deadline)
    this.#context.committed(run)
    return {
      pause: outcome.pause && { message: outcome.pause.message ?? undefined },
      kill: outcome.kill && { message: outcome.kill.message ?? undefined },
    }
  }

  async launch(
    parent: Process,
    processClass: AnyProcessClass | string,
    inputs: Readonly<Record<string, unknown>> | undefined,
    options: LaunchOptions = {},
  ): Promise<ProcessHandle> {
    const run = this.#runOf(parent)
    const className = typeof processClass === 'string' ? processClass : registeredName(processClass)
    const pid = options.pid ?? (await launchingPid(run, className, (child) => this.#context.read(child)))
    const launcher = { parent: parent.pid, parentFence: run.fence as number }
    return this.#context.launch(processClass, inputs, { ...options, pid }, launcher)
  }

  async request(process: Process, request: ControlRequest): Promise<boolean> {
    const { name: by, killGrace } = this.#context
    const pid = process.pid
    const id = globalThis.crypto.randomUUID()
    if (request.kind === 'resume') {
      const value = this.codec.stringify(request.value, 'value')
      return applied(await this.#context.write({ kind: 'resume', pid, id, value, by }))
    }
    if (request.kind === 'signal') {
      const { name } = request
      const value = this.codec.stringify(request.value, `signals.${name}`)
      return applied(await this.#context.write({ kind: 'signal', pid, id, name, value, by }))
    }
    const message = request.kind === 'play' ? null : (request.message ?? null)
    const force = request.kind === 'kill' && request.force === true
    const outcome = await this.#context.write({
      kind: 'request',
      pid,
      id,
      request: request.kind,
      message,
      // A forced kill of one's own process is done by its own engine, with its hooks.
      grace: killGrace,
      by,
      killedState: request.kind === 'kill' ? killedState(message) : null,
      tree: true,
    })
    if (!applied(outcome)) return false
    if (request.kind === 'pause') hosted(process).pause(request.message)
    else if (request.kind === 'kill') hosted(process).kill(request.message, { force })
    else if (this.#byProcess.get(process)?.released !== true) hosted(process).play()
    return true
  }

  async record(process: Process, entry: RecordEntry): Promise<void> {
    return this.#records.record(this.#runOf(process), entry)
  }

  async mail(process: Process, signal: string): Promise<KeptSignal | undefined> {
    const mail = await this.#context.mail(this.#runOf(process).process.pid, signal)
    return mail && { id: mail.id, value: this.codec.parse(mail.value, `signals.${signal}`) }
  }

  suspend(process: Process, wait: StepWait): () => void {
    const run = this.#byProcess.get(process)
    return run === undefined || run.over || run.lost ? () => {} : this.#records.suspend(run, wait)
  }

  evict(process: Process, wait: StepWait): void {
    const run = this.#byProcess.get(process)
    if (run !== undefined && !run.over && !run.lost) this.#records.evict(run, wait)
  }

  async outcomes(
    _process: Process,
    pids: readonly string[],
  ): Promise<readonly (Settled<unknown> | undefined)[]> {
    const outcomes: (Settled<unknown> | undefined)[] = []
    for (let start = 0; start < pids.length; start += ENDS_AT_A_TIME) {
      const some = pids.slice(start, start + ENDS_AT_A_TIME)
      outcomes.push(...(await Promise.all(some.map((pid) => this.#context.outcome(pid)))))
    }
    return outcomes
  }

  async checkpoint(process: Process, tag: string): Promise<void> {
    return this.#records.checkpoint(this.#runOf(process), tag)
  }

  // ---------- running ----------

  async #drive(run: Run): Promise<void> {
    const { process } = run
    if (!this.#live.has(process.pid)) this.#live.set(process.pid, run)
    try {
      await hosted(process).run(() => !run.lost && this.#draining === undefined)
      run.over = true
      if (!run.lost && !run.released) await this.#release(run)
    } catch (error) {
      run.over = true
      this.#births.get(run)?.failed(error)
      if (!run.lost) {
        this.#context.logger.error(
          { err: error, pid: process.pid },
          'a process could not be run and is set aside',
        )
        this.#lose(run, lost(process.pid))
        await this.#park(run, error)
      }
    } finally {
      this.#end(run)
    }
  }

  /** What a process saves grows without a word, unless somebody says it. */
  #warnOfSize(run: Run, parts: Parts): void {
    if (run.warned) return
    for (const name in parts) {
      const { length } = parts[name] as string
      if (length < LARGE_PART) continue
      run.warned = true
      this.#context.logger.warn(
        { pid: run.process.pid, part: name, characters: length },
        'a process saves a large part, again whenever it changes: keep large data in a file and save its path',
      )
    }
  }

  #told(run: Run, birth: Birth, outcome: Outcome): void {
    this.#births.delete(run)
    const own = this.#live.get(run.process.pid) === run
    if (outcome.status === 'done' && outcome.existed !== true && own) run.fence = 1
    else this.#lose(run, lost(run.process.pid))
    birth.told(outcome)
    if (run.lost) throw lost(run.process.pid)
  }

  #end(run: Run): void {
    run.disarm?.()
    run.cancelDeadline?.()
    if (this.#live.get(run.process.pid) === run) this.#live.delete(run.process.pid)
    this.#context.ended(run)
    if (this.#live.size === 0) for (const resolve of this.#empty.splice(0)) resolve()
  }

  #kill(run: Run, message: string | undefined, deadline: number, force = false): void {
    hosted(run.process).kill(message, { force })
    this.#armKill(run, message, deadline)
  }

  /** At the deadline the step is not waited for any longer. */
  #armKill(run: Run, message: string | undefined, deadline: number): void {
    run.disarm?.()
    run.disarm = alarm(this.clock, deadline, () => {
      hosted(run.process).kill(message, { force: true })
    })
  }

  /** A process that has not ended by then is excepted; before any step runs, where that has passed already. */
  #armDeadline(run: Run, deadline: number | undefined): void {
    if (deadline === undefined) return
    const { process } = run
    const expire = (): void =>
      hosted(process).expire(
        new DeadlineExceeded(
          `process ${process.pid} had not ended by its deadline, ${new Date(deadline).toISOString()}`,
        ),
      )
    if (deadline <= this.clock.now()) expire()
    else run.cancelDeadline = alarm(this.clock, deadline, expire)
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
    hosted(run.process).detach(reason)
  }

  #runOf(process: Process): Run {
    const run = this.#byProcess.get(process)
    if (run?.fence === undefined || run.lost || run.over) throw lost(process.pid)
    return run
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

function applied(outcome: Outcome): boolean {
  if (outcome.status === 'refused') throw outcome.error
  return outcome.status === 'done'
}

function asked(change: Change): { readonly message: string | undefined; readonly deadline: number } {
  const data = JSON.parse(change.data ?? '{}') as { message?: string | null; deadline?: number }
  return { message: data.message ?? undefined, deadline: data.deadline ?? Number.POSITIVE_INFINITY }
}
