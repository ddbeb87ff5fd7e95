import type { Hosted } from '../host/process-object.ts'
import {
  admit,
  costOfEvent,
  type AddedEvent,
  type LogEntry,
  type Progress,
  type Report,
} from '../state/report.ts'

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
