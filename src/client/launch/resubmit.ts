import { encodeEvent } from '../../persistence/contract/event-codec.ts'
import type { ProcessRow, StoredProcess } from '../../persistence/contract/rows.ts'
import type { Store } from '../../persistence/contract/store.ts'
import type { Create, Origin } from '../../persistence/contract/writes.ts'
import { savedReferences } from '../../process/references/saved-references.ts'
import { RESUBMITTED_STATE, UNCHECKED_STATE } from '../../process/state/saved-state.ts'
import { InvalidStateError, ProcessLost } from '../../shared/errors.ts'
import { newPid } from '../../shared/ids.ts'
import { changeInputs, editedEntry, type Changed, type WantedChange } from '../write/edits.ts'
import { savedUpstream, upstreamOf, withSavedUpstream } from './upstream.ts'

/* The writes that make a new process with the inputs of an ended one. */

/**
 * Returns the write that resubmits a process: a new one, under the pid `as`, with the same inputs.
 *
 * @throws ProcessLost if the store has no such process
 * @throws InvalidStateError for a process that has not ended
 * @throws SerializationError if a path of the changes does not fit the inputs
 */
export async function resubmitWrite(
  store: Store,
  pid: string,
  as: string,
  changes: readonly WantedChange[],
  now: number,
): Promise<Create> {
  const stored = await ended(store, pid)
  if (stored.row.mailbox !== null) throw notRestarted(stored.row)
  const create = { ...resubmitted(stored, null, now), pid: as }
  if (changes.length === 0) return create
  const again = changed(create, changeInputs(create.parts['inputs'] ?? '{}', changes))
  const refers = savedReferences(again.parts['inputs'] ?? '{}').length > 0
  const parts = refers
    ? withSavedUpstream({ ...again.parts, state: UNCHECKED_STATE }, { refers: true })
    : again.parts
  return { ...again, parts, upstream: upstreamOf(parts, now) }
}

/** A call has no steps to continue from, and the id of an actor identifies its state. */
export function notRestarted({ pid, actor }: ProcessRow): InvalidStateError {
  return new InvalidStateError(
    actor === null
      ? `process ${pid} is an actor, which is neither restarted nor resubmitted: make another one`
      : `process ${pid} is a call of the actor ${actor}, which has no step to restart from: resubmit it, and it is called again`,
  )
}

/** The write with changed parts, each change in the history of the new process. */
export function changed(create: Create, { parts, edited }: Changed): Create {
  return {
    ...create,
    parts: { ...create.parts, ...parts },
    history: [...create.history, ...edited.map(editedEntry)],
  }
}

/** The write of a new process with the inputs of another one. */
export function resubmitted(stored: StoredProcess, parent: string | null, now: number): Create {
  const { pid } = stored.row
  const { inputs = '{}', launch, state } = stored.bundle().parts
  const unchecked =
    state === UNCHECKED_STATE ||
    stored.before() === UNCHECKED_STATE ||
    savedUpstream(stored.bundle().parts).refers === true
  const parts = {
    state: unchecked ? UNCHECKED_STATE : RESUBMITTED_STATE,
    inputs,
    ...(launch !== undefined && { launch }),
  }
  return {
    ...created(stored.row, newPid(), parent, { pid, kind: 'resubmit' }, now),
    ...(stored.row.actor !== null && { actor: stored.row.actor }),
    state: 'created',
    step: 'run',
    parts,
    upstream: upstreamOf(parts, now),
  }
}

/** An ended process. @throws ProcessLost, InvalidStateError */
export async function ended(store: Store, pid: string): Promise<StoredProcess> {
  const stored = await store.load(pid)
  requireEnded(pid, stored?.row)
  return stored as StoredProcess
}

/** @throws ProcessLost without a row, InvalidStateError for that of a process that has not ended */
function requireEnded(pid: string, row: ProcessRow | undefined): void {
  if (row === undefined)
    throw new ProcessLost(
      pid,
      `there is no process ${pid} in this store, so it can't be restarted or resubmitted`,
    )
  if (row.endedAt === null) {
    throw new InvalidStateError(
      `process ${pid} is ${row.state}: only an ended process can be restarted or resubmitted. Use retry() or play() to let it continue, or kill it first`,
    )
  }
}

/** Returns what a new process takes over from the old one. */
export function created(
  row: ProcessRow,
  pid: string,
  parent: string | null,
  origin: Origin,
  now: number,
): Omit<Create, 'state' | 'step' | 'parts'> {
  return {
    kind: 'create',
    pid,
    className: row.className,
    version: row.version,
    createdAt: now,
    parent,
    parentFence: null,
    key: null,
    label: row.label,
    worker: row.worker,
    seq: 0,
    status: null,
    claim: null,
    history: [
      encodeEvent('created', { [origin.kind === 'restart' ? 'restarted' : 'resubmitted']: origin.pid }),
    ],
    ending: null,
    abandoned: row.abandoned,
    deadline: deadlineAgain(row, now),
    origin,
  }
}

/**
 * The new process gets as much time as the old one had. A deadline that had passed at its creation
 * is dropped.
 */
function deadlineAgain({ deadline, createdAt }: ProcessRow, now: number): number | null {
  return deadline === null || deadline <= createdAt ? null : now + (deadline - createdAt)
}
