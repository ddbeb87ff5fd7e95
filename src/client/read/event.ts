import type { Codec } from '../../bundle/codec.ts'
import { decodeEvent } from '../../persistence/contract/event-codec.ts'
import type { HistoryRow } from '../../persistence/contract/rows.ts'
import type { EventRecord } from '../../process/host/process-handle.ts'
import type { HistoryEvent, HistoryEvents } from '../../process/state/history-event.ts'
import { DamsonError } from '../../shared/errors.ts'
import type { JsonValue } from '../../shared/json.ts'

/** The events that callers requested. Every other event comes from the process or its engine. */
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
export function eventRecord(row: HistoryRow, codec: Codec): EventRecord {
  const event = decoded(decodeEvent(row), codec)
  return {
    n: row.n,
    seq: row.seq,
    pid: row.pid,
    side: isFromCaller(event) ? 'caller' : 'process',
    at: new Date(row.at),
    ...(row.by !== null && { worker: row.by }),
    ...event,
  }
}

function isFromCaller(event: HistoryEvent): boolean {
  return FROM_CALLERS.has(event.name) || (event.name === 'event' && event.data.caller === true)
}

/**
 * The data of an added event is stored in its saved form, and is returned in that form if it can't
 * be restored.
 */
function decoded(event: HistoryEvent, codec: Codec): HistoryEvent {
  if (event.name !== 'event' || event.data.data === undefined) return event
  try {
    const data = codec.decode(event.data.data as JsonValue, `event ${event.data.name}`)
    return { ...event, data: { ...event.data, data } }
  } catch (error) {
    if (error instanceof DamsonError) return event
    throw error
  }
}
