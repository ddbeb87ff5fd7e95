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
