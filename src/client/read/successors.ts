import type { Control } from '../../persistence/contract/control.ts'
import type { ProcessRow } from '../../persistence/contract/rows.ts'
import type { Origin } from '../../persistence/contract/writes.ts'
import type { StateInfo } from '../../process/host/process-handle.ts'
import { stateInfo } from './state-info.ts'

/** A process that was restarted or resubmitted from an ended one. */
export interface Successor {
  readonly pid: string
  /** Whether it continues the ended process, or runs again from its inputs. */
  readonly kind: Origin['kind']
  readonly state: StateInfo
}

/** The successors of an ended process, newest first; 10 at most. */
export async function successorRows(store: Control, pid: string): Promise<readonly ProcessRow[]> {
  return (await store.list({ origin: pid, limit: 10 })).rows
}

/**
 * The newest process that supersedes a failed one: that was made from it, later from the process
 * that it was itself made from, or in one of these ways from the nearest ancestor of which there is
 * one. Undefined if the process is not superseded.
 */
export async function supersedingRow(store: Control, row: ProcessRow): Promise<ProcessRow | undefined> {
  if (row.successful !== false) return undefined
  let at: ProcessRow | undefined = row
  while (at !== undefined) {
    for (const origin of at.origin === null ? [at.pid] : [at.pid, at.origin.pid]) {
      const [newest] = (await store.list({ origin, limit: 1 })).rows
      // Of the processes made from one, the newest is superseded by none of the others.
      if (newest !== undefined && newest.pid !== at.pid && newest.createdAt >= row.createdAt) return newest
    }
    at = at.parent === null ? undefined : await store.read(at.parent)
  }
  return undefined
}

/** As `successorRows`, in public form. Reads nothing for a process that has not ended. */
export async function successorsOf(
  store: Control,
  { pid, endedAt }: ProcessRow,
  now: number,
): Promise<readonly Successor[]> {
  if (endedAt === null) return []
  return (await successorRows(store, pid)).map((row) => ({
    pid: row.pid,
    kind: row.origin?.kind ?? 'restart',
    state: stateInfo(row, now),
  }))
}
