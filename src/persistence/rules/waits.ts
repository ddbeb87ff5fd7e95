import type { BriefRow, Row } from './row.ts'
import type { RuleContext } from './decision.ts'
import type { WaitConditions } from '../../process/state/transition.ts'

/*
 * What a process waits for, as its row says it, and when that makes the process ready (C8).
 *
 * 1. Of a process that nobody runs, `ready_at` is always right: each write that may change it says it anew, also while the
 *    process is paused or parked. Of one that is owned it is null.
 * 2. The processes that are awaited are kept beside the row, and leave that list as they end. Once enough of them have, the list is empty.
 */

const RESUME_ALONE: WaitConditions = { resume: true, signal: null, until: null, on: [], any: false }

/** Writes down what a process waits for from now on. Answers with whom it awaits: nobody, where enough of them have ended. */
export function beginWait(
  row: Row,
  wait: WaitConditions | null | undefined,
  context: Pick<RuleContext, 'unended'>,
): readonly string[] {
  const { resume, signal, until, on, any } = wait ?? RESUME_ALONE
  row.resumable = Number(resume)
  row.receives = signal
  row.due_at = wholeMilliseconds(until)
  row.awaits = on.length === 0 ? null : any ? 'any' : 'all'
  const others = new Set(on)
  // It is not there yet where it is created, and does not end while it waits.
  const itself = others.delete(row.pid) ? [row.pid] : []
  const unended = others.size === 0 ? [] : context.unended([...others])
  return any && unended.length < others.size ? [] : [...unended, ...itself]
}

export function endWait(row: Row): void {
  row.resumable = 0
  row.receives = null
  row.due_at = null
  row.awaits = null
  row.in_step = 0
}

/** A step that only waited goes on, or wants to run again. */
export function leaveWaitInStep(row: Row, now: number): void {
  endWait(row)
  row.state = 'running'
  row.message = null
  row.updated_at = now
}

/** When a process that nobody runs wants to: now, at its time, or, with null, when what it waits for has come. */
export function readyAt(
  row: BriefRow,
  context: Pick<RuleContext, 'now' | 'hasMessage'>,
  isAwaiting: () => boolean,
): number | null {
  if (row.state !== 'waiting') return context.now
  const hasCome =
    (row.awaits !== null && !isAwaiting()) ||
    (row.resumable === 1 && context.hasMessage(null)) ||
    (row.receives !== null && context.hasMessage(row.receives))
  return hasCome ? context.now : earliest(row.due_at, row.deadline)
}

/** Makes a process that nobody runs ready now, if it is not already. */
export function wake(row: Pick<Row, 'ready_at'>, now: number): void {
  row.ready_at = Math.min(row.ready_at ?? now, now)
}

/** Whether it waits for its next attempt, and for nothing else. */
export function isBackingOff(row: BriefRow): boolean {
  return row.state === 'waiting' && row.attempt > 1 && row.in_step === 0
}

/** Whether it waits while an engine holds it: its step only waits, or it was claimed to be woken and has not gone on. */
export function isWaitingOwned(row: BriefRow): boolean {
  return row.state === 'waiting' && row.owner !== null
}

export function earliest(...times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null)
  return known.length === 0 ? null : Math.min(...known)
}

/** A time as it is stored, in whole milliseconds, and never too early. */
export function wholeMilliseconds(time: number | null | undefined): number | null {
  return time == null ? null : Math.ceil(time)
}
