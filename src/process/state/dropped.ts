import { MissingResult } from '../../shared/errors.ts'

/** When and why a store dropped the result and the outputs of a process. */
export interface Dropped {
  /** In wall-clock milliseconds. */
  readonly at: number
  /** Why, in words. */
  readonly why: string
}

/** Why a store drops a result. */
export const DROP_REASONS = {
  purged: 'it was purged',
  released: "its group was released, and its retention is 'until-fetched'",
  refs: "no session retains it any more, and its retention is 'refs'",
  ttl: 'the time of its retention is over',
} as const

/** The error for the value of a process that was dropped. */
export function droppedError(pid: string, className: string, { at, why }: Dropped): MissingResult {
  const time = new Date(at).toISOString()
  return new MissingResult(
    pid,
    `the result of process ${pid} (${className}) was dropped at ${time}: ${why}. ` +
      `The record of the process is kept; resubmit it to compute the result again`,
  )
}
