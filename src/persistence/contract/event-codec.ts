import type { HistoryEvent, HistoryEvents } from '../../process/state/history-event.ts'
import { IncompatibleBundle } from '../../shared/errors.ts'
import { isJsonObject } from '../../shared/json.ts'

/** An event of a process's history, as it is stored. */
export interface HistoryEntry {
  /** Those of `HistoryEvents`; a newer release may know others. */
  readonly name: string
  /** JSON text; null for an event without data. */
  readonly data: string | null
}

/** A stored entry and the process that it belongs to. */
export interface StoredEvent extends HistoryEntry {
  readonly pid: string
  readonly seq?: number
}

/** The stored form of an event. Data that is undefined is left out. */
export function encodeEvent<Name extends keyof HistoryEvents>(
  name: Name,
  data?: HistoryEvents[Name],
): HistoryEntry {
  const text = data === undefined ? '{}' : JSON.stringify(data)
  return { name, data: text === '{}' ? null : text }
}

/**
 * The event of a stored entry.
 *
 * @throws IncompatibleBundle if the entry is damaged
 */
export function decodeEvent(entry: StoredEvent): HistoryEvent {
  const { name } = entry
  const data = decodeEventData(entry)
  return (data === undefined ? { name } : { name, data }) as HistoryEvent
}

/**
 * The data of a stored entry that has this name; an empty object if the entry has none.
 *
 * @throws IncompatibleBundle if the entry is damaged
 */
export function eventData<Name extends keyof HistoryEvents>(
  entry: StoredEvent,
  _name: Name,
): HistoryEvents[Name] {
  return (decodeEventData(entry) ?? {}) as HistoryEvents[Name]
}

/**
 * The data of a stored entry; undefined if it has none.
 *
 * @throws IncompatibleBundle if the entry is damaged
 */
export function decodeEventData({ pid, seq, name, data: text }: StoredEvent): object | undefined {
  if (text === null) return undefined
  const damaged = (cause?: unknown): IncompatibleBundle => {
    const entry = seq === undefined ? `an entry ${name}` : `entry ${seq} (${name})`
    return new IncompatibleBundle(
      `the history of process ${pid} is damaged: the data of ${entry} is not a JSON object`,
      { cause },
    )
  }
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch (error) {
    throw damaged(error)
  }
  if (!isJsonObject(data)) throw damaged()
  return data
}
