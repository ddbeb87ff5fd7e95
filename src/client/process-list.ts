import type { ProcessRow } from '../persistence/store.ts'
import type { StateInfo } from '../process/handle.ts'
import { stateInfo } from './ending.ts'

/** A process as lists show it. */
export interface ProcessSummary {
  readonly pid: string
  /** The registered name of its class. */
  readonly name: string
  readonly version: number
  readonly state: StateInfo
  /** The step that runs or is next; null when it waits for nothing but its end, or has ended. */
  readonly step: string | null
  readonly status: string | null
  readonly parent: string | null
  readonly key: string | null
  readonly label: string | null
  /** The engine that runs it now. */
  readonly engine: string | null
  readonly created: Date
  readonly updated: Date
  readonly ended: Date | null
}

/** One page of a list, newest first. */
export interface ProcessList {
  readonly processes: readonly ProcessSummary[]
  /** Give it as `after` for the next page; undefined on the last one. */
  readonly next: string | undefined
}

export function summary(row: ProcessRow): ProcessSummary {
  return {
    pid: row.pid,
    name: row.className,
    version: row.version,
    state: stateInfo(row),
    step: row.step,
    status: row.status,
    parent: row.parent,
    key: row.key,
    label: row.label,
    engine: row.owner,
    created: new Date(row.createdAt),
    updated: new Date(row.updatedAt),
    ended: row.endedAt === null ? null : new Date(row.endedAt),
  }
}
