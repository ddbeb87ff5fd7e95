import type { LogEntry } from '../../process/state/report.ts'
import type { Arrivals } from './claim.ts'
import { edit } from './edit.ts'
import { addEvent, isReported, takeReport } from './report.ts'
import { recordStep } from './step-record.ts'
import type { BriefRow, Row } from './row.ts'
import * as transitions from './transitions.ts'
import {
  type Awaited,
  type AwaitTarget,
  type Decision,
  entry,
  type Entry,
  type RuleContext,
} from './decision.ts'
import { dropDue, ended, purge, retain, unretain, type LifetimeTables } from './lifetime.ts'
import { withConsumed } from './message-ids.ts'
import type { DropDue, Purge, Retain, Unretain } from '../contract/lifetime.ts'
import type { Outcome } from '../contract/outcomes.ts'
import type { Advance, CompleteGroup, Create, Parts, Prune, Request, Write } from '../contract/writes.ts'
import { upstreamEnded, type NeedTables } from './upstream.ts'
import { wake } from './waits.ts'

/*
 * What a write does beyond the row that it names, for all back ends: to the parts and kept messages
 * of the process, to the processes that wait for its end (C8), and to its descendants (C7).
 */

/** The tables of a back end within one commit. */
export interface Tables extends NeedTables, LifetimeTables {
  /** Whether an engine lives (C11). */
  alive(engine: string): boolean

  /** A copy of the row, which may be changed and put back. */
  get(pid: string): Row | undefined
  put(row: Row, history: readonly Entry[]): void
  /** Stores `parent`, and nothing else of the row. */
  putParent(row: BriefRow, history: readonly Entry[]): void
  /**
   * Notes that a process no longer runs alone, if this engine runs it so (C11). Stores nothing else
   * of the row.
   */
  clearAlone(pid: string, engine: string): void
  /** Of these processes, those that exist, except ended children of the process `of`. */
  targets(pids: readonly string[], of: string): readonly AwaitTarget[]
  /** All unfinished descendants, except abandoned children and their subtrees. */
  descendants(pid: string): readonly string[]

  /** Stores parts of a row that is put afterwards, except `state`, which the row holds. */
  putParts(pid: string, parts: Parts): void
  dropPart(pid: string, name: string): void
  /** Drops the parts of the step's record. */
  dropRecord(pid: string): void
  /** Drops the parts that are not kept after success. */
  dropCheckpoint(pid: string): void
  /** Adds entries to the log of a process, and publishes that the process has reported. */
  report(row: Row, log: readonly LogEntry[]): void
  /** Keeps a bundle under a tag. */
  putCheckpoint(pid: string, tag: string, text: string): void

  /**
   * The oldest kept signal of a name, or with null the oldest resume, except the message with the
   * id `except`.
   */
  message(pid: string, signal: string | null, except?: number | null): ReturnType<Arrivals['message']>
  hasMessageFrom(pid: string, sender: string): boolean
  addMessage(pid: string, sender: string, signal: string | null, value: string): void
  /** Removes a kept message. Returns the sender's id of the message. */
  takeMessage(pid: string, id: number): string | undefined
  dropMessages(pid: string): void

  /** Whether the process still waits for the end of others. */
  isAwaiting(pid: string): boolean
  addAwaits(pid: string, awaited: readonly Awaited[]): void
  /** Makes all that a process awaits over. */
  settleAwaits(pid: string): void
  /** Forgets what a process awaits, or has awaited. */
  dropAwaits(pid: string): void
  /**
   * Makes the waits for the end of this process over. Returns the pids of the processes that waited.
   */
  takeWaiters(target: string): readonly string[]
}

/** The context of a rule that decides about this process. */
export function contextFor(tables: Tables, pid: string, consumes: number | null = null): RuleContext {
  return {
    now: tables.now,
    alive: (engine) => tables.alive(engine),
    hasMessage: (signal) => tables.message(pid, signal, consumes) !== undefined,
    isAwaiting: () => tables.isAwaiting(pid),
    hasNeeds: () => tables.hasNeeds(pid),
    targets: (pids, of) => tables.targets(pids, of),
  }
}

/** Applies a write that is about the result of a process, and changes nothing else. */
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

type Applied = Exclude<Write, Create | Prune | CompleteGroup | ResultWrite>

/** Applies a write to an existing process. */
export function apply(tables: Tables, write: Applied): Outcome {
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
  if (decision.awaits !== undefined) {
    if (mayAwait) tables.settleAwaits(row.pid)
    if (decision.awaits.length > 0) tables.addAwaits(row.pid, decision.awaits)
  }
  const report = decision.outcome.status === 'done' ? takeReport(row, write, tables.now) : undefined
  // The code of the process added its events before it did what this write stores.
  putRow(tables, row, report === undefined ? decision.history : [...report.history, ...decision.history])
  if (report !== undefined && isReported(write, report)) tables.report(row, report.log)
  if (write.kind === 'advance') killDescendants(tables, write, row.runner)
  if (write.kind === 'request' && write.tree === true && decision.outcome.status === 'done') {
    if (write.request !== 'abort') requestDescendants(tables, write)
    // What was aborted may have taken over the children of the process that it was restarted from.
    else if (decision.outcome.applied === true) requestDescendants(tables, { ...write, request: 'kill' })
  }
  return decision.outcome
}

function decide(tables: Tables, row: Row, write: Applied): Decision {
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

/** Stores a row that a rule has changed, with what follows from an end. */
export function putRow(tables: Tables, row: Row, history: readonly Entry[]): void {
  tables.put(row, history)
  if (row.ended_at !== null) afterEnd(tables, row.pid, row.successful === 1)
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

/**
 * Drops the messages, waits and needs of a process that has ended, and makes the processes ready that
 * waited for its end or needed it (C8).
 */
export function afterEnd(tables: Tables, pid: string, successful: boolean): void {
  tables.dropMessages(pid)
  tables.dropAwaits(pid)
  tables.dropNeeds(pid)
  ended(tables, pid)
  upstreamEnded(tables, pid, successful)
  for (const waiter of tables.takeWaiters(pid)) {
    const row = tables.brief(waiter)
    if (row === undefined) continue
    if (row.awaits === 'any') tables.settleAwaits(waiter)
    else if (tables.isAwaiting(waiter)) continue
    if (row.state !== 'waiting' || row.owner !== null) continue
    wake(row, tables.now)
    tables.putReady(row, [entry('joined', null)])
  }
}

/** Kills the descendants of a process whose end is to reach them. */
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

/** Stores what an advance changes beside the row. */
function putAdvance(tables: Tables, row: Row, write: Advance): void {
  consume(tables, row, write.consumes)
  tables.putParts(row.pid, write.parts)
  for (const name of write.dropped) tables.dropPart(row.pid, name)
  if (write.dropsRecord === true) tables.dropRecord(row.pid)
  if (write.ending?.dropCheckpoint === true) tables.dropCheckpoint(row.pid)
}

function consume(tables: Tables, row: Row, id: number | null): void {
  const sender = id === null ? undefined : tables.takeMessage(row.pid, id)
  if (sender !== undefined) row.last_wake = withConsumed(sender, row.last_wake)
}
