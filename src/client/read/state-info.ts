import { decodeEventData } from '../../persistence/contract/event-codec.ts'
import { REPORTED, type Change, type ProcessRow } from '../../persistence/contract/rows.ts'
import { progressOf } from '../../persistence/rules/progress.ts'
import type { StateInfo } from '../../process/host/process-handle.ts'
import { isTerminal } from '../../process/state/machine.ts'
import { isBackingOff } from '../../process/state/process-state.ts'

/** The columns that say how a process ended. */
export type EndedRow = Pick<
  ProcessRow,
  | 'pid'
  | 'className'
  | 'actor'
  | 'mailbox'
  | 'state'
  | 'status'
  | 'progress'
  | 'message'
  | 'successful'
  | 'exitCode'
  | 'reason'
  | 'updatedAt'
>

/** The state of a process of which nothing was read yet. */
export const UNKNOWN_STATE: StateInfo = {
  label: 'created',
  terminal: false,
  successful: false,
  paused: false,
  at: new Date(0),
}

/** Returns the state of an unfinished process after a change, from the state before. */
export function changedInfo(change: Change, before: StateInfo): StateInfo {
  if (change.name === REPORTED) {
    const progress = progressOf(change.data)
    return progress === null ? before : { ...before, progress }
  }
  const message = messageOf(change)
  const { progress } = before
  return {
    label: change.state,
    terminal: false,
    successful: false,
    paused: change.paused,
    at: new Date(change.at),
    ...(message !== undefined && { message }),
    ...(progress !== undefined && { progress }),
  }
}

/** The message of a pause or a wait that a change reports. */
function messageOf(change: Change): string | undefined {
  if (!change.paused && change.state !== 'waiting') return undefined
  const { message } = (decodeEventData(change) ?? {}) as { readonly message?: unknown }
  return typeof message === 'string' ? message : undefined
}

/** Returns what a handle reports of a process. `now` is the time by the client's clock. */
export function stateInfo(row: ProcessRow, now: number): StateInfo {
  const { paused } = row
  const reason = reasonOf(row, now)
  return {
    ...endInfo(row),
    paused: paused !== null,
    ...(paused?.message != null && { message: paused.message }),
    ...(reason === 'parked' && { message: row.parked as string }),
    ...(reason !== undefined && { reason }),
  }
}

/** Returns the state of a process that has ended. */
export function endInfo(row: EndedRow): StateInfo {
  const message = row.message ?? row.status
  return {
    label: row.state,
    terminal: isTerminal(row.state),
    successful: row.successful ?? false,
    paused: false,
    at: new Date(row.updatedAt),
    ...(message !== null && { message }),
    ...(row.exitCode !== null && { exitCode: row.exitCode }),
    ...(row.progress !== null && { progress: row.progress }),
    ...(row.reason !== null && { reason: row.reason }),
  }
}

function reasonOf(row: ProcessRow, now: number): StateInfo['reason'] {
  if (isTerminal(row.state)) return undefined
  if (row.parked !== null) return 'parked'
  if (row.killRequested !== null) return 'killing'
  if (row.paused !== null) return undefined
  if (row.crashes > 0 && row.owner === null) return 'crash'
  const isDue = row.owner === null && row.readyAt !== null && row.readyAt <= now
  if (row.state === 'waiting') return isDue ? 'queued' : waitReason(row)
  if (row.owner !== null) return row.state === 'created' ? 'dispatched' : undefined
  if (!isDue && needsOthers(row)) return 'inputs'
  return row.state === 'created' && !isDue && row.readyAt !== null ? 'scheduled' : 'queued'
}

/** Whether a process waits for its needs, and not only for the end of its delay. */
function needsOthers({ upstream, readyAt, deadline }: ProcessRow): boolean {
  return upstream !== null && (readyAt === null || readyAt === upstream.until || readyAt === deadline)
}

function waitReason(row: ProcessRow): StateInfo['reason'] {
  if (row.mailbox !== null) return undefined
  if (isBackingOff(row)) return 'retry'
  const { wait } = row
  if (wait === null) return 'signal'
  if (wait.on !== null) return 'children'
  // A wait for a signal with a time limit counts as a wait for the signal.
  return wait.signal === null && wait.until !== null ? 'timer' : 'signal'
}
