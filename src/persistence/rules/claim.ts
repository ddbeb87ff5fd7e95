import type { BriefRow, Row } from './row.ts'
import { entry, type Entry } from './decision.ts'
import type { StoredProcess } from '../contract/rows.ts'
import type { ClaimedProcess, ClaimRequest, StoredWakeUp } from '../contract/store.ts'
import { leaveWaitInStep } from './waits.ts'

/** A kept resume or signal. */
export interface Message {
  readonly id: number
  readonly value: string
}

/** The events that may have ended the wait of a process. */
export interface Arrivals {
  /** The oldest kept signal of this name, or with null the oldest resume. */
  message(signal: string | null): Message | undefined
  /** Whether it still waits for the end of other processes. */
  isAwaiting(): boolean
}

/**
 * Gives a process to an engine under a new fence (C4). A step that waited without an engine runs
 * again.
 */
export function claim(row: Row, request: Pick<ClaimRequest, 'engine' | 'suspects'>, now: number): Entry[] {
  row.owner = request.engine
  row.runner = request.engine
  row.fence++
  row.ready_at = null
  row.alone = Number(request.suspects)
  row.records = 0
  if (row.in_step === 1) leaveWaitInStep(row, now)
  return row.crashes > 0 ? [entry('recovered', request.engine)] : []
}

/** What ends the wait of a claimed process; null if its wait is not over (C8). */
function findWakeUp(row: BriefRow, now: number, arrivals: Arrivals): StoredWakeUp | null {
  if (row.state !== 'waiting') return null
  const resume = row.resumable === 1 ? arrivals.message(null) : undefined
  if (resume !== undefined) return { by: 'resume', id: resume.id, value: resume.value }
  if (row.awaits !== null && !arrivals.isAwaiting()) return { by: 'handles', id: null, value: null }
  const signal = row.receives === null ? undefined : arrivals.message(row.receives)
  if (signal !== undefined) return { by: 'signal', id: signal.id, value: signal.value }
  return row.due_at !== null && row.due_at <= now ? { by: 'timer', id: null, value: null } : null
}

/** The data of a claimed process for its engine. The row is already stored. */
export function claimedProcess(
  row: Row,
  stored: StoredProcess,
  tables: {
    readonly now: number
    message(pid: string, signal: string | null): Message | undefined
    isAwaiting(pid: string): boolean
  },
): ClaimedProcess {
  return {
    row: stored.row,
    bundle: () => stored.bundle(),
    fence: row.fence,
    wake: findWakeUp(row, tables.now, {
      message: (signal) => tables.message(row.pid, signal),
      isAwaiting: () => tables.isAwaiting(row.pid),
    }),
    played: row.played === 1,
  }
}
