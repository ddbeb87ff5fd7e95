import { recordPart } from '../../bundle/bundle.ts'
import type { Row } from './row.ts'
import { type Entry, type RuleContext, type Decision, unchanged } from './decision.ts'
import { pauseNow, heldOutcome } from './transitions.ts'
import type { Done } from '../contract/outcomes.ts'
import type { StepRecord } from '../contract/writes.ts'
import { beginWait, leaveWaitInStep, readyAt, wholeMilliseconds } from './waits.ts'

const EFFECTS = recordPart('effect:')

/*
 * What a step does before it ends: it records what it has done by name (C6), begins to wait, and goes on.
 */

/** Under the fence of the claim, and by a count within it (C4). */
export function recordStep(row: Row, write: StepRecord, context: RuleContext): Decision {
  if (row.ended_at !== null) return unchanged({ status: 'ended', state: row.state })
  if (row.fence !== write.fence) return unchanged({ status: 'fenced' })
  // Its acknowledgement was lost; it may have given the claim back.
  if (write.count <= row.records) return unchanged(recordOutcome(row))
  if (row.owner === null || write.count !== row.records + 1) return unchanged({ status: 'fenced' })
  const held = isHeldBack(row, write) ? heldOutcome(row, false) : undefined
  if (held !== undefined) return unchanged(held)
  const by = row.runner
  // A step that is paused where it waits does not move: the history has its `waiting` already, and its play will tell of it again.
  const isStill = row.paused === 1 && row.in_step === 1 && onlyWaits(write)
  // An effect that was done is kept, and yet the step does not go on: nothing but `killed` follows a stored kill (C5).
  const isKilled = row.kill_deadline !== null
  const kept = isKilled ? write.history.filter(({ name }) => name !== 'running') : write.history
  const history: Entry[] = isStill ? [] : kept.map((entry) => ({ ...entry, by }))
  row.records = write.count
  if (write.deadline !== undefined) row.deadline = wholeMilliseconds(write.deadline)
  // It got further, so crashes are counted anew (C11). A step that runs again keeps its checkpoints again, and gets no further by that.
  if (getsFurther(write)) {
    row.crashes = 0
    row.alone = 0
  }
  if (write.waits === null && row.in_step === 1 && !isKilled) leaveWaitInStep(row, context.now)
  if (write.waits == null) return { outcome: recordOutcome(row), row, history }
  if (row.state !== 'waiting') row.updated_at = context.now
  row.state = 'waiting'
  row.in_step = 1
  row.message = write.waits.message
  const awaits = beginWait(row, write.waits.for, context)
  // What waits is paused at once, whether that was asked before or is asked after.
  if (row.pause_asked === 1) history.push(...pauseNow(row))
  // Its engine knows whom it awaits. With a kill stored the claim stays, so that the engine can end it with its hooks.
  const stays = write.evicts !== true || row.kill_deadline !== null
  if (stays) return { outcome: recordOutcome(row), row, awaits: [], history }
  row.owner = null
  row.played = 0
  row.ready_at = readyAt(row, context, () => awaits.length > 0)
  return { outcome: recordOutcome(row), row, awaits, history }
}

/**
 * Whether a pause or a kill that is stored holds the write back. A step that is paused where it waits only says what it waits for (C7). A step
 * whose kill is stored takes no signal and does not go on (C5); an effect that it has done is kept, so that a restart does not do it again (C6).
 */
function isHeldBack(row: Row, write: StepRecord): boolean {
  if (row.kill_deadline === null) return !onlyWaits(write)
  if (Object.keys(write.parts).some((part) => part.startsWith(EFFECTS))) return false
  return write.waits === null || write.consumes !== null
}

/** Neither by going on after a wait, without anything that it records, nor by being told its deadline. */
function getsFurther({ waits, parts, consumes, checkpoint, deadline }: StepRecord): boolean {
  if (checkpoint !== undefined || deadline !== undefined) return false
  return waits !== null || consumes !== null || Object.keys(parts).length > 0
}

/** Whether it says what the step waits for, and no more. */
function onlyWaits({ waits, parts, consumes, checkpoint, deadline }: StepRecord): boolean {
  const does = consumes !== null || checkpoint !== undefined || deadline !== undefined
  return waits != null && !does && Object.keys(parts).length === 0
}

/** What the row says, for the step that wrote to it. */
function recordOutcome(row: Row): Done {
  return {
    status: 'done',
    pid: row.pid,
    released: row.owner === null,
    ...(row.paused === 1 && { pause: { message: row.pause_message } }),
    ...(row.kill_deadline !== null && { kill: { message: row.kill_message, deadline: row.kill_deadline } }),
  }
}
