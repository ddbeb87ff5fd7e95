import type { EventEmitter } from 'eventemitter3'
import { isThenable } from '../state/deferred.ts'
import { GuardedEmitter } from './emitter.ts'
import type { ProcessEventMap as EventMap } from '../host/events.ts'
import type { ProcessObject } from '../host/process-object.ts'
import type { Life } from './process-runner.ts'
import type { ProcessListener as Listener } from '../host/listener.ts'
import type { StateData } from '../state/state-data.ts'

type ProcessEventMap = EventMap<ProcessObject>
type ProcessListener = Listener<ProcessObject>

/** Those who hear of what happens to a process. What they throw is reported and changes nothing. */
export class Notifier {
  readonly #life: Life
  #emitter: EventEmitter<ProcessEventMap> | undefined
  #listeners: ReadonlySet<ProcessListener> = new Set()

  constructor(life: Life) {
    this.#life = life
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
    const { process } = this.#life
    this.#tell((listener) => listener.onProcessCreated?.(process))
    this.#emit('process:created', { process })
  }

  paused(message: string | undefined): void {
    const { process } = this.#life
    this.#tell((listener) => listener.onProcessPaused?.(process))
    this.#emit('process:paused', { process, message })
  }

  played(): void {
    const { process } = this.#life
    this.#tell((listener) => listener.onProcessPlayed?.(process))
    this.#emit('process:played', { process })
  }

  output(port: string, value: unknown, dynamic: boolean): void {
    const { process } = this.#life
    this.#tell((listener) => listener.onOutputEmitted?.(process, port, value, dynamic))
    this.#emit('output:emitted', { process, port, value, dynamic })
  }

  /** A transition has been committed. */
  entered(stage: StateData): void {
    const { process, outputs } = this.#life
    switch (stage.label) {
      case 'running':
        this.#tell((listener) => listener.onProcessRunning?.(process))
        this.#emit('process:running', { process })
        break
      case 'waiting':
        this.#tell((listener) => listener.onProcessWaiting?.(process))
        this.#emit('process:waiting', { process })
        break
      case 'finished': {
        const { result, successful } = stage
        this.#tell((listener) => listener.onProcessFinished?.(process, outputs))
        this.#emit('process:finished', { process, outputs, result, successful })
        break
      }
      case 'excepted':
        this.#tell((listener) => listener.onProcessExcepted?.(process, stage.error))
        this.#emit('process:excepted', { process, error: stage.error })
        break
      case 'killed':
        this.#tell((listener) => listener.onProcessKilled?.(process, stage.message ?? ''))
        this.#emit('process:killed', { process, message: stage.message ?? '' })
        break
      default:
    }
  }

  #tell(call: (listener: ProcessListener) => unknown): void {
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
    this.#life.report(error, 'a listener threw')
  }
}
