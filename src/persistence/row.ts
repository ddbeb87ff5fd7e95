import type { ProcessState } from '../process/state.ts'
import { isTerminal } from '../process/machine.ts'
import type { Create, EngineIdentity, ProcessRow } from './store.ts'

/**
 * A process as a back end keeps it; flags are 0 and 1, and names are those of the columns.
 * What of it others see is `processRow`.
 */
export interface Row {
  readonly pid: string
  readonly class: string
  readonly version: number
  state: ProcessState
  step: string | null
  status: string | null
  paused: number
  /** A pause is stored that its engine has yet to carry out. */
  pause_asked: number
  /** Of the pause, or of the one that is asked for. */
  pause_message: string | null
  parked: string | null
  readonly parent: string | null
  readonly key: string | null
  readonly label: string | null
  seq: number
  /** Counts claims and kills: who does not know it may not write (C4). */
  fence: number
  owner: string | null
  /** The engine that owned it last; stays when the claim is given back. */
  runner: string | null
  crashes: number
  /** It was claimed to run alone (C11). */
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
  /** Since when it wants to run; kept while it is paused or parked. */
  ready_at: number | null
  played: number
  /** The sender's id of the wake-up that was used up last. */
  last_wake: string | null
  /** The sender's id of the request that came last. */
  last_request: string | null
  /** The `state` part. */
  data: string
  /** The last `state` part before it ended excepted, killed or unsuccessful: what a restart goes on from. */
  before: string | null
}

/** The row of a new process (C2). */
export function newRow(write: Create, now: number): Row {
  const { ending, state } = write
  const ended = isTerminal(state)
  const owned = write.claim !== null && !ended && state !== 'waiting'
  return {
    pid: write.pid,
    class: write.className,
    version: write.version,
    state,
    step: write.step,
    status: write.status,
    paused: 0,
    pause_asked: 0,
    pause_message: null,
    parked: null,
    parent: write.parent,
    key: write.key,
    label: write.label,
    seq: write.seq,
    fence: write.claim === null ? 0 : 1,
    owner: owned ? write.claim : null,
    runner: write.claim,
    crashes: 0,
    alone: 0,
    created_at: Math.round(write.createdAt),
    updated_at: now,
    ended_at: ended ? now : null,
    successful: ended ? Number(ending?.successful ?? false) : null,
    exit_code: ending?.exitCode?.code ?? null,
    exit_label: ending?.exitCode?.label ?? null,
    exit_message: ending?.exitCode?.message ?? null,
    message: ending?.message ?? null,
    kill_deadline: null,
    kill_message: null,
    kill_state: null,
    ready_at: owned || ended || state === 'waiting' ? null : now,
    played: 0,
    last_wake: null,
    last_request: null,
    data: write.parts['state'] ?? '{}',
    before: null,
  }
}

/** Whether an engine may claim it now. */
export function isReady(row: Pick<Row, 'ready_at' | 'owner' | 'paused' | 'parked'>, now: number): boolean {
  return (
    row.ready_at !== null &&
    row.ready_at <= now &&
    row.owner === null &&
    row.paused === 0 &&
    row.parked === null
  )
}

/** What others see of a row. */
export function processRow(row: Row): ProcessRow {
  return {
    pid: row.pid,
    className: row.class,
    version: row.version,
    state: row.state,
    step: row.step,
    status: row.status,
    paused: row.paused === 1 ? { message: row.pause_message } : null,
    parked: row.parked,
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
