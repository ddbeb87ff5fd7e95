import type { ProcessState } from '../process/state/process-state.ts'
import { LeaseLost, ProcessKilled, SerializationError, type DamsonError } from '../shared/errors.ts'

/*
 * The reasons for which an engine stops running a process.
 */

export function claimLost(pid: string): LeaseLost {
  return new LeaseLost(
    `process ${pid} no longer runs in this engine; anything that its step still does is ignored`,
  )
}

export function endedElsewhere(pid: string, state: ProcessState): DamsonError {
  return state === 'killed'
    ? new ProcessKilled(pid, `process ${pid} was killed while its step ran`)
    : new LeaseLost(`process ${pid} was ended (${state}) by someone else`)
}

export function evicted(pid: string): LeaseLost {
  return new LeaseLost(`process ${pid} left memory to wait; its step runs again when the wait is over`)
}

/** A value that the store refused to keep excepts the process, like one that can't be encoded. */
export function unsavable(error: Error): SerializationError {
  return error instanceof SerializationError
    ? error
    : new SerializationError('state', error.message, { cause: error })
}
