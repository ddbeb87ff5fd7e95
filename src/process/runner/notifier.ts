import type { EventEmitter } from 'eventemitter3'
import { isThenable } from '../state/deferred.ts'
import { GuardedEmitter } from './emitter.ts'
import type { ProcessEventMap as EventMap } from '../host/events.ts'
import type { ProcessObject } from '../host/process-object.ts'
import type { ProcessListener as Listener } from '../host/listener.ts'
import type { StateData } from '../state/state-data.ts'
import { reportError, type RunState } from '../step/run-state.ts'

type ProcessEventMap = EventMap<ProcessObject>
type ProcessListener = Listener<ProcessObject>

const NONE: ReadonlySet<ProcessListener> = new Set()

/**
 * Notifies listeners of what happens to a process. Their errors are reported and change nothing.
 */
export class Notifier {
  readonly #run: RunState
  #emitter: EventEmitter<ProcessEventMap> | undefined
  #listeners = NONE

  constructor(run: RunState) {
    this.#run = run
  }

  /** Whether there may be anyone to notify. */
  get isHeard(): boolean {
    return this.#emitter !== undefined || this.#listeners !== NONE
  }

  get events(): EventEmitter<ProcessEventMap> {
    return (this.#emitter ??= new GuardedEmitter((error) => this.#report(error)))
  }

  add(listener: ProcessListener): void {
    this.#listeners = new Set(this.#listeners).add(listener)
  }

  remove(listener: ProcessListener): void {
    this.#listeners = new Set([...this.#listeners].filter((one) => one !== listener))
  }

  created(): void {
    const { process } = this.#run
    this.#call((listener) => listener.onProcessCreated?.(process))
    this.#emit('process:created', { process })
  }

  paused(message: string | undefined): void {
    const { process } = this.#run
    this.#call((listener) => listener.onProcessPaused?.(process))
    this.#emit('process:paused', { process, message })
  }

  played(): void {
    const { process } = this.#run
    this.#call((listener) => listener.onProcessPlayed?.(process))
    this.#emit('process:played', { process })
  }

  output(port: string, value: unknown, dynamic: boolean): void {
    const { process } = this.#run
    this.#call((listener) => listener.onOutputEmitted?.(process, port, value, dynamic))
    this.#emit('output:emitted', { process, port, value, dynamic })
  }

  /** A transition has been committed. */
  entered(state: StateData): void {
    if (!this.isHeard) return
    const { process, outputs } = this.#run
    switch (state.label) {
      case 'running':
        this.#call((listener) => listener.onProcessRunning?.(process))
        this.#emit('process:running', { process })
        break
      case 'waiting':
        this.#call((listener) => listener.onProcessWaiting?.(process))
        this.#emit('process:waiting', { process })
        break
      case 'finished': {
        const { result, successful } = state
        this.#call((listener) => listener.onProcessFinished?.(process, outputs))
        this.#emit('process:finished', { process, outputs, result, successful })
        break
      }
      case 'excepted':
        this.#call((listener) => listener.onProcessExcepted?.(process, state.error))
        this.#emit('process:excepted', { process, error: state.error })
        break
      case 'killed':
        this.#call((listener) => listener.onProcessKilled?.(process, state.message ?? ''))
        this.#emit('process:killed', { process, message: state.message ?? '' })
        break
      default:
    }
  }

  #call(call: (listener: ProcessListener) => unknown): void {
    for (const listener of this.#listeners) this.#guard(() => call(listener))
  }

  #emit<K extends keyof ProcessEventMap>(
    event: K,
    ...args: EventEmitter.EventArgs<ProcessEventMap, K>
  ): void {
    const emitter = this.#emitter
    if (emitter !== undefined) this.#guard(() => emitter.emit(event, ...args))
  }

  #guard(call: () => unknown): void {
    try {
      const result = call()
      if (isThenable(result)) result.then(undefined, (error: unknown) => this.#report(error))
    } catch (error) {
      this.#report(error)
    }
  }

  #report(error: unknown): void {
    reportError(this.#run, error, 'a listener threw')
  }
}
