import { admit, costOfEvent, type LogEntry } from '../../process/state/report.ts'
import type { AddEvent, StoredReport, Write } from '../contract/writes.ts'
import { type Decision, type Entry, unchanged } from './decision.ts'
import type { Row } from './row.ts'

/*
 * What a process reports apart from its state: the lines of its log, events and its progress. All
 * are bounded, so that no process fills the disk. A report does not count as progress (C11).
 */

/** What a write stores of a report, besides the row. */
export interface TakenReport {
  readonly log: readonly LogEntry[]
  readonly history: readonly Entry[]
}

/**
 * Adds the reports of a write to the row, and returns what else must be stored; undefined if the
 * write reports nothing.
 */
export function takeReport(row: Row, write: Write, now: number): TakenReport | undefined {
  const report = 'report' in write ? write.report : undefined
  return report && taken(row, report, write.kind === 'event' ? write.by : row.runner, now)
}

function taken(row: Row, report: StoredReport, by: string | null, now: number): TakenReport {
  const { log, events, size } = admit(
    row.reported,
    report,
    ({ name, data }) => costOfEvent(name, data ?? undefined),
    now,
  )
  row.reported = size
  if (report.progress !== undefined) row.progress = report.progress
  return { log, history: events.map((event) => ({ ...event, by })) }
}

/** Whether a report changes more than the history. */
export function isReported(write: Write, { log }: TakenReport): boolean {
  return log.length > 0 || ('report' in write && write.report?.progress !== undefined)
}

/** A caller adds an event to a process, which may have ended. */
export function addEvent(row: Row, write: AddEvent): Decision {
  if (row.last_request === write.id) return unchanged({ status: 'done', pid: row.pid })
  row.last_request = write.id
  return { outcome: { status: 'done', pid: row.pid }, row, history: [] }
}
