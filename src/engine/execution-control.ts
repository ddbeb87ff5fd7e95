import type { Hosted } from '../process/host/process-object.ts'
import { errorText } from '../shared/error-text.ts'
import { alarm } from '../shared/clock.ts'
import { DeadlineExceeded } from '../shared/errors.ts'
import type { EngineParts } from './engine-parts.ts'
import type { Execution } from './execution.ts'
import type { Executions } from './executions.ts'
import { claimLost } from './stop-reasons.ts'
import { setImmediate } from '../shared/timers.ts'

interface Request {
  readonly message?: string | null | undefined
}

/** A pause or kill that the store holds, as a row, a change or the answer to a write reports it. */
export interface StoredRequests {
  readonly pause?: Request | null | undefined
  /** At the deadline, the kill is forced. */
  readonly kill?: (Request & { readonly deadline?: number | undefined }) | null | undefined
}

export interface Delivery {
  /**
   * `Execution.playCount` at the time of the request. If it has changed since, the reported pause
   * is stale.
   */
  readonly playCount?: number | undefined
  /** Whether the store has paused the process inside a wait. */
  readonly waits?: boolean
  /** Whether a kill does not wait for the step. */
  readonly force?: boolean
}

/** Delivers stored requests to executions, and stops executions. */
export class ExecutionControl {
  /** The error for steps that are stopped because the engine closes; undefined before that. */
  draining: Error | undefined
  readonly #parts: EngineParts
  readonly #executions: Executions

  constructor(parts: EngineParts, executions: Executions) {
    this.#parts = parts
    this.#executions = executions
  }

  /**
   * The one function by which a stored pause or kill reaches a process between its transitions.
   * During a transition, its answer reports them (`Committed`).
   */
  deliver(process: Hosted, { pause, kill }: StoredRequests, delivery: Delivery = {}): void {
    const { playCount, waits = false, force = false } = delivery
    const execution = this.#executions.of(process)
    if (kill) {
      process.kill(kill.message ?? undefined, { force })
      execution?.retryHeldWrites()
      if (execution !== undefined && kill.deadline !== undefined)
        this.armKill(execution, kill.message ?? undefined, kill.deadline)
    }
    const isStale = playCount !== undefined && execution !== undefined && execution.playCount !== playCount
    if (pause && !isStale) process.pause(pause.message ?? undefined, { waits })
  }

  /** Forces the kill at its deadline. */
  armKill(execution: Execution, message: string | undefined, deadline: number): void {
    execution.cancelKill?.()
    execution.cancelKill = alarm(this.#parts.clock, deadline, () => {
      execution.process.kill(message, { force: true })
    })
  }

  /**
   * Excepts a process that has not ended by its deadline. If the deadline has passed already, no
   * step runs.
   */
  armDeadline(execution: Execution, deadline: number | undefined): void {
    if (deadline === undefined) return
    const { process } = execution
    const expire = (): void =>
      process.expire(
        new DeadlineExceeded(
          `process ${process.pid} had not ended by its deadline, ${new Date(deadline).toISOString()}`,
        ),
      )
    if (deadline <= this.#parts.clock.now()) expire()
    else execution.cancelDeadline = alarm(this.#parts.clock, deadline, expire)
  }

  /**
   * Stops an execution whose process no longer belongs to this engine, or leaves memory. The
   * command of its step is dropped, and nothing more is written.
   */
  stop(execution: Execution, reason: Error): void {
    if (execution.lost) return
    execution.lost = true
    execution.process.detach(reason)
    execution.retryHeldWrites()
  }

  /**
   * While the engine closes, stops a step that only waits: the step runs again elsewhere, from its
   * record.
   */
  stopIfDraining(execution: Execution): void {
    const reason = this.draining
    if (reason === undefined) return
    setImmediate(() => {
      if (execution.slotLent) this.stop(execution, reason)
    })
  }

  /**
   * Stops an execution whose transition and failure could not be stored, and parks the process
   * (C9).
   */
  async park(execution: Execution, error: unknown): Promise<void> {
    const { pid } = execution.process
    this.#parts.logger.error({ err: error, pid }, 'a process could not be run and is parked')
    this.stop(execution, claimLost(pid))
    const { fence } = execution
    if (fence === undefined) return
    const reason = errorText(error)
    try {
      await this.#parts.commits.write({ kind: 'park', pid, fence, reason })
    } catch (failure) {
      this.#parts.logger.warn({ err: failure, pid }, 'a process could not be parked')
    }
  }

  /** Gives a claim back. */
  async release(execution: Execution): Promise<void> {
    const { fence } = execution
    if (fence === undefined) return
    const { id: owner, commits, logger } = this.#parts
    const { pid } = execution.process
    try {
      await commits.write({ kind: 'release', pid, fence, owner })
    } catch (error) {
      // The claim ends anyway when this engine leaves, or when its lease ends.
      logger.warn({ err: error, pid }, 'a claim could not be given back at once')
    }
  }
}
