import type { ProcessState } from '../process/state/process-state.ts'
import { LeaseLost, ProcessKilled, SerializationError, type DamsonError } from '../shared/errors.ts'

/*
 * The reasons for which an engine stops running a process.
 */

export function claimLost(pid: string): LeaseLost {
  return new LeaseLost(
    `process ${pid} is not run by this engine any more; what its step does from here on does not count`,
  )
}

export function endedElsewhere(pid: string, state: ProcessState): DamsonError {
  return state === 'killed'
    ? new ProcessKilled(pid, `process ${pid} was killed while its step ran`)
    : new LeaseLost(`process ${pid} has ended as ${state} by another write`)
}

export function evicted(pid: string): LeaseLost {
  return new LeaseLost(
    `process ${pid} has left memory while it waits; its step runs again when what it waits for has come`,
  )
}

/** A value that the store refused to keep excepts the process, like one that can't be encoded. */
export function unsavable(error: Error): SerializationError {
  return error instanceof SerializationError
    ? error
    : new SerializationError('state', error.message, { cause: error })
}
