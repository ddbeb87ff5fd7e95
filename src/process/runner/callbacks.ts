import { isThenable } from '../state/deferred.ts'
import { asProcess } from '../step/current-process.ts'
import { isOver, reportError, type RunState } from '../step/run-state.ts'

/** A callback that is to run soon. */
export interface ProcessCallback {
  /** Cancels the callback, if it has not begun. */
  cancel(): void
  readonly cancelled: boolean
}

/** What the callbacks of a process need of the process. */
export interface CallbackOwner {
  /** @throws ClosedError once nothing more can be done with the process */
  assertOpen(): void
  /** Excepts the process, at once or when its step has ended. */
  fail(error: unknown): void
}

/** What a process does besides its steps: callbacks soon, and cleanups at its end. */
export class Callbacks {
  readonly #run: RunState
  readonly #owner: CallbackOwner
  #soon: Set<Promise<unknown>> | undefined
  #cleanups: (() => unknown)[] | undefined

  constructor(run: RunState, owner: CallbackOwner) {
    this.#run = run
    this.#owner = owner
  }

  /** The callbacks that have not run to their end; undefined when there are none. */
  get pending(): Promise<unknown> | undefined {
    return this.#soon === undefined || this.#soon.size === 0 ? undefined : Promise.all(this.#soon)
  }

  /** Runs a callback as part of the process, soon. The command of a running step waits for it. */
  callSoon(callback: () => unknown): ProcessCallback {
    this.#owner.assertOpen()
    const soon = (this.#soon ??= new Set())
    let cancelled = false
    const run = async (): Promise<void> => {
      try {
        await Promise.resolve()
        if (!cancelled) await asProcess(this.#run, callback)
      } catch (error) {
        if (isOver(this.#run)) reportError(this.#run, error, 'a callback threw after the process had ended')
        else this.#owner.fail(error)
      } finally {
        soon.delete(running)
      }
    }
    const running: Promise<void> = run()
    soon.add(running)
    return {
      cancel: () => {
        cancelled = true
      },
      get cancelled() {
        return cancelled
      },
    }
  }

  /** Whether there are cleanups. */
  get cleansUp(): boolean {
    return this.#cleanups !== undefined
  }

  addCleanup(cleanup: () => unknown): void {
    this.#owner.assertOpen()
    ;(this.#cleanups ??= []).push(cleanup)
  }

  /** Runs the cleanups, the last added first. */
  async cleanUp(): Promise<void> {
    const cleanups = this.#cleanups
    this.#cleanups = undefined
    for (const cleanup of cleanups?.toReversed() ?? []) {
      try {
        const result = cleanup()
        if (isThenable(result)) await result
      } catch (error) {
        reportError(this.#run, error, 'a cleanup threw')
      }
    }
  }
}
