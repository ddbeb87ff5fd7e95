import type { Bundle } from '../../bundle/bundle.ts'
import type { ProcessState } from '../../process/state/process-state.ts'
import type { LogEntry, Progress } from '../../process/state/report.ts'
import type { EndingReason, WaitConditions } from '../../process/state/transition.ts'
import type { HistoryEntry } from './event-codec.ts'
import type { Ending, Mailbox, Origin } from './writes.ts'

/** An entry of a history as a store reports it. */
export interface HistoryRow extends HistoryEntry {
  /** The number of the entry in the history of its process, from 1. */
  readonly n: number
  /** The number of the commit that added the entry. Commits are numbered in their order. */
  readonly commit: number
  readonly pid: string
  readonly seq: number
  readonly at: number
  /** The engine or client that wrote the entry. */
  readonly by: string | null
}

/** An entry in the log of a process as a store reports it. */
export interface LogRow extends LogEntry {
  readonly pid: string
  /** The number of the entry in the log of its process, from 1. */
  readonly n: number
}

/** The name of the change that a report of a process makes. Its data is the progress, if there is any. */
export const REPORTED = 'reported'

/**
 * A history entry that has just been committed, or a report (`REPORTED`). If another program
 * wrote it, the row may have changed since.
 */
export interface Change {
  readonly pid: string
  readonly name: string
  readonly data: string | null
  readonly at: number
  /** The engine or client that wrote the entry, as `HistoryRow.by`; null if that is not known. */
  readonly by: string | null
  /** The state of the process after the entry or after a later change. */
  readonly state: ProcessState
  readonly paused: boolean
  /** Whether an engine may claim the process. */
  readonly ready: boolean
  /** The time at which an engine may claim the process, if that is a time to come. Of a call that waits for others, its timeout. */
  readonly dueAt: number | null
  /** The actor whose call this is; absent for any other process. */
  readonly actor?: string | undefined
}

/**
 * Why a process is paused: someone asked for it (`request`); its retries are used up, or its step
 * did not repeat what it did before (`failure`); or it crashed its engine (`crashes`).
 */
export type PauseCause = 'request' | 'failure' | 'crashes'

/** The row of a process. Times are in wall-clock milliseconds. */
export interface ProcessRow {
  readonly pid: string
  readonly className: string
  readonly version: number
  readonly state: ProcessState
  readonly step: string | null
  readonly status: string | null
  /** What the process has reported by `this.progress` last. */
  readonly progress: Progress | null
  readonly paused: { readonly message: string | null; readonly cause: PauseCause } | null
  /** Why the process was parked, if it was. */
  readonly parked: string | null
  readonly parent: string | null
  readonly key: string | null
  readonly label: string | null
  /** The label of the engines that may run the process; null for any engine. */
  readonly worker: string | null
  readonly seq: number
  /** The crashes since the last commit of the process. */
  readonly crashes: number
  readonly createdAt: number
  /** When the process entered its state. While a step runs, also when the step last recorded something. */
  readonly updatedAt: number
  readonly endedAt: number | null
  readonly successful: boolean | null
  readonly exitCode: Ending['exitCode']
  readonly message: string | null
  /** Set for an end that was not the doing of the process. */
  readonly reason: EndingReason | null
  /**
   * What a waiting process waits for. `on` says whether the end of all or of any of several
   * processes ends the wait.
   */
  readonly wait: (Omit<WaitConditions, 'on' | 'any'> & { readonly on: 'all' | 'any' | null }) | null
  /**
   * Set from the launch until the first step or the end, where the process takes values from other
   * processes or was launched `after` others. `until`: when it is excepted unless they have ended.
   */
  readonly upstream: { readonly until: number | null } | null
  /** Whether the process waits within a step. The step continues after the wait, or runs again. */
  readonly inStep: boolean
  /**
   * The number of the attempt at the step; 1 unless it is retried. A waiting process above 1 backs
   * off.
   */
  readonly attempt: number
  readonly deadline: number | null
  readonly abandoned: boolean
  readonly origin: Origin | null
  /** The actor whose call this is. */
  readonly actor: string | null
  /** Set for an actor. */
  readonly mailbox:
    | (Mailbox & {
        /** How many of its calls have not ended. */
        readonly calls: number
        /** Whether it accepts no more calls, and ends after the queued ones. */
        readonly stopping: boolean
      })
    | null
  /** The engine that runs the process now. */
  readonly owner: string | null
  /** The engine that runs the process, or ran it last. */
  readonly runner: string | null
  readonly pauseRequested: { readonly message: string | null } | null
  readonly killRequested: { readonly message: string | null; readonly deadline: number } | null
  /**
   * When an engine may claim the process. Null while it runs, after it has ended, and while it
   * waits for something that has no time.
   */
  readonly readyAt: number | null
}

/** A process with its bundle. */
export interface StoredProcess {
  readonly row: ProcessRow
  /** Raised by each claim, kill, crash and edit (C4). */
  readonly fence: number
  /** @throws IncompatibleBundle if the stored parts are damaged */
  bundle(): Bundle
  /**
   * For a process that ended unsuccessfully: the last `state` part before the end, from which a
   * restart continues.
   */
  before(): string | undefined
}

/** A call of an actor that has not ended, with what the engine needs to run it. */
export interface StoredCall extends Pick<StoredProcess, 'fence' | 'bundle'> {
  readonly row: Pick<
    ProcessRow,
    | 'pid'
    | 'className'
    | 'version'
    | 'state'
    | 'step'
    | 'status'
    | 'progress'
    | 'parent'
    | 'paused'
    | 'seq'
    | 'createdAt'
    | 'attempt'
    | 'upstream'
    | 'deadline'
    | 'killRequested'
  > & {
    /** When the next attempt of a call that backs off begins. */
    readonly retryAt: number | null
  }
}
