import type { ProcessState } from '../../process/state/process-state.ts'
import type { EngineRow, ClassRow } from './engines.ts'
import type { Outcome } from './outcomes.ts'
import type { HistoryRow, Change, ProcessRow, StoredProcess } from './rows.ts'
import type { Write } from './writes.ts'

export interface Control {
  /** The store's own id, made once with it. */
  readonly id: string
  /** Applies writes in order, in one transaction if it can. Rejects only if none of them was looked at. */
  commit(writes: readonly Write[]): Promise<readonly Outcome[]>
  /** What the row of a process says; undefined where there is none. */
  read(pid: string): Promise<ProcessRow | undefined>
  /** The process whole: its row and its bundle's parts; undefined where there is none. */
  load(pid: string): Promise<StoredProcess | undefined>
  list(filter?: ListFilter): Promise<ProcessPage>
  /** How many processes there are of each state, among those that the filter lets through. */
  count(filter?: ListFilter): Promise<Readonly<Record<ProcessState, number>>>
  /** The oldest kept signal of that name; undefined where there is none. */
  mail(pid: string, signal: string): Promise<Mail | undefined>
  /** What a process waits for and has not come, and what is kept for it and not used. */
  pending(pid: string): Promise<Pending>
  /** The history of a process, oldest first. */
  history(pid: string): Promise<readonly HistoryRow[]>
  /** The classes that engines have registered, so that a client can launch by name. */
  classes(): Promise<readonly ClassRow[]>
  /** The engines that are known, alive or not. */
  engines(): Promise<readonly EngineRow[]>
  /**
   * Calls back with every committed change, whoever made it, in the order of their commits: at once for those
   * made through this object, soon after for another program's. Returns how to stop. Idle, it costs next to nothing.
   */
  watch(listener: (changes: readonly Change[]) => void): () => void
  /** Gives back files and connections. A second call does nothing; every other call then rejects with `ClosedError`. */
  close(): Promise<void>
}

/** A kept signal. */
export interface Mail {
  readonly id: number
  /** Encoded. */
  readonly value: string
}

export interface Pending {
  /** The processes that it waits for and that have not ended, 100 of them at most. */
  readonly on: readonly string[]
  /** What is kept, the oldest first, 100 at most; the name is that of a signal. */
  readonly mail: readonly { readonly by: 'resume' | 'signal'; readonly name: string | null }[]
}

export interface ListFilter {
  readonly state?: ProcessState | readonly ProcessState[] | undefined
  /** The registered name of the class, whole. */
  readonly className?: string | undefined
  /** The label, whole. */
  readonly label?: string | undefined
  /** The pid of the process that launched it. */
  readonly parent?: string | undefined
  readonly paused?: boolean | undefined
  /** Created at or after, before; wall-clock milliseconds. */
  readonly since?: number | undefined
  readonly until?: number | undefined
  /** In pid, key, label, status or message; case-insensitive. */
  readonly text?: string | undefined
  /** Newest first. Default 50, at most 1000. */
  readonly limit?: number | undefined
  /** `ProcessPage.next` of the page before. */
  readonly after?: string | undefined
}

export interface ProcessPage {
  readonly rows: readonly ProcessRow[]
  /** Undefined on the last page. */
  readonly next: string | undefined
}
