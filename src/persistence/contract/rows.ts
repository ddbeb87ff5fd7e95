import type { Bundle } from '../../bundle/bundle.ts'
import type { ProcessState } from '../../process/state/process-state.ts'
import type { HistoryEntry } from './history-event.ts'
import type { Origin, Ending, WaitFor } from './writes.ts'

export interface HistoryRow extends HistoryEntry {
  readonly id: number
  readonly pid: string
  readonly seq: number
  readonly at: number
  /** The engine or client that wrote it. */
  readonly by: string | null
}

/** A history entry that has just been committed. */
export interface Change {
  readonly pid: string
  readonly name: string
  readonly data: string | null
  readonly at: number
  /** The process's state after it, or after a later change where another program made it. */
  readonly state: ProcessState
  readonly paused: boolean
  /** Whether the process is ready to be claimed after it, or after a later change. */
  readonly ready: boolean
  /** When it becomes ready by its time, if it does. */
  readonly dueAt: number | null
}

export interface ProcessRow {
  readonly pid: string
  readonly className: string
  readonly version: number
  readonly state: ProcessState
  readonly step: string | null
  readonly status: string | null
  readonly paused: { readonly message: string | null } | null
  /** Why it was set aside, if it was. */
  readonly parked: string | null
  readonly parent: string | null
  readonly key: string | null
  readonly label: string | null
  readonly seq: number
  /** Crashes since its last commit. */
  readonly crashes: number
  readonly createdAt: number
  /** When it came into its state. */
  readonly updatedAt: number
  readonly endedAt: number | null
  readonly successful: boolean | null
  readonly exitCode: Ending['exitCode']
  readonly message: string | null
  /** What a waiting process waits for; `on` tells only how. */
  readonly wait: (Omit<WaitFor, 'on' | 'any'> & { readonly on: 'all' | 'any' | null }) | null
  /** Whether it waits within a step, which goes on after it, or runs again. */
  readonly inStep: boolean
  /** How often the step has been begun; 1 unless it is retried. While it waits and this is above 1, it backs off. */
  readonly attempt: number
  readonly deadline: number | null
  readonly abandoned: boolean
  readonly origin: Origin | null
  /** The engine that runs it now. */
  readonly owner: string | null
  readonly pauseRequested: { readonly message: string | null } | null
  readonly killRequested: { readonly message: string | null; readonly deadline: number } | null
  /** When it is or becomes ready to be claimed; null while it runs, has ended, or waits for something that has no time. */
  readonly readyAt: number | null
}

export interface StoredProcess {
  readonly row: ProcessRow
  /** @throws IncompatibleBundle where what is stored is damaged */
  bundle(): Bundle
  /** The last `state` part before it ended, where it ended unsuccessfully: what a restart goes on from. */
  before(): string | undefined
}
