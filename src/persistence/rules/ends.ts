import {
  errorIn,
  lateFailure,
  unservedStateText,
  upstreamFailure,
} from '../../process/state/upstream-failure.ts'
import type { EndingReason } from '../../process/state/transition.ts'
import { entry, type Entry } from './decision.ts'
import { ended as lifetimeEnded } from './result-dropping.ts'
import { lateAt, type ActorRow, type Row } from './row.ts'
import type { Tables } from './tables.ts'
import { end, endStopped } from './transitions.ts'
import { upstreamEnded } from './upstream.ts'
import { makeReady } from './waits.ts'

/*
 * The consequences of the end of a process, for all back ends: for the processes that wait for it
 * or need it (C8), for the actor whose call it was, and for the calls of an actor.
 *
 * 1. `calls` of an actor is the number of its calls that have not ended.
 * 2. `ready_at` of an actor without an owner is always right: set if one of its calls may run. That of
 *    a call is always null.
 */

/** Stores a row that a rule has changed, with the consequences of an end. */
export function putRow(tables: Tables, row: Row, history: readonly Entry[]): void {
  const isOver = row.ended_at !== null
  const hadCalls = isOver && row.calls !== null && row.calls > 0
  if (hadCalls) row.calls = 0
  tables.put(row, history)
  if (!isOver) return
  afterEnd(tables, row.pid, row.successful === 1)
  if (hadCalls) endCalls(tables, row)
  if (row.actor !== null) callEnded(tables, row.actor)
}

/**
 * Drops the messages, waits and needs of a process that has ended, and makes the processes ready
 * that waited for its end or needed it (C8). Ends the calls that can therefore no longer run, and
 * so on.
 */
export function afterEnd(tables: Tables, pid: string, successful: boolean): void {
  // A chain of calls may be long, so this is a loop and not a recursion.
  const failed = [...ended(tables, pid, successful)]
  for (let next = failed.shift(); next !== undefined; next = failed.shift())
    if (failCall(tables, next.pid, next.upstream)) failed.push(...ended(tables, next.pid, false))
}

/** A call that can't run, and the process that is the reason. */
interface FailedCall {
  readonly pid: string
  readonly upstream: string
}

function ended(tables: Tables, pid: string, successful: boolean): readonly FailedCall[] {
  tables.dropMessages(pid)
  tables.dropAwaits(pid)
  tables.dropNeeds(pid)
  lifetimeEnded(tables, pid)
  const { actors, failed } = upstreamEnded(tables, pid, successful)
  for (const called of actors) {
    const actor = tables.actor(called)
    if (actor !== undefined) makeActorReady(tables, actor)
  }
  for (const waiter of tables.takeWaiters(pid)) {
    const row = tables.brief(waiter)
    if (row === undefined) continue
    if (row.awaits === 'any') tables.settleAwaits(waiter)
    else if (tables.isAwaiting(waiter)) continue
    if (row.state !== 'waiting' || row.owner !== null) continue
    makeReady(row, tables.now)
    tables.putReady(row, [entry('joined', null)])
  }
  return failed.map((call) => ({ pid: call, upstream: pid }))
}

/** Ends a new call that can't run, because the end of a needed process has already failed its need. */
export function failNewCall(tables: Tables, pid: string, upstream: string): void {
  if (failCall(tables, pid, upstream)) afterEnd(tables, pid, false)
}

/** Ends a call because of the end of a process that it needs. Returns false if it has ended already. */
function failCall(tables: Tables, pid: string, upstream: string): boolean {
  const row = tables.get(pid)
  const needed = tables.get(upstream)
  if (row === undefined || row.ended_at !== null || row.actor === null || needed === undefined) return false
  const { class: className, state, message, data, exit_code: code } = needed
  const exitCode =
    code === null ? null : { code, label: needed.exit_label ?? '', message: needed.exit_message ?? '' }
  const successful = needed.successful === 1
  const failure = upstreamFailure(pid, {
    pid: upstream,
    className,
    state,
    successful,
    message,
    exitCode,
    data,
  })
  endUnserved(tables, row, failure, 'upstream')
  callEnded(tables, row.actor)
  return true
}

/** Ends a call whose timeout has passed while it waited for its inputs, or for the processes of its `after`. */
export function failLateCall(tables: Tables, row: Row): void {
  const late = lateAt(row)
  if (row.actor === null || late === null || late > tables.now) return
  endUnserved(tables, row, lateFailure(row.pid, tables.leftNeeds(row.pid)), null)
  callEnded(tables, row.actor)
  afterEnd(tables, row.pid, false)
}

/** Ends a call that has not run. */
function endUnserved(
  tables: Tables,
  row: Row,
  { message, text }: { readonly message: string; readonly text: string },
  reason: EndingReason | null,
): void {
  row.fence++
  end(row, 'excepted', text, false, message, tables.now)
  row.reason = reason
  tables.put(row, [entry('excepted', null, { message })])
}

/** Ends the calls that an actor has left at its end. */
function endCalls(tables: Tables, actor: Row): void {
  const { pid, state, message } = actor
  const how = state === 'killed' ? 'was killed' : state === 'excepted' ? 'failed' : 'was stopped'
  const said = message === null ? '' : `: ${message}`
  const text = `the actor ${pid} (${actor.class}) ${how} before it had run the call${said}`
  dropCalls(tables, pid, true, text, errorIn(actor.data))
}

/** Ends the calls of an actor that have not begun, because it is stopped. */
export function dropQueued(tables: Tables, { pid, class: name }: Row): void {
  const text = `the actor ${pid} (${name}) was stopped before it had run the call`
  const dropped = dropCalls(tables, pid, false, text, undefined)
  if (dropped > 0) callEnded(tables, pid, dropped)
}

function dropCalls(
  tables: Tables,
  actor: string,
  begunToo: boolean,
  message: string,
  cause: unknown,
): number {
  let dropped = 0
  for (const pid of tables.queued(actor)) {
    const row = tables.get(pid)
    // The end of one may have ended another that needed it.
    if (row === undefined || row.ended_at !== null || (!begunToo && row.owner !== null)) continue
    const text = unservedStateText(pid, actor, message, cause)
    endUnserved(tables, row, { message, text }, 'upstream')
    afterEnd(tables, pid, false)
    dropped++
  }
  return dropped
}

/** Call it when calls of an actor have ended other than by a write of its engine. */
function callEnded(tables: Tables, pid: string, count = 1): void {
  const actor = tables.actor(pid)
  if (actor === undefined || actor.ended_at !== null || actor.calls === null) return
  actor.calls -= count
  if (isOver(actor)) {
    const row = tables.get(pid)
    if (row === undefined) return
    row.calls = 0
    putRow(tables, row, [endStopped(row, tables.now)])
  } else makeActorReady(tables, actor)
}

/** Whether an actor that no engine holds must end, because it was stopped and has no more calls. */
export function isOver({ stopping, calls, owner, state }: ActorRow): boolean {
  return stopping === 1 && calls === 0 && owner === null && state === 'waiting'
}

/**
 * Call it when a call of an actor may run, or has ended. Makes the actor ready if one of its calls
 * may run.
 */
export function makeActorReady(tables: Pick<Tables, 'now' | 'hasCall' | 'putQueue'>, actor: ActorRow): void {
  const history: Entry[] = []
  if (actor.owner === null && actor.state === 'waiting' && actor.ended_at === null) {
    const before = actor.ready_at
    if (!tables.hasCall(actor.pid, actor.call_order ?? 'strict')) actor.ready_at = null
    else if (before === null) {
      makeReady(actor, tables.now)
      history.push(entry('called', null))
    }
  }
  tables.putQueue(actor, history)
}
