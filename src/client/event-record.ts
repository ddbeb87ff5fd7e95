import type { HistoryRow } from '../persistence/store.ts'
import type { EventRecord } from '../process/handle.ts'

const SAID_BY_CALLERS = new Set([
  'pause requested',
  'play requested',
  'kill requested',
  'resumed',
  'signalled',
  'retried',
])

/** What a row of the history tells. */
export function eventRecord(row: HistoryRow): EventRecord {
  return {
    seq: row.seq,
    pid: row.pid,
    side: SAID_BY_CALLERS.has(row.name) ? 'caller' : 'process',
    name: row.name,
    at: new Date(row.at),
    ...(row.by !== null && { worker: row.by }),
    ...(row.data !== null && { data: JSON.parse(row.data) as unknown }),
  }
}
