import type { Codec } from '../../bundle/codec.ts'
import type { Hosted } from '../host/process-object.ts'
import type { HistoryEvent } from '../state/history-event.ts'
import {
  admit,
  costOfEvent,
  type AddedEvent,
  type LogEntry,
  type Progress,
  type Report,
} from '../state/report.ts'

/** The events in the history of a process in memory. */
export const PROCESS_EVENTS = [
  'created',
  'running',
  'waiting',
  'paused',
  'played',
  'finished',
  'excepted',
  'killed',
] as const
export type MemoryEvent = (typeof PROCESS_EVENTS)[number]

/** What a process in memory has reported: its log, its events and its progress. */
export class MemoryLog {
  readonly entries: LogEntry[] = []
  #progress: Progress | undefined
  #size = 0
  readonly #listeners = new Set<(events: readonly AddedEvent[]) => void>()

  get progress(): Progress | undefined {
    return this.#progress
  }

  /** Adds a report, within the limit that holds in a store too. */
  add(report: Report, now: number): void {
    const { log, events, size } = admit(this.#size, report, ({ name, data }) => costOfEvent(name, data), now)
    this.#size = size
    this.#progress = report.progress ?? this.#progress
    this.entries.push(...log)
    for (const listener of this.#listeners) listener(events)
  }

  /** Calls back with the events of each report. Returns a function that stops this. */
  listen(listener: (events: readonly AddedEvent[]) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}

const logs = new WeakMap<Hosted, MemoryLog>()

/** The log of a process in memory. */
export function memoryLogOf(process: Hosted): MemoryLog {
  let log = logs.get(process)
  if (log === undefined) logs.set(process, (log = new MemoryLog()))
  return log
}

/** The event of a history for one that was added. */
export function addedEvent({ name, at, data, caller }: AddedEvent, codec: Codec): HistoryEvent {
  const value = data === undefined ? undefined : codec.parse(data, `event ${name}`)
  return {
    name: 'event',
    data: { name, at, ...(data !== undefined && { data: value }), ...(caller && { caller }) },
  }
}
