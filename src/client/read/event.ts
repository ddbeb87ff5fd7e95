import { decodeEvent } from '../../persistence/contract/event-codec.ts'
import type { HistoryRow } from '../../persistence/contract/rows.ts'
import type { EventRecord } from '../../process/host/process-handle.ts'
import type { HistoryEvents } from '../../process/state/history-event.ts'

/** The events that a caller asked for; every other one comes from the process or its engine. */
const FROM_CALLERS: ReadonlySet<string> = new Set<keyof HistoryEvents>([
  'pause requested',
  'kill requested',
  'resumed',
  'signalled',
  'retried',
  'edited',
])

/**
 * A row of the history in its public form.
 *
 * @throws IncompatibleBundle if the row is damaged
 */
export function eventRecord(row: HistoryRow): EventRecord {
  return {
    n: row.n,
    seq: row.seq,
    pid: row.pid,
    side: FROM_CALLERS.has(row.name) ? 'caller' : 'process',
    at: new Date(row.at),
    ...(row.by !== null && { worker: row.by }),
    ...decodeEvent(row),
  }
}
