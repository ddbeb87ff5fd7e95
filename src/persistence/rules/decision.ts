import type { Row } from './row.ts'
import type { HistoryEvents } from '../../process/state/history-event.ts'
import { encodeEvent, type HistoryEntry } from '../contract/event-codec.ts'
import type { Outcome } from '../contract/outcomes.ts'
import type { CallOrder } from '../contract/writes.ts'

/** A process that another one awaits, or whose value it may still take. */
export interface Awaited {
  readonly pid: string
  /** Whether the wait for it is over. */
  readonly over: boolean
  /** Whether it is a child of the waiting process. */
  readonly isChild: boolean
}

/** Of the processes to await: one that exists, unless it is a child that has ended. */
export interface AwaitTarget {
  readonly pid: string
  readonly ended: boolean
  readonly isChild: boolean
}

/** What a rule needs to know besides the row. */
export interface RuleContext {
  readonly now: number
  /** Whether an engine is alive (C11). */
  alive(engine: string): boolean
  /**
   * Whether a signal of this name, or with null a resume, is kept in addition to the one that this
   * write consumes (C8).
   */
  hasMessage(signal: string | null): boolean
  /** Whether the process still waits for the end of other processes. */
  isAwaiting(): boolean
  /** Whether a process that has not started still needs other processes. */
  hasNeeds(): boolean
  /** Whether an actor has a call that may run. */
  hasCall(order: CallOrder): boolean
  /** Whether the actor of a call is held under this fence. */
  isActorHeld(engine: string, fence: number): boolean
  /** Those of these processes that exist, except ended children of the process `of`. */
  targets(pids: readonly string[], of: string): readonly AwaitTarget[]
}

/** A history entry with the engine or client that is named in it. */
export interface Entry extends HistoryEntry {
  readonly by: string | null
}

/** What a rule decides about a write. */
export interface Decision {
  readonly outcome: Outcome
  /** The row to store; undefined if nothing changes. */
  readonly row?: Row
  /**
   * The processes whose end the process newly awaits, without those that it awaited before.
   */
  readonly awaits?: readonly Awaited[]
  readonly history: readonly Entry[]
}

export function unchanged(outcome: Outcome): Decision {
  return { outcome, history: [] }
}

/** The history entry of an event. */
export function entry<Name extends keyof HistoryEvents>(
  name: Name,
  by: string | null,
  data?: HistoryEvents[Name],
): Entry {
  return { ...encodeEvent(name, data), by }
}
