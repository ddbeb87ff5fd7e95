import type { Row } from './row.ts'
import type { HistoryEvents } from '../../process/state/history-event.ts'
import { encodeEvent, type HistoryEntry } from '../contract/history-event.ts'
import type { Outcome } from '../contract/outcomes.ts'

/** What a rule has to know beyond the row. */
export interface RuleContext {
  readonly now: number
  /** Whether the engine that owns the row lives (C11). */
  alive(engine: string): boolean
  /** Whether a signal of this name, or with null a resume, is kept for it, beside the one that this write uses up (C8). */
  hasMessage(signal: string | null): boolean
  /** Whether it has to wait for the end of others still. */
  isAwaiting(): boolean
  /** Those of these processes that are there and have not ended. */
  unended(pids: readonly string[]): readonly string[]
}

/** A history entry and who is to be named with it. */
export interface Entry extends HistoryEntry {
  readonly by: string | null
}

export interface Decision {
  readonly outcome: Outcome
  /** The row to store; undefined where nothing changes. */
  readonly row?: Row
  /** The processes whose end it awaits from now on. Left out: as it was. */
  readonly awaits?: readonly string[]
  readonly history: readonly Entry[]
}

export function unchanged(outcome: Outcome): Decision {
  return { outcome, history: [] }
}

/** An event that is stored with a write, and the engine or client that is named with it. */
export function entry<Name extends keyof HistoryEvents>(
  name: Name,
  by: string | null,
  data?: HistoryEvents[Name],
): Entry {
  return { ...encodeEvent(name, data), by }
}
