import { isThenable } from '../state/deferred.ts'
import type { Life } from './process-runner.ts'
import { inScope } from '../step/current-process.ts'

/** A callback that is to run soon. */
export interface ProcessCallback {
  /** Takes it back, if it has not begun. */
  cancel(): void
  readonly cancelled: boolean
}

/** What a process is to do besides its steps: callbacks soon, and cleanups at its end. */
export class Callbacks {
  readonly #life: Life
  #soon: Set<Promise<unknown>> | undefined
  #cleanups: (() => unknown)[] | undefined

  constructor(life: Life) {
    this.#life = life
  }

  /** The callbacks that have not run to their end; undefined when there are none. */
  get pending(): Promise<unknown> | undefined {
    return this.#soon === undefined || this.#soon.size === 0 ? undefined : Promise.all(this.#soon)
  }

  /** Runs a callback as part of the process, soon; the command of a running step waits for it. */
  callSoon(callback: () => unknown): ProcessCallback {
    this.#life.assertOpen()
    const soon = (this.#soon ??= new Set())
    let cancelled = false
    const run = async (): Promise<void> => {
      try {
        await Promise.resolve()
        if (!cancelled) await inScope(this.#life, callback)
      } catch (error) {
        if (this.#life.over) this.#life.report(error, 'a callback threw after the process had ended')
        else this.#life.control.fail(error)
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

  /** Whether there is anything to clean up. */
  get cleansUp(): boolean {
    return this.#cleanups !== undefined
  }

  addCleanup(cleanup: () => unknown): void {
    this.#life.assertOpen()
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
        this.#life.report(error, 'a cleanup threw')
      }
    }
  }
}
