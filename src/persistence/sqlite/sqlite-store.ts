/* This file is longer than 400 lines, because it implements every method of `Store`. */
import type { Bundle } from '../../bundle/bundle.ts'
import type { SqliteTransaction } from '../../process/host/transaction.ts'
import type { ProcessState } from '../../process/state/process-state.ts'
import { monotonic, systemClock, type Clock } from '../../shared/clock.ts'
import { ClosedError } from '../../shared/errors.ts'
import { checkOptions } from '../../shared/options.ts'
import { ChangeFeed } from '../rules/change-feed.ts'
import { checkRange } from '../rules/history-range.ts'
import { sliceOf } from '../rules/groups.ts'
import { checkFilter, limitOf } from '../rules/paging.ts'
import type { Checkpoint } from '../contract/persister.ts'
import { processRow } from '../rules/row.ts'
import {
  LARGEST_LOAD,
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
import type {
  ClaimedProcess,
  ClaimRequest,
  RecordHead,
  Recovered,
  Store,
  Transactions,
} from '../contract/store.ts'
import type { Survey } from '../contract/survey.ts'
import type { StepRecord, Write } from '../contract/writes.ts'
import { LoadedCall, LoadedProcess } from '../rules/stored-process.ts'
import { Claims } from './claims.ts'
import { Connection } from './connection.ts'
import { removeLock, removeLocks } from './engine-lock.ts'
import { FailedAlone } from './failed-alone.ts'
import { LeaseJudge } from './lease-judge.ts'
import { count, list, pageQueries } from './list-query.ts'
import { JoinedEngines } from './joined-engines.ts'
import { OpenSessions } from './open-sessions.ts'
import { pidsWith } from './pid-query.ts'
import { ReadyIndex } from './ready-index.ts'
import { checkPath, realPath } from './real-path.ts'
import { Recovery } from './recovery.ts'
import { Session } from './session.ts'
import { SQLITE_STORE_OPTIONS, type SqliteStoreOptions } from './sqlite-store-options.ts'
import { tablesOf, type SqliteTables } from './sqlite-tables.ts'
import { persistenceError } from './driver-errors.ts'
import { surveyOf } from './survey-query.ts'
import { Suspects } from './suspects.ts'
import { UnreadableProcesses, type Spared } from './unreadable-processes.ts'
import { Watch } from './watch.ts'
import { RefusedInBatch, RolledBack, Writer } from './writer.ts'

/**
 * Keeps processes in one SQLite file, which any number of programs of this machine may share.
 *
 * An acknowledged write is on the disk (write-ahead log, `synchronous = FULL`).
 */
export class SqliteStore implements Store {
  readonly id: string
  readonly transactions: Transactions = {
    kind: 'sqlite',
    run: (head, act) => this.#transact(head, act),
  }
  readonly #connection: Connection
  readonly #clock: Clock
  readonly #listeners = new ChangeFeed()
  readonly #watch: Watch
  readonly #tables: SqliteTables
  readonly #writer: Writer
  readonly #claims: Claims
  readonly #suspects: Suspects
  readonly #recovery: Recovery
  readonly #unreadable: UnreadableProcesses
  readonly #joined: JoinedEngines
  readonly #sessions: OpenSessions
  #closed = false

  /**
   * Opens a file, or makes a new one unless `create` is false.
   *
   * @throws TypeError for a value that is not a path
   * @throws PersistenceError if the file can't be opened or written to, is damaged, or was made
   *   by another program or a newer release; the file is then unchanged
   */
  static async open(path: string, options: SqliteStoreOptions = {}): Promise<SqliteStore> {
    checkOptions(options, SQLITE_STORE_OPTIONS, 'SqliteStore.open')
    checkPath(path)
    const { create = true, trace, migrations } = options
    const connection = await Connection.open(realPath(path), { create, trace, migrations })
    const doing = 'opening the store'
    try {
      // Preparing the statement may fail too: a table may be missing in a damaged file.
      const id = await connection.readOne(doing, () =>
        connection.sql<string>("SELECT value FROM meta WHERE name = 'id'").pluck().get(),
      )
      const store = new SqliteStore(connection, id ?? '', options)
      await connection.readOne(doing, () =>
        removeLocks(connection.path, (known) => store.#tables.engines.isKnown(known)),
      )
      return store
    } catch (error) {
      connection.close()
      throw persistenceError(connection.path, doing, error)
    }
  }

  private constructor(connection: Connection, id: string, options: SqliteStoreOptions) {
    this.id = id
    this.#connection = connection
    this.#clock = options.clock ?? systemClock
    const judge = new LeaseJudge(
      () => monotonic(this.#clock),
      () => this.#joined.heartbeats(),
    )
    const tables = tablesOf(connection, judge)
    this.#tables = tables
    this.#watch = new Watch(
      connection,
      tables,
      () => this.#now(),
      (changes, missed) => this.#listeners.publish(changes, missed),
    )
    this.#joined = new JoinedEngines(connection, tables.engines, this.#clock)
    this.#sessions = new OpenSessions(connection)
    this.#writer = new Writer(connection, tables)
    this.#unreadable = new UnreadableProcesses(tables.processes)
    const index = new ReadyIndex(connection)
    this.#claims = new Claims(connection, tables.processes, index, this.#unreadable)
    this.#suspects = new Suspects(connection, tables, index)
    this.#recovery = new Recovery(connection, tables.engines, index, this.#unreadable)
  }

  async commit(writes: readonly Write[]): Promise<readonly Outcome[]> {
    if (writes.length === 0) return []
    const doing = `saving ${writes.length === 1 ? 'a write' : `${writes.length} writes`}`
    const damaged = new Map<Write, unknown>()
    for (let careful = false; ;) {
      try {
        return await this.#change(doing, (session) =>
          this.#writer.apply(writes, session, { careful, damaged }),
        )
      } catch (error) {
        if (error instanceof RefusedInBatch) careful = true
        else if (error instanceof FailedAlone && !damaged.has(error.item as Write))
          damaged.set(error.item as Write, error.cause)
        else throw error
      }
    }
  }

  async #transact(head: RecordHead, act: (tx: SqliteTransaction) => StepRecord): Promise<Outcome> {
    try {
      return await this.#change('a transaction of a step', (session) => {
        const outcome = this.#writer.applyOwn(head, act, session)
        if (outcome.status !== 'done') throw new RolledBack(outcome)
        return outcome
      })
    } catch (error) {
      if (error instanceof RolledBack) return error.outcome
      if (error instanceof FailedAlone) {
        const failure = persistenceError(this.#connection.path, 'a transaction of a step', error.cause)
        return { status: 'refused', damaged: true, error: failure }
      }
      throw error
    }
  }

  async read(pid: string): Promise<ProcessRow | undefined> {
    const row = await this.#look('reading a process', () => this.#tables.processes.brief(pid))
    return row && processRow(row)
  }

  load(pid: string): Promise<StoredProcess | undefined> {
    return this.#read('loading a process', () => {
      const row = this.#tables.processes.get(pid)
      return row && new LoadedProcess(row, this.#tables.processes.parts(row))
    })
  }

  async readAll(pids: readonly string[]): Promise<readonly ProcessRow[]> {
    const rows = await this.#look('reading processes', () => this.#tables.processes.briefAll(pids))
    return rows.map(processRow)
  }

  loadAll(pids: readonly string[]): Promise<readonly StoredProcess[]> {
    return this.#read('loading processes', () => this.#tables.processes.loadAll(pids))
  }

  async list(filter: ListFilter = {}): Promise<ProcessPage> {
    checkFilter(filter)
    const limit = limitOf(filter)
    const queries = pageQueries(filter, limit, this.#now())
    return this.#read('listing processes', () => list(this.#connection, queries, limit))
  }

  async pids(parts: PidParts, limit: number): Promise<readonly string[]> {
    return this.#look('looking for pids', () => pidsWith(this.#connection, parts, limit))
  }

  async count(filter: ListFilter = {}): Promise<Readonly<Record<ProcessState, number>>> {
    checkFilter(filter)
    return this.#read('counting processes', () => count(this.#connection, filter, this.#now()))
  }

  survey(since: number): Promise<Survey> {
    return this.#read('counting processes', () => surveyOf(this.#connection, since, this.#now()))
  }

  async mail(pid: string, signal: string): Promise<Mail | undefined> {
    return this.#look('reading a signal', () => this.#tables.messages.oldest(pid, signal))
  }

  async mailbox(actor: string, limit: number): Promise<readonly ProcessRow[]> {
    const rows = await this.#look('reading the calls of an actor', () =>
      this.#tables.mailboxes.rows(actor, Math.min(limit, LARGEST_READ)),
    )
    return rows.map(processRow)
  }

  async pending(pid: string): Promise<Pending> {
    return this.#read('reading what is pending', () => {
      const ahead = this.#tables.mailboxes.ahead(pid)
      return {
        on: this.#tables.awaits.targets(pid, LARGEST_PENDING),
        mail: this.#tables.messages.pending(pid, LARGEST_PENDING),
        ...(ahead !== undefined && { ahead }),
      }
    })
  }

  async history(pid: string, range: HistoryRange = {}): Promise<readonly HistoryRow[]> {
    checkRange(range)
    return this.#read('reading a history', () => this.#tables.histories.page(pid, range))
  }

  log(pid: string, after = 0): Promise<readonly LogRow[]> {
    return this.#look('reading a log', () => this.#tables.logs.page(pid, after))
  }

  async group(name: string): Promise<GroupRow | undefined> {
    return this.#read('reading a group', () => this.#tables.groups.row(name))
  }

  async groups(range: GroupRange = {}): Promise<GroupPage> {
    const slice = sliceOf(range)
    return this.#read('reading the groups', () => this.#tables.groups.page(slice))
  }

  async members(name: string, from: number): Promise<readonly GroupMember[]> {
    return this.#read('reading the members of a group', () => this.#tables.groups.members(name, from))
  }

  async lifetimes(pids: readonly string[]): Promise<readonly LifetimeRow[]> {
    return this.#look('reading how long results are kept', () => this.#tables.lifetimes.rows(pids))
  }

  async openSession(session: string): Promise<void> {
    this.#requireOpen()
    await this.#sessions.open(session)
  }

  async closeSession(session: string): Promise<void> {
    await this.#change('closing a session', ({ now }) => this.#tables.lifetimes.endSession(session, now))
    this.#sessions.close(session)
  }

  async dueResults(limit: number): Promise<DueResults> {
    const { lifetimes } = this.#tables
    const doing = 'looking for results to drop'
    const sessions = await this.#look(doing, () => lifetimes.sessions())
    const dead = sessions.filter((session) => !this.#sessions.isOpen(session))
    for (const session of dead) await this.closeSession(session)
    return this.#read(doing, () => lifetimes.due(this.#now(), limit))
  }

  async classes(): Promise<readonly ClassRow[]> {
    return this.#look('reading the classes', () => this.#tables.classes.all())
  }

  async engines(): Promise<readonly EngineRow[]> {
    return this.#look('reading the engines', () => {
      const now = this.#now()
      const suspects = this.#suspects.byEngine(now)
      return this.#tables.engines.all().map((engine) => ({
        ...engine,
        alive: this.#tables.engines.seemsAlive(engine, now),
        suspect: suspects.get(engine.id) ?? null,
      }))
    })
  }

  watch(listener: WatchListener): () => void {
    this.#requireOpen()
    const remove = this.#listeners.add(listener)
    this.#watch.start()
    return () => {
      remove()
      if (!this.#listeners.hasListeners) this.#watch.stop()
    }
  }

  async reclaim(): Promise<boolean> {
    this.#requireOpen()
    return this.#connection.reclaim()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#listeners.clear()
    this.#watch.stop()
    await this.#joined.drop()
    this.#sessions.drop()
    this.#connection.close()
  }

  async join(engine: EngineIdentity): Promise<void> {
    this.#requireOpen()
    await this.#joined.join(engine, this.#now())
  }

  async leave(engineId: string): Promise<void> {
    this.#requireOpen()
    await this.#joined.leave(engineId, () =>
      this.#changeEach('unregistering an engine', engineId, (session, spared) => {
        this.#claims.giveBack(engineId, session, spared)
        this.#tables.engines.remove(engineId)
      }),
    )
  }

  async describe(classes: readonly ClassRow[]): Promise<void> {
    const news = await this.#look('reading the classes', () => this.#tables.classes.newsOf(classes))
    if (news.length === 0) return
    await this.#connection.write('registering classes', () => this.#tables.classes.put(news))
  }

  wanted(): Promise<readonly LoadableClass[]> {
    return this.#look('looking for classes', () => this.#claims.wanted())
  }

  async claim(request: ClaimRequest): Promise<readonly ClaimedProcess[]> {
    const doing = 'claiming processes'
    // Usually there is nothing to claim, which a read without a lock shows.
    const one = { ...request, limit: 1 }
    const found = await this.#look(doing, () => this.#claims.candidates(one, this.#now()))
    if (found.length === 0) return []
    // A claim need not wait for the disk: if it is lost with the machine, so is its owner.
    return this.#changeEach(
      doing,
      request.engine,
      (session, spared) => this.#claims.claim(request, session, spared),
      'writeAhead',
    )
  }

  calls(actor: string, limit: number, except: readonly string[]): Promise<readonly StoredCall[]> {
    return this.#read('reading the calls of an actor', () => {
      const rows = this.#tables.mailboxes.next(actor, Math.min(limit, LARGEST_LOAD), except)
      return rows.map((row) => new LoadedCall(row, this.#tables.processes.parts(row)))
    })
  }

  async drain(request: Pick<ClaimRequest, 'engine' | 'classes' | 'labels'>): Promise<boolean> {
    const doing = 'choosing who runs a process alone'
    const found = await this.#look(doing, () => this.#suspects.draining(request, this.#now()))
    if (typeof found === 'boolean') return found
    return this.#change(doing, ({ now }) => {
      const again = this.#suspects.draining(request, now)
      if (typeof again === 'boolean') return again
      this.#suspects.drain(again, request.engine, now)
      return true
    })
  }

  async recover(runs?: Capabilities): Promise<Recovered> {
    const doing = 'taking back processes'
    const { dead, overdue, outlook } = await this.#look(doing, () => this.#recovery.survey(this.#now(), runs))
    if (dead.length === 0 && !overdue) return { processes: 0, ...outlook }
    const { processes, engines, after } = await this.#changeEach(doing, null, (session, spared) => ({
      ...this.#recovery.recover(dead, session, spared),
      after: this.#recovery.outlook(session.now, runs),
    }))
    for (const engine of engines) removeLock(this.#connection.path, engine)
    return { processes, ...after }
  }

  async saveCheckpoint(bundle: Bundle, tag?: string): Promise<void> {
    await this.#change('saving a checkpoint', () => this.#tables.checkpoints.save(bundle, tag ?? null))
  }

  async loadCheckpoint(pid: string, tag?: string): Promise<Bundle> {
    return this.#read('loading a checkpoint', () => this.#tables.checkpoints.load(pid, tag ?? null))
  }

  async getCheckpoints(): Promise<readonly Checkpoint[]> {
    return this.#look('reading checkpoints', () => this.#tables.checkpoints.all())
  }

  async getProcessCheckpoints(pid: string): Promise<readonly Checkpoint[]> {
    return this.#look('reading checkpoints', () => this.#tables.checkpoints.of(pid))
  }

  async deleteCheckpoint(pid: string, tag?: string): Promise<void> {
    await this.#change('deleting a checkpoint', () => this.#tables.checkpoints.delete(pid, tag ?? null))
  }

  async deleteProcessCheckpoints(pid: string): Promise<void> {
    await this.#change('deleting checkpoints', () => this.#tables.checkpoints.deleteAll(pid))
  }

  /** Makes one write transaction, and publishes its changes after earlier changes by others. */
  #change<T>(
    doing: string,
    action: (session: Session) => T,
    how: 'write' | 'writeAhead' = 'write',
  ): Promise<T> {
    this.#requireOpen()
    const run = () => {
      this.#watch.catchUp()
      const session = new Session(this.#tables, this.#now())
      const value = action(session)
      session.finish()
      return { value, session }
    }
    const done = this.#connection[how](doing, run, ({ session }) => {
      this.#tables.authors.committed()
      this.#watch.jump(session.feedId)
      this.#watch.publish(session.changes)
    })
    return done.then(({ value }) => value)
  }

  /**
   * As `#change`, for several processes. A process that fails is left out, and then parked (C9).
   */
  async #changeEach<T>(
    doing: string,
    by: string | null,
    action: (session: Session, spared: Spared) => T,
    how: 'write' | 'writeAhead' = 'write',
  ): Promise<T> {
    const spared = new Map<string, unknown>()
    for (;;) {
      try {
        const done = await this.#change(doing, (session) => action(session, spared), how)
        for (const [pid, cause] of spared) await this.#park(pid, cause, by)
        return done
      } catch (error) {
        if (!(error instanceof FailedAlone) || spared.has(error.item as string)) throw error
        spared.set(error.item as string, error.cause)
      }
    }
  }

  async #park(pid: string, cause: unknown, by: string | null): Promise<void> {
    try {
      await this.#change('parking a process', (session) => this.#unreadable.park(pid, cause, by, session))
    } catch {
      this.#unreadable.leaveAlone(pid)
    }
  }

  /** Runs several statements on one snapshot. */
  async #read<T>(doing: string, action: () => T): Promise<T> {
    this.#requireOpen()
    return this.#connection.read(doing, action)
  }

  async #look<T>(doing: string, action: () => T): Promise<T> {
    this.#requireOpen()
    return this.#connection.readOne(doing, action)
  }

  #now(): number {
    return Math.round(this.#clock.now())
  }

  #requireOpen(): void {
    if (this.#closed) throw new ClosedError('the store is closed: open another one')
  }
}
