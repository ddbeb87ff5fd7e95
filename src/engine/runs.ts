import type { Codec } from '../bundle/codec.ts'
import type { Launcher } from '../client/launching.ts'
import { killedState } from '../client/requests.ts'
import type { Change, ClaimedProcess, Create, Outcome, Parts, Write } from '../persistence/store.ts'
import type { AnyProcessClass, LaunchOptions, ProcessHandle } from '../process/handle.ts'
import type { Committed, ControlRequest, Host, Transition } from '../process/host.ts'
import { isTerminal } from '../process/machine.ts'
import { hosted, type Process } from '../process/process.ts'
import type { Clock } from '../shared/clock.ts'
import { LeaseLost, ProcessKilled, SerializationError, type DamsonError } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import { childPid } from './child-pid.ts'
import { Run } from './run.ts'
import { advanceWrite, bornWrite } from './writes.ts'

/** Characters from which on a saved part is worth a warning. */
const LARGE_PART = 4 * 2 ** 20

/** What the runs need of their engine. */
export interface RunsContext {
  readonly engine: string
  readonly name: string
  readonly codec: Codec
  readonly clock: Clock
  readonly logger: Logger
  readonly killGrace: number
  write(write: Write): Promise<Outcome>
  launch(
    processClass: AnyProcessClass | string,
    inputs: Readonly<Record<string, unknown>> | undefined,
    options: LaunchOptions,
    launcher: Launcher,
  ): Promise<ProcessHandle>
  /** A run is over. */
  ended(run: Run): void
  /** A run has got a step further. */
  committed(run: Run): void
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
  readonly #context: RunsContext
  readonly #live = new Map<string, Run>()
  readonly #byProcess = new WeakMap<Process, Run>()
  readonly #births = new WeakMap<Run, Birth>()
  readonly #empty: (() => void)[] = []
  #draining = false

  constructor(context: RunsContext) {
    this.#context = context
    this.codec = context.codec
  }

  /** The run of a process, if it runs here. */
  of(process: Process | undefined): Run | undefined {
    return process && this.#byProcess.get(process)
  }

  /** Starts a new process; resolves with the answer to the commit that makes it durable (C2). */
  born(process: Process, create: Create): Promise<Outcome> {
    const run = new Run(process)
    this.#byProcess.set(process, run)
    return new Promise((told, failed) => {
      this.#births.set(run, { create, told, failed })
      void this.#drive(run)
    })
  }

  /** Goes on with a claimed process. */
  resume(process: Process, claimed: ClaimedProcess): Run {
    const stale = this.#live.get(process.pid)
    // A launch under this pid that is under way is not lost: its commit will tell it that the process was there already.
    if (stale !== undefined && !this.#births.has(stale)) this.#lose(stale, lost(process.pid))
    const run = new Run(process, { fence: claimed.fence, seq: claimed.row.seq, saved: claimed.bundle() })
    this.#byProcess.set(process, run)
    if (claimed.played) hosted(process).played()
    if (claimed.wake !== null) {
      const { id, by, value } = claimed.wake
      hosted(process).wake(this.codec.parse(value, 'value'), { by, id })
    }
    const { killRequested, pauseRequested } = claimed.row
    if (pauseRequested !== null) hosted(process).pause(pauseRequested.message ?? undefined)
    if (killRequested !== null) hosted(process).kill(killRequested.message ?? undefined)
    this.#live.set(process.pid, run)
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
      case 'played':
        // Once the claim is given back it goes on under its next claim alone, whoever gets that.
        if (!run.released) hosted(run.process).play()
        break
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
        if (isTerminal(change.state) && !run.writing && !run.over) this.#lose(run, ended(change))
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

  /** Lets steps end, and aborts them after so many milliseconds (C12). What they held is given back when the engine leaves. */
  async drain(limit: number, reason: Error): Promise<void> {
    this.#draining = true
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

  // ---------- the host ----------

  async commit(process: Process, transition: Transition): Promise<Committed> {
    const run = this.#byProcess.get(process)
    if (run === undefined || run.lost) throw lost(process.pid)
    const bundle = transition.bundle()
    const birth = run.fence === undefined ? this.#births.get(run) : undefined
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
    run.saved = bundle
    run.released = outcome.released === true
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
    const run = this.#byProcess.get(parent)
    if (run?.fence === undefined || run.lost) throw lost(parent.pid)
    // A step that runs again launches the same children: their pids follow from the parent, its step and their order.
    const pid = options.pid ?? childPid(parent.pid, run.seq, processClass, (run.launches ??= new Map()))
    const launcher = { parent: parent.pid, parentFence: run.fence }
    return this.#context.launch(processClass, inputs, { ...options, pid }, launcher)
  }

  async request(process: Process, request: ControlRequest): Promise<boolean> {
    const { name: by, killGrace } = this.#context
    const pid = process.pid
    if (request.kind === 'resume') {
      const value = this.codec.stringify(request.value, 'value')
      return applied(
        await this.#context.write({ kind: 'resume', pid, id: globalThis.crypto.randomUUID(), value, by }),
      )
    }
    const message = request.kind === 'play' ? null : (request.message ?? null)
    const force = request.kind === 'kill' && request.force === true
    const outcome = await this.#context.write({
      kind: 'request',
      pid,
      id: globalThis.crypto.randomUUID(),
      request: request.kind,
      message,
      // A forced kill of one's own process is done by its own engine, with its hooks.
      grace: killGrace,
      by,
      killedState: request.kind === 'kill' ? killedState(message) : null,
    })
    if (!applied(outcome)) return false
    if (request.kind === 'pause') hosted(process).pause(request.message)
    else if (request.kind === 'kill') hosted(process).kill(request.message, { force })
    else if (this.#byProcess.get(process)?.released !== true) hosted(process).play()
    return true
  }

  // ---------- running ----------

  async #drive(run: Run): Promise<void> {
    const { process } = run
    if (!this.#live.has(process.pid)) this.#live.set(process.pid, run)
    try {
      await hosted(process).run(() => !run.lost && !this.#draining)
      run.over = true
      if (!run.lost && !hosted(process).idle) await this.#release(run)
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
    if (this.#live.get(run.process.pid) === run) this.#live.delete(run.process.pid)
    this.#context.ended(run)
    if (this.#live.size === 0) for (const resolve of this.#empty.splice(0)) resolve()
  }

  #kill(run: Run, message: string | undefined, deadline: number): void {
    hosted(run.process).kill(message)
    this.#armKill(run, message, deadline)
  }

  /** At the deadline the step is not waited for any longer. */
  #armKill(run: Run, message: string | undefined, deadline: number): void {
    run.disarm?.()
    run.disarm = this.#context.clock.after(Math.max(0, deadline - this.#context.clock.now()), () => {
      hosted(run.process).kill(message, { force: true })
    })
  }

  /** The process is not this engine's any more: it is stopped without a trace, and its step's command dropped. */
  #lose(run: Run, reason: Error): void {
    if (run.lost) return
    run.lost = true
    hosted(run.process).detach(reason)
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

/** What the store refused to keep excepts the process, as what can't be encoded does. */
function unsavable(error: Error): SerializationError {
  return error instanceof SerializationError
    ? error
    : new SerializationError('state', error.message, { cause: error })
}

function applied(outcome: Outcome): boolean {
  if (outcome.status === 'refused') throw outcome.error
  return outcome.status === 'done'
}

function asked(change: Change): { readonly message: string | undefined; readonly deadline: number } {
  const data = JSON.parse(change.data ?? '{}') as { message?: string | null; deadline?: number }
  return { message: data.message ?? undefined, deadline: data.deadline ?? Number.POSITIVE_INFINITY }
}

function lost(pid: string): LeaseLost {
  return new LeaseLost(
    `process ${pid} is not run by this engine any more; what its step does from here on does not count`,
  )
}

function ended(change: Change): DamsonError {
  return endedAs(change.pid, change.state)
}

function endedAs(pid: string, state: string): DamsonError {
  return state === 'killed'
    ? new ProcessKilled(pid, `process ${pid} was killed while its step ran`)
    : new LeaseLost(`process ${pid} has ended as ${state} by another write`)
}
