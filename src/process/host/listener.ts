import type { Process } from '../process.ts'

/**
 * Hears of what happens to a process. An error in a listener is logged and changes nothing.
 * Listeners are not saved: add them again to a process that was recreated.
 */
export interface ProcessListener {
  /** Before its first transition. */
  onProcessCreated?(process: Process): void
  /** A step is about to run. */
  onProcessRunning?(process: Process): void
  onProcessWaiting?(process: Process): void
  onProcessPaused?(process: Process): void
  onProcessPlayed?(process: Process): void
  onOutputEmitted?(process: Process, port: string, value: unknown, dynamic: boolean): void
  onProcessFinished?(process: Process, outputs: Readonly<Record<string, unknown>>): void
  onProcessExcepted?(process: Process, error: unknown): void
  onProcessKilled?(process: Process, message: string): void
}
