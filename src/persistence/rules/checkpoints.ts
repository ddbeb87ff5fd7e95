import { PersistenceError } from '../../shared/errors.ts'
import { checkName, checkText } from '../../shared/text.ts'
import type { Row } from './row.ts'

/**
 * Whether the rows of a process are its untagged checkpoint, as they are until it has finished
 * successfully.
 */
export function hasOwnCheckpoint(row: Pick<Row, 'successful'>): boolean {
  return row.successful !== 1
}

/** @throws TypeError for a pid or tag under which no checkpoint could be found again */
export function checkNames(pid: string, tag: string | null): void {
  checkText('the pid of a checkpoint', pid)
  if (tag !== null) checkText('the tag of a checkpoint', tag)
}

/** @throws TypeError as `checkNames` @throws RangeError for a name that is too long to be stored */
export function checkNewNames(pid: string, tag: string | null): void {
  checkName('the pid of a checkpoint', pid)
  if (tag !== null) checkName('the tag of a checkpoint', tag)
}

/**
 * The error for writing the untagged checkpoint of a process in the store: its rows, which only its
 * engine writes (C1).
 */
export function belongsToEngine(pid: string): PersistenceError {
  return new PersistenceError(
    `process ${pid} lives in this store, and its checkpoint without a tag is written by its engine alone: give a tag`,
  )
}

export function missingCheckpoint(pid: string, tag: string | null, finished: boolean): string {
  if (finished)
    return `process ${pid} has finished successfully, so its checkpoint was dropped; its handle reads its outputs`
  return tag === null
    ? `there is no checkpoint of process ${pid} without a tag`
    : `there is no checkpoint of process ${pid} tagged ${JSON.stringify(tag)}`
}
