import type { HistoryRow } from '../../persistence/contract/rows.ts'
import type { EventRecord } from '../../process/host/process-handle.ts'
import { IncompatibleBundle } from '../../shared/errors.ts'

const SAID_BY_CALLERS = new Set([
  'pause requested',
  'play requested',
  'kill requested',
  'resumed',
  'signalled',
  'retried',
])

/** What a row of the history tells. @throws IncompatibleBundle where it is damaged */
export function eventRecord(row: HistoryRow): EventRecord {
  return {
    seq: row.seq,
    pid: row.pid,
    side: SAID_BY_CALLERS.has(row.name) ? 'caller' : 'process',
    name: row.name,
    at: new Date(row.at),
    ...(row.by !== null && { worker: row.by }),
    ...(row.data !== null && { data: dataOf(row, row.data) }),
  }
}

function dataOf({ seq, pid, name }: HistoryRow, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new IncompatibleBundle(
      `the history of process ${pid} is damaged: what entry ${seq} (${name}) says is no JSON`,
      { cause: error },
    )
  }
}
