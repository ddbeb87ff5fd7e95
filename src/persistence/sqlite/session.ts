import type { Tables } from '../rules/apply.ts'
import type { Message } from '../rules/claim.ts'
import { afterOf, type After, type BriefRow, type Row } from '../rules/row.ts'
import type { Entry } from '../rules/decision.ts'
import type { Change } from '../contract/rows.ts'
import type { Parts } from '../contract/writes.ts'
import type { AwaitsTable } from './awaits-table.ts'
import type { ClassTable } from './class-table.ts'
import type { EngineTable } from './engine-table.ts'
import type { MessageTable } from './message-table.ts'
import type { ProcessTable } from './process-table.ts'
import type { SqliteCheckpoints } from './sqlite-checkpoints.ts'

/** The tables of one file. */
export interface SqliteTables {
  readonly processes: ProcessTable
  readonly messages: MessageTable
  readonly awaits: AwaitsTable
  readonly classes: ClassTable
  readonly checkpoints: SqliteCheckpoints
  readonly engines: EngineTable
}

/**
 * One write transaction, as the rules see it. `changes` holds its history, to be published after
 * the commit.
 */
export class Session implements Tables {
  readonly now: number
  readonly changes: Change[] = []
  /** The id of the last history entry. */
  lastId = 0
  readonly #tables: SqliteTables
  readonly #alive = new Map<string, boolean>()
  /**
   * Whether any process has a kept message or awaits another. Where none does, an end needs no
   * look-up of either.
   */
  #anyMessage: boolean | undefined
  #anyAwaits: boolean | undefined

  constructor(tables: SqliteTables, now: number) {
    this.#tables = tables
    this.now = now
  }

  alive(engine: string): boolean {
    let alive = this.#alive.get(engine)
    if (alive === undefined) {
      alive = this.#tables.engines.isAlive(engine)
      this.#alive.set(engine, alive)
    }
    return alive
  }

  get(pid: string): Row | undefined {
    return this.#tables.processes.get(pid)
  }

  put(row: Row, history: readonly Entry[]): void {
    this.#tables.processes.update(row)
    this.record(row, history)
  }

  brief(pid: string): BriefRow | undefined {
    return this.#tables.processes.brief(pid)
  }

  putReady(row: BriefRow, history: readonly Entry[]): void {
    this.#tables.processes.updateReady(row)
    this.record(row, history)
  }

  putParent(row: BriefRow, history: readonly Entry[]): void {
    this.#tables.processes.updateParent(row)
    this.record(row, history)
  }

  clearAlone(pid: string, engine: string): void {
    this.#tables.processes.notAlone(pid, engine)
  }

  /** Adds to the history of a row that is stored. */
  record(row: BriefRow, history: readonly Entry[]): void {
    if (history.length === 0) return
    const after = { ...afterOf(row, this.now), seq: row.seq }
    for (const { name, data, by } of history) this.add(after, name, data, by)
  }

  /** Adds one entry to the history. */
  add(after: After & { readonly seq: number }, name: string, data: string | null, by: string | null): void {
    this.lastId = this.#tables.processes.addHistory(after.pid, after.seq, this.now, name, data, by)
    const { pid, state, paused, ready, dueAt } = after
    this.changes.push({ pid, name, data, at: this.now, state, paused, ready, dueAt })
  }

  /** Drops the changes after a mark, whose writes were undone. */
  forget(mark: number): void {
    this.changes.length = mark
  }

  unended(pids: readonly string[]): readonly string[] {
    return this.#tables.processes.unended(pids)
  }

  descendants(pid: string): readonly string[] {
    return this.#tables.processes.descendants(pid)
  }

  putParts(pid: string, parts: Parts): void {
    for (const name in parts)
      if (name !== 'state') this.#tables.processes.putPart(pid, name, parts[name] as string)
  }

  dropPart(pid: string, name: string): void {
    this.#tables.processes.dropPart(pid, name)
  }

  dropCheckpoint(pid: string): void {
    this.#tables.processes.dropCheckpoint(pid)
  }

  putCheckpoint(pid: string, tag: string, text: string): void {
    this.#tables.checkpoints.put(pid, tag, text)
  }

  message(pid: string, signal: string | null, except: number | null = null): Message | undefined {
    return this.#tables.messages.oldest(pid, signal, except)
  }

  hasMessageFrom(pid: string, sender: string): boolean {
    return this.#tables.messages.hasFrom(pid, sender)
  }

  addMessage(pid: string, sender: string, signal: string | null, value: string): void {
    this.#anyMessage = true
    this.#tables.messages.add(pid, sender, signal, value)
  }

  takeMessage(_pid: string, id: number): string | undefined {
    return this.#tables.messages.take(id)
  }

  dropMessages(pid: string): void {
    if (this.#mayHaveMessages) this.#tables.messages.dropAll(pid)
  }

  isAwaiting(pid: string): boolean {
    return this.#tables.awaits.isAwaiting(pid)
  }

  addAwaits(pid: string, targets: readonly string[]): void {
    this.#anyAwaits = true
    this.#tables.awaits.add(pid, targets)
  }

  dropAwaits(pid: string): void {
    if (this.#mayAwait) this.#tables.awaits.drop(pid)
  }

  takeWaiters(target: string): readonly string[] {
    return this.#mayAwait ? this.#tables.awaits.takeWaiters(target) : []
  }

  get #mayHaveMessages(): boolean {
    this.#anyMessage ??= this.#tables.messages.any()
    return this.#anyMessage
  }

  get #mayAwait(): boolean {
    this.#anyAwaits ??= this.#tables.awaits.any()
    return this.#anyAwaits
  }
}
