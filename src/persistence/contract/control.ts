import type { ProcessState } from '../../process/state/process-state.ts'
import type { EngineRow, ClassRow } from './engines.ts'
import type { GroupPage, GroupRange, GroupRow, GroupMember } from './groups.ts'
import type { LifetimeRow } from './result-lifetime.ts'
import type { Outcome } from './outcomes.ts'
import type { HistoryRow, Change, LogRow, ProcessRow, StoredProcess } from './rows.ts'
import type { Survey } from './survey.ts'
import type { Write } from './writes.ts'

/** What a client needs of a store: it reads, writes and watches processes, and runs none. */
export interface Control {
  /** The id of the store, which never changes. */
  readonly id: string
  /** How many commits may be under way at a time, each with writes of other processes. Default: 1. */
  readonly commitsAtOnce?: number
  /**
   * Applies writes in order and returns an outcome for each, in one transaction if the store
   * can. Rejects only if no write was looked at.
   */
  commit(writes: readonly Write[]): Promise<readonly Outcome[]>
  /** Reads the row of a process; undefined if there is no such process. */
  read(pid: string): Promise<ProcessRow | undefined>
  /** Reads a process with the parts of its bundle; undefined if there is no such process. */
  load(pid: string): Promise<StoredProcess | undefined>
  /**
   * Reads the rows of several processes, at most `LARGEST_READ`, in any order. A pid without a
   * process has no row in the answer.
   */
  readAll(pids: readonly string[]): Promise<readonly ProcessRow[]>
  /** As `readAll`, with the parts of their bundles; at most `LARGEST_LOAD` processes. */
  loadAll(pids: readonly string[]): Promise<readonly StoredProcess[]>
  /** One page of the processes that match, newest first. */
  list(filter?: ListFilter): Promise<ProcessPage>
  /**
   * At most `limit` pids that have one of these beginnings or endings, in no particular order. The
   * endings of one call have the same number of characters.
   */
  pids(parts: PidParts, limit: number): Promise<readonly string[]>
  /** Counts, by state, the processes that match the filter. */
  count(filter?: ListFilter): Promise<Readonly<Record<ProcessState, number>>>
  /** Counts the processes of each class; `since` is the time since when a failure counts as late. */
  survey(since: number): Promise<Survey>
  /** The oldest kept signal of that name; undefined if none is kept. */
  mail(pid: string, signal: string): Promise<Mail | undefined>
  /** The first calls of an actor that have not ended, in their order; at most `LARGEST_READ`. */
  mailbox(actor: string, limit: number): Promise<readonly ProcessRow[]>
  /** What a process still waits for, and the messages that are kept for it. */
  pending(pid: string): Promise<Pending>
  /**
   * A page of the history of a process, oldest entry first. Empty if there is no such process.
   *
   * @throws RangeError for an invalid range
   */
  history(pid: string, range?: HistoryRange): Promise<readonly HistoryRow[]>
  /**
   * At most `LARGEST_LOG_PAGE` entries of the log of a process after the one with this number, oldest
   * first. Empty if there is no such process.
   */
  log(pid: string, after?: number): Promise<readonly LogRow[]>
  /** The group of that name; undefined if there is none. */
  group(name: string): Promise<GroupRow | undefined>
  /**
   * A page of the groups, newest first.
   *
   * @throws RangeError for an invalid range
   */
  groups(range?: GroupRange): Promise<GroupPage>
  /**
   * The members of a group from a position on, in their order, at most `LARGEST_MEMBERS`. Empty if
   * there is no such group.
   */
  members(name: string, from: number): Promise<readonly GroupMember[]>
  /**
   * How long the results of these processes are kept, in any order; at most `LARGEST_READ`. A pid without
   * a process has no row in the answer.
   */
  lifetimes(pids: readonly string[]): Promise<readonly LifetimeRow[]>
  /**
   * Opens a session, which may then retain results. It ends with `closeSession`, or with this program,
   * however that ends.
   */
  openSession(session: string): Promise<void>
  /** Ends a session, which then retains nothing. */
  closeSession(session: string): Promise<void>
  /** The classes that engines have registered and that can be launched by name. */
  classes(): Promise<readonly ClassRow[]>
  /** All registered engines, alive or not. */
  engines(): Promise<readonly EngineRow[]>
  /**
   * Calls the listener with every committed change, those of a process in their order: at once for a
   * commit through this object, and soon after the commit of another program. Returns a function
   * that stops it. Costs almost nothing while nothing changes.
   */
  watch(listener: WatchListener): () => void
  /**
   * Returns some of the space of deleted processes to the system, and resolves to whether more is
   * left to return. Holds up others for a few milliseconds.
   */
  reclaim(): Promise<boolean>
  /**
   * Closes files and connections. A second call does nothing. Every other method then rejects with
   * `ClosedError`.
   */
  close(): Promise<void>
}

/** The most rows that one call reads. */
export const LARGEST_READ = 1_000
/** The most processes that one call loads. Their parts may be large. */
export const LARGEST_LOAD = 100

/**
 * Receives committed changes. `missed`: other programs have committed changes before these that the
 * store no longer has, because this program did not run for too long. The listener then has to read
 * the rows that it follows, as it does when it begins to watch (C8).
 */
export type WatchListener = (changes: readonly Change[], missed: boolean) => void

/** The most entries in a page of a history. */
export const LARGEST_HISTORY_PAGE = 1_000

/** The most entries in a page of a log. */
export const LARGEST_LOG_PAGE = 1_000

/** Which entries of a history to read, by their `n`. */
export interface HistoryRange {
  /** Only entries after this one. Default 0: from the first one on. */
  readonly after?: number | undefined
  /**
   * Only entries before this one. Without `after`, those are the last `limit` of them; `Infinity`
   * gives the newest entries.
   */
  readonly before?: number | undefined
  /** The largest number of entries. Default and maximum: 1000. */
  readonly limit?: number | undefined
}

/** A kept signal. */
export interface Mail {
  readonly id: number
  /** The payload, encoded. */
  readonly value: string
}

/** The most pids and the most messages in a `Pending`. */
export const LARGEST_PENDING = 100

export interface Pending {
  /**
   * The pids of the unfinished processes that the process waits for, or whose values its inputs
   * need; at most 100.
   */
  readonly on: readonly string[]
  /** The kept messages, oldest first, at most 100; `name` is that of a signal. */
  readonly mail: readonly { readonly by: 'resume' | 'signal'; readonly name: string | null }[]
  /** For the call of an actor that has not ended: how many calls come before it. */
  readonly ahead?: number
}

/** What pids begin or end with. */
export type PidParts = { readonly beginnings: readonly string[] } | { readonly endings: readonly string[] }

/** Which processes a list or a request to many reaches. Every condition that is given must hold. */
export interface ListFilter {
  readonly state?: ProcessState | readonly ProcessState[] | undefined
  /** The registered name of the class; must match as a whole. */
  readonly className?: string | undefined
  /** The key; must match as a whole. */
  readonly key?: string | undefined
  /** The label; must match as a whole. */
  readonly label?: string | undefined
  /** The name of a group that they were launched in. */
  readonly group?: string | undefined
  /** The pid of the parent. */
  readonly parent?: string | undefined
  /** The pid of the process that they were restarted or resubmitted from. */
  readonly origin?: string | undefined
  /** The id of the engine that has it now. */
  readonly engine?: string | undefined
  /** Whether it is an actor. */
  readonly actor?: boolean | undefined
  readonly paused?: boolean | undefined
  /** Whether failures or crashes have paused the process, and no one has asked for a pause since. */
  readonly gaveUp?: boolean | undefined
  /** Whether the process is parked. */
  readonly parked?: boolean | undefined
  /** Whether the process could continue now, but no engine runs it. */
  readonly ready?: boolean | undefined
  /** With a pause or kill that is stored and has not taken effect. */
  readonly requested?: 'pause' | 'kill' | undefined
  /** Whether the process has ended with success; only ended processes match. */
  readonly successful?: boolean | undefined
  /**
   * Whether the process is superseded: a later process was restarted or resubmitted from it, or from
   * the process that it was itself made from, or from one of its ancestors in one of these ways.
   */
  readonly superseded?: boolean | undefined
  /** Created at this time or later, in wall-clock milliseconds. */
  readonly since?: number | undefined
  /** Created before this time, in wall-clock milliseconds. */
  readonly until?: number | undefined
  /** Ended before this time, in wall-clock milliseconds. */
  readonly endedBefore?: number | undefined
  /** Part of the pid, key, label, status or message, in upper or lower case. */
  readonly text?: string | undefined
  /** The largest number of rows, newest first. Default 50, at most 1000. */
  readonly limit?: number | undefined
  /** `ProcessPage.next` of the previous page. */
  readonly after?: string | undefined
}

export interface ProcessPage {
  readonly rows: readonly ProcessRow[]
  /** Undefined on the last page. */
  readonly next: string | undefined
}
