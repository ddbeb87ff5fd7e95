/** The engine of this program, as its handles see it. */
export interface LocalEngine {
  /**
   * Whether the engine runs the process or will run it. If so, the engine will notify the handle of
   * the end.
   */
  willNotifyEnd(pid: string): boolean
  /** Whether the engine is committing the end of the process, and will report the outcome (`ClientHandle.endCommitted`). */
  isCommittingEnd(pid: string): boolean
  /** Runs a wait for the process. If a step of the engine waits, its slot is free meanwhile. */
  whileWaiting<T>(pid: string, name: string, wait: () => Promise<T>): Promise<T>
}
