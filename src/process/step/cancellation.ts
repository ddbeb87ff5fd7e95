import type { AbortSignal } from '../../shared/abort-signal.ts'
import { StepTimeout } from '../../shared/errors.ts'
import { asProcess } from './current-process.ts'
import type { RunState } from './run-state.ts'

/** The abort signal of a process, made when it is first asked for. */
export class Cancellation {
  readonly #run: RunState
  #controller: AbortController | undefined
  #reason: Error | undefined

  constructor(run: RunState) {
    this.#run = run
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  get isAborted(): boolean {
    return this.#reason !== undefined
  }

  throwIfAborted(): void {
    if (this.#reason !== undefined) throw this.#reason
  }

  /** Aborts the signal; false if it is aborted already. */
  abort(reason: Error): boolean {
    this.renew()
    if (this.#reason !== undefined) return false
    this.#reason = reason
    // The listeners of the signal are code of the process.
    const controller = this.#controller
    if (controller !== undefined) asProcess(this.#run, () => controller.abort(reason))
    return true
  }

  /**
   * After a timeout the process continues without that attempt at the step: the next one has a
   * signal of its own.
   */
  renew(): void {
    if (this.#reason === undefined || !(this.#reason instanceof StepTimeout)) return
    this.#reason = undefined
    this.#controller = undefined
  }
}
