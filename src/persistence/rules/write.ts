import { adopt, apply, applyToResult, isOfResult } from './apply.ts'
import type { Entry } from './decision.ts'
import { failNewCall } from './ends.ts'
import { completeGroup, findMember, positionText, putMember, type Groups } from './groups.ts'
import { beginLifetime, referenceRefusal, referred } from './result-dropping.ts'
import { addCall, callRefusal, serveCalls } from './mailbox.ts'
import { adoptionRefusal, creationRefusal, existingOutcome, newRow } from './new-row.ts'
import { isKept, unstorable } from './parts.ts'
import { prune } from './prune.ts'
import type { Row } from './row.ts'
import type { Tables } from './tables.ts'
import { failedNeed, neededPids, upstreamRefusal } from './upstream.ts'
import type { Outcome } from '../contract/outcomes.ts'
import type { CompleteGroup, Create, Parts, Prune, Write } from '../contract/writes.ts'

/** The tables of a back end that also creates and deletes processes by these rules. */
export interface WriteTables extends Tables {
  readonly groups: Groups
  /** The process that has a key. */
  byKey(key: string): Row | undefined
  /** The `inputs` part of an existing process. */
  inputs(pid: string): string | undefined
  /** Adds a new process, with all its parts but `state`. */
  insert(row: Row, parts: Parts, history: readonly Entry[]): void
  /** Deletes an ended process with everything that is stored about it. */
  delete(row: Row): void
}

/** Applies one write of a batch. `fresh` holds the pids that this batch created. */
export function applyWrite(tables: WriteTables, write: Write, fresh: Set<string>): Outcome {
  const problem = unstorable(write)
  if (problem !== undefined) return { status: 'refused', error: problem }
  if (write.kind === 'create') return create(tables, write, fresh)
  if (write.kind === 'prune') return deleteEnded(tables, write)
  if (write.kind === 'complete') return complete(tables, write)
  if (write.kind === 'calls') return serveCalls(tables, write)
  return isOfResult(write) ? applyToResult(tables, write) : apply(tables, write)
}

function complete(tables: WriteTables, write: CompleteGroup): Outcome {
  return completeGroup(tables.groups, write, write.parent === null ? null : tables.brief(write.parent))
}

function create(tables: WriteTables, write: Create, fresh: Set<string>): Outcome {
  const outcome = createInGroup(tables, write, fresh)
  if (outcome.status === 'done') beginLifetime(tables, outcome.pid, write, outcome.existed === false)
  return outcome
}

function createInGroup(tables: WriteTables, write: Create, fresh: Set<string>): Outcome {
  const { group } = write
  if (group === undefined) return createOne(tables, write, fresh)
  const { refusal, member } = findMember(tables.groups, write, group)
  if (refusal !== undefined) return refusal
  const found = member === undefined || member === write.pid ? undefined : tables.get(member)
  if (found !== undefined) return existing(tables, found, write, fresh, positionText(group))
  const outcome = createOne(tables, write, fresh)
  if (outcome.status === 'done') putMember(tables.groups, write, group, outcome.pid)
  return outcome
}

function createOne(tables: WriteTables, write: Create, fresh: Set<string>): Outcome {
  const keyed = write.key === null ? undefined : tables.byKey(write.key)
  const known = tables.get(write.pid) ?? keyed
  if (known !== undefined) return existing(tables, known, write, fresh)
  const parent = write.parent === null ? null : tables.brief(write.parent)
  const ends = write.upstream == null ? undefined : tables.ends(neededPids(write))
  const actor = write.actor === undefined ? undefined : tables.actor(write.actor)
  const refusal =
    creationRefusal(write, parent) ??
    adoptionRefusal(write, (pid) => tables.brief(pid)) ??
    referenceRefusal(tables, write) ??
    (ends && upstreamRefusal(write, ends)) ??
    (write.actor === undefined ? undefined : callRefusal(write, actor))
  if (refusal !== undefined) return refusal
  const { outcome, row, awaits, needs, history, log } = newRow(write, parent, tables, ends)
  tables.insert(row, keptParts(write), history)
  const awaited = [...awaits, ...referred(write, awaits)]
  if (awaited.length > 0) tables.addAwaits(row.pid, awaited)
  if (needs.length > 0) tables.addNeeds(row.pid, needs)
  if (log !== undefined) tables.report(row, log)
  if (actor !== undefined) addCall(tables, actor)
  const failed = ends && actor && failedNeed(write, ends)
  if (failed !== undefined) failNewCall(tables, write.pid, failed.pid)
  adopt(tables, write)
  fresh.add(write.pid)
  return outcome
}

function keptParts(write: Create): Parts {
  return Object.fromEntries(Object.entries(write.parts).filter(([name]) => isKept(name, write)))
}

function existing(
  tables: WriteTables,
  known: Row,
  write: Create,
  fresh: ReadonlySet<string>,
  what?: string,
): Outcome {
  return existingOutcome(known, tables.inputs(known.pid), write, fresh.has(known.pid), what)
}

function deleteEnded(tables: WriteTables, write: Prune): Outcome {
  const row = tables.get(write.pid)
  if (row === undefined) return { status: 'missing' }
  const parent = row.parent === null ? undefined : tables.brief(row.parent)
  const outcome = prune(row, parent, () => tables.needing(write.pid))
  if (outcome.status === 'done') tables.delete(row)
  return outcome
}
