import {
  InvalidStateError,
  ProcessExcepted,
  ProcessKilled,
  ProcessUnsuccessful,
  type DamsonError,
} from '../../shared/errors.ts'
import { defer, type Deferred } from '../state/deferred.ts'
import type { Life } from './process-runner.ts'
import { errorText, type Finished } from '../state/state-data.ts'

/** How a process ended, as a value, an error or a promise. The promise settles once. */
export class Result_ {
  readonly #life: Life
  #future: Deferred<unknown> | undefined
  #error: DamsonError | undefined

  constructor(life: Life) {
    this.#life = life
  }

  /** The error that stands for how it ended; undefined if it finished or has not ended. */
  get error(): Error | undefined {
    const { stage, pid, plan, detached } = this.#life
    if (stage.label === 'killed') {
      return (this.#error ??= new ProcessKilled(pid, stage.message ?? 'killed'))
    }
    if (stage.label === 'excepted') {
      return (this.#error ??= exceptedError(pid, plan.name, stage.error))
    }
    return detached
  }

  /** What the last step returned, or the outputs if it returned nothing. */
  result(): unknown {
    const { stage, pid, outputs } = this.#life
    if (stage.label === 'finished') return stage.result === undefined ? outputs : stage.result
    throw this.error ?? new InvalidStateError(`the process ${pid} has not ended: it is ${stage.label}`)
  }

  /**
   * The outputs, complete unless `raiseOnFailure` is false.
   *
   * @throws ProcessUnsuccessful where the process finished without success
   */
  outputs(raiseOnFailure: boolean): unknown {
    const { stage, pid, plan, outputs, detached } = this.#life
    const error = raiseOnFailure ? this.error : detached
    if (error !== undefined) throw error
    if (raiseOnFailure && stage.label === 'finished' && !stage.successful)
      throw unsuccessfulError(pid, plan.name, stage)
    return outputs
  }

  future(): Promise<unknown> {
    if (this.#future === undefined) {
      this.#future = defer()
      if (this.#life.over) this.settle()
    }
    return this.#future.promise
  }

  settle(): void {
    if (this.#future === undefined) return
    const { error } = this
    if (error === undefined) this.#future.resolve(this.#life.outputs)
    else this.#future.reject(error)
  }
}

/** Reports that a process finished without success, and why. */
export function unsuccessfulError(
  pid: string,
  className: string,
  { exitCode, message, missing }: Partial<Pick<Finished, 'exitCode' | 'message' | 'missing'>>,
): ProcessUnsuccessful {
  const why = exitCode === undefined ? message : `${exitCode.label} (${exitCode.code}): ${exitCode.message}`
  return new ProcessUnsuccessful(
    pid,
    `the process ${pid} (${className}) finished without success${why === undefined ? '' : `: ${why}`}`,
    exitCode,
    missing ?? [],
  )
}

/** What stands for a process that excepted, with what it threw as the cause. */
export function exceptedError(pid: string, className: string, cause: unknown): ProcessExcepted {
  const text = cause instanceof Error ? `${cause.name}: ${errorText(cause)}` : errorText(cause)
  return new ProcessExcepted(pid, `the process ${pid} (${className}) excepted with ${text}`, { cause })
}
