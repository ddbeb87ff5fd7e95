/* This file is longer than 400 lines, because it has a method for each of `Store`. */
import type { Bundle } from '../../bundle/bundle.ts'
import type { ProcessState } from '../../process/state/process-state.ts'
import type { LogEntry } from '../../process/state/report.ts'
import { wallClock } from '../../shared/timers.ts'
import type { Clock } from '../../shared/clock.ts'
import { errorText } from '../../shared/error-text.ts'
import { ClosedError, PersistenceError } from '../../shared/errors.ts'
import { checkOptions, isClock, isFlag, type OptionNames } from '../../shared/options.ts'
import { checkText } from '../../shared/text.ts'
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
import type { GroupMember, GroupPage, GroupRange, GroupRow } from '../contract/groups.ts'
import type { DueResults, LifetimeRow } from '../contract/result-lifetime.ts'
import type { Outcome } from '../contract/outcomes.ts'
import type { Checkpoint } from '../contract/persister.ts'
import type { Change, HistoryRow, LogRow, ProcessRow, StoredCall, StoredProcess } from '../contract/rows.ts'
import type { ClaimedProcess, ClaimRequest, Recovered, Store, Transactions } from '../contract/store.ts'
import type { Survey } from '../contract/survey.ts'
import type { CallOrder, Parts, Write } from '../contract/writes.ts'
import { ChangeFeed } from '../rules/change-feed.ts'
import { sliceOf } from '../rules/groups.ts'
import { checkRange, rangeOf } from '../rules/history-range.ts'
import { mayBeDue } from '../rules/result-dropping.ts'
import { checkFilter, limitOf, noCounts, pageOf } from '../rules/paging.ts'
import { processRow, type Row } from '../rules/row.ts'
import { LoadedCall, LoadedProcess } from '../rules/stored-process.ts'
import { applyWrite } from '../rules/write.ts'
import { Beats } from './beats.ts'
import { claimAll, Claims, drain, enforce, giveBack, takeBack } from './claims.ts'
import { Database, isOfOneWrite } from './database.ts'
import { Feed } from './feed.ts'
import { forEachLoaded } from './for-each-loaded.ts'
import { GroupQueries } from './group-queries.ts'
import { countQuery, pageQuery } from './list-query.ts'
import { PostgresCheckpoints } from './postgres-checkpoints.ts'
import { OwnTransactions } from './own-transactions.ts'
import type { PostgresSession } from './postgres-session.ts'
import { ResultQueries } from './result-queries.ts'
import { BRIEF, CLEAR } from './schema.ts'
import { surveyOf } from './survey-query.ts'
import { Committer, type Stored } from './committer.ts'
import { Wanted } from './wanted.ts'
import { wantedBy } from './wanted-by.ts'

/** Options of `PostgresStore.open`. */
export interface PostgresStoreOptions {
  /** The name of the schema that has the tables. It is created if there is none. Default: `damson`. */
  readonly schema?: string | undefined
  /** Whether to create the schema if there is none. Default: true. */
  readonly create?: boolean | undefined
  /** The source of the time. Default: the clock of the server. Leases always count by that one. */
  readonly clock?: Clock | undefined
}

const OPTIONS: OptionNames<PostgresStoreOptions> = { schema: checkText, create: isFlag, clock: isClock }

const STORED = `SELECT p.*, (SELECT json_agg(json_build_array(t.name, t.text)) FROM @part AS t WHERE t.pid = p.pid) AS parts FROM @process AS p`

type StoredColumns = Row & { readonly parts: readonly (readonly [name: string, text: string])[] | null }

/**
 * Keeps processes in one schema of a Postgres database, which any number of programs on any machines may
 * share.
 *
 * An acknowledged write is durable as the server's `synchronous_commit` has it.
 */
export class PostgresStore implements Store {
  readonly id: string
  readonly commitsAtOnce = 2
  readonly transactions: Transactions
  readonly #database: Database
  readonly #clock: Clock | undefined
  readonly #listeners = new ChangeFeed()
  readonly #feed: Feed
  readonly #committer: Committer
  readonly #claims: Claims
  readonly #beats: Beats
  readonly #checkpoints: PostgresCheckpoints
  readonly #groups: GroupQueries
  readonly #results: ResultQueries
  /** The server's time less that of this machine, in milliseconds. */
  #ahead = 0
  #closed = false
  /** The commits that are under way. */
  readonly #changing = new Set<Promise<unknown>>()

  /**
   * Opens the schema, or makes a new one unless `create` is false.
   *
   * @param connection the URL of the database: `postgres://user:password@host:5432/name`
   * @throws PersistenceError if the server can't be reached, `pg` is not installed, or the schema is of a
   *   newer release or is missing and not to be created
   */
  static async open(connection: string, options: PostgresStoreOptions = {}): Promise<PostgresStore> {
    checkOptions(options, OPTIONS, 'PostgresStore.open')
    checkText('the URL of the database', connection)
    const database = await Database.open(connection, options.schema ?? 'damson', options.create ?? true)
    try {
      const [row] = await database.query<{ readonly id: string; readonly now: number }>(
        'opening the store',
        "SELECT value AS id, @now() AS now FROM @meta WHERE name = 'id'",
      )
      const store = new PostgresStore(database, row?.id ?? '', await Feed.behind(database), options)
      if (row !== undefined) store.#sawTime(row.now)
      return store
    } catch (error) {
      await database.close()
      throw error
    }
  }

  private constructor(database: Database, id: string, next: string, { clock }: PostgresStoreOptions) {
    this.id = id
    this.#database = database
    this.#clock = clock
    this.#feed = new Feed(
      database,
      next,
      () => this.#now(),
      (changes, missed) => this.#listeners.publish(changes, missed),
    )
    this.#committer = new Committer(
      database,
      () => this.#now(),
      (now) => this.#sawTime(now),
    )
    const own = new OwnTransactions(database, this.#committer, (stored, changes) =>
      this.#committed(stored, changes),
    )
    this.transactions = { kind: 'postgres', begin: () => own.begin() }
    this.#claims = new Claims(database)
    this.#beats = new Beats(database)
    this.#groups = new GroupQueries(database)
    this.#results = new ResultQueries(database)
    this.#checkpoints = new PostgresCheckpoints(database, async (pid) => {
      const [row] = await this.#stored([pid])
      return row && { row, parts: partsOf(row) }
    })
  }

  async commit(writes: readonly Write[]): Promise<readonly Outcome[]> {
    this.#requireOpen()
    if (writes.length === 0) return []
    const doing = `saving ${writes.length === 1 ? 'a write' : `${writes.length} writes`}`
    try {
      return await this.#change(doing, wantedBy(writes), (session) => {
        const fresh = new Set<string>()
        return forEachLoaded(writes, session, (write) => applyWrite(session, write, fresh))
      })
    } catch (error) {
      if (!isOfOneWrite(error)) throw error
      if (writes.length === 1) return writes.map((write) => refused(write, error))
      // The failed statement does not show which write caused the error (C9).
      const half = writes.length >> 1
      return [...(await this.commit(writes.slice(0, half))), ...(await this.commit(writes.slice(half)))]
    }
  }

  async read(pid: string): Promise<ProcessRow | undefined> {
    return (await this.readAll([pid]))[0]
  }

  async load(pid: string): Promise<StoredProcess | undefined> {
    return (await this.loadAll([pid]))[0]
  }

  async readAll(pids: readonly string[]): Promise<readonly ProcessRow[]> {
    const text = `SELECT ${BRIEF} FROM @process WHERE pid = ANY($1)`
    return (await this.#query<Row>('reading processes', text, [pids])).map(processRow)
  }

  async loadAll(pids: readonly string[]): Promise<readonly StoredProcess[]> {
    return (await this.#stored(pids)).map((row) => new LoadedProcess(row, partsOf(row)))
  }

  async list(filter: ListFilter = {}): Promise<ProcessPage> {
    checkFilter(filter)
    const limit = limitOf(filter)
    const { sql, values } = pageQuery(filter, limit, this.#now())
    return pageOf(await this.#query<Row>('listing processes', sql, values), limit)
  }

  async pids(parts: PidParts, limit: number): Promise<readonly string[]> {
    const [text, given] =
      'beginnings' in parts
        ? [
            'SELECT p.pid FROM unnest($1::text[]) AS b JOIN @process AS p ON starts_with(p.pid, b) LIMIT $2',
            parts.beginnings,
          ]
        : [
            'SELECT p.pid FROM @process AS p WHERE right(p.pid, length(($1::text[])[1])) = ANY($1) LIMIT $2',
            parts.endings,
          ]
    const found = await this.#query<{ readonly pid: string }>('looking for pids', text, [given, limit])
    return found.map(({ pid }) => pid)
  }

  async count(filter: ListFilter = {}): Promise<Readonly<Record<ProcessState, number>>> {
    checkFilter(filter)
    const { sql, values } = countQuery(filter, this.#now())
    const counts = noCounts()
    const rows = await this.#query<{ readonly state: ProcessState; readonly n: number }>(
      'counting processes',
      sql,
      values,
    )
    for (const { state, n } of rows) counts[state] += n
    return counts
  }

  async survey(since: number): Promise<Survey> {
    this.#requireOpen()
    return surveyOf(this.#database, since, this.#now())
  }

  async mail(pid: string, signal: string): Promise<Mail | undefined> {
    const text = 'SELECT id, value FROM @message WHERE pid = $1 AND signal = $2 ORDER BY id LIMIT 1'
    return (await this.#query<Mail>('reading a signal', text, [pid, signal]))[0]
  }

  async mailbox(actor: string, limit: number): Promise<readonly ProcessRow[]> {
    const text = `SELECT ${BRIEF} FROM @process WHERE actor = $1 AND ended_at IS NULL ORDER BY id LIMIT $2`
    const rows = await this.#query<Row>('reading the calls of an actor', text, [
      actor,
      Math.min(limit, LARGEST_READ),
    ])
    return rows.map(processRow)
  }

  async pending(pid: string): Promise<Pending> {
    const doing = 'reading what is pending'
    const [found] = await this.#query<{
      readonly on: readonly string[]
      readonly mail: Pending['mail']
      readonly ahead: number | null
    }>(
      doing,
      `SELECT
        (SELECT coalesce(json_agg(target), '[]') FROM (SELECT target FROM (SELECT target FROM @awaits WHERE pid = $1 AND over = 0
          UNION SELECT target FROM @need WHERE pid = $1 AND over = 0) AS left_over ORDER BY target LIMIT $2) AS t) AS on,
        (SELECT coalesce(json_agg(m.entry ORDER BY m.id), '[]') FROM (SELECT id, json_build_object('by',
          CASE WHEN signal IS NULL THEN 'resume' ELSE 'signal' END, 'name', signal) AS entry
          FROM @message WHERE pid = $1 ORDER BY id LIMIT $2) AS m) AS mail,
        (SELECT (SELECT count(*) FROM @process AS other WHERE other.actor = call.actor AND other.ended_at IS NULL AND other.id < call.id)
          FROM @process AS call WHERE call.pid = $1 AND call.actor IS NOT NULL AND call.ended_at IS NULL) AS ahead`,
      [pid, LARGEST_PENDING],
    )
    const { on = [], mail = [], ahead = null } = found ?? {}
    return { on, mail, ...(ahead !== null && { ahead }) }
  }

  async history(pid: string, range: HistoryRange = {}): Promise<readonly HistoryRow[]> {
    checkRange(range)
    const doing = 'reading a history'
    const [row] = await this.#query<{ readonly entries: number }>(
      doing,
      'SELECT entries FROM @process WHERE pid = $1',
      [pid],
    )
    const { after, count } = rangeOf(range, () => row?.entries ?? 0)
    return this.#query<HistoryRow>(
      doing,
      `SELECT n, tx::text::bigint AS commit, pid, seq, at, name, data, author AS by FROM @history
        WHERE pid = $1 AND n > $2 ORDER BY n LIMIT $3`,
      [pid, after, count],
    )
  }

  async log(pid: string, after = 0): Promise<readonly LogRow[]> {
    const rows = await this.#query<{ readonly n: number; readonly entry: string }>(
      'reading a log',
      'SELECT n, entry FROM @log WHERE pid = $1 AND n > $2 ORDER BY n LIMIT $3',
      [pid, after, LARGEST_LOG_PAGE],
    )
    return rows.map(({ n, entry }) => ({ pid, n, ...(JSON.parse(entry) as LogEntry) }))
  }

  group(name: string): Promise<GroupRow | undefined> {
    return this.#groups.row(name)
  }

  async groups(range: GroupRange = {}): Promise<GroupPage> {
    return this.#groups.page(sliceOf(range))
  }

  members(name: string, from: number): Promise<readonly GroupMember[]> {
    return this.#groups.members(name, from)
  }

  lifetimes(pids: readonly string[]): Promise<readonly LifetimeRow[]> {
    return this.#results.lifetimes(pids)
  }

  async openSession(session: string): Promise<void> {
    this.#requireOpen()
    await this.#beats.open(session)
  }

  async closeSession(session: string): Promise<void> {
    this.#beats.close(session)
    await this.#results.forgetSession(session)
    await this.#endSession(session)
  }

  async dueResults(limit: number): Promise<DueResults> {
    for (const session of await this.#results.deadSessions()) await this.#endSession(session)
    return this.#results.due(this.#now(), limit)
  }

  classes(): Promise<readonly ClassRow[]> {
    return this.#query<ClassRow>(
      'reading the classes',
      'SELECT name, version, inputs, deadline_after AS "deadlineAfter", signals FROM @class ORDER BY name',
    )
  }

  async engines(): Promise<readonly EngineRow[]> {
    const rows = await this.#query<
      Omit<EngineRow, 'classes' | 'labels' | 'suspect'> & {
        readonly classes: string
        readonly labels: string
      }
    >(
      'reading the engines',
      `SELECT id, host, os_pid AS "osPid", lease, concurrency, classes, labels, started_at AS "startedAt", expires,
        @alive(expires, lease, late) AS alive FROM @engine ORDER BY started_at, id`,
    )
    const suspects = await this.#claims.suspects(this.#now())
    return rows.map((row) => ({
      ...row,
      classes: JSON.parse(row.classes) as readonly LoadableClass[],
      labels: JSON.parse(row.labels) as readonly string[],
      suspect: suspects.get(row.id) ?? null,
    }))
  }

  watch(listener: WatchListener): () => void {
    this.#requireOpen()
    const remove = this.#listeners.add(listener)
    this.#feed.start()
    return () => {
      remove()
      if (!this.#listeners.hasListeners) void this.#feed.stop()
    }
  }

  /** Does nothing: the server's autovacuum returns the space. */
  async reclaim(): Promise<boolean> {
    this.#requireOpen()
    return false
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#listeners.clear()
    this.#beats.stop()
    await this.#feed.close()
    await Promise.allSettled(this.#changing)
    await this.#database.close()
  }

  async join(engine: EngineIdentity): Promise<void> {
    this.#requireOpen()
    await this.#beats.join(engine, this.#now())
  }

  async leave(engineId: string): Promise<void> {
    this.#requireOpen()
    const pids = await this.#claims.owned(engineId)
    await this.#change('unregistering an engine', wantedPids(pids), (session) =>
      giveBack(pids, engineId, session),
    )
    this.#beats.leave(engineId)
    await this.#query('unregistering an engine', 'DELETE FROM @engine WHERE id = $1', [engineId])
  }

  /** @internal Leaves an engine as after the death of its program, for tests. */
  async forget(engineId: string): Promise<void> {
    this.#beats.leave(engineId)
    await this.#query('ending a lease', 'UPDATE @engine SET expires = 0 WHERE id = $1', [engineId])
  }

  /** @internal How long a session lasts, for tests. Of sessions that are opened afterwards. */
  set sessionLease(milliseconds: number) {
    this.#beats.sessionLease = milliseconds
  }

  /** @internal Leaves the sessions as after the deaths of their programs, for tests. */
  async forgetSessions(): Promise<void> {
    this.#beats.pause()
    await this.#query('ending the sessions', 'UPDATE @session SET expires = 0')
  }

  /** @internal Deletes all that is stored, for tests. */
  async clear(): Promise<void> {
    this.#beats.pause()
    await this.#query('deleting everything', CLEAR)
  }

  async describe(classes: readonly ClassRow[]): Promise<void> {
    for (const { name, version, inputs, deadlineAfter, signals } of classes)
      await this.#query(
        'registering classes',
        `INSERT INTO @class VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO UPDATE SET version = excluded.version,
          inputs = excluded.inputs, deadline_after = excluded.deadline_after, signals = excluded.signals
          WHERE class.version <= excluded.version`,
        [name, version, inputs, deadlineAfter, signals],
      )
  }

  async wanted(): Promise<readonly LoadableClass[]> {
    this.#requireOpen()
    return this.#claims.wanted()
  }

  async claim(request: ClaimRequest): Promise<readonly ClaimedProcess[]> {
    this.#requireOpen()
    const claimed: ClaimedProcess[] = []
    // Others have taken those that were chosen in vain.
    const chosen: string[] = []
    try {
      while (claimed.length < request.limit) {
        const rest = { ...request, limit: request.limit - claimed.length }
        const { pids, leavesSome } = await this.#claims.choose(rest, this.#now(), chosen)
        if (pids.length === 0) break
        const won = await this.#claim(pids, rest)
        claimed.push(...won)
        chosen.push(...pids)
        if (won.length === pids.length && !leavesSome) break
      }
    } catch (error) {
      if (claimed.length === 0) throw error
    }
    return claimed
  }

  async calls(actor: string, limit: number, except: readonly string[]): Promise<readonly StoredCall[]> {
    const doing = 'reading the calls of an actor'
    const [found] = await this.#query<{ readonly order: CallOrder | null }>(
      doing,
      'SELECT call_order AS order FROM @process WHERE pid = $1',
      [actor],
    )
    const strict = `AND p.id < coalesce((SELECT id FROM @process WHERE actor = $1 AND ended_at IS NULL AND awaits = 'inputs'
      ORDER BY id LIMIT 1), 9223372036854775807)`
    const rows = await this.#query<StoredColumns>(
      doing,
      `${STORED} WHERE p.actor = $1 AND p.ended_at IS NULL AND p.awaits IS NULL AND p.pid <> ALL($2)
        ${found?.order === 'ready' ? '' : strict} ORDER BY p.id LIMIT $3`,
      [actor, except, Math.min(limit, LARGEST_LOAD)],
    )
    return rows.map((row) => new LoadedCall(row, partsOf(row)))
  }

  async drain(request: Pick<ClaimRequest, 'engine' | 'classes' | 'labels'>): Promise<boolean> {
    this.#requireOpen()
    const found = await this.#claims.draining(request, this.#now())
    if (typeof found === 'boolean') return found
    return this.#change('choosing who runs a process alone', wantedPids([found]), (session) =>
      drain(found, request.engine, session),
    )
  }

  async recover(runs?: Capabilities): Promise<Recovered> {
    this.#requireOpen()
    const doing = 'taking back processes'
    let processes = 0
    for (const engine of await this.#claims.dead()) {
      const pids = await this.#claims.owned(engine)
      if (pids.length > 0)
        processes += await this.#change(doing, wantedPids(pids), (session) => takeBack(pids, session))
      await this.#query(doing, 'DELETE FROM @engine WHERE id = $1 AND NOT @alive(expires, lease, late)', [
        engine,
      ])
    }
    const overdue = await this.#claims.overdue(this.#now())
    if (overdue.length > 0)
      await this.#change(doing, wantedPids(overdue), (session) => enforce(overdue, session))
    return { processes, ...(await this.#claims.outlook(this.#now(), runs)) }
  }

  saveCheckpoint(bundle: Bundle, tag?: string): Promise<void> {
    return this.#checkpoints.save(bundle, tag ?? null)
  }

  loadCheckpoint(pid: string, tag?: string): Promise<Bundle> {
    return this.#checkpoints.load(pid, tag ?? null)
  }

  getCheckpoints(): Promise<readonly Checkpoint[]> {
    return this.#checkpoints.all()
  }

  getProcessCheckpoints(pid: string): Promise<readonly Checkpoint[]> {
    return this.#checkpoints.of(pid)
  }

  deleteCheckpoint(pid: string, tag?: string): Promise<void> {
    return this.#checkpoints.delete(pid, tag ?? null)
  }

  deleteProcessCheckpoints(pid: string): Promise<void> {
    return this.#checkpoints.deleteAll(pid)
  }

  /** Claims those of these processes that are still ready. */
  async #claim(pids: readonly string[], request: ClaimRequest): Promise<readonly ClaimedProcess[]> {
    const wanted = wantedPids(pids)
    for (const pid of pids) wanted.parts.add(pid)
    if (request.beside !== undefined) wanted.pids.add(request.beside)
    const won = await this.#change('claiming processes', wanted, (session) =>
      claimAll(pids, request, session),
    )
    if (won.length < pids.length) this.#claims.wasInVain()
    return won
  }

  /** Writes, and publishes the changes. */
  async #change<T>(doing: string, wanted: Wanted, action: (session: PostgresSession) => T): Promise<T> {
    const running = this.#committer.run(doing, wanted, action)
    this.#changing.add(running)
    try {
      const { value, changes, stored } = await running
      this.#committed(stored, changes)
      return value
    } finally {
      this.#changing.delete(running)
    }
  }

  #committed(stored: Stored | undefined, changes: readonly Change[]): void {
    if (stored !== undefined) this.#feed.committed(stored)
    this.#listeners.publish(changes)
  }

  /** What a session retained last is looked at again, if it is due. */
  async #endSession(session: string): Promise<void> {
    const pids = await this.#results.retained(session)
    await this.#change('ending a session', wantedPids(pids), (commit) => {
      forEachLoaded(pids, commit, (pid) => {
        commit.unretain(pid, session)
        const lifetime = commit.lifetime(pid)
        if (lifetime === undefined || commit.brief(pid)?.ended_at === null || !mayBeDue(lifetime)) return
        commit.putLifetime(pid, { ...lifetime, checkAt: commit.now })
      })
    })
  }

  #stored(pids: readonly string[]): Promise<StoredColumns[]> {
    return this.#query<StoredColumns>('loading processes', `${STORED} WHERE p.pid = ANY($1)`, [pids])
  }

  async #query<R>(doing: string, text: string, values: readonly unknown[] = []): Promise<R[]> {
    this.#requireOpen()
    return this.#database.query<R>(doing, text, values)
  }

  #sawTime(now: number): void {
    this.#ahead = now - wallClock()
  }

  #now(): number {
    return Math.round(this.#clock === undefined ? wallClock() + this.#ahead : this.#clock.now())
  }

  #requireOpen(): void {
    if (this.#closed) throw new ClosedError('the store is closed: open another one')
  }
}

function refused(write: Write, error: unknown): Outcome {
  const said = errorText(error instanceof PersistenceError ? error.cause : error)
  const text = `the ${write.kind} of process ${write.pid} was refused by the database: ${said}`
  return { status: 'refused', error: new PersistenceError(text, { cause: error }) }
}

function partsOf({ parts }: StoredColumns): Parts {
  return Object.fromEntries(parts ?? [])
}

function wantedPids(pids: readonly string[]): Wanted {
  const wanted = new Wanted()
  for (const pid of pids) wanted.pids.add(pid)
  return wanted
}
