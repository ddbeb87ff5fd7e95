import { HOSTED } from '../host/process-object.ts'
import { currentRun } from '../step/current-process.ts'
import { waitFor } from '../step/wait-conditions.ts'

/** Runs a wait. A step that waits for another process can be paused and killed there. */
export function whileWaiting<T>(message: () => string, wait: () => Promise<T>): Promise<T> {
  const waiting = currentRun()?.process
  return waiting === undefined ? wait() : waiting[HOSTED].waits(waitFor({}, message()), wait)
}
