import { recordPart } from '../../bundle/bundle.ts'
import type { Row } from './row.ts'
import { type Entry, type RuleContext, type Decision, unchanged } from './decision.ts'
import { heldOutcome, pauseNow, progressOutcome } from './transitions.ts'
import type { StepRecord } from '../contract/writes.ts'
import { beginWait, isLeft, leaveWaitInStep, readyAt, watched, wholeMilliseconds } from './waits.ts'

const EFFECTS = recordPart('effect:')

/*
 * The writes of a step before its end: it records its named actions (C6), begins to wait, and
 * continues.
 */

/** Applies a step record under the fence of the claim, and in the order of its count (C4). */
export function recordStep(row: Row, write: StepRecord, context: RuleContext): Decision {
  if (row.ended_at !== null) return unchanged({ status: 'ended', state: row.state })
  if (row.fence !== write.fence) return unchanged({ status: 'fenced' })
  // The acknowledgement of this write was lost. The write may have given the claim back.
  if (write.count <= row.records) return unchanged(progressOutcome(row, null))
  if (write.seq !== undefined && write.seq !== row.seq) return unchanged({ status: 'fenced' })
  if (row.owner === null || write.count !== row.records + 1) return unchanged({ status: 'fenced' })
  const held = isHeldBack(row, write) ? heldOutcome(row, false) : undefined
  if (held !== undefined) return unchanged(held)
  const by = row.runner
  // The history has the `waiting` of a step that is paused where it waits, and the play will add
  // another one.
  const isStill = row.paused === 1 && row.in_step === 1 && onlyWaits(write)
  // The record of an effect is kept, but the step does not continue: only `killed` follows a stored
  // kill (C5).
  const isKilled = row.kill_deadline !== null
  const kept = isKilled ? write.history.filter(({ name }) => name !== 'running') : write.history
  const history: Entry[] = isStill ? [] : kept.map(({ name, data }) => ({ name, data, by }))
  row.records = write.count
  if (write.status !== undefined) row.status = write.status
  if (write.deadline !== undefined) row.deadline = wholeMilliseconds(write.deadline)
  // The step made progress, so crashes are counted anew (C11). Keeping a checkpoint again is not
  // progress.
  if (getsFurther(write)) {
    row.crashes = 0
    row.alone = 0
  }
  if (write.waits === null && row.in_step === 1 && !isKilled) leaveWaitInStep(row, context.now)
  if (write.waits == null) return { outcome: progressOutcome(row, null), row, history }
  if (row.state !== 'waiting') row.updated_at = context.now
  row.state = 'waiting'
  row.in_step = 1
  row.message = write.waits.message
  const awaits = beginWait(row, write.waits.for, context)
  // A waiting process is paused at once, whether the pause was requested before or after the wait
  // began.
  if (row.pause_asked === 1) history.push(...pauseNow(row))
  // An engine that holds the process watches what it awaits. If a kill is stored, the claim
  // stays, so that the engine can end the process with its hooks.
  const stays = write.evicts !== true || row.kill_deadline !== null
  if (stays) return { outcome: progressOutcome(row, null), row, awaits: watched(row, awaits), history }
  row.owner = null
  row.played = 0
  row.ready_at = readyAt(row, context, () => awaits.some(isLeft))
  return { outcome: progressOutcome(row, null), row, awaits, history }
}

/**
 * Whether a stored pause or kill holds the write back. A step that is paused in its wait may only
 * record what it waits for (C7). A step whose kill is stored receives no signal and does not
 * continue (C5). The record of an effect is kept, so that a restart does not repeat it (C6).
 */
function isHeldBack(row: Row, write: StepRecord): boolean {
  if (row.kill_deadline === null) return !onlyWaits(write)
  if (Object.keys(write.parts).some((part) => part.startsWith(EFFECTS))) return false
  return write.waits === null || write.consumes !== null
}

/**
 * Whether the write is progress. Continuing after a wait is not, nor is a checkpoint, a deadline, a
 * status or a report.
 */
export function getsFurther(write: StepRecord): boolean {
  const { waits, parts, consumes, checkpoint, deadline, status, report } = write
  if (checkpoint !== undefined || deadline !== undefined) return false
  if (consumes !== null || Object.keys(parts).length > 0) return true
  return waits !== null && (waits !== undefined || (status === undefined && report === undefined))
}

/** Whether the write only records what the step waits for. */
function onlyWaits({ waits, parts, consumes, checkpoint, deadline }: StepRecord): boolean {
  const does = consumes !== null || checkpoint !== undefined || deadline !== undefined
  return waits != null && !does && Object.keys(parts).length === 0
}
