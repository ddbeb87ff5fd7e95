import type { StepWait } from '../../process/state/transition.ts'

/** The engine of this program, as its handles see it. */
export interface LocalEngine {
  /**
   * Whether the engine runs the process or will run it. If so, the engine will notify the handle of
   * the end.
   */
  willNotifyEnd(pid: string): boolean
  /** Whether the engine is committing the end of the process, and will report the outcome (`ClientHandle.endCommitted`). */
  isCommittingEnd(pid: string): boolean
  /** Runs a wait for processes. If a step of the engine waits, its slot is free meanwhile; `describe` returns what it waits for. */
  whileWaiting<T>(describe: () => StepWait, wait: () => Promise<T>): Promise<T>
}
