/* This file is longer than 400 lines, because it has a method for each of `Store`. */
import type { Bundle } from '../../bundle/bundle.ts'
import { systemClock, type Clock } from '../../shared/clock.ts'
import { ClosedError } from '../../shared/errors.ts'
import { checkOptions, isClock, type OptionNames } from '../../shared/options.ts'
import type { ProcessState } from '../../process/state/process-state.ts'
import { ChangeFeed } from '../rules/change-feed.ts'
import { checkRange, rangeOf } from '../rules/history-range.ts'
import { isNeeded, lifetimeRow } from '../rules/result-dropping.ts'
import { checkFilter, limitOf, newestFirst, noCounts, pageOf, cursorOf, statesOf } from '../rules/paging.ts'
import type { Checkpoint } from '../contract/persister.ts'
import { gaveUp, isReady, processRow, type Row } from '../rules/row.ts'
import {
  LARGEST_LOAD,
  LARGEST_LOG_PAGE,
  LARGEST_PENDING,
  LARGEST_READ,
  type HistoryRange,
  type ListFilter,
  type Mail,
  type Pending,
  type PidParts,
  type ProcessPage,
  type WatchListener,
} from '../contract/control.ts'
import type { Capabilities, ClassRow, EngineIdentity, EngineRow, LoadableClass } from '../contract/engines.ts'
import type { GroupPage, GroupRange, GroupRow, GroupMember } from '../contract/groups.ts'
import type { DueResults, LifetimeRow } from '../contract/result-lifetime.ts'
import type { Outcome } from '../contract/outcomes.ts'
import type { HistoryRow, LogRow, ProcessRow, StoredCall, StoredProcess } from '../contract/rows.ts'
import type { ClaimedProcess, ClaimRequest, Recovered, Store } from '../contract/store.ts'
import type { Survey } from '../contract/survey.ts'
import type { Write } from '../contract/writes.ts'
import type { MemoryProcess } from './memory-process.ts'
import { MemoryCheckpoints } from './memory-checkpoints.ts'
import { MemoryClaims } from './memory-claims.ts'
import { MemorySession } from './memory-session.ts'
import { supersededTest } from '../rules/superseded.ts'
import { applyWrite } from '../rules/write.ts'
import { surveyOf } from './memory-survey.ts'
import { MemoryTables } from './memory-tables.ts'
import { dueResults, endSessions } from './due-results.ts'

export interface MemoryStoreOptions {
  readonly clock?: Clock | undefined
}

const OPTIONS: OptionNames<MemoryStoreOptions> = { clock: isClock }

/**
 * Keeps processes in the memory of this program, for tests and for work that need not outlive it.
 */
export class MemoryStore implements Store {
  readonly id = globalThis.crypto.randomUUID()
  readonly #clock: Clock
  readonly #feed = new ChangeFeed()
  readonly #tables = new MemoryTables()
  readonly #claims = new MemoryClaims(this.#tables)
  readonly #checkpoints = new MemoryCheckpoints(this.#tables)
  readonly #classes = new Map<string, ClassRow>()
  #closed = false

  constructor(options: MemoryStoreOptions = {}) {
    checkOptions(options, OPTIONS, 'new MemoryStore')
    this.#clock = options.clock ?? systemClock
  }

  async commit(writes: readonly Write[]): Promise<readonly Outcome[]> {
    this.#requireOpen()
    const fresh = new Set<string>()
    return this.#change((session) => writes.map((write) => applyWrite(session, write, fresh)))
  }

  async read(pid: string): Promise<ProcessRow | undefined> {
    this.#requireOpen()
    const saved = this.#tables.processes.get(pid)
    return saved && processRow(saved.row)
  }

  async load(pid: string): Promise<StoredProcess | undefined> {
    this.#requireOpen()
    return this.#tables.processes.get(pid)?.stored()
  }

  async readAll(pids: readonly string[]): Promise<readonly ProcessRow[]> {
    this.#requireOpen()
    return this.#saved(pids).map(({ row }) => processRow(row))
  }

  async loadAll(pids: readonly string[]): Promise<readonly StoredProcess[]> {
    this.#requireOpen()
    return this.#saved(pids).map((saved) => saved.stored())
  }

  /** One page of the processes that match, newest first. */
  async list(filter: ListFilter = {}): Promise<ProcessPage> {
    checkFilter(filter)
    this.#requireOpen()
    const limit = limitOf(filter)
    const cursor = cursorOf(filter)
    const rows = this.#matching(filter).toSorted(newestFirst)
    const rest =
      cursor === undefined
        ? rows
        : rows.filter(
            (row) =>
              row.created_at < cursor.createdAt ||
              (row.created_at === cursor.createdAt && row.id < cursor.id),
          )
    return pageOf(rest, limit)
  }

  async pids(parts: PidParts, limit: number): Promise<readonly string[]> {
    this.#requireOpen()
    const fits =
      'beginnings' in parts
        ? (pid: string) => parts.beginnings.some((beginning) => pid.startsWith(beginning))
        : (pid: string) => parts.endings.some((ending) => pid.endsWith(ending))
    return [...this.#tables.processes.keys()].filter(fits).slice(0, limit)
  }

  async count(filter: ListFilter = {}): Promise<Readonly<Record<ProcessState, number>>> {
    checkFilter(filter)
    this.#requireOpen()
    const counts = noCounts()
    for (const row of this.#matching(filter)) counts[row.state]++
    return counts
  }

  async survey(since: number): Promise<Survey> {
    this.#requireOpen()
    return surveyOf(this.#tables.processes.values(), since, this.#now())
  }

  async mail(pid: string, signal: string): Promise<Mail | undefined> {
    this.#requireOpen()
    const kept = this.#tables.processes.get(pid)?.messages.find((message) => message.signal === signal)
    return kept && { id: kept.id, value: kept.value }
  }

  async mailbox(actor: string, limit: number): Promise<readonly ProcessRow[]> {
    this.#requireOpen()
    const calls = this.#tables.calls(actor).slice(0, Math.min(limit, LARGEST_READ))
    return calls.map(({ row }) => processRow(row))
  }

  async pending(pid: string): Promise<Pending> {
    this.#requireOpen()
    const saved = this.#tables.processes.get(pid)
    const { actor = null, ended_at: endedAt = null } = saved?.row ?? {}
    const isQueued = saved !== undefined && actor !== null && endedAt === null
    const mail = saved?.messages.slice(0, LARGEST_PENDING) ?? []
    return {
      on: [...leftAwaits(saved), ...(saved?.leftNeeds() ?? [])].toSorted().slice(0, LARGEST_PENDING),
      mail: mail.map(({ signal }) => ({ by: signal === null ? 'resume' : 'signal', name: signal })),
      ...(isQueued && { ahead: this.#tables.calls(actor).indexOf(saved) }),
    }
  }

  async history(pid: string, range: HistoryRange = {}): Promise<readonly HistoryRow[]> {
    checkRange(range)
    this.#requireOpen()
    const history = this.#tables.processes.get(pid)?.history ?? []
    const { after, count } = rangeOf(range, () => history.length)
    return history.slice(after, after + count)
  }

  async log(pid: string, after = 0): Promise<readonly LogRow[]> {
    this.#requireOpen()
    return this.#tables.processes.get(pid)?.log.slice(after, after + LARGEST_LOG_PAGE) ?? []
  }

  async group(name: string): Promise<GroupRow | undefined> {
    this.#requireOpen()
    return this.#tables.groups.row(name)
  }

  async groups(range: GroupRange = {}): Promise<GroupPage> {
    this.#requireOpen()
    return this.#tables.groups.page(range)
  }

  async members(name: string, from: number): Promise<readonly GroupMember[]> {
    this.#requireOpen()
    return this.#tables.groups.members(name, from)
  }

  async lifetimes(pids: readonly string[]): Promise<readonly LifetimeRow[]> {
    this.#requireOpen()
    const session = new MemorySession(this.#tables, this.#now())
    return this.#saved(pids).map(({ row, lifetime, retainedBy }) =>
      lifetimeRow(row.pid, lifetime, { retained: retainedBy.size > 0, needed: isNeeded(session, row) }),
    )
  }

  async openSession(session: string): Promise<void> {
    this.#requireOpen()
    this.#tables.sessions.add(session)
  }

  async closeSession(session: string): Promise<void> {
    this.#requireOpen()
    this.#tables.sessions.delete(session)
    this.#change(({ now }) => endSessions(this.#tables, now))
  }

  async dueResults(limit: number): Promise<DueResults> {
    this.#requireOpen()
    return this.#change(({ now }) => dueResults(this.#tables, now, limit))
  }

  async classes(): Promise<readonly ClassRow[]> {
    this.#requireOpen()
    return [...this.#classes.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  async engines(): Promise<readonly EngineRow[]> {
    this.#requireOpen()
    const suspects = this.#claims.suspects(this.#now())
    return [...this.#tables.engines.values()].map((engine) => ({
      ...engine,
      expires: this.#now() + engine.lease,
      alive: true,
      suspect: suspects.get(engine.id) ?? null,
    }))
  }

  watch(listener: WatchListener): () => void {
    this.#requireOpen()
    return this.#feed.add(listener)
  }

  async reclaim(): Promise<boolean> {
    this.#requireOpen()
    return false
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#feed.clear()
  }

  async join(engine: EngineIdentity): Promise<void> {
    this.#requireOpen()
    // An engine of this store dies with it, so there is no lease to keep.
    this.#tables.engines.set(engine.id, { ...engine, startedAt: this.#now() })
  }

  async leave(engineId: string): Promise<void> {
    this.#requireOpen()
    this.#change((session) => this.#claims.giveBack(engineId, session))
    this.#tables.engines.delete(engineId)
  }

  /** @internal Leaves what the sessions retain as after the death of their programs, for tests. */
  forgetSessions(): void {
    this.#tables.sessions.clear()
  }

  /** @internal Leaves an engine's processes as after its death, for tests: it still owns them. */
  forget(engineId: string): void {
    this.#tables.engines.delete(engineId)
  }

  async describe(classes: readonly ClassRow[]): Promise<void> {
    this.#requireOpen()
    for (const described of classes) {
      const known = this.#classes.get(described.name)
      if (known === undefined || known.version <= described.version)
        this.#classes.set(described.name, described)
    }
  }

  async wanted(): Promise<readonly LoadableClass[]> {
    this.#requireOpen()
    return this.#claims.wanted(this.#now())
  }

  async claim(request: ClaimRequest): Promise<readonly ClaimedProcess[]> {
    this.#requireOpen()
    return this.#change((session) => this.#claims.claim(request, session))
  }

  async calls(actor: string, limit: number, except: readonly string[]): Promise<readonly StoredCall[]> {
    this.#requireOpen()
    const order = this.#tables.processes.get(actor)?.row.call_order ?? 'strict'
    const found: StoredCall[] = []
    for (const call of this.#tables.nextCalls(actor, order)) {
      if (found.length === Math.min(limit, LARGEST_LOAD)) break
      if (!except.includes(call.row.pid)) found.push(call.storedCall())
    }
    return found
  }

  async drain(request: Pick<ClaimRequest, 'engine' | 'classes' | 'labels'>): Promise<boolean> {
    this.#requireOpen()
    return this.#change((session) => this.#claims.drain(request, session))
  }

  async recover(runs?: Capabilities): Promise<Recovered> {
    this.#requireOpen()
    return this.#change((session) => this.#claims.recover(session, runs))
  }

  async saveCheckpoint(bundle: Bundle, tag?: string): Promise<void> {
    this.#requireOpen()
    this.#checkpoints.save(bundle, tag ?? null)
  }

  async loadCheckpoint(pid: string, tag?: string): Promise<Bundle> {
    this.#requireOpen()
    return this.#checkpoints.load(pid, tag ?? null)
  }

  /** All checkpoints of the store. */
  async getCheckpoints(): Promise<readonly Checkpoint[]> {
    this.#requireOpen()
    return this.#checkpoints.all()
  }

  /** The checkpoints of one process. */
  async getProcessCheckpoints(pid: string): Promise<readonly Checkpoint[]> {
    this.#requireOpen()
    return this.#checkpoints.of(pid)
  }

  async deleteCheckpoint(pid: string, tag?: string): Promise<void> {
    this.#requireOpen()
    this.#checkpoints.delete(pid, tag ?? null)
  }

  /** Deletes all checkpoints of one process. */
  async deleteProcessCheckpoints(pid: string): Promise<void> {
    this.#requireOpen()
    this.#checkpoints.deleteAll(pid)
  }

  /** Writes, and publishes the changes. */
  #change<T>(action: (session: MemorySession) => T): T {
    const session = new MemorySession(this.#tables, this.#now())
    const done = action(session)
    this.#feed.publish(session.changes)
    return done
  }

  #saved(pids: readonly string[]): readonly MemoryProcess[] {
    const { processes } = this.#tables
    return [...new Set(pids)].map((pid) => processes.get(pid)).filter((saved) => saved !== undefined)
  }

  *#rows(): Iterable<Row> {
    for (const { row } of this.#tables.processes.values()) yield row
  }

  #matching(filter: ListFilter): Row[] {
    const states = statesOf(filter)
    const text = filter.text?.toLowerCase()
    const now = this.#now()
    const isSuperseded = filter.superseded === undefined ? undefined : supersededTest(this.#rows())
    const rows: Row[] = []
    for (const { row } of this.#tables.processes.values()) {
      if (states !== undefined && !states.includes(row.state)) continue
      if (filter.className !== undefined && row.class !== filter.className) continue
      if (filter.key !== undefined && row.key !== filter.key) continue
      if (filter.label !== undefined && row.label !== filter.label) continue
      if (filter.group !== undefined && !this.#tables.groups.has(filter.group, row.pid)) continue
      if (filter.parent !== undefined && row.parent !== filter.parent) continue
      if (filter.engine !== undefined && row.owner !== filter.engine) continue
      if (filter.origin !== undefined && row.origin !== filter.origin) continue
      if (filter.actor !== undefined && (row.calls !== null) !== filter.actor) continue
      if (filter.paused !== undefined && (row.paused === 1) !== filter.paused) continue
      if (filter.gaveUp !== undefined && gaveUp(row) !== filter.gaveUp) continue
      if (filter.parked !== undefined && (row.parked !== null) !== filter.parked) continue
      if (filter.ready !== undefined && isReady(row, now) !== filter.ready) continue
      if (filter.requested === 'pause' && row.pause_asked === 0) continue
      if (filter.requested === 'kill' && row.kill_deadline === null) continue
      if (filter.successful !== undefined && row.successful !== Number(filter.successful)) continue
      if (isSuperseded !== undefined && isSuperseded(row) !== filter.superseded) continue
      if (filter.since !== undefined && row.created_at < filter.since) continue
      if (filter.until !== undefined && row.created_at >= filter.until) continue
      if (filter.endedBefore !== undefined && !(row.ended_at !== null && row.ended_at < filter.endedBefore))
        continue
      const texts = [row.pid, row.key, row.label, row.status, row.message]
      if (text !== undefined && !texts.some((own) => own?.toLowerCase().includes(text))) continue
      rows.push(row)
    }
    return rows
  }

  #now(): number {
    return Math.round(this.#clock.now())
  }

  #requireOpen(): void {
    if (this.#closed) throw new ClosedError('the store is closed: open another one')
  }
}

function leftAwaits(saved: MemoryProcess | undefined): readonly string[] {
  return [...(saved?.awaits ?? [])].flatMap(([target, over]) => (over ? [] : [target]))
}
