/* This file is longer than 400 lines, because it has one rule for each write of one process. */
import { isTerminal } from '../../process/state/machine.ts'
import { isBackingOff, type ProcessState } from '../../process/state/process-state.ts'
import { killedStateText, stateText } from '../../process/state/saved-state.ts'
import { InvalidStateError } from '../../shared/errors.ts'
import { claim } from './claim.ts'
import { RUNS_ALONE } from './drain.ts'
import { isReady, type Row } from './row.ts'
import { entry, type Entry, type RuleContext, type Decision, unchanged } from './decision.ts'
import { wasConsumed } from './message-ids.ts'
import type { Done, Held, Outcome } from '../contract/outcomes.ts'
import type { Advance, Enforce, Park, Request, Resume, Signal } from '../contract/writes.ts'
import { beginWait, endWait, isLeft, leaveWaitInStep, readyAt, isWaitingOwned, makeReady } from './waits.ts'

/*
 * What each write does to the row of a process, for all back ends.
 *
 * A rule receives a copy of the row, may change the copy, and returns it only if it is to be
 * stored. It knows nothing about tables, transactions or time, except what its `RuleContext`
 * provides. What a write does to other processes is in `apply.ts`.
 */

/**
 * The crashes without a commit in between after which a process runs alone, and after which it is
 * paused (C11).
 */
export const SUSPECT_AFTER = 2
const PAUSED_AFTER = 3

/**
 * Stores the next saved state (C3), under the fence of the claim and with the next sequence number
 * (C4).
 */
export function advance(row: Row, write: Advance, context: RuleContext): Decision {
  const { now } = context
  if (!mayAdvance(row, write, context)) return unchanged(repeatedAdvance(row, write))
  const held = heldOutcome(row, write.state === 'killed')
  if (held !== undefined) return unchanged(held)
  if (write.begins === true) claim(row, { engine: write.owner, suspects: false }, now)
  const by = row.runner
  endWait(row)
  row.attempt = write.attempt ?? 1
  row.version = write.version ?? row.version
  if (write.ending !== null || isTerminal(write.state)) {
    endAs(row, write, now)
    return {
      outcome: progressOutcome(row, write.paused),
      row,
      history: write.history.map(({ name, data }) => ({ name, data, by })),
    }
  }
  row.seq = write.seq
  row.state = write.state
  row.step = write.step
  row.status = write.status
  row.message = write.message ?? null
  row.data = write.parts['state'] ?? row.data
  row.updated_at = now
  row.crashes = 0
  row.alone = 0
  row.played = 0
  const awaits = write.state === 'waiting' ? beginWait(row, write.wait, context) : []
  const history: Entry[] = write.history.map(({ name, data }) => ({ name, data, by }))
  if (write.paused !== null) {
    row.pause_message = write.paused.message
    // The process pauses by itself. A requested pause still counts.
    row.pause_cause = row.pause_asked === 1 ? null : 'failure'
  }
  if (write.paused !== null || row.pause_asked === 1) history.push(...pauseNow(row))
  if (row.paused === 0 && write.state !== 'waiting') {
    row.ready_at = null
  } else {
    row.owner = null
    row.ready_at = readyAt(row, context, () => awaits.some(isLeft))
  }
  return { outcome: progressOutcome(row, write.paused), row, awaits, history }
}

/** Ends a process in the way that this write gives. */
export function endAs(row: Row, { state, step, status, parts, ending }: Advance, now: number): void {
  end(row, state, parts['state'] ?? row.data, ending?.successful ?? false, ending?.message ?? null, now)
  if (ending?.dropCheckpoint === true) row.before = null
  row.exit_code = ending?.exitCode?.code ?? null
  row.exit_label = ending?.exitCode?.label ?? null
  row.exit_message = ending?.exitCode?.message ?? null
  row.reason = ending?.reason ?? null
  row.step = step
  row.status = status
}

/**
 * Whether the advance has the fence of the claim, or makes the claim, and has the next sequence
 * number (C4).
 */
function mayAdvance(row: Row, write: Advance, context: RuleContext): boolean {
  if (row.fence !== write.fence || row.seq !== write.seq - 1 || row.ended_at !== null) return false
  if (write.begins === true) {
    const { actorFence } = write
    if (actorFence !== undefined) return row.actor !== null && context.isActorHeld(write.owner, actorFence)
    const { now } = context
    return row.state === 'created' && row.crashes === 0 && row.kill_deadline === null && isReady(row, now)
  }
  // An error after the commit that gave the claim back (in `onWaiting`, say) counts until another
  // engine claims the row.
  return row.owner !== null || write.state === 'excepted'
}

/**
 * The refusal of a write that the process may not make, even if it does not know that; undefined if
 * it may. Once a kill is stored, the process may only end as `killed` (C5). While it is paused in
 * its wait, it may do nothing (C7). A pause of a computing step is carried out by its next
 * transition.
 */
export function heldOutcome(row: Row, kills: boolean): Held | undefined {
  const { kill_deadline: deadline, kill_message, pause_message } = row
  if (deadline !== null)
    return kills ? undefined : { status: 'held', kill: { message: kill_message, deadline } }
  return row.paused === 1 ? { status: 'held', pause: { message: pause_message } } : undefined
}

/** Pauses the row now. The history has an entry unless the row was paused already. */
export function pauseNow(row: Row): Entry[] {
  const { pause_message: message, pause_cause: cause } = row
  const data = { message: message ?? undefined, cause: cause ?? undefined }
  const history = row.paused === 1 ? [] : [entry('paused', row.runner, data)]
  row.paused = 1
  row.pause_asked = 0
  return history
}

/**
 * The outcome of an advance or a step record that was applied. A pause of the write's own
 * (`ownPause`) is not reported back.
 */
export function progressOutcome(row: Row, ownPause: Advance['paused']): Done {
  return {
    status: 'done',
    pid: row.pid,
    released: row.owner === null,
    ...(row.ended_at !== null && { endedAt: row.ended_at }),
    ...(row.paused === 1 && ownPause === null && { pause: { message: row.pause_message } }),
    ...(row.kill_deadline !== null && { kill: { message: row.kill_message, deadline: row.kill_deadline } }),
  }
}

/**
 * The outcome of an advance that does not apply: it was applied before, or a stale owner made it.
 */
function repeatedAdvance(row: Row, write: Advance): Outcome {
  const fence = write.begins === true ? write.fence + 1 : write.fence
  const same = row.seq === write.seq && row.fence === fence && row.state === write.state
  const isOwn = write.begins !== true || row.runner === write.owner
  if (same && isOwn && row.step === write.step) return progressOutcome(row, write.paused)
  return row.ended_at === null ? { status: 'fenced' } : { status: 'ended', state: row.state }
}

/** Pauses, plays, kills, aborts or retries a process (C7). */
export function request(row: Row, write: Request, context: RuleContext): Decision {
  const repeated = write.id !== undefined && row.last_request === write.id
  if (repeated) {
    return unchanged({ status: 'done', pid: row.pid, applied: row.owner === null || isWaitingOwned(row) })
  }
  if (row.ended_at !== null) return unchanged({ status: 'ended', state: row.state })
  const error = wrongRequest(row, write)
  if (error !== undefined) return unchanged({ status: 'refused', error })
  const history: Entry[] = []
  // A process of a dead engine is taken back first. From then on no engine runs it.
  if (row.owner !== null && !context.alive(row.owner)) {
    history.push(...takeBack(row, context))
    if (row.ended_at !== null) {
      row.last_request = write.id ?? row.last_request
      const outcome: Outcome =
        write.request === 'kill'
          ? { status: 'done', pid: row.pid, applied: true }
          : { status: 'ended', state: row.state }
      return { outcome, row, history }
    }
  }
  const lastRequest = row.last_request
  row.last_request = write.id ?? row.last_request
  const applied = row.owner === null
  switch (write.request) {
    case 'stop': {
      const outcome: Outcome = { status: 'done', pid: row.pid, applied }
      const isStopping = row.stopping === 1
      // An actor that stops after its queued calls may still be stopped without them.
      if (isStopping && history.length === 0 && write.drain !== false) return unchanged(outcome)
      row.stopping = 1
      return { outcome, row, history: isStopping ? history : [...history, entry('stopping', write.by)] }
    }
    case 'pause':
      history.push(...pause(row, write))
      break
    case 'play':
      history.push(...play(row, write))
      break
    case 'retry': {
      const retried = retry(row, write, context.now)
      const outcome: Outcome = { status: 'done', pid: row.pid, applied: retried.length > 0 }
      history.push(...retried)
      // The root of a tree keeps the id of the request anyway, on behalf of its descendants.
      return history.length > 0 || write.tree === true ? { outcome, row, history } : unchanged(outcome)
    }
    case 'abort': {
      // A step begins after the commit that leads into it (C3), so a process in state `created` that no
      // engine holds has run nothing.
      const isAborted = applied && row.state === 'created'
      if (isAborted) history.push(kill(row, write.killedState, write.message, write.by, context.now))
      const outcome: Outcome = { status: 'done', pid: row.pid, applied: isAborted }
      if (history.length === 0) return unchanged(outcome)
      // An abort that was not applied is decided again if it is repeated.
      if (!isAborted) row.last_request = lastRequest
      return { outcome, row, history }
    }
    case 'kill':
      if (applied || write.grace <= 0) {
        history.push(kill(row, write.killedState, write.message, write.by, context.now))
        return { outcome: { status: 'done', pid: row.pid, applied: true }, row, history }
      }
      history.push(...requestKill(row, write, context.now))
      return { outcome: { status: 'done', pid: row.pid, applied: false }, row, history }
  }
  return { outcome: { status: 'done', pid: row.pid, applied: applied || isWaitingOwned(row) }, row, history }
}

function wrongRequest({ pid, actor, calls }: Row, { request }: Request): Error | undefined {
  if (request === 'pause' && actor !== null)
    return new InvalidStateError(
      `process ${pid} is a call of the actor ${actor}, and a call is not paused by itself: pause the actor, or kill the call`,
    )
  if (request === 'stop' && calls === null)
    return new InvalidStateError(`process ${pid} is not an actor: only an actor is stopped`)
  return undefined
}

function pause(row: Row, write: Request): Entry[] {
  // A process that was paused for another reason stays paused until someone plays it on purpose.
  if (row.paused === 1) row.pause_cause = null
  if (row.paused === 1 || row.pause_asked === 1) return []
  row.pause_message = write.message
  row.pause_cause = null
  // An actor is paused after the call that it runs.
  const atOnce = row.owner === null || (isWaitingOwned(row) && row.calls === null)
  if (atOnce) row.paused = 1
  else row.pause_asked = 1
  return [entry(atOnce ? 'paused' : 'pause requested', write.by, { message: write.message ?? undefined })]
}

/**
 * Lets a process that backs off run now. Plays a paused or parked one. Does nothing to any other
 * process.
 */
function retry(row: Row, write: Request, now: number): Entry[] {
  if (row.paused === 1 || row.parked !== null) return play(row, write)
  if (row.owner !== null || !isBackingOff({ ...row, inStep: row.in_step === 1 })) return []
  // The engine that holds its actor runs a call.
  if (row.actor === null) makeReady(row, now)
  // An engine that claims the process finds it woken by its timer.
  row.due_at = row.ready_at ?? now
  return [entry('retried', write.by)]
}

function play(row: Row, write: Request): Entry[] {
  const stood = row.paused === 1 || row.parked !== null
  const calledOff = row.pause_asked === 1
  row.paused = 0
  row.pause_asked = 0
  row.pause_message = null
  row.pause_cause = null
  row.parked = null
  if (row.owner === null) {
    row.crashes = 0
    row.alone = 0
    if (stood) row.played = 1
  }
  return stood || calledOff ? [entry('played', write.by)] : []
}

function requestKill(row: Row, write: Request, now: number): Entry[] {
  const deadline = Math.ceil(now + write.grace)
  if (row.kill_deadline !== null) {
    row.kill_deadline = Math.min(row.kill_deadline, deadline)
    return []
  }
  row.kill_deadline = deadline
  row.kill_message = write.message
  row.kill_state = write.killedState
  return [entry('kill requested', write.by, { message: write.message ?? undefined, deadline })]
}

/** Ends a process without its engine, which is fenced (C5). */
function kill(
  row: Row,
  killedState: string | null,
  message: string | null,
  by: string | null,
  now: number,
): Entry {
  row.fence++
  const state = killedState ?? killedStateText(message)
  end(row, 'killed', state, false, message, now)
  row.step = null
  return entry('killed', by, { message: message ?? undefined })
}

/** Ends an actor that was stopped and has no more calls. */
export function endStopped(row: Row, now: number): Entry {
  end(
    row,
    'finished',
    stateText({
      label: 'finished',
      result: undefined,
      successful: true,
      exitCode: undefined,
      message: undefined,
    }),
    true,
    null,
    now,
  )
  return entry('finished', null, { successful: true })
}

/** Makes the row terminal, which is final (C5): it has no owner, no wait and no stored request. */
export function end(
  row: Row,
  state: ProcessState,
  saved: string,
  successful: boolean,
  message: string | null,
  now: number,
): void {
  endWait(row)
  row.before = row.data
  row.data = saved
  row.seq++
  row.state = state
  row.message = message
  row.successful = Number(successful)
  row.updated_at = now
  row.ended_at = now
  row.owner = null
  row.ready_at = null
  row.paused = 0
  row.pause_asked = 0
  row.pause_message = null
  row.pause_cause = null
  row.parked = null
  row.kill_deadline = null
  row.kill_message = null
  row.kill_state = null
  row.crashes = 0
  row.alone = 0
  row.played = 0
}

/**
 * Keeps a resume or a signal. It counts whether it comes before, during or after the wait for it
 * (C8). `known`: a message with the same id is kept already.
 */
export function message(row: Row, write: Resume | Signal, known: boolean, context: RuleContext): Decision {
  if (known || wasConsumed(row.consumed, write.id)) return unchanged({ status: 'done', pid: row.pid })
  if (row.ended_at !== null) return unchanged({ status: 'ended', state: row.state })
  if (row.calls !== null || row.actor !== null) return unchanged({ status: 'refused', error: noMessage(row) })
  const isAwaited = write.kind === 'resume' ? row.resumable === 1 : row.receives === write.name
  if (row.state === 'waiting' && row.owner === null && isAwaited) makeReady(row, context.now)
  const event =
    write.kind === 'resume' ? entry('resumed', write.by) : entry('signalled', write.by, { name: write.name })
  return { outcome: { status: 'done', pid: row.pid }, row, history: [event] }
}

function noMessage({ pid, actor }: Row): Error {
  const what = actor === null ? 'an actor' : `a call of the actor ${actor}`
  return new InvalidStateError(
    `process ${pid} is ${what}, and takes no resume and no signal: call its methods`,
  )
}

/** Gives the claim back after a clean stop, which does not count as a crash (C12). */
export function release(
  row: Row,
  write: { readonly fence: number; readonly owner?: string | null | undefined },
  context: RuleContext,
): Decision {
  if (row.ended_at !== null) return unchanged({ status: 'ended', state: row.state })
  if (row.fence !== write.fence) return unchanged({ status: 'fenced' })
  if (row.owner === null) return unchanged({ status: 'done', pid: row.pid })
  if (write.owner !== undefined && row.owner !== write.owner) return unchanged({ status: 'fenced' })
  const history = [entry('released', row.runner), ...releaseClaim(row, context)]
  return { outcome: { status: 'done', pid: row.pid }, row, history }
}

/** Sets aside a process that can't be loaded (C9). */
export function park(row: Row, write: Park, context: RuleContext): Decision {
  if (row.ended_at !== null) return unchanged({ status: 'ended', state: row.state })
  if (row.fence !== write.fence) return unchanged({ status: 'fenced' })
  if (row.owner === null) return unchanged({ status: 'done', pid: row.pid })
  row.parked = write.reason
  const history = [entry('parked', row.runner, { reason: write.reason }), ...releaseClaim(row, context)]
  return { outcome: { status: 'done', pid: row.pid }, row, history }
}

/**
 * Carries out an overdue kill, or a stored kill whose engine is dead. Any client or
 * engine may ask for it.
 */
export function enforce(row: Row, write: Enforce, context: RuleContext): Decision {
  if (row.ended_at !== null) return unchanged({ status: 'ended', state: row.state })
  const mayEnd =
    row.kill_deadline !== null &&
    (row.kill_deadline <= context.now || row.owner === null || !context.alive(row.owner))
  if (!mayEnd) return unchanged({ status: 'done', pid: row.pid, applied: false })
  const history = [kill(row, write.killedState, row.kill_message, null, context.now)]
  return { outcome: { status: 'done', pid: row.pid, applied: true }, row, history }
}

/** Carries out an overdue kill with the message and state that were stored with it. */
export function enforceOverdue(row: Row, now: number): Entry[] {
  return [kill(row, row.kill_state, row.kill_message, null, now)]
}

/**
 * Takes a process back from a dead engine (C11) and carries out the requests that were stored
 * meanwhile.
 */
export function takeBack(row: Row, context: RuleContext): Entry[] {
  const by = row.runner
  // If the engine was only frozen, its later writes change nothing (C4).
  row.fence++
  row.crashes++
  const blamed = row.alone === RUNS_ALONE && row.crashes >= PAUSED_AFTER
  const history: Entry[] = [entry('crashed', by, { step: row.step ?? undefined, crashes: row.crashes })]
  if (blamed && row.kill_deadline === null) {
    if (row.pause_asked === 0) row.pause_cause = 'crashes'
    row.pause_asked = 1
    row.pause_message = `it crashed its engine ${row.crashes} times, the last time running alone; play lets it try again`
  }
  return [...history, ...releaseClaim(row, context)]
}

function releaseClaim(row: Row, context: RuleContext): Entry[] {
  const by = row.runner
  row.owner = null
  row.alone = 0
  if (row.kill_deadline !== null) return [kill(row, row.kill_state, row.kill_message, by, context.now)]
  if (row.in_step === 1) leaveWaitInStep(row, context.now)
  row.ready_at = readyAt(row, context, () =>
    row.awaits === 'inputs' ? context.hasNeeds() : context.isAwaiting(),
  )
  return row.pause_asked === 1 ? pauseNow(row) : []
}
