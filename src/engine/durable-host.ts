/* This file is longer than 400 lines, because it implements every method of `Host`. */
import { killedStateText } from '../process/state/saved-state.ts'
import type { Bundle } from '../bundle/bundle.ts'
import type { Codec } from '../bundle/codec.ts'
import type { EndedRow } from '../client/read/state-info.ts'
import type { ProcessGroup } from '../process/host/process-group.ts'
import type { Held, Outcome } from '../persistence/contract/outcomes.ts'
import type { Advance, Create, Parts } from '../persistence/contract/writes.ts'
import type { AnyProcessClass, Hosted } from '../process/host/process-object.ts'
import type { LaunchOptions } from '../process/host/launch-options.ts'
import type { ProcessHandle, Settled } from '../process/host/process-handle.ts'
import type { KeptSignal, StepWait } from '../process/state/transition.ts'
import type {
  Committed,
  ControlRequest,
  GroupToLaunch,
  Host,
  MissingChild,
  RecordEntry,
  Transition,
} from '../process/host/host.ts'
import type { Came, Transaction } from '../process/host/transaction.ts'
import { isTerminal } from '../process/state/machine.ts'
import { newId } from '../client/write/requests.ts'
import { setImmediate } from '../shared/timers.ts'
import type { Clock } from '../shared/clock.ts'
import { ChildLaunches, type OtherProcesses } from './child-launches.ts'
import type { EngineParts } from './engine-parts.ts'
import type { ExecutionControl } from './execution-control.ts'
import type { Executions } from './executions.ts'
import type { Scheduler } from './scheduler.ts'
import { StoreReader } from './store-reader.ts'
import { endedElsewhere, claimLost, unsavable } from './stop-reasons.ts'
import type { PendingLaunch, Execution } from './execution.ts'
import type { StepJournalWriter } from './step-journal-writer.ts'
import { storedReport } from './unstored-reports.ts'
import { advanceWrite, endedRow, launchWrite } from './writes.ts'

/** A saved part of this many characters or more is worth a warning. */
const LARGE_PART = 4 * 2 ** 20
/** How many outcomes are read at a time. */
const OUTCOMES_AT_A_TIME = 200

/** The collaborators of a host, all built before it. */
export interface HostParts {
  readonly engine: EngineParts
  readonly executions: Executions
  readonly scheduler: Scheduler
  readonly control: ExecutionControl
  readonly journal: StepJournalWriter
  readonly others: OtherProcesses
}

/**
 * The host of an engine's processes. Makes their transitions, launches and records durable.
 *
 * 1. A step starts only after the commit that leads into it (C3): the process awaits `commit`.
 * 2. Every write carries the claim's fence and the execution's own sequence number (C4). A refused
 *    write ends the execution, and nothing that its step does afterwards counts.
 * 3. A read that fails is tried again, so an unreadable store ends no execution.
 */
export class DurableHost implements Host {
  readonly durable = true
  readonly codec: Codec
  readonly clock: Clock
  readonly #engine: EngineParts
  readonly #executions: Executions
  readonly #scheduler: Scheduler
  readonly #control: ExecutionControl
  readonly #journal: StepJournalWriter
  readonly #others: OtherProcesses
  readonly #children: ChildLaunches
  /** The processes that have ended and have reported something in this turn. */
  readonly #endedReports = new Set<Hosted>()

  constructor({ engine, executions, scheduler, control, journal, others }: HostParts) {
    this.codec = engine.codec
    this.clock = engine.clock
    this.#engine = engine
    this.#executions = executions
    this.#scheduler = scheduler
    this.#control = control
    this.#journal = journal
    this.#others = others
    this.#children = new ChildLaunches(engine, others, (process) => this.#executionOf(process))
  }

  commit(process: Hosted, transition: Transition): Promise<Committed> {
    const execution = this.#executions.of(process)
    if (execution === undefined || execution.lost) throw claimLost(process.pid)
    const bundle = transition.bundle()
    const pendingLaunch = execution.fence === undefined ? execution.pendingLaunch : undefined
    this.#journal.stepEnded(execution)
    const report = execution.takeReport()
    const write =
      pendingLaunch === undefined
        ? advanceWrite(execution, this.#engine, transition, bundle, report)
        : launchWrite(pendingLaunch.create, transition, bundle, this.#engine.id, report)
    this.#warnOfSize(execution, write.parts)
    execution.isCommitting = true
    execution.isEnding = isTerminal(transition.to)
    const { playCount } = execution
    return new Promise((resolve, reject) => {
      this.send(
        execution,
        write,
        (outcome) => {
          // Goes with the write that follows.
          const isBack = outcome.status === 'refused' || outcome.status === 'held'
          if (isBack && report !== undefined) execution.process.reports?.putBack(report)
          try {
            resolve(this.#committed(execution, pendingLaunch, write, transition, bundle, outcome, playCount))
          } catch (error) {
            reject(error instanceof Error ? error : claimLost(execution.process.pid))
          }
        },
        (error) => reject(this.#notCommitted(execution, pendingLaunch, error)),
      )
    })
  }

  /** Has a transition stored. Callbacks must not throw. */
  protected send(
    _execution: Execution,
    write: Advance | Create,
    answered: (outcome: Outcome) => void,
    failed: (error: unknown) => void,
  ): void {
    this.#engine.commits.send(write, answered, failed)
  }

  /** Handles the answer to a commit. @throws an error that ends the execution */
  #committed(
    execution: Execution,
    pendingLaunch: PendingLaunch | undefined,
    write: Advance | Create,
    transition: Transition,
    bundle: Bundle,
    outcome: Outcome,
    playCount: number,
  ): Committed {
    const { pid } = execution.process
    const { isEnding } = execution
    execution.isCommitting = false
    execution.isEnding = false
    if (isEnding) this.#ended(pid, endedRow(execution, write, bundle, outcome), bundle.parts)
    if (pendingLaunch !== undefined) this.#launchAnswered(execution, pendingLaunch, outcome)
    if (outcome.status === 'refused')
      throw outcome.damaged === true ? outcome.error : unsavable(outcome.error)
    if (outcome.status === 'held') return this.#held(execution, outcome, execution.playCount === playCount)
    if (outcome.status !== 'done') {
      // Another write has changed the queued process. It may have ended before a handle here began
      // to wait.
      if (execution.claimPending) this.#ended(pid, undefined, {})
      const reason = outcome.status === 'ended' ? endedElsewhere(pid, outcome.state) : claimLost(pid)
      this.#control.stop(execution, reason)
      throw claimLost(pid)
    }
    if (execution.claimPending) {
      execution.claimPending = false
      execution.fence = (execution.fence ?? 0) + 1
    }
    execution.seq++
    execution.step = transition.step
    execution.saved = bundle
    execution.recorded = undefined
    execution.released = outcome.released === true || isEnding
    execution.launches = undefined
    execution.rerunsStep = false
    const { pause, kill } = outcome
    if (kill !== undefined) this.#control.armKill(execution, kill.message ?? undefined, kill.deadline)
    this.#scheduler.executionCommitted(execution)
    if (pause === undefined && kill === undefined) return NOTHING_ASKED
    return {
      pause: pause && { message: pause.message ?? undefined },
      kill: kill && { message: kill.message ?? undefined },
    }
  }

  /** A pause or a kill held the write. `stands`: the pause has not been undone by a play. */
  #held(execution: Execution, { pause, kill }: Held, stands: boolean): Committed {
    const { pid } = execution.process
    if (kill !== undefined) this.#control.armKill(execution, kill.message ?? undefined, kill.deadline)
    else if (execution.released) {
      // A hook has failed after the claim was given back, so a play would not be noted here.
      const error = claimLost(pid)
      this.#engine.logger.error(
        { pid },
        'a hook failed after its process had begun to wait; the process is paused in that wait',
      )
      this.#control.stop(execution, error)
      throw error
    } else this.#journal.heldBack(execution)
    return {
      held: true,
      pause: pause && stands ? { message: pause.message ?? undefined } : undefined,
      kill: kill && { message: kill.message ?? undefined },
    }
  }

  /** The commit rejected, so it is not known whether the write is durable. */
  #notCommitted(execution: Execution, pendingLaunch: PendingLaunch | undefined, error: unknown): Error {
    const { pid } = execution.process
    execution.isCommitting = false
    if (execution.isEnding) this.#ended(pid, undefined, {})
    execution.isEnding = false
    this.#control.stop(execution, claimLost(pid))
    if (pendingLaunch !== undefined) {
      pendingLaunch.failed(error)
      // If the launch is durable, this engine holds a claim on a process that it does not run.
      execution.fence = 1
      void this.#control.release(execution)
    }
    return claimLost(pid)
  }

  launch(
    parent: Hosted,
    processClass: AnyProcessClass | string,
    inputs: Readonly<Record<string, unknown>> | undefined,
    options: LaunchOptions = {},
    branch = '',
  ): Promise<ProcessHandle> {
    return this.#children.launch({ parent, processClass, branch }, inputs, options)
  }

  launchAll(
    parent: Hosted,
    processClass: AnyProcessClass | string,
    group: GroupToLaunch,
    branch: string,
  ): Promise<ProcessGroup> {
    return this.#children.launchAll({ parent, processClass, branch }, group)
  }

  missing(process: Hosted): Promise<readonly MissingChild[]> | undefined {
    const execution = this.#liveExecutionOf(process)
    return execution && this.#children.of(execution).missing()
  }

  #reader(execution: Execution): StoreReader {
    return new StoreReader(this.#engine, execution)
  }

  async request(process: Hosted, request: ControlRequest): Promise<boolean> {
    const { name: by, killGrace } = this.#engine
    const pid = process.pid
    const id = globalThis.crypto.randomUUID()
    if (request.kind === 'resume') {
      const value = this.codec.stringify(request.value, 'value')
      return applied(await this.#engine.commits.write({ kind: 'resume', pid, id, value, by }))
    }
    if (request.kind === 'signal') {
      const { name } = request
      const value = this.codec.stringify(request.value, `signals.${name}`)
      return applied(await this.#engine.commits.write({ kind: 'signal', pid, id, name, value, by }))
    }
    const execution = this.#executions.of(process)
    const playCount = execution?.playCount
    const message = request.kind === 'play' ? null : (request.message ?? null)
    const force = request.kind === 'kill' && request.force === true
    const outcome = await this.#engine.commits.write({
      kind: 'request',
      pid,
      id,
      request: request.kind,
      message,
      // No `force` here: the process is killed below, so that its hooks run.
      grace: killGrace,
      by,
      killedState: request.kind === 'kill' ? killedStateText(message) : null,
      tree: true,
    })
    if (!applied(outcome)) return false
    if (request.kind === 'pause') {
      // A play meanwhile makes this pause stale.
      this.#control.deliver(process, { pause: request }, { playCount })
    } else if (request.kind === 'kill') this.#control.deliver(process, { kill: { message } }, { force })
    else if (execution !== undefined && !execution.released) process.play()
    return true
  }

  async record(process: Hosted, entry: RecordEntry): Promise<void> {
    return this.#journal.record(this.#executionOf(process), entry)
  }

  async transaction(
    process: Hosted,
    act: (tx: Transaction) => unknown,
    entryOf: (value: unknown) => RecordEntry,
  ): Promise<Came> {
    return this.#journal.transaction(this.#executionOf(process), act, entryOf)
  }

  status(process: Hosted, status: string | undefined): void {
    const execution = this.#liveExecutionOf(process)
    if (execution !== undefined) this.#journal.status(execution, status)
  }

  reported(process: Hosted): void {
    if (isTerminal(process.state)) {
      this.#reportedAfterEnd(process)
      return
    }
    const execution = this.#liveExecutionOf(process)
    if (execution !== undefined) this.#journal.reported(execution)
  }

  /** Hooks that follow the end have printed something. No execution stores it any more. */
  #reportedAfterEnd(process: Hosted): void {
    if (this.#endedReports.has(process)) return
    this.#endedReports.add(process)
    setImmediate(() => {
      this.#endedReports.delete(process)
      const { commits, logger, name: by } = this.#engine
      const { pid } = process
      const taken = process.reports?.take()
      if (taken === undefined) return
      const report = storedReport({ ...taken, progress: undefined })
      commits
        .write({ kind: 'event', pid, id: newId(), report, by })
        .catch((error: unknown) =>
          logger.warn({ err: error, pid }, 'what a hook printed after the end could not be stored'),
        )
    })
  }

  async mail(process: Hosted, signal: string): Promise<KeptSignal | undefined> {
    const execution = this.#executionOf(process)
    const mail = await this.#journal.whileReading(execution, this.#reader(execution).mail(signal))
    return mail && { id: mail.id, value: this.codec.parse(mail.value, `signals.${signal}`) }
  }

  suspend(process: Hosted, wait: StepWait): () => void {
    const execution = this.#liveExecutionOf(process)
    return execution === undefined ? () => {} : this.#journal.suspend(execution, wait)
  }

  goOn(process: Hosted, does: boolean): Promise<void> | undefined {
    const execution = this.#liveExecutionOf(process)
    return execution && this.#journal.goOn(execution, does)
  }

  evict(process: Hosted, wait: StepWait): void {
    const execution = this.#liveExecutionOf(process)
    if (execution !== undefined) this.#journal.evict(execution, wait)
  }

  async outcomes(
    process: Hosted,
    pids: readonly string[],
    outputs: readonly boolean[] = [],
  ): Promise<readonly (Settled<unknown> | undefined)[]> {
    const reader = this.#reader(this.#executionOf(process))
    const outcomes: (Settled<unknown> | undefined)[] = []
    for (let start = 0; start < pids.length; start += OUTCOMES_AT_A_TIME) {
      const some = pids.slice(start, start + OUTCOMES_AT_A_TIME)
      const ends = some.map((pid, i) => reader.retry(() => this.#others.outcome(pid, outputs[start + i])))
      outcomes.push(...(await Promise.all(ends)))
    }
    return outcomes
  }

  async checkpoint(process: Hosted, tag: string): Promise<void> {
    return this.#journal.checkpoint(this.#executionOf(process), tag)
  }

  /** Warns once for each execution, since large parts would otherwise go unnoticed. */
  #warnOfSize(execution: Execution, parts: Parts): void {
    if (execution.warned) return
    for (const name in parts) {
      const { length } = parts[name] as string
      if (length < LARGE_PART) continue
      execution.warned = true
      this.#engine.logger.warn(
        { pid: execution.process.pid, part: name, characters: length },
        'a process saves a large part, which is written again at every change; keep large data in a file and save its path',
      )
    }
  }

  /** Reports to the handle, if any, how the commit ended the process. Without a row, it did not end. */
  #ended(pid: string, row: EndedRow | undefined, parts: Parts): void {
    const { handles, launched } = this.#engine
    if (row !== undefined) launched.ended(pid)
    handles.find(pid)?.endCommitted(row, parts)
  }

  #launchAnswered(execution: Execution, pendingLaunch: PendingLaunch, outcome: Outcome): void {
    execution.pendingLaunch = undefined
    const own = this.#executions.isCurrent(execution)
    if (outcome.status === 'done' && outcome.existed !== true && own) execution.fence = 1
    else this.#control.stop(execution, claimLost(execution.process.pid))
    pendingLaunch.answered(outcome)
    if (execution.lost) throw claimLost(execution.process.pid)
  }

  /** The execution of a process, unless it is over or has lost its claim. */
  #liveExecutionOf(process: Hosted): Execution | undefined {
    const execution = this.#executions.of(process)
    return execution === undefined || execution.over || execution.lost ? undefined : execution
  }

  /** @throws LeaseLost if the process has no claim */
  #executionOf(process: Hosted): Execution {
    const execution = this.#liveExecutionOf(process)
    if (execution?.fence === undefined) throw claimLost(process.pid)
    return execution
  }
}

const NOTHING_ASKED: Committed = {}

function applied(outcome: Outcome): boolean {
  if (outcome.status === 'refused') throw outcome.error
  return outcome.status === 'done'
}
