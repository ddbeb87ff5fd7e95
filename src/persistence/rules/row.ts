import { isProcessState, type ProcessState } from '../../process/state/process-state.ts'
import type { EndingReason } from '../../process/state/transition.ts'
import type { EngineIdentity } from '../contract/engines.ts'
import { REPORTED, type Change, type PauseCause, type ProcessRow, type StoredCall } from '../contract/rows.ts'
import type { CallOrder, Origin } from '../contract/writes.ts'
import { progressOf } from './progress.ts'

/**
 * A process as a back end stores it. Flags are 0 and 1, and the names are those of the columns.
 * `processRow` makes the public form.
 */
export interface Row {
  /** The number of the row; the back end counts them in the order of creation. */
  id: number
  readonly pid: string
  readonly class: string
  version: number
  state: ProcessState
  step: string | null
  status: string | null
  /** The progress that the process has reported, as JSON; see `progressOf`. */
  progress: string | null
  /** How many characters of its log and of added events are stored. */
  reported: number
  paused: number
  /** Whether a pause is stored that the engine has not carried out yet. */
  pause_asked: number
  /** The message of the pause, or of the one that is stored. */
  pause_message: string | null
  /** Why the process is paused; null if someone asked for it, and if it is not paused. */
  pause_cause: Exclude<PauseCause, 'request'> | null
  parked: string | null
  parent: string | null
  readonly key: string | null
  readonly label: string | null
  /** The label of the engines that may claim the process; empty for any engine. */
  readonly worker: string
  seq: number
  /** Raised by each claim, kill, crash and edit. A write under an older fence changes nothing (C4). */
  fence: number
  owner: string | null
  /**
   * The engine that owned the process last, even after it gave the claim back; or the engine that
   * drains for it.
   */
  runner: string | null
  crashes: number
  /**
   * Whether the process was claimed to run alone, or its `runner` drains for it (C11, `drain.ts`).
   */
  alone: number
  readonly created_at: number
  updated_at: number
  ended_at: number | null
  successful: number | null
  exit_code: number | null
  exit_label: string | null
  exit_message: string | null
  message: string | null
  /** Set for an end that was not the doing of the process. */
  reason: EndingReason | null
  kill_deadline: number | null
  kill_message: string | null
  /** The `state` part of the process after the kill that is stored. */
  kill_state: string | null
  /**
   * When the process became or becomes ready. Kept while it is paused or parked, null while it is
   * owned.
   */
  ready_at: number | null
  played: number
  /** The senders' ids of the messages that the process consumed last (`message-ids.ts`). */
  consumed: string | null
  /** The sender's id of the last request. */
  last_request: string | null
  /**
   * These four columns hold what ends a wait: a resume, the signal of this name, this time, the end
   * of the processes in the table `awaits`. All are clear unless the process waits. Before the
   * process starts, `inputs` means that it has needs (`upstream.ts`), and `due_at` limits the wait
   * for them.
   */
  resumable: number
  receives: string | null
  due_at: number | null
  awaits: 'all' | 'any' | 'inputs' | null
  /** The end of the delay of a process that has needs. */
  readonly starts_at: number | null
  /**
   * Whether the process waits within a step. If it has no owner, the step runs again from its start
   * after the wait.
   */
  in_step: number
  attempt: number
  deadline: number | null
  readonly abandoned: number
  readonly origin: string | null
  readonly origin_kind: Origin['kind'] | null
  /** The number of `StepRecord`s under the present claim. */
  records: number
  /** The actor whose call this is. */
  readonly actor: string | null
  /** How many calls of an actor have not ended; null for any other process. */
  calls: number | null
  /** How many of them there may be; null for no limit. */
  readonly most_calls: number | null
  /** Whether later calls of an actor overtake one that waits for its inputs (`ready`). */
  readonly call_order: CallOrder | null
  /** Whether an actor accepts no more calls, and ends after the queued ones. */
  stopping: number
  /** The `state` part. */
  data: string
  /** The last `state` part before an unsuccessful end, from which a restart continues. */
  before: string | null
}

/** A row without its long columns. */
export type BriefRow = Omit<Row, 'data' | 'before'>

/** The columns of an actor that a new or ended call concerns. */
export type ActorRow = Pick<
  Row,
  | 'id'
  | 'pid'
  | 'class'
  | 'state'
  | 'seq'
  | 'owner'
  | 'paused'
  | 'parked'
  | 'ended_at'
  | 'ready_at'
  | 'actor'
  | 'calls'
  | 'most_calls'
  | 'call_order'
  | 'stopping'
>

/** The columns that decide whether a process may be claimed. */
export type Claimability = Pick<Row, 'ready_at' | 'owner' | 'paused' | 'parked'>

/** The columns of a call that its engine needs. */
export type CallRow = Pick<
  Row,
  | 'id'
  | 'pid'
  | 'class'
  | 'version'
  | 'state'
  | 'step'
  | 'status'
  | 'progress'
  | 'paused'
  | 'pause_message'
  | 'pause_cause'
  | 'parent'
  | 'seq'
  | 'fence'
  | 'created_at'
  | 'kill_deadline'
  | 'kill_message'
  | 'due_at'
  | 'awaits'
  | 'attempt'
  | 'deadline'
  | 'data'
>

/** Whether an engine may claim the process now. */
export function isReady(row: Claimability, now: number): boolean {
  return row.ready_at !== null && row.ready_at <= now && mayBeClaimed(row)
}

/** When an engine may claim the process, if that is in the future. */
export function dueAt(row: Claimability, now: number): number | null {
  return row.ready_at !== null && row.ready_at > now && mayBeClaimed(row) ? row.ready_at : null
}

function mayBeClaimed({ owner, paused, parked }: Claimability): boolean {
  return owner === null && paused === 0 && parked === null
}

/** A process after a change, as it is published. */
export type After = Pick<Change, 'pid' | 'state' | 'paused' | 'ready' | 'dueAt' | 'actor'>

export function afterOf(row: Published, now: number): After {
  const { pid, state, paused, actor } = row
  const after = { pid, state, paused: paused === 1, ready: isReady(row, now), dueAt: dueAt(row, now) }
  return actor === null ? after : { ...after, dueAt: lateAt(row), actor }
}

/** The change that a history entry makes. Written out, since a spread of `after` takes V8 ten times as long. */
export function changeOf(after: After, entry: Pick<Change, 'name' | 'data' | 'at' | 'by'>): Change {
  const { pid, state, paused, ready, dueAt, actor } = after
  const { name, data, at, by } = entry
  const change: Change = { pid, name, data, at, by, state, paused, ready, dueAt }
  return actor === undefined ? change : { ...change, actor }
}

/** The columns of a row that a change shows. */
type Published = Pick<Row, 'pid' | 'state' | 'actor'> & Claimability & Partial<Pick<Row, 'awaits' | 'due_at'>>

/**
 * When a call that waits for its inputs, or for the processes of its `after`, fails; null without a
 * timeout.
 */
export function lateAt({ awaits, due_at: due }: Partial<Pick<Row, 'awaits' | 'due_at'>>): number | null {
  return awaits === 'inputs' ? (due ?? null) : null
}

/** The change that a report of a process makes. */
export function reportedChange(row: Published & Pick<Row, 'progress'>, now: number): Change {
  return changeOf(afterOf(row, now), { name: REPORTED, data: row.progress, at: now, by: null })
}

/** The damage of a row that can't be run, as far as the row shows it (C9). */
export function damageOf(row: Pick<Row, 'state'>): string | undefined {
  return isProcessState(row.state)
    ? undefined
    : `its state is damaged: there is none called ${JSON.stringify(row.state)}`
}

/** The public form of a call that has not ended. */
export function callRow(row: Omit<CallRow, 'data'>): StoredCall['row'] {
  return Object.assign(sharedRow(row), { retryAt: row.state === 'waiting' ? row.due_at : null })
}

/** What the public forms of calls and of all processes have. */
function sharedRow(row: Omit<CallRow, 'data'>): Omit<StoredCall['row'], 'retryAt'> {
  return {
    pid: row.pid,
    className: row.class,
    version: row.version,
    state: row.state,
    step: row.step,
    status: row.status,
    progress: progressOf(row.progress),
    paused: pauseOf(row),
    parent: row.parent,
    seq: row.seq,
    createdAt: row.created_at,
    attempt: row.attempt,
    upstream: upstreamOf(row),
    deadline: row.deadline,
    killRequested: killRequestOf(row),
  }
}

/** The public form of a row. A spread of an object into another one that is so long takes V8 ten times as long. */
export function processRow(row: BriefRow): ProcessRow {
  return Object.assign(sharedRow(row), {
    parked: row.parked ?? damageOf(row) ?? null,
    key: row.key,
    label: row.label,
    worker: workerOf(row),
    crashes: row.crashes,
    updatedAt: row.updated_at,
    endedAt: row.ended_at,
    successful: row.successful === null ? null : row.successful === 1,
    exitCode:
      row.exit_code === null
        ? null
        : { code: row.exit_code, label: row.exit_label ?? '', message: row.exit_message ?? '' },
    message: row.message,
    reason: row.reason,
    wait:
      row.state === 'waiting'
        ? { resume: row.resumable === 1, signal: row.receives, until: row.due_at, on: awaitedOf(row) }
        : null,
    inStep: row.in_step === 1,
    abandoned: row.abandoned === 1,
    origin:
      row.origin === null || row.origin_kind === null ? null : { pid: row.origin, kind: row.origin_kind },
    actor: row.actor,
    mailbox:
      row.calls === null
        ? null
        : {
            order: row.call_order ?? 'strict',
            limit: row.most_calls,
            calls: row.calls,
            stopping: row.stopping === 1,
          },
    owner: row.owner,
    runner: row.runner,
    pauseRequested: row.pause_asked === 1 ? { message: row.pause_message } : null,
    readyAt: row.ready_at,
  })
}

/** The label that a process asks for. */
export function workerOf({ worker }: Pick<Row, 'worker'>): string | null {
  return worker === '' ? null : worker
}

function pauseOf(row: Pick<Row, 'paused' | 'pause_message' | 'pause_cause'>): ProcessRow['paused'] {
  return row.paused === 1 ? { message: row.pause_message, cause: row.pause_cause ?? 'request' } : null
}

/** Whether failures or crashes have paused a process, and no one has asked for a pause since. */
export function gaveUp(row: Pick<Row, 'paused' | 'pause_cause'>): boolean {
  return row.paused === 1 && row.pause_cause !== null
}

function upstreamOf({ awaits, due_at }: Pick<Row, 'awaits' | 'due_at'>): ProcessRow['upstream'] {
  return awaits === 'inputs' ? { until: due_at } : null
}

function killRequestOf(row: Pick<Row, 'kill_deadline' | 'kill_message'>): ProcessRow['killRequested'] {
  return row.kill_deadline === null ? null : { message: row.kill_message, deadline: row.kill_deadline }
}

function awaitedOf({ awaits }: BriefRow): 'all' | 'any' | null {
  return awaits === 'inputs' ? null : awaits
}

/** An engine as a back end stores it. */
export interface EngineRecord extends EngineIdentity {
  readonly startedAt: number
  readonly expires: number
}
