import type { ProcessRow } from '../../persistence/contract/rows.ts'
import type { Origin } from '../../persistence/contract/writes.ts'
import type { StateInfo } from '../../process/host/process-handle.ts'
import type { Progress } from '../../process/state/report.ts'
import { stateInfo } from './state-info.ts'

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
  /** What the process has reported by `this.progress` last. */
  readonly progress: Progress | null
  readonly parent: string | null
  readonly key: string | null
  readonly label: string | null
  /** The label of the engines that may run it; null for any engine. */
  readonly worker: string | null
  /** The actor whose call it is. */
  readonly actor: string | null
  /** The calls of an actor; null for any other process. */
  readonly mailbox: ProcessRow['mailbox']
  /** The engine that runs it now. */
  readonly engine: string | null
  /** The engine that runs it, or ran it last. */
  readonly lastEngine: string | null
  /** The number of the attempt at the step; 1 unless it is retried. */
  readonly attempt: number
  /** What it waits for; null unless it waits. */
  readonly waits: WaitSummary | null
  /**
   * When it continues by itself: the end of its delay, its back-off or its wait. Null if it has no such time. A pause
   * holds it also after the time.
   */
  readonly due: Date | null
  /** A pause that takes effect when the step ends. */
  readonly pauseRequested: { readonly message: string | null } | null
  /** A kill that takes effect when the step ends, and at the deadline at the latest. */
  readonly killRequested: { readonly message: string | null; readonly deadline: Date } | null
  /** When it is excepted, if it has not ended. */
  readonly deadline: Date | null
  /** The process that it was restarted or resubmitted from. */
  readonly origin: Origin | null
  /** Whether requests to its parent's tree do not reach it. */
  readonly abandoned: boolean
  readonly created: Date
  /**
   * When it entered its state. While a step runs, also when the step last recorded something. Requests,
   * messages and edits do not change it; `history` has them.
   */
  readonly updated: Date
  readonly ended: Date | null
}

/** What ends a wait: the first of these that comes. */
export interface WaitSummary {
  readonly resume: boolean
  /** The name of a signal. */
  readonly signal: string | null
  readonly until: Date | null
  /** Other processes: all of them, or the first that ends. */
  readonly on: 'all' | 'any' | null
  /** Whether it waits within a step. */
  readonly inStep: boolean
}

/** One page of a list, newest first. */
export interface ProcessList {
  readonly processes: readonly ProcessSummary[]
  /** Give it as `after` for the next page; undefined on the last one. */
  readonly next: string | undefined
}

/** `now` is the time by the client's clock. */
export function summary(row: ProcessRow, now: number): ProcessSummary {
  return {
    pid: row.pid,
    name: row.className,
    version: row.version,
    state: stateInfo(row, now),
    step: row.step,
    status: row.status,
    progress: row.progress,
    parent: row.parent,
    key: row.key,
    label: row.label,
    worker: row.worker,
    actor: row.actor,
    mailbox: row.mailbox,
    engine: row.owner,
    lastEngine: row.runner,
    attempt: row.attempt,
    waits: waitsOf(row),
    due: dateOf(row.wait?.until ?? row.readyAt),
    pauseRequested: row.pauseRequested,
    killRequested: row.killRequested && {
      ...row.killRequested,
      deadline: new Date(row.killRequested.deadline),
    },
    deadline: dateOf(row.deadline),
    origin: row.origin,
    abandoned: row.abandoned,
    created: new Date(row.createdAt),
    updated: new Date(row.updatedAt),
    ended: dateOf(row.endedAt),
  }
}

function waitsOf({ wait, inStep }: ProcessRow): WaitSummary | null {
  return wait && { ...wait, until: dateOf(wait.until), inStep }
}

function dateOf(time: number | null): Date | null {
  return time === null ? null : new Date(time)
}
