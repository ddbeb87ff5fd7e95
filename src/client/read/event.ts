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

function dataOf({ seq, pid, name }: HistoryRow, text: string): object {
  const damaged = (cause?: unknown): IncompatibleBundle =>
    new IncompatibleBundle(
      `the history of process ${pid} is damaged: the data of entry ${seq} (${name}) is no JSON object`,
      { cause },
    )
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch (error) {
    throw damaged(error)
  }
  if (typeof data !== 'object' || data === null || Array.isArray(data)) throw damaged()
  return data
}
