import { MailboxFull } from '../../shared/errors.ts'
import type { Outcome } from '../contract/outcomes.ts'
import type { Advance, Create, ServeCalls } from '../contract/writes.ts'
import { putAdvance } from './apply.ts'
import type { Entry } from './decision.ts'
import { afterEnd, isOver, putRow, makeActorReady } from './ends.ts'
import { takeReport } from './report.ts'
import type { ActorRow, Row } from './row.ts'
import type { Tables } from './tables.ts'
import { end, endAs, endStopped, heldOutcome, pauseNow, progressOutcome } from './transitions.ts'

/*
 * The calls of actors, for all back ends. A call is a process that no engine claims: the engine
 * that holds its actor runs it, in the order of the rows. Its end and the state of the actor after
 * it are one commit.
 */

/** Refuses a call that its actor does not take. */
export function callRefusal(write: Create, actor: ActorRow | undefined): Outcome | undefined {
  const { actor: pid = '', className } = write
  if (actor === undefined) return { status: 'missing', needed: pid }
  if (actor.calls === null || !className.startsWith(`${actor.class}.`)) {
    const what =
      actor.calls === null ? `a process of class ${actor.class}` : `an actor of class ${actor.class}`
    return { status: 'conflict', pid, reason: `${pid} is ${what}, and ${className} is not a call of it` }
  }
  if (actor.ended_at !== null) return { status: 'ended', state: actor.state }
  if (actor.stopping === 1) return { status: 'ended', state: 'finished' }
  const { calls, most_calls: most } = actor
  if (most === null || calls < most) return undefined
  return {
    status: 'refused',
    error: new MailboxFull(
      `the actor ${pid} (${actor.class}) has ${calls} calls that have not ended, and takes ${most} at most: call it again later, or give it a larger \`maxMailbox\``,
    ),
  }
}

/** Counts a new call of an actor, and makes the actor ready if the call may run. */
export function addCall(tables: Tables, actor: ActorRow): void {
  actor.calls = (actor.calls ?? 0) + 1
  makeActorReady(tables, actor)
}

/** A back end's fast way to end calls whose rows are not special. */
export interface HotEnds {
  /** Ends a call, or returns false and changes nothing. */
  end(call: Advance): boolean
  /** Throws, so that the rules alone make the write again: some calls have ended, and another must not. */
  undo(): never
}

/** Applies what an engine stores of an actor that it holds, as a whole or not at all. */
export function serveCalls(tables: Tables, write: ServeCalls, hot?: HotEnds): Outcome {
  const { pid, calls, ending } = write
  const row = tables.get(pid)
  if (row === undefined) return { status: 'missing' }
  if (row.fence === write.fence && row.seq === write.seq) return repeated(tables, row, write)
  if (row.ended_at !== null) return { status: 'ended', state: row.state }
  if (row.calls === null || row.owner === null || row.fence !== write.fence || row.seq !== write.seq - 1)
    return { status: 'fenced' }
  const held = heldOutcome(row, ending?.state === 'killed')
  if (held !== undefined) return held
  const refused = hot === undefined ? endAll(tables, pid, calls) : endHot(tables, pid, calls, hot)
  if (refused.length > 0) return { status: 'held', calls: refused }
  // The end of a call may have ended others that needed it.
  const left = row.calls > calls.length ? (tables.actor(pid)?.calls ?? row.calls) : row.calls
  row.calls = left - calls.length
  if (row.awaits === 'inputs') tables.dropNeeds(pid)
  const history: Entry[] = write.history.map((one) => ({ ...one, by: row.runner }))
  tables.putParts(pid, write.parts)
  if (ending !== null) {
    end(row, ending.state, ending.text, false, ending.message, tables.now)
    row.reason = ending.reason ?? null
    row.seq = write.seq
  } else history.push(...goOn(tables, row, write))
  putRow(tables, row, history)
  return { ...progressOutcome(row, null), endedAt: tables.now }
}

/** Takes the actor to its next state: it runs its next calls, or waits for calls. */
function goOn(tables: Tables, row: Row, write: ServeCalls): readonly Entry[] {
  const { now } = tables
  const history: Entry[] = []
  row.seq = write.seq
  if (row.state !== 'waiting') row.updated_at = now
  row.state = 'waiting'
  row.data = WAITING
  row.step = null
  row.awaits = null
  row.crashes = 0
  row.alone = 0
  row.played = 0
  if (row.pause_asked === 1) history.push(...pauseNow(row))
  const mayRun = tables.hasCall(row.pid, row.call_order ?? 'strict')
  if (row.paused === 1 || (write.releases && !mayRun)) {
    row.owner = null
    row.ready_at = mayRun ? now : null
  }
  if (isOver(row)) history.push(endStopped(row, now))
  return history
}

/** The `state` part of an actor between its calls. */
const WAITING = JSON.stringify({ label: 'waiting', step: null })

/** Ends these calls. If some of them may not end, ends none, and returns those. */
function endAll(tables: Tables, actor: string, calls: readonly Advance[]): readonly string[] {
  const rows = calls.map((call) => tables.get(call.pid))
  const refused = calls.filter((call, index) => !mayEnd(rows[index], actor, call))
  if (refused.length === 0) calls.forEach((call, index) => endCall(tables, rows[index] as Row, call))
  return refused.map(({ pid }) => pid)
}

/** As `endAll`, but reads only the rows that are special. */
function endHot(tables: Tables, actor: string, calls: readonly Advance[], hot: HotEnds): readonly string[] {
  const rest = calls.findIndex((call) => !hot.end(call) && endAll(tables, actor, [call]).length > 0)
  if (rest > 0) hot.undo()
  return rest === -1 ? [] : endAll(tables, actor, calls)
}

/** Whether a call is still as the engine knows it, and is not being killed by another write. */
function mayEnd(row: Row | undefined, actor: string, { fence, seq, state }: Advance): boolean {
  if (row === undefined || row.actor !== actor || row.ended_at !== null) return false
  return row.fence === fence && row.seq === seq - 1 && heldOutcome(row, state === 'killed') === undefined
}

function endCall(tables: Tables, row: Row, call: Advance): void {
  row.runner = call.owner
  row.attempt = call.attempt ?? 1
  endAs(row, call, tables.now)
  putAdvance(tables, row, call)
  const report = takeReport(row, call, tables.now)
  const history = call.history.map((one) => ({ ...one, by: call.owner }))
  tables.put(row, report === undefined ? history : [...report.history, ...history])
  if (report !== undefined) tables.report(row, report.log)
  afterEnd(tables, row.pid, row.successful === 1)
}

/** The write was applied before, and its acknowledgement was lost. */
function repeated(tables: Tables, row: Row, { calls }: ServeCalls): Outcome {
  const [first] = calls
  const endedAt = first === undefined ? undefined : tables.brief(first.pid)?.ended_at
  return { ...progressOutcome(row, null), endedAt: endedAt ?? row.updated_at }
}
