import {
  InvalidStateError,
  ProcessExcepted,
  ProcessKilled,
  type DamsonError,
  type MissingResult,
} from '../../shared/errors.ts'
import { exceptedText } from '../state/ending-texts.ts'
import { defer, type Deferred } from '../state/deferred.ts'
import { droppedError, type Dropped } from '../state/dropped.ts'
import { errorText, type StateData } from '../state/state-data.ts'
import { unsuccessfulError } from '../state/unsuccessful.ts'
import { isOver, type RunState } from '../step/run-state.ts'

/**
 * The result of a finished process: what its last step returned, or the outputs if that step
 * returned nothing. Undefined in any other state.
 */
export function result(
  state: StateData,
  outputs: Readonly<Record<string, unknown>>,
): { readonly value: unknown } | undefined {
  if (state.label !== 'finished') return undefined
  return { value: state.result === undefined ? outputs : state.result }
}

function droppedFrom(state: StateData): Dropped | undefined {
  return 'dropped' in state ? state.dropped : undefined
}

/** The error that stands for how a process ended; undefined if it finished or has not ended. */
export function endError(state: StateData, pid: string, className: string): DamsonError | undefined {
  if (state.label === 'killed') return new ProcessKilled(pid, state.message ?? 'killed')
  if (state.label === 'excepted') return exceptedError(pid, className, state.error)
  return undefined
}

/**
 * How a process ended, as a value, an error or a promise. The promise settles once, and the error
 * is one object.
 */
export class ProcessResult {
  readonly #run: Readonly<RunState>
  #future: Deferred<unknown> | undefined
  #error: DamsonError | undefined

  constructor(run: Readonly<RunState>) {
    this.#run = run
  }

  /** The error that stands for how the process ended, or for why it was taken from this program. */
  get error(): Error | undefined {
    const { state, pid, definition, detached } = this.#run
    return (this.#error ??= endError(state, pid, definition.name)) ?? detached
  }

  /** What the last step returned, or the outputs if it returned nothing. */
  value(): unknown {
    const { state, pid, outputs } = this.#run
    const missing = this.#missing
    if (missing !== undefined) throw missing
    const came = result(state, outputs)
    if (came !== undefined) return came.value
    throw this.error ?? new InvalidStateError(`the process ${pid} has not ended: it is ${state.label}`)
  }

  /**
   * The outputs, complete unless `raiseOnFailure` is false.
   *
   * @throws ProcessUnsuccessful if the process finished without success
   */
  outputs(raiseOnFailure: boolean): unknown {
    const { state, pid, definition, outputs, detached } = this.#run
    const error = raiseOnFailure ? this.error : detached
    if (error !== undefined) throw error
    if (raiseOnFailure && state.label === 'finished' && !state.successful)
      throw unsuccessfulError(pid, definition.name, state)
    const missing = this.#missing
    if (missing !== undefined) throw missing
    return outputs
  }

  /** The error for a value that a store had dropped before the process was loaded. */
  get #missing(): MissingResult | undefined {
    const { state, pid, definition } = this.#run
    const dropped = droppedFrom(state)
    return dropped && droppedError(pid, definition.name, dropped)
  }

  future(): Promise<unknown> {
    if (this.#future === undefined) {
      this.#future = defer()
      if (isOver(this.#run)) this.settle()
    }
    return this.#future.promise
  }

  settle(): void {
    if (this.#future === undefined) return
    const error = this.error ?? this.#missing
    if (error === undefined) this.#future.resolve(this.#run.outputs)
    else this.#future.reject(error)
  }
}

/** The error for a process that excepted, with what it threw as the cause. */
export function exceptedError(pid: string, className: string, cause: unknown): ProcessExcepted {
  const text = cause instanceof Error ? `${cause.name}: ${errorText(cause)}` : errorText(cause)
  return new ProcessExcepted(pid, exceptedText(pid, className, text), { cause })
}
