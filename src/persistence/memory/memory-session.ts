import type { LogEntry } from '../../process/state/report.ts'
import type { Groups } from '../rules/groups.ts'
import type { WriteTables } from '../rules/write.ts'
import type { Message } from '../rules/claim.ts'
import { isKeptAfterSuccess, OUTPUT_PREFIX, RECORD_PREFIX } from '../rules/parts.ts'
import { afterOf, changeOf, reportedChange, type ActorRow, type BriefRow, type Row } from '../rules/row.ts'
import type { Awaited, AwaitTarget, Entry } from '../rules/decision.ts'
import type { Lifetime } from '../rules/result-dropping.ts'
import type { Change } from '../contract/rows.ts'
import type { Ends, MetNeed, NeedEntry } from '../rules/upstream.ts'
import type { CallOrder, Parts } from '../contract/writes.ts'
import type { MemoryTables } from './memory-tables.ts'
import type { MemoryProcess, NeedsByTarget } from './memory-process.ts'

/**
 * One commit, as the rules see it. `changes` holds its history, to be published after the commit.
 */
export class MemorySession implements WriteTables {
  readonly now: number
  readonly changes: Change[] = []
  readonly #tables: MemoryTables
  #commit: number | undefined

  constructor(tables: MemoryTables, now: number) {
    this.#tables = tables
    this.now = now
  }

  get groups(): Groups {
    return this.#tables.groups
  }

  alive(engine: string): boolean {
    return this.#tables.engines.has(engine)
  }

  byKey(key: string): Row | undefined {
    const saved = this.#tables.byKey(key)
    return saved && { ...saved.row }
  }

  inputs(pid: string): string | undefined {
    return this.#saved(pid).parts.get('inputs')
  }

  insert(row: Row, parts: Parts, history: readonly Entry[]): void {
    const saved = this.#tables.insert(row, this.now)
    for (const [name, text] of Object.entries(parts)) saved.parts.set(name, text)
    this.record(saved, history)
  }

  delete({ pid }: Row): void {
    this.#tables.delete(this.#saved(pid))
  }

  get(pid: string): Row | undefined {
    const saved = this.#tables.processes.get(pid)
    return saved && { ...saved.row }
  }

  brief(pid: string): BriefRow | undefined {
    return this.get(pid)
  }

  put(row: Row, history: readonly Entry[]): void {
    const saved = this.#saved(row.pid)
    this.#tables.put(saved, row, this.now)
    this.record(saved, history)
  }

  putReady({ pid, ready_at }: BriefRow, history: readonly Entry[]): void {
    this.put({ ...this.#saved(pid).row, ready_at }, history)
  }

  putParent({ pid, parent }: BriefRow, history: readonly Entry[]): void {
    const saved = this.#saved(pid)
    this.#tables.putParent(saved, parent)
    this.record(saved, history)
  }

  clearAlone(pid: string, engine: string): void {
    const saved = this.#tables.processes.get(pid)
    if (saved?.row.owner === engine) saved.row = { ...saved.row, alone: 0 }
  }

  record(saved: MemoryProcess, history: readonly Entry[]): void {
    const { row } = saved
    for (const { name, data, by } of history) {
      const commit = (this.#commit ??= this.#tables.nextCommit())
      const n = saved.history.length + 1
      saved.history.push({ n, commit, pid: row.pid, seq: row.seq, at: this.now, name, data, by })
      this.changes.push(changeOf(afterOf(row, this.now), { name, data, at: this.now, by }))
    }
  }

  targets(pids: readonly string[], of: string): readonly AwaitTarget[] {
    return pids.flatMap((pid) => {
      const row = this.#tables.processes.get(pid)?.row
      if (row === undefined) return []
      const target = { pid, ended: row.ended_at !== null, isChild: row.parent === of }
      return target.ended && target.isChild ? [] : [target]
    })
  }

  descendants(pid: string): readonly string[] {
    const root = this.#saved(pid)
    // The set grows during the loop, level by level, so that ancestors come first.
    const found = new Set([root])
    for (const above of found)
      for (const child of this.#tables.children(above.row.pid))
        if (child.row.abandoned === 0) found.add(child)
    found.delete(root)
    return [...found].flatMap(({ row }) => (row.ended_at === null ? [row.pid] : []))
  }

  putParts(pid: string, parts: Parts): void {
    const saved = this.#saved(pid)
    for (const [name, text] of Object.entries(parts)) if (name !== 'state') saved.parts.set(name, text)
  }

  dropPart(pid: string, name: string): void {
    this.#saved(pid).parts.delete(name)
  }

  dropRecord(pid: string): void {
    const { parts } = this.#saved(pid)
    for (const name of parts.keys()) if (name.startsWith(RECORD_PREFIX)) parts.delete(name)
  }

  dropCheckpoint(pid: string): void {
    const { parts } = this.#saved(pid)
    for (const name of parts.keys()) if (!isKeptAfterSuccess(name)) parts.delete(name)
  }

  report({ pid }: Row, log: readonly LogEntry[]): void {
    const saved = this.#saved(pid)
    const { row } = saved
    for (const entry of log) saved.log.push({ pid, n: saved.log.length + 1, ...entry })
    this.changes.push(reportedChange(row, this.now))
  }

  putCheckpoint(pid: string, tag: string, text: string): void {
    this.#tables.putCheckpoint(pid, tag, text)
  }

  message(pid: string, signal: string | null, except: number | null = null): Message | undefined {
    return this.#saved(pid).messages.find((kept) => kept.signal === signal && kept.id !== except)
  }

  hasMessageFrom(pid: string, sender: string): boolean {
    return this.#saved(pid).messages.some((kept) => kept.sender === sender)
  }

  addMessage(pid: string, sender: string, signal: string | null, value: string): void {
    this.#saved(pid).messages.push({ id: this.#tables.nextMessageId(), sender, signal, value })
  }

  takeMessage(pid: string, id: number): string | undefined {
    const saved = this.#saved(pid)
    const taken = saved.messages.find((kept) => kept.id === id)
    saved.messages = saved.messages.filter((kept) => kept !== taken)
    return taken?.sender
  }

  dropMessages(pid: string): void {
    this.#saved(pid).messages = []
  }

  actor(pid: string): ActorRow | undefined {
    return this.get(pid)
  }

  hasCall(actor: string, order: CallOrder): boolean {
    return this.#tables.nextCalls(actor, order).next().done !== true
  }

  queued(actor: string): readonly string[] {
    return this.#tables.calls(actor).map(({ row }) => row.pid)
  }

  putQueue({ pid, calls, ready_at }: ActorRow, history: readonly Entry[]): void {
    this.put({ ...this.#saved(pid).row, calls, ready_at }, history)
  }

  putRunnable({ pid, awaits }: BriefRow, history: readonly Entry[]): void {
    this.put({ ...this.#saved(pid).row, awaits }, history)
  }

  isAwaiting(pid: string): boolean {
    return [...this.#saved(pid).awaits.values()].includes(false)
  }

  addAwaits(pid: string, awaited: readonly Awaited[]): void {
    for (const { pid: target, over } of awaited) this.#tables.await(this.#saved(pid), target, over)
  }

  settleAwaits(pid: string): void {
    const { awaits } = this.#saved(pid)
    for (const target of awaits.keys()) awaits.set(target, true)
  }

  dropAwaits(pid: string): void {
    const saved = this.#saved(pid)
    for (const target of Array.from(saved.awaits.keys())) this.#tables.awaitNoMore(saved, target)
  }

  takeWaiters(target: string): readonly string[] {
    const waiters = this.#tables.waiters(target).filter(({ awaits }) => awaits.get(target) === false)
    const { parent } = this.#saved(target).row
    for (const waiter of waiters) {
      if (waiter.row.pid === parent) this.#tables.awaitNoMore(waiter, target)
      else waiter.awaits.set(target, true)
    }
    return waiters.map(({ row }) => row.pid)
  }

  needing(target: string): string | undefined {
    return (this.#tables.needing(target)[0] ?? this.#tables.waiters(target)[0])?.row.pid
  }

  lifetime(pid: string): Lifetime | undefined {
    return this.#tables.processes.get(pid)?.lifetime
  }

  putLifetime(pid: string, lifetime: Lifetime): void {
    const saved = this.#saved(pid)
    saved.lifetime = lifetime
    this.#tables.limited.add(saved)
  }

  endLifetime(pid: string, ended: (lifetime: Lifetime) => Lifetime): void {
    const saved = this.#saved(pid)
    if (saved.lifetime !== undefined) saved.lifetime = ended(saved.lifetime)
  }

  isRetained(pid: string): boolean {
    return this.#saved(pid).retainedBy.size > 0
  }

  retain(pid: string, session: string): void {
    const saved = this.#saved(pid)
    saved.retainedBy.add(session)
    this.#tables.limited.add(saved)
  }

  unretain(pid: string, session: string): void {
    this.#tables.processes.get(pid)?.retainedBy.delete(session)
  }

  dropOutputs(pid: string): boolean {
    const { parts } = this.#saved(pid)
    const outputs = [...parts.keys()].filter((name) => name.startsWith(OUTPUT_PREFIX))
    for (const name of outputs) parts.delete(name)
    return outputs.length > 0
  }

  dropCheckpoints(pid: string): void {
    this.#tables.checkpoints.delete(pid)
  }

  ends(pids: readonly string[]): Ends {
    const found = new Map<string, boolean | null>()
    for (const pid of pids) {
      const row = this.#tables.processes.get(pid)?.row
      if (row !== undefined) found.set(pid, row.ended_at === null ? null : row.successful === 1)
    }
    return found
  }

  addNeeds(pid: string, needs: readonly NeedEntry[]): void {
    if (needs.length > 0) this.#tables.addNeeds(this.#saved(pid), needs)
  }

  hasNeeds(pid: string, which: 'all' | 'any' = 'all'): boolean {
    return (this.#saved(pid).needs?.left[which] ?? 0) > 0
  }

  leftNeeds(pid: string): readonly string[] {
    return this.#saved(pid).leftNeeds()
  }

  settleNeeds(pid: string, which: 'all' | 'any'): void {
    const { needs } = this.#saved(pid)
    for (const entries of needs?.of.values() ?? [])
      for (const entry of entries) if (which === 'all' || entry.any) makeOver(needs, entry)
  }

  takeNeeds(target: string): readonly MetNeed[] {
    const met: MetNeed[] = []
    for (const { row, needs } of this.#tables.needing(target)) {
      for (const entry of needs?.of.get(target) ?? []) {
        if (entry.over) continue
        makeOver(needs, entry)
        met.push({ pid: row.pid, ended: entry.ended, any: entry.any })
      }
    }
    return met
  }

  dropNeeds(pid: string): void {
    this.#tables.dropNeeds(this.#saved(pid))
  }

  #saved(pid: string): MemoryProcess {
    const saved = this.#tables.processes.get(pid)
    if (saved === undefined) throw new Error(`there is no process ${pid}`)
    return saved
  }
}

function makeOver(needs: NeedsByTarget | undefined, entry: { readonly any: boolean; over: boolean }): void {
  if (entry.over || needs === undefined) return
  entry.over = true
  needs.left.all--
  if (entry.any) needs.left.any--
}
