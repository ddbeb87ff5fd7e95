import type { LocalEngine } from '../client/handle/local-engine.ts'
import { outcomeOf } from '../process/host/outcome-of.ts'
import type { ProcessHandle, Settled } from '../process/host/process-handle.ts'
import { HOSTED } from '../process/host/process-object.ts'
import type { StepWait } from '../process/state/transition.ts'
import { waitsForText } from '../process/step/wait-conditions.ts'
import { Process } from '../process/process.ts'
import { ProcessLost } from '../shared/errors.ts'
import type { Executions } from './executions.ts'
import type { LaunchQueue } from './launch-queue.ts'

/**
 * Answers the handles of this program for its engine: which processes it runs, and whose end it
 * will report. Lends the slot of a step that waits for a handle.
 */
export class HandleSupport implements LocalEngine {
  readonly #queue: LaunchQueue
  readonly #executions: Executions

  constructor(queue: LaunchQueue, executions: Executions) {
    this.#queue = queue
    this.#executions = executions
  }

  willNotifyEnd(pid: string): boolean {
    return this.#queue.isDurable(pid) || this.#executions.willNotifyEnd(pid)
  }

  isCommittingEnd(pid: string): boolean {
    return this.#executions.isCommittingEnd(pid)
  }

  /**
   * A step that waits for another process lends its slot, so that a parent and its child can't
   * deadlock.
   */
  whileWaiting<T>(describe: () => StepWait, wait: () => Promise<T>): Promise<T> {
    const process = Process.current()?.[HOSTED]
    if (process === undefined || this.#executions.of(process)?.over !== false) return wait()
    return process.waits(ofProcess(describe(), process.pid), wait)
  }
}

/** A wait of a process. Its message notes if it is for the end of that process itself. */
function ofProcess(wait: StepWait, pid: string): StepWait {
  const { on } = wait.for
  return on.includes(pid) ? { ...wait, message: waitsForText(on, pid) } : wait
}

/** How a process ended, with its result or its outputs; undefined if it has not ended. */
export async function outcomeNow(
  handle: ProcessHandle,
  outputs = false,
): Promise<Settled<unknown> | undefined> {
  try {
    if (!handle.done) await handle.refresh()
  } catch (error) {
    if (!(error instanceof ProcessLost)) throw error
    return handle.outcome()
  }
  return handle.done ? outcomeOf(handle, outputs) : undefined
}
