import { isProcessState, type ProcessState } from '../../process/state/process-state.ts'
import type { EngineIdentity } from '../contract/engines.ts'
import type { ProcessRow } from '../contract/rows.ts'
import type { Origin } from '../contract/writes.ts'

/**
 * A process as a back end keeps it; flags are 0 and 1, and names are those of the columns.
 * What of it others see is `processRow`.
 */
export interface Row {
  /** Counts the processes in the order in which the back end created them. */
  id: number
  readonly pid: string
  readonly class: string
  version: number
  state: ProcessState
  step: string | null
  status: string | null
  paused: number
  /** A pause is stored that its engine has yet to carry out. */
  pause_asked: number
  /** Of the pause, or of the one that is asked for. */
  pause_message: string | null
  parked: string | null
  parent: string | null
  readonly key: string | null
  readonly label: string | null
  seq: number
  /** Counts claims and kills: who does not know it may not write (C4). */
  fence: number
  owner: string | null
  /** The engine that owned it last; stays when the claim is given back. Or the one that drains for it. */
  runner: string | null
  crashes: number
  /** Whether it was claimed to run alone, or its `runner` drains for it (C11, `drain.ts`). */
  alone: number
  readonly created_at: number
  updated_at: number
  ended_at: number | null
  successful: number | null
  exit_code: number | null
  exit_label: string | null
  exit_message: string | null
  message: string | null
  kill_deadline: number | null
  kill_message: string | null
  /** The `state` part for the kill that is asked for. */
  kill_state: string | null
  /** Since or from when it wants to run; kept while it is paused or parked, null while it is owned. */
  ready_at: number | null
  played: number
  /** The senders' ids of the kept messages that were used up last (`message-ids.ts`). */
  last_wake: string | null
  /** The sender's id of the request that came last. */
  last_request: string | null
  /** What ends its wait: a resume; the signal of this name; this time; the end of those in the table `awaits`. All clear unless it waits. */
  resumable: number
  receives: string | null
  due_at: number | null
  awaits: 'all' | 'any' | null
  /** It waits within a step. Unowned, its step runs again from its start when that has come. */
  in_step: number
  attempt: number
  deadline: number | null
  readonly abandoned: number
  readonly origin: string | null
  readonly origin_kind: Origin['kind'] | null
  /** How many `StepRecord`s were written under the present claim. */
  records: number
  /** The `state` part. */
  data: string
  /** The last `state` part before it ended excepted, killed or unsuccessful: what a restart goes on from. */
  before: string | null
}

/** A row without its long columns. */
export type BriefRow = Omit<Row, 'data' | 'before'>

/** What tells whether a process may be claimed. */
export type Claimability = Pick<Row, 'ready_at' | 'owner' | 'paused' | 'parked'>

/** Whether an engine may claim it now. */
export function isReady(row: Claimability, now: number): boolean {
  return row.ready_at !== null && row.ready_at <= now && mayBeClaimed(row)
}

/** When an engine may claim it, if that is a time to come. */
export function dueAt(row: Claimability, now: number): number | null {
  return row.ready_at !== null && row.ready_at > now && mayBeClaimed(row) ? row.ready_at : null
}

function mayBeClaimed({ owner, paused, parked }: Claimability): boolean {
  return owner === null && paused === 0 && parked === null
}

/** Why a row can't be run, if it is damaged so that this shows (C9). */
export function damageOf(row: Pick<Row, 'state'>): string | undefined {
  return isProcessState(row.state)
    ? undefined
    : `its state is damaged: there is none called ${JSON.stringify(row.state)}`
}

/** What others see of a row. */
export function processRow(row: BriefRow): ProcessRow {
  return {
    pid: row.pid,
    className: row.class,
    version: row.version,
    state: row.state,
    step: row.step,
    status: row.status,
    paused: row.paused === 1 ? { message: row.pause_message } : null,
    parked: row.parked ?? damageOf(row) ?? null,
    parent: row.parent,
    key: row.key,
    label: row.label,
    seq: row.seq,
    crashes: row.crashes,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    endedAt: row.ended_at,
    successful: row.successful === null ? null : row.successful === 1,
    exitCode:
      row.exit_code === null
        ? null
        : { code: row.exit_code, label: row.exit_label ?? '', message: row.exit_message ?? '' },
    message: row.message,
    wait:
      row.state === 'waiting'
        ? { resume: row.resumable === 1, signal: row.receives, until: row.due_at, on: row.awaits }
        : null,
    inStep: row.in_step === 1,
    attempt: row.attempt,
    deadline: row.deadline,
    abandoned: row.abandoned === 1,
    origin:
      row.origin === null || row.origin_kind === null ? null : { pid: row.origin, kind: row.origin_kind },
    owner: row.owner,
    pauseRequested: row.pause_asked === 1 ? { message: row.pause_message } : null,
    killRequested:
      row.kill_deadline === null ? null : { message: row.kill_message, deadline: row.kill_deadline },
    readyAt: row.ready_at,
  }
}

/** An engine as a back end keeps it. */
export interface EngineRecord extends EngineIdentity {
  readonly startedAt: number
  readonly expires: number
}
