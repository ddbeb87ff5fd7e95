import type { Hosted } from '../process/host/process-object.ts'
import type { Execution } from './execution.ts'

/**
 * The registry of what this engine executes.
 *
 * Two executions may have one pid for a moment: a launch under a pid that is in use, until its
 * commit is answered, and one whose claim was lost, until its step has ended. One of them is the
 * current one of its pid.
 */
export class Executions {
  readonly #current = new Map<string, Execution>()
  readonly #byProcess = new Map<Hosted, Execution>()
  readonly #whenEmpty: (() => void)[] = []

  /** Adds an execution. If its pid has no current execution, this becomes it. */
  add(execution: Execution): void {
    const { process } = execution
    this.#byProcess.set(process, execution)
    if (!this.#current.has(process.pid)) this.#current.set(process.pid, execution)
  }

  /** Adds an execution as the current one of its pid. */
  replace(execution: Execution): void {
    this.#byProcess.set(execution.process, execution)
    this.#current.set(execution.process.pid, execution)
  }

  /** Removes an execution that is over. */
  remove(execution: Execution): void {
    const { process } = execution
    if (this.#byProcess.get(process) === execution) this.#byProcess.delete(process)
    if (this.isCurrent(execution)) this.#current.delete(process.pid)
    if (this.isEmpty) for (const resolve of this.#whenEmpty.splice(0)) resolve()
  }

  /** The execution of this very process; undefined if it has not begun, or is over. */
  of(process: Hosted): Execution | undefined {
    return this.#byProcess.get(process)
  }

  /** The current execution of a pid. */
  find(pid: string): Execution | undefined {
    return this.#current.get(pid)
  }

  isCurrent(execution: Execution): boolean {
    return this.#current.get(execution.process.pid) === execution
  }

  get isEmpty(): boolean {
    return this.#current.size === 0
  }

  /** The current executions, as they are now. */
  all(): readonly Execution[] {
    return Array.from(this.#current.values())
  }

  /** Calls back once, when no execution is left. */
  onEmpty(callback: () => void): void {
    this.#whenEmpty.push(callback)
  }

  /** Whether this engine runs the process and will certainly report its end. */
  willNotifyEnd(pid: string): boolean {
    const execution = this.find(pid)
    if (execution === undefined || execution.fence === undefined) return false
    return !execution.over && !execution.lost && !execution.released && !execution.endNotified
  }

  /**
   * Whether the end of the process is being committed here, so that the answer is still to come.
   */
  isCommittingEnd(pid: string): boolean {
    const execution = this.find(pid)
    return execution !== undefined && execution.isCommitting && execution.isEnding
  }
}
