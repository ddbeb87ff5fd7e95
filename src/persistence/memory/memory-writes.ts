import { adopt, apply, applyToResult, isOfResult } from '../rules/apply.ts'
import { beginLifetime, referenceRefusal, referred } from '../rules/lifetime.ts'
import { completeGroup, findPlace, placeText, takePlace } from '../rules/groups.ts'
import { newRow, existingOutcome, adoptionRefusal, creationRefusal } from '../rules/new-row.ts'
import { addCall, callRefusal, serveCalls } from '../rules/mailbox.ts'
import { isKept, unstorable } from '../rules/parts.ts'
import { prune } from '../rules/prune.ts'
import { neededPids, upstreamRefusal } from '../rules/upstream.ts'
import type { Outcome } from '../contract/outcomes.ts'
import type { CompleteGroup, Create, Prune, Write } from '../contract/writes.ts'
import type { MemoryProcess } from './memory-process.ts'
import type { MemorySession } from './memory-session.ts'
import type { MemoryTables } from './memory-tables.ts'

/** Applies one write of a batch. `fresh` holds the pids that this batch created. */
export function applyWrite(
  tables: MemoryTables,
  session: MemorySession,
  write: Write,
  fresh: Set<string>,
): Outcome {
  const problem = unstorable(write)
  if (problem !== undefined) return { status: 'refused', error: problem }
  if (write.kind === 'create') return create(tables, session, write, fresh)
  if (write.kind === 'prune') return deleteEnded(tables, session, write)
  if (write.kind === 'complete') return complete(tables, write)
  if (write.kind === 'calls') return serveCalls(session, write)
  return isOfResult(write) ? applyToResult(session, write) : apply(session, write)
}

function complete(tables: MemoryTables, write: CompleteGroup): Outcome {
  const parent = write.parent === null ? null : tables.processes.get(write.parent)?.row
  return completeGroup(tables.groups, write, parent)
}

function create(tables: MemoryTables, session: MemorySession, write: Create, fresh: Set<string>): Outcome {
  const outcome = createInGroup(tables, session, write, fresh)
  if (outcome.status === 'done') beginLifetime(session, outcome.pid, write, outcome.existed === false)
  return outcome
}

function createInGroup(
  tables: MemoryTables,
  session: MemorySession,
  write: Create,
  fresh: Set<string>,
): Outcome {
  const { group } = write
  if (group === undefined) return createOne(tables, session, write, fresh)
  const { refusal, member } = findPlace(tables.groups, write, group)
  if (refusal !== undefined) return refusal
  const found = member === undefined || member === write.pid ? undefined : tables.processes.get(member)
  if (found !== undefined) return existing(found, write, fresh, placeText(group))
  const outcome = createOne(tables, session, write, fresh)
  if (outcome.status === 'done') takePlace(tables.groups, write, group, outcome.pid)
  return outcome
}

function createOne(tables: MemoryTables, session: MemorySession, write: Create, fresh: Set<string>): Outcome {
  const keyed = write.key === null ? undefined : tables.byKey(write.key)
  const known = tables.processes.get(write.pid) ?? keyed
  if (known !== undefined) return existing(known, write, fresh)
  const parent = write.parent === null ? null : tables.processes.get(write.parent)?.row
  const ends = write.upstream == null ? undefined : session.ends(neededPids(write))
  const actor = write.actor === undefined ? undefined : session.actor(write.actor)
  const refusal =
    creationRefusal(write, parent) ??
    adoptionRefusal(write, (pid) => session.brief(pid)) ??
    referenceRefusal(session, write) ??
    (write.actor === undefined ? undefined : callRefusal(write, actor)) ??
    (ends && upstreamRefusal(write, ends))
  if (refusal !== undefined) return refusal
  const { outcome, row, awaits, needs, history, log } = newRow(write, parent, session, ends)
  const saved = tables.insert(row, session.now)
  for (const [name, text] of Object.entries(write.parts)) if (isKept(name, write)) saved.parts.set(name, text)
  session.addAwaits(row.pid, [...awaits, ...referred(write, awaits)])
  session.addNeeds(row.pid, needs)
  session.record(saved, history)
  if (log !== undefined) session.report(row, log)
  if (actor !== undefined) addCall(session, actor)
  adopt(session, write)
  fresh.add(write.pid)
  return outcome
}

function existing(known: MemoryProcess, write: Create, fresh: ReadonlySet<string>, what?: string): Outcome {
  const { row, parts } = known
  return existingOutcome(row, parts.get('inputs'), write, fresh.has(row.pid), what)
}

function deleteEnded(tables: MemoryTables, session: MemorySession, write: Prune): Outcome {
  const saved = tables.processes.get(write.pid)
  if (saved === undefined) return { status: 'missing' }
  const { parent } = saved.row
  const above = parent === null ? undefined : tables.processes.get(parent)?.row
  const outcome = prune(saved.row, above, () => session.needing(write.pid))
  if (outcome.status === 'done') tables.delete(saved)
  return outcome
}
