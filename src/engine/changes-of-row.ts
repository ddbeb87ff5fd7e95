import type { Pending } from '../persistence/contract/control.ts'
import { encodeEvent } from '../persistence/contract/event-codec.ts'
import type { Change, ProcessRow } from '../persistence/contract/rows.ts'
import { isTerminal } from '../process/state/machine.ts'
import type { HistoryEvents } from '../process/state/history-event.ts'

/** What is known about an execution besides its row. */
interface Known {
  /** The messages that are kept for the process. */
  readonly mail: Pending['mail']
  /** Whether the process was paused here, or about to be, before its row was read. */
  readonly hadPause: boolean
  /** The engine that runs it. */
  readonly engine: string
}

/**
 * The changes that others may have committed about a process of this engine, as far as its row
 * shows them.
 */
export function changesOf(
  pid: string,
  row: ProcessRow | undefined,
  { mail, hadPause, engine }: Known,
): readonly Change[] {
  const changes: Change[] = []
  const note = <Name extends keyof HistoryEvents>(name: Name, data?: HistoryEvents[Name]): void => {
    changes.push({
      pid,
      ...encodeEvent(name, data),
      at: row?.updatedAt ?? 0,
      by: null,
      state: row?.state ?? 'killed',
      paused: row?.paused != null,
      ready: false,
      dueAt: null,
    })
  }
  // A process that was pruned had ended.
  if (row === undefined || isTerminal(row.state)) {
    note('killed')
    return changes
  }
  if (row.owner !== engine) {
    note('crashed', { crashes: row.crashes })
    return changes
  }
  const { killRequested: kill, pauseRequested, paused } = row
  if (kill !== null) note('kill requested', { message: kill.message ?? undefined, deadline: kill.deadline })
  if (pauseRequested !== null) note('pause requested', { message: pauseRequested.message ?? undefined })
  else if (paused !== null) note('paused', { message: paused.message ?? undefined })
  else if (hadPause) note('played')
  for (const { name } of mail) if (name !== null) note('signalled', { name })
  return changes
}
