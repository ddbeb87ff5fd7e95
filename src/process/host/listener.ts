/**
 * Is notified of what happens to a process. An error in a listener is logged and changes nothing.
 * Listeners are not saved: add them again to a process that was recreated.
 */
export interface ProcessListener<P> {
  /** Before the first transition. */
  onProcessCreated?(process: P): void
  /** A step is about to run. */
  onProcessRunning?(process: P): void
  onProcessWaiting?(process: P): void
  onProcessPaused?(process: P): void
  onProcessPlayed?(process: P): void
  onOutputEmitted?(process: P, port: string, value: unknown, dynamic: boolean): void
  onProcessFinished?(process: P, outputs: Readonly<Record<string, unknown>>): void
  onProcessExcepted?(process: P, error: unknown): void
  onProcessKilled?(process: P, message: string): void
}
