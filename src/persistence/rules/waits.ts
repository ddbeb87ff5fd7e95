import type { BriefRow, Row } from './row.ts'
import type { Awaited, RuleContext } from './decision.ts'
import type { WaitConditions } from '../../process/state/transition.ts'

/*
 * What the row of a waiting process stores about its wait, and when that makes the process ready
 * (C8).
 *
 * 1. `ready_at` of a process without an owner is always right: each write that may change it sets
 *    it anew, even while the process is paused or parked. `ready_at` of an owned process is null.
 * 2. A list outside the row holds the awaited processes. An entry is over when its process ends.
 *    All entries are over once enough of the processes have ended.
 * 3. An entry that is over stays until the waiting process ends, since a step that runs again reads
 *    the value again: the entry keeps the value from being dropped (`result-dropping.ts`). The
 *    entry of a child need not stay, since the parent keeps the value anyway.
 */

export function isLeft({ over }: Pick<Awaited, 'over'>): boolean {
  return !over
}

const RESUME_ALONE: WaitConditions = { resume: true, signal: null, until: null, on: [], any: false }

/**
 * Stores what a process waits for. Returns the processes that it awaits. They are over, if enough of
 * them have ended.
 */
export function beginWait(
  row: Row,
  wait: WaitConditions | null | undefined,
  context: Pick<RuleContext, 'targets'>,
): readonly Awaited[] {
  const { resume, signal, until, on, any } = wait ?? RESUME_ALONE
  row.resumable = Number(resume)
  row.receives = signal
  row.due_at = wholeMilliseconds(until)
  row.awaits = on.length === 0 ? null : any ? 'any' : 'all'
  const others = new Set(on)
  // The process itself may not be stored yet, and does not end while it waits.
  const itself = others.delete(row.pid) ? [row.pid] : []
  const targets = others.size === 0 ? [] : context.targets([...others], row.pid)
  const unended = targets.filter(({ ended }) => !ended)
  const isEnough = any && unended.length < others.size
  const awaited = targets
    .filter(({ isChild }) => !isChild || !isEnough)
    .map(({ pid, ended, isChild }) => ({ pid, isChild, over: ended || isEnough }))
  return isEnough ? awaited : [...awaited, ...itself.map((pid) => ({ pid, isChild: false, over: false }))]
}

/**
 * What is stored about awaited processes while an engine holds the waiting one. The engine watches
 * them itself, so the entries only keep their values.
 */
export function watched(row: Pick<Row, 'pid'>, awaited: readonly Awaited[]): readonly Awaited[] {
  const others = awaited.filter(({ pid, isChild }) => !isChild && pid !== row.pid)
  return others.map((one) => ({ ...one, over: true }))
}

export function endWait(row: Row): void {
  row.resumable = 0
  row.receives = null
  row.due_at = null
  row.awaits = null
  row.in_step = 0
}

/** Ends a wait within a step. The step continues or runs again. */
export function leaveWaitInStep(row: Row, now: number): void {
  endWait(row)
  row.state = 'running'
  row.message = null
  row.updated_at = now
}

/**
 * When a process without an owner becomes ready: now, at a time, or, with null, when a message or
 * an end comes. `isAwaiting`: whether it waits for the end of other processes, or has needs.
 */
export function readyAt(
  row: BriefRow,
  context: Pick<RuleContext, 'now' | 'hasMessage' | 'hasCall'>,
  isAwaiting: () => boolean,
): number | null {
  // A call is run by the engine that holds its actor.
  if (row.actor !== null) return null
  if (row.calls !== null && row.state === 'waiting')
    return (row.stopping === 1 && row.calls === 0) || context.hasCall(row.call_order ?? 'strict')
      ? context.now
      : null
  if (row.state !== 'waiting') {
    if (row.awaits !== 'inputs') return context.now
    return isAwaiting()
      ? earliest(row.due_at, row.deadline)
      : earliest(Math.max(context.now, row.starts_at ?? 0), row.deadline)
  }
  const hasCome =
    (row.awaits !== null && !isAwaiting()) ||
    (row.resumable === 1 && context.hasMessage(null)) ||
    (row.receives !== null && context.hasMessage(row.receives))
  return hasCome ? context.now : earliest(row.due_at, row.deadline)
}

/** Makes a process without an owner ready now, unless it is ready already. */
export function makeReady(row: Pick<Row, 'ready_at'>, now: number): void {
  row.ready_at = Math.min(row.ready_at ?? now, now)
}

/**
 * Whether a process waits while an engine holds it: within a step, or between the claim that wakes
 * it and its next step.
 */
export function isWaitingOwned(row: BriefRow): boolean {
  return row.state === 'waiting' && row.owner !== null
}

export function earliest(...times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null)
  return known.length === 0 ? null : Math.min(...known)
}

/** A time in whole milliseconds, as it is stored; never earlier than given. */
export function wholeMilliseconds(time: number | null | undefined): number | null {
  return time == null ? null : Math.ceil(time)
}
