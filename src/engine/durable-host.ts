import { setTimeout } from 'node:timers/promises'
import { killedStateText } from '../process/state/saved-state.ts'
import type { Bundle } from '../bundle/bundle.ts'
import type { Codec } from '../bundle/codec.ts'
import { registeredName } from '../bundle/loader.ts'
import type { EndedRow } from '../client/read/state-info.ts'
import { copyOf } from '../ports/plain.ts'
import type { Launcher } from '../client/launch/create.ts'
import type { Mail } from '../persistence/contract/control.ts'
import type { Held, Outcome } from '../persistence/contract/outcomes.ts'
import type { ProcessRow } from '../persistence/contract/rows.ts'
import type { Advance, Create, Parts, Write } from '../persistence/contract/writes.ts'
import type { AnyProcessClass, Hosted } from '../process/host/process-object.ts'
import type { LaunchOptions, ProcessHandle, Settled } from '../process/host/process-handle.ts'
import type { StepWait } from '../process/state/transition.ts'
import type { KeptSignal } from '../process/state/transition.ts'
import type {
  Committed,
  ControlRequest,
  Host,
  MissingChild,
  RecordEntry,
  Transition,
} from '../process/host/host.ts'
import { isTerminal } from '../process/state/machine.ts'
import type { Clock } from '../shared/clock.ts'
import { ClosedError, KeyConflictError, SerializationError } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import { endedAs, lost, unsavable } from './losses.ts'
import type { Birth, Run } from './run.ts'
import { freePid, StepLaunches, type LaunchingPid } from './step-launches.ts'
import type { StepRecords } from './step-records.ts'
import { advanceWrite, bornWrite } from './writes.ts'

/** Characters from which on a saved part is worth a warning. */
const LARGE_PART = 4 * 2 ** 20
/** How many ends of processes are read at a time. */
const ENDS_AT_A_TIME = 200
/** First pause before what could not be read is read again, and the longest, in milliseconds. */
const FIRST_PAUSE = 20
const LONGEST_PAUSE = 5_000

/** What the host needs of its engine. */
export interface DurableHostContext {
  readonly engine: string
  readonly name: string
  readonly codec: Codec
  readonly clock: Clock
  readonly logger: Logger
  readonly killGrace: number
  write(write: Write): Promise<Outcome>
  /** As `write`, for who needs no promise. What is called must not throw. */
  send(write: Write, answered: (outcome: Outcome) => void, failed: (error: unknown) => void): void
  read(pid: string): Promise<ProcessRow | undefined>
  /** All that it has launched. */
  children(parent: string): Promise<readonly ProcessRow[]>
  /** The inputs of a process, as they are saved. */
  inputsOf(pid: string): Promise<string | undefined>
  mail(pid: string, signal: string): Promise<Mail | undefined>
  launch(
    processClass: AnyProcessClass | string,
    inputs: Readonly<Record<string, unknown>> | undefined,
    options: LaunchOptions,
    launcher: Launcher,
  ): Promise<ProcessHandle>
  /** How a process ended; undefined while it has not. */
  outcome(pid: string): Promise<Settled<unknown> | undefined>
  /** A run has got a step further. */
  committed(run: Run): void
  /** What was to be the end of a process was answered: how it ended, or undefined where it did not by that. */
  ended(pid: string, row: EndedRow | undefined, parts: Parts): void
}

/** What it needs of those who keep the runs. */
export interface Lives {
  of(process: Hosted): Run | undefined
  /** Whether this is the run of its process. */
  isLive(run: Run): boolean
  lose(run: Run, reason: Error): void
  release(run: Run): void
  armKill(run: Run, message: string | undefined, deadline: number): void
}

/**
 * What processes ask of the engine that runs them, made durable.
 *
 * 1. A step starts only after the commit that leads into it (C3): `step()` awaits `commit`.
 * 2. Every write carries the claim's fence and the run's own sequence (C4). One that is refused ends the run: nothing that
 *    it does after counts.
 * 3. A store that can't be read just now changes nothing: it is read again.
 */
export class DurableHost implements Host {
  readonly durable = true
  readonly codec: Codec
  readonly clock: Clock
  readonly #context: DurableHostContext
  readonly #lives: Lives
  readonly #records: StepRecords

  constructor(context: DurableHostContext, lives: Lives, records: StepRecords) {
    this.codec = context.codec
    this.clock = context.clock
    this.#context = context
    this.#lives = lives
    this.#records = records
  }

  commit(process: Hosted, transition: Transition): Promise<Committed> {
    const run = this.#lives.of(process)
    if (run === undefined || run.lost) throw lost(process.pid)
    const bundle = transition.bundle()
    const birth = run.fence === undefined ? run.birth : undefined
    this.#records.stepEnded(run)
    const write =
      birth === undefined
        ? advanceWrite(run, this.#context.engine, transition, bundle)
        : bornWrite(birth.create, transition, bundle, this.#context.engine)
    this.#warnOfSize(run, write.parts)
    run.writing = true
    run.ending = isTerminal(transition.to)
    const { plays } = run
    return new Promise((resolve, reject) => {
      this.#context.send(
        write,
        (outcome) => {
          try {
            resolve(this.#committed(run, birth, write, transition, bundle, outcome, plays))
          } catch (error) {
            reject(error instanceof Error ? error : lost(run.process.pid))
          }
        },
        (error) => reject(this.#notCommitted(run, birth, error)),
      )
    })
  }

  /** What the process is told of its commit. @throws what ends its run */
  #committed(
    run: Run,
    birth: Birth | undefined,
    write: Advance | Create,
    transition: Transition,
    bundle: Bundle,
    outcome: Outcome,
    plays: number,
  ): Committed {
    const { pid } = run.process
    const { ending } = run
    run.writing = false
    run.ending = false
    if (ending) this.#context.ended(pid, endedRow(write, bundle, outcome), bundle.parts)
    if (birth !== undefined) this.#told(run, birth, outcome)
    if (outcome.status === 'refused')
      throw outcome.damaged === true ? outcome.error : unsavable(outcome.error)
    if (outcome.status === 'held') return this.#held(run, outcome, run.plays === plays)
    if (outcome.status !== 'done') {
      // It was not as it was launched any more: perhaps it ended before anybody waited for it here.
      if (run.begins) this.#context.ended(pid, undefined, {})
      const reason = outcome.status === 'ended' ? endedAs(pid, outcome.state) : lost(pid)
      this.#lives.lose(run, reason)
      throw lost(pid)
    }
    if (run.begins) {
      run.begins = false
      run.fence = 1
    }
    run.seq++
    run.step = transition.step
    run.saved = bundle
    run.recorded = undefined
    run.released = outcome.released === true || ending
    run.launches = undefined
    run.again = false
    const { pause, kill } = outcome
    if (kill !== undefined) this.#lives.armKill(run, kill.message ?? undefined, kill.deadline)
    this.#context.committed(run)
    if (pause === undefined && kill === undefined) return NOTHING_ASKED
    return {
      pause: pause && { message: pause.message ?? undefined },
      kill: kill && { message: kill.message ?? undefined },
    }
  }

  /** The process may not move. `stands`: it was not played since. */
  #held(run: Run, { pause, kill }: Held, stands: boolean): Committed {
    const { pid } = run.process
    if (kill !== undefined) this.#lives.armKill(run, kill.message ?? undefined, kill.deadline)
    else if (run.released) {
      // A hook has failed after the commit that gave the claim back, and nobody here would be told of the play.
      const error = lost(pid)
      this.#context.logger.error(
        { pid },
        'a hook failed after its process began to wait, which is paused there',
      )
      this.#lives.lose(run, error)
      throw error
    } else this.#records.heldBack(run)
    return {
      held: true,
      pause: pause && stands ? { message: pause.message ?? undefined } : undefined,
      kill: kill && { message: kill.message ?? undefined },
    }
  }

  /** The answer never came: whether it is committed is not known. */
  #notCommitted(run: Run, birth: Birth | undefined, error: unknown): Error {
    const { pid } = run.process
    run.writing = false
    if (run.ending) this.#context.ended(pid, undefined, {})
    run.ending = false
    this.#lives.lose(run, lost(pid))
    if (birth !== undefined) {
      birth.failed(error)
      // It may be durable all the same, and held by this engine, which does not run it.
      run.fence = 1
      this.#lives.release(run)
    }
    return lost(pid)
  }

  async launch(
    parent: Hosted,
    processClass: AnyProcessClass | string,
    given: Readonly<Record<string, unknown>> | undefined,
    options: LaunchOptions = {},
    branch = '',
  ): Promise<ProcessHandle> {
    const run = this.#runOf(parent)
    // What the step changes after the call is not launched.
    const inputs = copyOf(given)
    const className = typeof processClass === 'string' ? processClass : registeredName(processClass)
    const launches = this.#launchesOf(run)
    const { pid, isOwn }: LaunchingPid =
      options.pid === undefined
        ? await launches.pidOf({ branch, className, inputs: this.#inputsText(inputs) })
        : { pid: options.pid, isOwn: false }
    const read = (child: string): Promise<ProcessRow | undefined> =>
      this.#read(run, () => this.#context.read(child))
    const launcher = { parent: parent.pid, parentFence: run.fence as number, onlyOwn: isOwn }
    try {
      return await this.#context.launch(processClass, inputs, { ...options, pid }, launcher)
    } catch (error) {
      if (!isOwn || !(error instanceof KeyConflictError)) throw error
      const free = await freePid(pid, parent.pid, read)
      if (free === pid) throw error
      return this.#context.launch(processClass, inputs, { ...options, pid: free }, launcher)
    }
  }

  missing(process: Hosted): Promise<readonly MissingChild[]> | undefined {
    const run = this.#lives.of(process)
    return run === undefined || run.over || run.lost ? undefined : this.#launchesOf(run).missing()
  }

  #launchesOf(run: Run): StepLaunches {
    const context = this.#context
    return (run.launches ??= new StepLaunches(run, {
      read: (pid) => this.#read(run, () => context.read(pid)),
      children: (parent) => this.#read(run, () => context.children(parent)),
      inputsOf: (pid) => this.#read(run, () => context.inputsOf(pid)),
    }))
  }

  /** The inputs as they are saved; undefined where only the class can save them. */
  #inputsText(inputs: Readonly<Record<string, unknown>> | undefined): string | undefined {
    try {
      return this.codec.stringify(inputs ?? {}, 'inputs')
    } catch (error) {
      if (error instanceof SerializationError) return undefined
      throw error
    }
  }

  async request(process: Hosted, request: ControlRequest): Promise<boolean> {
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
    const run = this.#lives.of(process)
    const plays = run?.plays
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
      killedState: request.kind === 'kill' ? killedStateText(message) : null,
      tree: true,
    })
    if (!applied(outcome)) return false
    if (request.kind === 'pause') {
      // If somebody has played it meanwhile, it was told both in their order, and knows whether it is to pause.
      if (run?.plays === plays) process.pause(request.message)
    } else if (request.kind === 'kill') process.kill(request.message, { force })
    else if (run?.released !== true) process.play()
    return true
  }

  async record(process: Hosted, entry: RecordEntry): Promise<void> {
    return this.#records.record(this.#runOf(process), entry)
  }

  async mail(process: Hosted, signal: string): Promise<KeptSignal | undefined> {
    const mail = await this.#read(this.#runOf(process), () => this.#context.mail(process.pid, signal))
    return mail && { id: mail.id, value: this.codec.parse(mail.value, `signals.${signal}`) }
  }

  suspend(process: Hosted, wait: StepWait): () => void {
    const run = this.#lives.of(process)
    return run === undefined || run.over || run.lost ? () => {} : this.#records.suspend(run, wait)
  }

  goOn(process: Hosted, does: boolean): Promise<void> | undefined {
    const run = this.#lives.of(process)
    return run === undefined || run.over || run.lost ? undefined : this.#records.goOn(run, does)
  }

  evict(process: Hosted, wait: StepWait): void {
    const run = this.#lives.of(process)
    if (run !== undefined && !run.over && !run.lost) this.#records.evict(run, wait)
  }

  async outcomes(
    process: Hosted,
    pids: readonly string[],
  ): Promise<readonly (Settled<unknown> | undefined)[]> {
    const run = this.#runOf(process)
    const outcomes: (Settled<unknown> | undefined)[] = []
    for (let start = 0; start < pids.length; start += ENDS_AT_A_TIME) {
      const some = pids.slice(start, start + ENDS_AT_A_TIME)
      const ends = some.map((pid) => this.#read(run, () => this.#context.outcome(pid)))
      outcomes.push(...(await Promise.all(ends)))
    }
    return outcomes
  }

  async checkpoint(process: Hosted, tag: string): Promise<void> {
    return this.#records.checkpoint(this.#runOf(process), tag)
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
    run.birth = undefined
    const own = this.#lives.isLive(run)
    if (outcome.status === 'done' && outcome.existed !== true && own) run.fence = 1
    else this.#lives.lose(run, lost(run.process.pid))
    birth.told(outcome)
    if (run.lost) throw lost(run.process.pid)
  }

  #runOf(process: Hosted): Run {
    const run = this.#lives.of(process)
    if (run?.fence === undefined || run.lost || run.over) throw lost(process.pid)
    return run
  }

  async #read<T>(run: Run, work: () => Promise<T>): Promise<T> {
    for (let pause = FIRST_PAUSE; ; pause = Math.min(LONGEST_PAUSE, pause * 2)) {
      try {
        return await work()
      } catch (error) {
        const { pid } = run.process
        if (run.lost || run.over || error instanceof ClosedError) throw lost(pid)
        this.#context.logger.warn({ err: error, pid, pause }, 'the store could not be read; trying again')
        // Real time, also where the clock is simulated: this waits for a disk, not for a date.
        await setTimeout(pause, undefined, { ref: false })
      }
    }
  }
}

const NOTHING_ASKED: Committed = {}

/** How the row says that the process ended; undefined where that write did not end it. */
function endedRow(write: Advance | Create, { head }: Bundle, outcome: Outcome): EndedRow | undefined {
  const { pid, state, status, ending } = write
  if (outcome.status !== 'done' || outcome.existed === true || outcome.endedAt === undefined) return undefined
  const { successful = false, exitCode = null, message = null } = ending ?? {}
  return {
    pid,
    className: head.class,
    state,
    status,
    message,
    successful,
    exitCode,
    updatedAt: outcome.endedAt,
  }
}

function applied(outcome: Outcome): boolean {
  if (outcome.status === 'refused') throw outcome.error
  return outcome.status === 'done'
}
