import { errorText } from '../../shared/error-text.ts'
import { entry } from '../rules/decision.ts'
import type { Row } from '../rules/row.ts'
import { isDamage, isOfOneProcess } from './driver-errors.ts'
import { FailedAlone } from './failed-alone.ts'
import type { ProcessTable } from './process-table.ts'
import type { Session } from './session.ts'

/*
 * One process that can't be read must not hold up the others of its transaction (C9). The
 * transaction is repeated without it, and the process is parked.
 */

/**
 * The processes that failed in a transaction, with their errors. The transaction is repeated
 * without them.
 */
export type Spared = ReadonlyMap<string, unknown>

export class UnreadableProcesses {
  readonly #processes: ProcessTable
  /**
   * Processes that could be neither read nor parked. They are left alone, so that they hold up no
   * others.
   */
  readonly #leftAlone = new Set<string>()

  constructor(processes: ProcessTable) {
    this.#processes = processes
  }

  /** The number of processes that are left alone. */
  get size(): number {
    return this.#leftAlone.size
  }

  /** Whether a process is left alone. */
  has(pid: string): boolean {
    return this.#leftAlone.has(pid)
  }

  /**
   * Runs an action on each of these processes that can be read.
   *
   * @throws FailedAlone if the action fails for one process alone
   */
  forEachReadable(
    pids: readonly string[],
    session: Session,
    spared: Spared,
    action: (row: Row) => void,
  ): void {
    for (const pid of pids) {
      if (this.has(pid)) continue
      alone(pid, spared, () => {
        const row = session.get(pid)
        if (row !== undefined) action(row)
      })
    }
  }

  /** Parks a process that can't be read, whatever the reason (C9). */
  park(pid: string, cause: unknown, by: string | null, session: Session): void {
    const said = isDamage(cause) ? 'the file is damaged there' : errorText(cause)
    const reason = `it cannot be read: ${said}`
    const row = this.#processes.brief(pid)
    // A parked process that still fails is left alone.
    if (row === undefined || row.parked !== null) return this.leaveAlone(pid)
    session.park(row, reason, [entry('parked', by, { reason })])
  }

  /** Ignores a process from now on that can't even be parked. */
  leaveAlone(pid: string): void {
    this.#leftAlone.add(pid)
  }
}

/**
 * Runs an action on one process, unless it failed before.
 *
 * @throws FailedAlone if the action fails for this process alone
 */
export function alone(pid: string, spared: Spared, action: () => void): void {
  if (spared.has(pid)) return
  try {
    action()
  } catch (error) {
    throw isOfOneProcess(error) ? new FailedAlone(pid, error) : error
  }
}
