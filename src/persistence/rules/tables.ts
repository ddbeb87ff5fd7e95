import type { LogEntry } from '../../process/state/report.ts'
import type { CallOrder, Parts } from '../contract/writes.ts'
import type { Arrivals } from './claim.ts'
import type { Awaited, AwaitTarget, Entry } from './decision.ts'
import type { LifetimeTables } from './result-dropping.ts'
import type { ActorRow, BriefRow, Row } from './row.ts'
import type { NeedTables } from './upstream.ts'

/** The tables of a back end within one commit. */
export interface Tables extends NeedTables, LifetimeTables {
  /** Whether an engine lives (C11). */
  alive(engine: string): boolean

  /** A copy of the row, which may be changed and put back. */
  get(pid: string): Row | undefined
  put(row: Row, history: readonly Entry[]): void
  /** Stores `parent`, and nothing else of the row. */
  putParent(row: BriefRow, history: readonly Entry[]): void
  /**
   * Notes that a process no longer runs alone, if this engine runs it so (C11). Stores nothing else
   * of the row.
   */
  clearAlone(pid: string, engine: string): void
  /** Those of these processes that exist, except ended children of the process `of`. */
  targets(pids: readonly string[], of: string): readonly AwaitTarget[]
  /** All unfinished descendants, except abandoned children and their subtrees. */
  descendants(pid: string): readonly string[]

  /** Stores parts of a row that is put afterwards, except `state`, which the row holds. */
  putParts(pid: string, parts: Parts): void
  dropPart(pid: string, name: string): void
  /** Drops the parts of the step's record. */
  dropRecord(pid: string): void
  /** Drops the parts that are not kept after success. */
  dropCheckpoint(pid: string): void
  /** Adds entries to the log of a process, and publishes that the process has reported. */
  report(row: Row, log: readonly LogEntry[]): void
  /** Keeps a bundle under a tag. */
  putCheckpoint(pid: string, tag: string, text: string): void

  /**
   * The oldest kept signal of a name, or with null the oldest resume, except the message with the
   * id `except`.
   */
  message(pid: string, signal: string | null, except?: number | null): ReturnType<Arrivals['message']>
  hasMessageFrom(pid: string, sender: string): boolean
  addMessage(pid: string, sender: string, signal: string | null, value: string): void
  /** Removes a kept message. Returns the sender's id of the message. */
  takeMessage(pid: string, id: number): string | undefined
  dropMessages(pid: string): void

  /** The columns about the calls of an actor, or undefined if there is no such process. */
  actor(pid: string): ActorRow | undefined
  /** Whether an actor has a call that may run. */
  hasCall(actor: string, order: CallOrder): boolean
  /** The calls of an actor that have not ended, in their order. */
  queued(actor: string): readonly string[]
  /** Stores `calls` and `ready_at` of an actor, and nothing else of the row. */
  putQueue(row: ActorRow, history: readonly Entry[]): void

  /** Whether the process still waits for the end of others. */
  isAwaiting(pid: string): boolean
  addAwaits(pid: string, awaited: readonly Awaited[]): void
  /** Makes all that a process awaits over. */
  settleAwaits(pid: string): void
  /** Forgets what a process awaits, or has awaited. */
  dropAwaits(pid: string): void
  /**
   * Marks the waits for the end of this process as over. Returns the pids of the processes that
   * waited.
   */
  takeWaiters(target: string): readonly string[]
}
