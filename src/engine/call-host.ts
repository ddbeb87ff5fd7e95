import type { Outcome } from '../persistence/contract/outcomes.ts'
import type { Advance, Create } from '../persistence/contract/writes.ts'
import type { Committed, RecordEntry, Transition } from '../process/host/host.ts'
import type { Hosted } from '../process/host/process-object.ts'
import type { Came, Transaction } from '../process/host/transaction.ts'
import { isTerminal } from '../process/state/machine.ts'
import type { StepWait } from '../process/state/transition.ts'
import { DurableHost, type HostParts } from './durable-host.ts'
import type { Execution, Turn } from './execution.ts'
import type { Executions } from './executions.ts'
import type { Scheduler } from './scheduler.ts'
import { claimLost } from './stop-reasons.ts'

/**
 * The host of the calls of actors. It stores things at other times than the host of other
 * processes:
 *
 * 1. The end of a call is stored with the state of its actor, by `ActorRun`. The next call may start
 *    before that (the exception to C3).
 * 2. A call without named actions is stored once, at its end. Before the first named action of a
 *    call, its beginning and the calls before it are made durable.
 * 3. All attempts of a call run here, and its actor runs no other call between them. A failed
 *    attempt is stored, so that a crash does not give it back.
 */
export class CallHost extends DurableHost {
  readonly #executions: Executions
  readonly #scheduler: Scheduler

  constructor(parts: HostParts) {
    super(parts)
    this.#executions = parts.executions
    this.#scheduler = parts.scheduler
  }

  override commit(process: Hosted, transition: Transition): Promise<Committed> {
    const execution = this.#executions.of(process)
    const turn = execution?.turn
    if (execution === undefined || turn === undefined || execution.lost) throw claimLost(process.pid)
    const { to, failed } = transition
    if (to === 'finished') turn.succeeded()
    if (isTerminal(to)) {
      // What is stored for the call now becomes part of the write of its end.
      const before = to === 'finished' ? turn.settling : turn.undo()
      if (before === undefined) return super.commit(process, transition)
      return before.then(() => turn.settling).then(() => super.commit(process, transition))
    }
    if (to === 'waiting' && failed !== null) return this.#backOff(process, transition, turn)
    return NOTHING
  }

  async #backOff(process: Hosted, transition: Transition, turn: Turn): Promise<Committed> {
    await turn.mayStore()
    const committed = await super.commit(process, transition)
    if (committed.held !== true) turn.backsOff(transition.wait?.until ?? 0)
    return committed
  }

  /** Begins a call that was stored while it backed off. */
  begin(process: Hosted): void {
    const turn = this.#turnOf(process)
    if (process.state === 'waiting') turn?.backsOff(turn.retryAt ?? 0)
  }

  protected override send(
    execution: Execution,
    write: Advance | Create,
    answered: (outcome: Outcome) => void,
    failed: (error: unknown) => void,
  ): void {
    const { turn } = execution
    if (write.ending === null) turn?.failed(write as Advance, answered, failed)
    else turn?.ended(write as Advance, answered, failed)
  }

  override goOn(process: Hosted, does: boolean): Promise<void> | undefined {
    const execution = this.#executions.of(process)
    const preparing = does ? execution?.turn?.prepare() : undefined
    if (preparing !== undefined || execution?.claimPending === true) return preparing
    return super.goOn(process, does)
  }

  /** A sleep is recorded without `goOn`, since it has no effect outside the store. */
  override async record(process: Hosted, entry: RecordEntry): Promise<void> {
    await this.#turnOf(process)?.prepare()
    return super.record(process, entry)
  }

  override async transaction(
    process: Hosted,
    act: (tx: Transaction) => unknown,
    entryOf: (value: unknown) => RecordEntry,
  ): Promise<Came> {
    await this.#turnOf(process)?.prepare()
    return super.transaction(process, act, entryOf)
  }

  override reported(process: Hosted): void {
    super.reported(process)
    this.#turnOf(process)?.reported()
  }

  override suspend(process: Hosted, wait: StepWait): () => void {
    const execution = this.#executions.of(process)
    execution?.turn?.waits(wait.for.on)
    if (execution?.claimPending !== true) return super.suspend(process, wait)
    // The row does not show the wait of a call without named actions.
    this.#scheduler.lendSlot(execution)
    return () => this.#scheduler.reclaimSlot(execution)
  }

  /** A call stays in memory while it waits: its actor is there too. */
  override evict(): void {}

  #turnOf(process: Hosted): Turn | undefined {
    return this.#executions.of(process)?.turn
  }
}

const NOTHING = Promise.resolve<Committed>({})
