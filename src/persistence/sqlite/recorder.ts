import { isReady, type Row } from '../row.ts'
import type { Entry } from '../rules.ts'
import type { Change } from '../store.ts'
import type { ProcessTable } from './process-table.ts'

/** A process after a change, as those who watch are told of it. */
export type After = Pick<Change, 'pid' | 'state' | 'paused' | 'ready'> & { readonly seq: number }

/** Writes the history of one transaction, and remembers it for those who watch. */
export class Recorder {
  readonly changes: Change[] = []
  /** The id of the last entry. */
  lastId = 0
  readonly #processes: ProcessTable

  constructor(processes: ProcessTable) {
    this.#processes = processes
  }

  add(after: After, at: number, name: string, data: string | null, by: string | null): void {
    this.lastId = this.#processes.addHistory(after.pid, after.seq, at, name, data, by)
    const { pid, state, paused, ready } = after
    this.changes.push({ pid, name, data, at, state, paused, ready })
  }

  addAll(row: Row, at: number, entries: readonly Entry[]): void {
    const { pid, seq, state } = row
    const after = { pid, seq, state, paused: row.paused === 1, ready: isReady(row, at) }
    for (const { name, data, by } of entries) this.add(after, at, name, data, by)
  }

  /** Forgets what came after a mark, when that was undone. */
  forget(mark: number): void {
    this.changes.length = mark
  }
}
