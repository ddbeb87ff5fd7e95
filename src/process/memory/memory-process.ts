import type { Host } from '../host/host.ts'
import type { Hosted } from '../host/process-object.ts'
import { MemoryChildren } from './memory-children.ts'

/** The data that a memory host keeps for one process: its children, and the timers of its wait. */
export class MemoryProcess {
  readonly #hosted: Hosted
  readonly #host: Host
  #children: MemoryChildren | undefined
  /** Functions that stop the timers and listeners of the wait; undefined before the first wait. */
  #stops: (() => void)[] | undefined

  constructor(hosted: Hosted, host: Host) {
    this.#hosted = hosted
    this.#host = host
  }

  /** The children; undefined while the process has launched none. */
  get children(): MemoryChildren | undefined {
    return this.#children
  }

  /** The children, to which a launch adds one. */
  childrenForLaunch(): MemoryChildren {
    return (this.#children ??= new MemoryChildren(this.#hosted, this.#host))
  }

  /** Adds a function that stops a timer or a listener of the wait. */
  onWaitEnd(stop: () => void): void {
    if (this.#stops === undefined) {
      this.#stops = []
      this.#hosted.process.addCleanup(() => this.endWait())
    }
    this.#stops.push(stop)
  }

  /** Stops the timers and listeners of the wait. */
  endWait(): void {
    for (const stop of this.#stops?.splice(0) ?? []) stop()
  }
}
