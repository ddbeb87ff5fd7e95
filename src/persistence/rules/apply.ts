import { edit } from './edit.ts'
import { addEvent, isReported, takeReport } from './report.ts'
import { getsFurther, recordStep } from './step-record.ts'
import type { Row } from './row.ts'
import * as transitions from './transitions.ts'
import { type Decision, entry, type RuleContext } from './decision.ts'
import { dropDue, purge, retain, unretain, type LifetimeTables } from './result-dropping.ts'
import { withConsumed } from './message-ids.ts'
import type { DropDue, Purge, Retain, Unretain } from '../contract/result-lifetime.ts'
import type { Outcome } from '../contract/outcomes.ts'
import type {
  Advance,
  CompleteGroup,
  Create,
  Prune,
  Request,
  ServeCalls,
  StepRecord,
  Write,
} from '../contract/writes.ts'
import { dropQueued, isOver, putRow } from './ends.ts'
import type { Tables } from './tables.ts'

/*
 * What a write does beyond the row that it names, for all back ends: to the parts and kept messages
 * of the process, to the processes that wait for its end (C8), and to its descendants (C7).
 */

/** The context of a rule that decides about this process. */
export function contextFor(tables: Tables, pid: string, consumes: number | null = null): RuleContext {
  return {
    now: tables.now,
    alive: (engine) => tables.alive(engine),
    hasMessage: (signal) => tables.message(pid, signal, consumes) !== undefined,
    isAwaiting: () => tables.isAwaiting(pid),
    hasNeeds: () => tables.hasNeeds(pid),
    hasCall: (order) => tables.hasCall(pid, order),
    isActorHeld: (engine, fence) => isActorHeld(tables, pid, engine, fence),
    targets: (pids, of) => tables.targets(pids, of),
  }
}

/** Applies a write about the result of a process. It changes nothing else. */
export function applyToResult(tables: LifetimeTables, write: ResultWrite): Outcome {
  switch (write.kind) {
    case 'retain':
      return retain(tables, write)
    case 'unretain':
      return unretain(tables, write)
    case 'purge':
      return purge(tables, write)
    case 'drop':
      return dropDue(tables, write)
  }
}

type ResultWrite = Retain | Unretain | Purge | DropDue
const OF_RESULTS: readonly Write['kind'][] = ['retain', 'unretain', 'purge', 'drop']

export function isOfResult(write: Write): write is ResultWrite {
  return OF_RESULTS.includes(write.kind)
}

function isActorHeld(tables: Tables, pid: string, engine: string, fence: number): boolean {
  const actor = tables.brief(tables.brief(pid)?.actor ?? '')
  return actor?.owner === engine && actor.fence === fence
}

/** The writes that are decided by the row of the process that they name, and by what waits for it. */
export type OnOne = Exclude<Write, Create | Prune | CompleteGroup | ServeCalls | ResultWrite>

/** Applies a write to an existing process. */
export function apply(tables: Tables, write: OnOne): Outcome {
  const row = tables.get(write.pid)
  if (row === undefined) return { status: 'missing' }
  const mayAwait = row.awaits !== null
  const mayNeed = row.awaits === 'inputs'
  const decision = decide(tables, row, write)
  if (decision.row === undefined) return decision.outcome
  switch (write.kind) {
    case 'advance':
      putAdvance(tables, row, write)
      // The process has taken its values.
      if (mayNeed) tables.dropNeeds(row.pid)
      break
    case 'record': {
      consume(tables, row, write.consumes)
      tables.putParts(row.pid, write.parts)
      if (write.beside !== undefined && row.runner !== null) tables.clearAlone(write.beside, row.runner)
      if (write.checkpoint !== undefined)
        tables.putCheckpoint(row.pid, write.checkpoint.tag, write.checkpoint.text)
      break
    }
    case 'edit':
      // A process that is taken back from a dead engine may have ended by its stored kill (C5).
      if (decision.outcome.status === 'done') tables.putParts(row.pid, write.parts)
      break
    case 'resume':
      tables.addMessage(row.pid, write.id, null, write.value)
      break
    case 'signal':
      tables.addMessage(row.pid, write.id, write.name, write.value)
      break
    case 'request':
    case 'release':
    case 'park':
    case 'enforce':
    case 'event':
      break
  }
  if ((write.kind === 'record' || write.kind === 'advance') && decision.outcome.status === 'done')
    forgetCrashes(tables, write, row.runner)
  if (decision.awaits !== undefined) {
    if (mayAwait) tables.settleAwaits(row.pid)
    if (decision.awaits.length > 0) tables.addAwaits(row.pid, decision.awaits)
  }
  const report = decision.outcome.status === 'done' ? takeReport(row, write, tables.now) : undefined
  const ends = write.kind === 'request' && write.request === 'stop' && isOver(row)
  const end = ends ? [transitions.endStopped(row, tables.now)] : []
  // The code of the process added these events before the action that this write stores.
  putRow(tables, row, [...(report?.history ?? []), ...decision.history, ...end])
  if (write.kind === 'request' && write.request === 'stop' && write.drain === false && !ends)
    dropQueued(tables, row)
  if (report !== undefined && isReported(write, report)) tables.report(row, report.log)
  if (write.kind === 'advance') killDescendants(tables, write, row.runner)
  if (write.kind === 'request' && write.tree === true && decision.outcome.status === 'done') {
    if (write.request !== 'abort') requestDescendants(tables, write)
    // An aborted process may have taken over the children of the process that it was restarted
    // from.
    else if (decision.outcome.applied === true) requestDescendants(tables, { ...write, request: 'kill' })
  }
  return decision.outcome
}

/** Resets the crash count of an actor whose call has made progress (C11). */
function forgetCrashes(tables: Tables, write: StepRecord | Advance, engine: string | null): void {
  const { crashedActor } = write
  if (crashedActor === undefined) return
  // The beginning of another run of a call is not progress.
  if (write.kind === 'record' ? !getsFurther(write) : write.state !== 'waiting') return
  const actor = tables.get(crashedActor)
  if (actor === undefined || actor.owner !== engine || actor.crashes === 0) return
  actor.crashes = 0
  actor.alone = 0
  tables.put(actor, [])
}

function decide(tables: Tables, row: Row, write: OnOne): Decision {
  const context = contextFor(tables, row.pid, 'consumes' in write ? write.consumes : null)
  switch (write.kind) {
    case 'advance':
      return transitions.advance(row, write, context)
    case 'record':
      return recordStep(row, write, context)
    case 'request':
      return transitions.request(row, write, context)
    case 'edit':
      return edit(row, write, context)
    case 'event':
      return addEvent(row, write)
    case 'resume':
    case 'signal':
      return transitions.message(row, write, tables.hasMessageFrom(row.pid, write.id), context)
    case 'release':
      return transitions.release(row, write, context)
    case 'park':
      return transitions.park(row, write, context)
    case 'enforce':
      return transitions.enforce(row, write, context)
  }
}

/**
 * Makes the living children of a restarted process children of the new one, whose pauses, plays and
 * kills reach them (C7).
 */
export function adopt(tables: Tables, { adopts = [] }: Create): void {
  for (const { pid, parent } of adopts) {
    const row = tables.brief(pid)
    if (row === undefined) continue
    row.parent = parent
    tables.putParent(row, [entry('adopted', null, { parent })])
  }
}

/** Kills the descendants of a process whose end must reach them. */
export function killDescendants(tables: Tables, write: Advance, by: string | null): void {
  if (write.killsChildren === undefined) return
  requestDescendants(tables, {
    kind: 'request',
    pid: write.pid,
    request: 'kill',
    message: write.ending?.message ?? null,
    grace: write.killsChildren.grace,
    by: by ?? write.pid,
    killedState: null,
  })
}

function requestDescendants(tables: Tables, write: Request): void {
  for (const pid of tables.descendants(write.pid)) {
    const row = tables.get(pid)
    if (row === undefined) continue
    const decision = transitions.request(
      row,
      { ...write, pid, id: undefined, tree: false },
      contextFor(tables, pid),
    )
    if (decision.row !== undefined) putRow(tables, row, decision.history)
  }
}

/** Stores what an advance changes besides the row. */
export function putAdvance(tables: Tables, row: Row, write: Advance): void {
  consume(tables, row, write.consumes)
  tables.putParts(row.pid, write.parts)
  for (const name of write.dropped) tables.dropPart(row.pid, name)
  if (write.dropsRecord === true) tables.dropRecord(row.pid)
  if (write.ending?.dropCheckpoint === true) tables.dropCheckpoint(row.pid)
}

function consume(tables: Tables, row: Row, id: number | null): void {
  const sender = id === null ? undefined : tables.takeMessage(row.pid, id)
  if (sender !== undefined) row.consumed = withConsumed(sender, row.consumed)
}
