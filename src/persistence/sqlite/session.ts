import type { LogEntry } from '../../process/state/report.ts'
import type { Tables } from '../rules/tables.ts'
import type { Message } from '../rules/claim.ts'
import {
  afterOf,
  changeOf,
  reportedChange,
  type ActorRow,
  type After,
  type BriefRow,
  type Row,
} from '../rules/row.ts'
import type { Awaited, AwaitTarget, Entry } from '../rules/decision.ts'
import type { Lifetime } from '../rules/result-dropping.ts'
import type { Change } from '../contract/rows.ts'
import type { Ends, MetNeed, NeedEntry } from '../rules/upstream.ts'
import type { CallOrder, Parts } from '../contract/writes.ts'
import { PersistenceError } from '../../shared/errors.ts'
import { CHECKPOINT_PART } from '../rules/parts.ts'
import { historyLine } from './history-lines.ts'
import type { StoredRow } from './process-table.ts'
import type { SqliteTables } from './sqlite-tables.ts'

/** How far a session has come. */
export interface SessionSavepoint {
  readonly changes: number
  readonly changed: ReadonlySet<number>
  readonly reported: ReadonlySet<number> | undefined
}

/**
 * One write transaction, as the rules see it. `changes` holds what it adds to histories, to be
 * published after the commit.
 */
export class Session implements Tables {
  readonly now: number
  readonly changes: Change[] = []
  readonly #tables: SqliteTables
  readonly #alive = new Map<string, boolean>()
  /** The rows that were read as a whole, to be put back. */
  readonly #rows = new Map<string, StoredRow>()
  /** The numbers of the rows to whose history this commit adds. */
  #changed = new Set<number>()
  /** The numbers of the rows whose processes have reported something. */
  #reported: Set<number> | undefined
  #commit: number | undefined
  /**
   * Whether any process has a kept message; and whether any awaits or needs another, or has a
   * lifetime. If not, an end needs no look-up.
   */
  #anyMessage: boolean | undefined
  #anyAwaits: boolean | undefined
  #anyOpenLifetime: boolean | undefined
  /** Whether any process has a lifetime or is retained, ended ones included. */
  #anyLifetime: boolean | undefined

  constructor(tables: SqliteTables, now: number) {
    this.#tables = tables
    this.now = now
    tables.authors.begin()
  }

  /** The id of this commit in the feed; 0 while it adds to no history. */
  get feedId(): number {
    return this.#isEmpty ? 0 : (this.#commit ?? 0)
  }

  get #isEmpty(): boolean {
    return this.#changed.size === 0 && this.#reported === undefined
  }

  /** Stores what the commit has changed, for other programs. Call it last. */
  finish(): void {
    if (!this.#isEmpty && this.#commit !== undefined)
      this.#tables.feed.add(this.#commit, this.#changed, this.#reported)
  }

  alive(engine: string): boolean {
    let alive = this.#alive.get(engine)
    if (alive === undefined) {
      alive = this.#tables.engines.isAlive(engine)
      this.#alive.set(engine, alive)
    }
    return alive
  }

  get(pid: string): StoredRow | undefined {
    const row = this.#tables.processes.get(pid)
    if (row !== undefined) this.#rows.set(pid, row)
    return row
  }

  put({ pid }: Row, history: readonly Entry[]): void {
    const row = this.#row(pid)
    this.#tables.processes.update(row, this.lines(row, history))
    this.#rows.delete(pid)
    this.mark(row.id, history)
  }

  brief(pid: string): BriefRow | undefined {
    return this.#tables.processes.brief(pid)
  }

  putReady(row: BriefRow, history: readonly Entry[]): void {
    this.#tables.processes.updateReady(row, this.lines(row, history))
    this.mark(row.id, history)
  }

  putParent(row: BriefRow, history: readonly Entry[]): void {
    this.#tables.processes.updateParent(row, this.lines(row, history))
    this.mark(row.id, history)
  }

  park(row: BriefRow, reason: string, history: readonly Entry[]): void {
    this.#tables.processes.park(row, reason, this.lines({ ...row, parked: reason, owner: null }, history))
    this.mark(row.id, history)
  }

  clearAlone(pid: string, engine: string): void {
    this.#tables.processes.notAlone(pid, engine)
  }

  /** The lines of history entries, which are published as changes of this row. */
  lines(row: ActorRow, history: readonly Entry[]): string {
    if (history.length === 0) return ''
    const after = { ...afterOf(row, this.now), seq: row.seq }
    let lines = ''
    for (const { name, data, by } of history) lines += this.line(after, name, data, by)
    return lines
  }

  /** The line of one history entry, which is published as a change. */
  line(
    after: After & { readonly seq: number },
    name: string,
    data: string | null,
    by: string | null,
  ): string {
    const { now } = this
    this.changes.push(changeOf(after, { name, data, at: now, by }))
    const commit = this.#nextCommit()
    const author = by === null ? null : this.#tables.authors.idOf(by)
    return historyLine(commit, after.seq, now, name, author, data)
  }

  #nextCommit(): number {
    return (this.#commit ??= this.#tables.feed.last() + 1)
  }

  report(row: Row, log: readonly LogEntry[]): void {
    this.#tables.logs.add(row.id, log)
    this.#nextCommit()
    const reported = (this.#reported ??= new Set())
    reported.add(row.id)
    this.changes.push(reportedChange(row, this.now))
  }

  /** Notes that the history of a row has got these entries. */
  mark(id: number, history: readonly unknown[]): void {
    if (history.length > 0) this.#changed.add(id)
  }

  /** How far the session has come, for `forget`. */
  get savepoint(): SessionSavepoint {
    const reported = this.#reported && new Set(this.#reported)
    return { changes: this.changes.length, changed: new Set(this.#changed), reported }
  }

  /** Drops the changes after a savepoint, whose writes were undone. */
  forget({ changes, changed, reported }: SessionSavepoint): void {
    this.#tables.authors.begin()
    this.changes.length = changes
    this.#changed = new Set(changed)
    this.#reported = reported && new Set(reported)
  }

  targets(pids: readonly string[], of: string): readonly AwaitTarget[] {
    return this.#tables.processes.targets(pids, of)
  }

  descendants(pid: string): readonly string[] {
    return this.#tables.processes.descendants(pid)
  }

  putParts(pid: string, parts: Parts): void {
    const row = this.#row(pid)
    for (const name in parts)
      if (name !== 'state') this.#tables.processes.putPart(row, name, parts[name] as string)
  }

  dropPart(pid: string, name: string): void {
    this.#tables.processes.dropPart(this.#row(pid), name)
  }

  dropRecord(pid: string): void {
    this.#tables.processes.dropRecord(this.#row(pid))
  }

  dropCheckpoint(pid: string): void {
    this.dropPart(pid, CHECKPOINT_PART)
    this.dropRecord(pid)
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

  actor(pid: string): ActorRow | undefined {
    return this.#tables.mailboxes.actor(pid)
  }

  hasCall(actor: string, order: CallOrder): boolean {
    return this.#tables.mailboxes.hasCall(actor, order)
  }

  queued(actor: string): readonly string[] {
    return this.#tables.mailboxes.pids(actor)
  }

  putQueue(row: ActorRow, history: readonly Entry[]): void {
    this.#tables.processes.updateQueue(row, this.lines(row, history))
    this.mark(row.id, history)
  }

  putRunnable(row: BriefRow, history: readonly Entry[]): void {
    this.#tables.processes.updateAwaits(row, this.lines(row, history))
    this.mark(row.id, history)
  }

  isAwaiting(pid: string): boolean {
    return this.#tables.awaits.isAwaiting(pid)
  }

  addAwaits(pid: string, awaited: readonly Awaited[]): void {
    this.#anyAwaits = true
    this.#tables.awaits.add(pid, awaited)
  }

  settleAwaits(pid: string): void {
    if (this.#mayAwait) this.#tables.awaits.settle(pid)
  }

  dropAwaits(pid: string): void {
    if (this.#mayAwait) this.#tables.awaits.drop(pid)
  }

  takeWaiters(target: string): readonly string[] {
    return this.#mayAwait ? this.#tables.awaits.takeWaiters(target) : []
  }

  ends(pids: readonly string[]): Ends {
    return this.#tables.processes.ends(pids)
  }

  addNeeds(pid: string, needs: readonly NeedEntry[]): void {
    this.#anyAwaits ||= true
    this.#tables.needs.add(pid, needs)
  }

  hasNeeds(pid: string, which: 'all' | 'any' = 'all'): boolean {
    return this.#tables.needs.isLeft(pid, which)
  }

  leftNeeds(pid: string): readonly string[] {
    return this.#tables.needs.left(pid)
  }

  settleNeeds(pid: string, which: 'all' | 'any'): void {
    this.#tables.needs.settle(pid, which)
  }

  takeNeeds(target: string): readonly MetNeed[] {
    return this.#mayAwait ? this.#tables.needs.take(target) : []
  }

  dropNeeds(pid: string): void {
    if (this.#mayAwait) this.#tables.needs.drop(pid)
  }

  needing(target: string): string | undefined {
    if (!this.#mayAwait) return undefined
    return this.#tables.needs.needing(target) ?? this.#tables.awaits.awaiting(target)
  }

  lifetime(pid: string): Lifetime | undefined {
    return this.#tables.lifetimes.get(pid)
  }

  putLifetime(pid: string, lifetime: Lifetime): void {
    this.#tables.lifetimes.put(pid, lifetime)
    this.#anyOpenLifetime = true
    this.#anyLifetime = true
  }

  endLifetime(pid: string, ended: (lifetime: Lifetime) => Lifetime): void {
    if (!this.#mayHaveLifetimes) return
    const lifetime = this.lifetime(pid)
    if (lifetime !== undefined) this.#tables.lifetimes.end(pid, ended(lifetime).checkAt)
  }

  isRetained(pid: string): boolean {
    return this.#tables.lifetimes.isRetained(pid)
  }

  retain(pid: string, session: string): void {
    this.#anyLifetime = true
    this.#tables.lifetimes.retain(pid, session)
  }

  unretain(pid: string, session: string): void {
    this.#tables.lifetimes.unretain(pid, session)
  }

  /** Forgets how long the result of a process that is pruned was kept. */
  deleteLifetime(pid: string): void {
    this.#anyLifetime ??= !this.#tables.lifetimes.isEmpty()
    if (this.#anyLifetime) this.#tables.lifetimes.delete(pid)
  }

  dropOutputs(pid: string): boolean {
    return this.#tables.processes.dropOutputs(this.#row(pid))
  }

  dropCheckpoints(pid: string): void {
    this.#tables.checkpoints.deleteAll(pid)
  }

  #row(pid: string): StoredRow {
    const row = this.#rows.get(pid)
    if (row === undefined)
      throw new PersistenceError(`the row of process ${pid} is stored without being read`)
    return row
  }

  get #mayHaveMessages(): boolean {
    this.#anyMessage ??= this.#tables.messages.any()
    return this.#anyMessage
  }

  get #mayAwait(): boolean {
    if (this.#anyAwaits === undefined) this.#look()
    return this.#anyAwaits === true
  }

  get #mayHaveLifetimes(): boolean {
    if (this.#anyOpenLifetime === undefined) this.#look()
    return this.#anyOpenLifetime === true
  }

  #look(): void {
    const { awaits, lifetimes } = this.#tables.awaits.any()
    this.#anyAwaits ||= awaits
    this.#anyOpenLifetime ||= lifetimes
  }
}
