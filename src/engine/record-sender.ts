import type { Done, Held, Outcome, Refused } from '../persistence/contract/outcomes.ts'
import type { RecordHead } from '../persistence/contract/store.ts'
import type { ExecutionControl } from './execution-control.ts'
import type { Execution } from './execution.ts'
import type { Scheduler } from './scheduler.ts'
import { claimLost, endedElsewhere } from './stop-reasons.ts'

/**
 * Sends the records of running steps. Each has the fence of the claim and a count of its own (C4), and one
 * that the store holds back is sent again once the process is played (C7).
 */
export class RecordSender {
  readonly #scheduler: Scheduler
  readonly #control: ExecutionControl

  constructor(scheduler: Scheduler, control: ExecutionControl) {
    this.#scheduler = scheduler
    this.#control = control
  }

  /**
   * Sends a record of the step that began after the transition `seq`. Returns undefined if it must
   * be sent again.
   *
   * @throws an error that ends the execution
   */
  async send(
    execution: Execution,
    seq: number,
    force: boolean,
    send: (head: RecordHead) => Promise<Outcome>,
  ): Promise<Done | Refused | undefined> {
    const { process, fence } = execution
    const { pid } = process
    if (fence === undefined || execution.lost || execution.over || execution.seq !== seq) throw claimLost(pid)
    const { refusals, playCount } = execution
    const count = ++execution.journalCount
    let outcome: Outcome
    try {
      const crashedActor = execution.turn?.crashedActor
      outcome = await send({ kind: 'record', pid, fence, count, ...(crashedActor && { crashedActor }) })
    } catch {
      this.#control.stop(execution, claimLost(pid))
      throw claimLost(pid)
    }
    if (execution.lost) throw claimLost(pid)
    if (outcome.status === 'done') {
      this.#control.deliver(process, outcome, { playCount, force })
      return outcome
    }
    if (outcome.status === 'refused' && outcome.damaged === true) {
      void this.#control.park(execution, outcome.error)
      throw claimLost(pid)
    }
    if (outcome.status === 'refused' || outcome.status === 'held') {
      if (execution.refusals === refusals) {
        execution.refusals++
        execution.journalCount = count - 1
      }
      if (outcome.status === 'refused') return outcome
      if (outcome.kill !== undefined) {
        // The step does not continue, and all its waits are dropped (C5).
        this.#control.deliver(process, { kill: outcome.kill }, { force })
        process.signal.throwIfAborted()
        throw claimLost(pid)
      }
      if (execution.playCount === playCount) await this.#untilPlayed(execution, outcome)
      return undefined
    }
    // A write before this one was refused, so the count of this one was not the next.
    if (outcome.status === 'fenced' && execution.refusals !== refusals) return undefined
    // Once the commit that ends the step has begun, only its own answer shows whether the claim
    // is lost.
    if (execution.isCommitting || execution.seq !== seq) throw claimLost(pid)
    const reason = outcome.status === 'ended' ? endedElsewhere(pid, outcome.state) : claimLost(pid)
    this.#control.stop(execution, reason)
    throw reason
  }

  /** Resolves when the process is played, killed or stopped. */
  async #untilPlayed(execution: Execution, { pause }: Held): Promise<void> {
    this.#control.deliver(execution.process, { pause: pause ?? {} }, { waits: true })
    this.#scheduler.lendSlot(execution)
    this.#control.stopIfDraining(execution)
    if (execution.lost || execution.over) return
    await new Promise<void>((again) => (execution.heldWrites ??= new Set()).add(again))
  }
}
