import { ClosedError, ProcessKilled } from '../../shared/errors.ts'
import { asProcess } from '../step/current-process.ts'
import type { CurrentStep } from '../step/current-step.ts'
import { isOver, type RunState } from '../step/run-state.ts'
import type { Callbacks } from './callbacks.ts'
import type { PendingRequests } from './pending-requests.ts'
import type { ProcessResult } from './result.ts'
import type { UserCode } from './user-code.ts'

/** How a process ends, is closed, or is detached from this program. */
export class Closing {
  readonly #run: RunState
  readonly #requests: PendingRequests
  readonly #step: CurrentStep
  readonly #code: UserCode
  readonly #callbacks: Callbacks
  readonly #result: ProcessResult

  constructor(
    run: RunState,
    requests: PendingRequests,
    step: CurrentStep,
    code: UserCode,
    callbacks: Callbacks,
    result: ProcessResult,
  ) {
    this.#run = run
    this.#requests = requests
    this.#step = step
    this.#code = code
    this.#callbacks = callbacks
    this.#result = result
  }

  /** @throws the reason for which the process was taken from this program */
  assertAttached(): void {
    if (this.#run.detached !== undefined) throw this.#run.detached
  }

  /** @throws ClosedError once nothing more can be done with the process */
  assertOpen(): void {
    this.assertAttached()
    this.#code.assertCurrent()
    const { closed, pid, state } = this.#run
    if (!closed) return
    throw new ClosedError(
      `the process ${pid} has ended (${state.label}): its result and outputs are kept; to run again, make another`,
    )
  }

  /**
   * Records a kill, aborts the signal and, if the kill is forced, abandons the running code. The
   * driver carries the kill out.
   */
  kill(message: string | undefined, force: boolean): void {
    const { pid } = this.#run
    if (this.#requests.kill(message, force)) {
      this.#step.abort(new ProcessKilled(pid, message ?? `the process ${pid} is being killed`))
    }
    if (force) this.#code.abandon()
  }

  /**
   * Aborts the signal. Nothing more is committed, and whatever is awaited of the process rejects
   * with the reason.
   */
  detach(reason: Error): void {
    if (isOver(this.#run)) return
    this.#run.detached = reason
    this.#step.abort(reason)
    this.#requests.dropAll()
    this.#result.settle()
    this.#code.abandon()
    this.#requests.changed()
  }

  /**
   * The host could not commit. What happens to the process is decided elsewhere. Returns the reason
   * to throw.
   */
  lost(error: unknown): Error {
    const reason = error instanceof Error ? error : new ClosedError(String(error))
    this.detach(reason)
    return this.#run.detached ?? reason
  }

  /** A terminal state was committed. */
  terminated(): Promise<void> | undefined {
    this.#requests.dropAll()
    this.#result.settle()
    if (this.#run.definition.hooked || this.#callbacks.cleansUp) return this.#closeAfterHooks()
    this.#run.closed = true
    return undefined
  }

  async #closeAfterHooks(): Promise<void> {
    if (this.#run.definition.hooks.onTerminated !== undefined) await this.#code.tried('onTerminated')
    await this.close()
  }

  /** Ends the process here without a transition, and runs its cleanups. */
  async close(): Promise<void> {
    const run = this.#run
    if (run.closed) return
    if (!isOver(run)) this.detach(new ClosedError(`the process ${run.pid} was closed`))
    run.closed = true
    await asProcess(run, async () => {
      await this.#callbacks.cleanUp()
      if (run.definition.hooks.onClose !== undefined) await this.#code.tried('onClose')
    })
  }
}
