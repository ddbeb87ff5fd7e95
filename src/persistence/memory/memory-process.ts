import { workerOf, type BriefRow, type Row } from '../rules/row.ts'
import type { Lifetime } from '../rules/result-dropping.ts'
import type { NeedEntry } from '../rules/upstream.ts'
import { canRun, type Capabilities } from '../contract/engines.ts'
import type { HistoryRow, LogRow } from '../contract/rows.ts'
import { LoadedCall, LoadedProcess } from '../rules/stored-process.ts'

/** A kept resume, or a signal by its name. */
export interface KeptMessage {
  readonly id: number
  readonly sender: string
  readonly signal: string | null
  readonly value: string
}

/** What a process needs of others before it starts, by their pids. */
export interface NeedsByTarget {
  readonly of: ReadonlyMap<string, (Omit<NeedEntry, 'over'> & { over: boolean })[]>
  /** How many are not over, and how many of those of which one is enough. */
  readonly left: { all: number; any: number }
}

/** One process: its row, parts, kept messages, awaited processes and history. */
export class MemoryProcess {
  row: Row
  readonly parts = new Map<string, string>()
  messages: KeptMessage[] = []
  /** The pids of the processes whose end it awaits, or has awaited: whether that is over. */
  readonly awaits = new Map<string, boolean>()
  /** The needs of the process. */
  needs: NeedsByTarget | undefined
  /** How long its result is kept; undefined: until it is pruned. */
  lifetime: Lifetime | undefined
  /** The sessions that retain its result. */
  readonly retainedBy = new Set<string>()
  readonly history: HistoryRow[] = []
  readonly log: LogRow[] = []

  constructor(row: Row) {
    this.row = row
  }

  /** The processes that it still needs. */
  leftNeeds(): readonly string[] {
    const needs = [...(this.needs?.of ?? [])]
    return needs.flatMap(([target, entries]) => (entries.some(({ over }) => !over) ? [target] : []))
  }

  stored(): LoadedProcess {
    return new LoadedProcess(this.row, Object.fromEntries(this.parts))
  }

  storedCall(): LoadedCall {
    return new LoadedCall(this.row, Object.fromEntries(this.parts))
  }
}

/** Whether an engine can run the process of a row, or no engine is given. */
export function isRunnable(
  row: Pick<BriefRow, 'class' | 'version' | 'worker'>,
  runs: Capabilities | undefined,
): boolean {
  if (runs === undefined) return true
  return canRun(runs, { className: row.class, version: row.version, worker: workerOf(row) })
}
