import { errorText } from '../../shared/error-text.ts'
import { IncompatibleBundle } from '../../shared/errors.ts'
import { contextFor } from '../rules/apply.ts'
import { claim, wakeUp } from '../rules/claim.ts'
import { RUNS_ALONE, DRAINED_FOR, drainFor, drainingEngine, mustDrain } from '../rules/drain.ts'
import { putRow } from '../rules/ends.ts'
import { damageOf, type BriefRow, type Row } from '../rules/row.ts'
import { entry } from '../rules/decision.ts'
import * as transitions from '../rules/transitions.ts'
import type { EngineSuspect, LoadableClass } from '../contract/engines.ts'
import type { ClaimedProcess, ClaimRequest, Recovered } from '../contract/store.ts'
import { LoadedProcess } from '../rules/stored-process.ts'
import { earliest } from '../rules/waits.ts'
import type { Connection } from './connection.ts'
import { isDamage, isOfOneProcess } from './driver-errors.ts'
import { FailedAlone } from './failed-alone.ts'
import type { Session } from './session.ts'
import type { SqliteTables } from './sqlite-tables.ts'

/*
 * Claims, and how they end without a write of their owner. The index of ready processes leads from
 * class to class and from version to version, so that processes that the engine can't load are
 * never looked at (C9): a million of them cost nothing.
 */

/** The conditions of the indexes `process_ready` and `process_suspect`, and what both have. */
export const UNOWNED = 'ready_at IS NOT NULL AND owner IS NULL AND paused = 0 AND parked IS NULL'
export const READY = `${UNOWNED} AND crashes < 2`
export const SUSPECT = `${UNOWNED} AND crashes >= 2`

const KINDS = ['ready', 'suspect'] as const
type Kind = (typeof KINDS)[number]
const CONDITION: Readonly<Record<Kind, string>> = { ready: READY, suspect: SUSPECT }

/**
 * The next version of a class, and the next class and version of all, of which a process wants to
 * run now or later.
 */
const NEXT_VERSION = forEach(
  (condition) =>
    `SELECT version FROM process WHERE class = ? AND version > ? AND version <= ? AND ${condition} ORDER BY version LIMIT 1`,
)
const NEXT_GROUP = forEach(
  (condition) =>
    `SELECT class AS name, version FROM process WHERE (class, version) > (?, ?) AND ${condition} ORDER BY class, version LIMIT 1`,
)
/**
 * The ready processes of a class and version, the longest ready first; and the time at which the
 * next one becomes ready.
 */
const CANDIDATES = forEach(
  (condition) =>
    `SELECT id, pid, ready_at FROM process WHERE class = ? AND version = ? AND ready_at <= ? AND ${condition} ORDER BY ready_at, id LIMIT ?`,
)
const NEXT_DUE = forEach(
  (condition) =>
    `SELECT ready_at FROM process WHERE class = ? AND version = ? AND ready_at > ? AND ${condition} ORDER BY ready_at LIMIT 1`,
)
const NEXT_DEADLINE =
  'SELECT kill_deadline FROM process WHERE kill_deadline IS NOT NULL ORDER BY kill_deadline LIMIT 1'
const OVERDUE_KILLS = 'SELECT pid FROM process WHERE kill_deadline IS NOT NULL AND kill_deadline <= ?'
const OWNED = 'SELECT pid FROM process WHERE owner = ? ORDER BY id'

const CLAIM = `UPDATE process SET owner = ?, runner = ?, fence = fence + 1, ready_at = NULL, alone = ?, records = 0 WHERE pid = ?`

function forEach(sql: (condition: string) => string): Readonly<Record<Kind, string>> {
  return { ready: sql(CONDITION.ready), suspect: sql(CONDITION.suspect) }
}

/**
 * The suspects of a class and version for which an engine drains; `ready_at` is the time at which
 * draining began.
 */
const DRAINED = `SELECT pid, runner, alone, ready_at FROM process WHERE class = ? AND version = ? AND ready_at <= ? AND ${SUSPECT} AND alone = ${DRAINED_FOR}`
const DRAIN = 'UPDATE process SET alone = ?, runner = ?, ready_at = ? WHERE pid = ?'
/** The suspects that engines run alone, and those for which they drain. */
const RUN_ALONE = `SELECT pid, class, owner AS engine FROM process WHERE owner IS NOT NULL AND alone = ${RUNS_ALONE}`
const ALL_DRAINED = `SELECT pid, class, runner AS engine, runner, alone, ready_at FROM process WHERE ${SUSPECT} AND alone = ${DRAINED_FOR}`

type Drained = Pick<BriefRow, 'pid' | 'runner' | 'alone' | 'ready_at'>

type Outlook = Omit<Recovered, 'processes'>

interface Candidate {
  readonly id: number
  readonly pid: string
  readonly ready_at: number
}

/**
 * The processes that failed in a transaction, which is made again without them, with their errors.
 */
export type Spared = ReadonlyMap<string, unknown>

interface EngineSuspectRow {
  readonly engine: string
  readonly pid: string
  readonly class: string
}

function isBefore(a: Candidate, b: Candidate): boolean {
  return a.ready_at < b.ready_at || (a.ready_at === b.ready_at && a.id < b.id)
}

export class Claims {
  readonly #connection: Connection
  readonly #tables: SqliteTables
  /**
   * Processes that could be neither read nor parked. They are left alone, so that they hold up no
   * others.
   */
  readonly #unreadable = new Set<string>()

  constructor(connection: Connection, tables: SqliteTables) {
    this.#connection = connection
    this.#tables = tables
  }

  /** The pids to claim over all classes, the longest ready first. */
  candidates({ classes, suspects, limit }: Omit<ClaimRequest, 'engine'>, now: number): string[] {
    const kind = suspects ? 'suspect' : 'ready'
    const found: Candidate[] = []
    for (const { name, version } of this.#groups(kind, classes)) {
      found.push(
        ...this.#connection
          .sql<Candidate>(CANDIDATES[kind])
          .all(name, version, now, limit + this.#unreadable.size),
      )
    }
    found.sort((a, b) => (isBefore(a, b) ? -1 : 1))
    return found
      .filter(({ pid }) => !this.#unreadable.has(pid))
      .slice(0, limit)
      .map(({ pid }) => pid)
  }

  wanted(): LoadableClass[] {
    const found = KINDS.flatMap((kind) => [...this.#groups(kind, undefined)])
    return [...new Map(found.map((one) => [`${one.version} ${one.name}`, one])).values()]
  }

  /** Claims ready processes, except those that were found to be unreadable. */
  claim(request: ClaimRequest, session: Session, spared: Spared): ClaimedProcess[] {
    const claimed: ClaimedProcess[] = []
    for (const pid of this.candidates(request, session.now))
      alone(pid, spared, () => claimed.push(this.#claim(pid, request, session)))
    return claimed
  }

  #claim(pid: string, request: ClaimRequest, session: Session): ClaimedProcess {
    const { processes } = this.#tables
    if (request.beside !== undefined) session.clearAlone(request.beside, request.engine)
    const row = session.get(pid)
    if (row === undefined) throw new IncompatibleBundle(`there is no process ${pid}`)
    const damage = damageOf(row)
    if (damage !== undefined) throw new IncompatibleBundle(damage)
    const waitedInStep = row.in_step === 1
    const history = claim(row, request, session.now)
    if (waitedInStep) session.settleAwaits(pid)
    if (waitedInStep || history.length > 0) session.put(row, history)
    else this.#connection.sql(CLAIM).run(request.engine, request.engine, row.alone, pid)
    const stored = new LoadedProcess(row, processes.parts(row))
    return {
      row: stored.row,
      bundle: () => stored.bundle(),
      fence: row.fence,
      wake: wakeUp(row, session.now, {
        message: (signal) => session.message(pid, signal),
        isAwaiting: () => session.isAwaiting(pid),
      }),
      played: row.played === 1,
    }
  }

  /**
   * Whether the engine must drain for a suspect, if that is decided already. Otherwise the pid
   * of the suspect for which it must drain, which the caller stores.
   */
  draining({ engine, classes }: Pick<ClaimRequest, 'engine' | 'classes'>, now: number): boolean | string {
    let first: Candidate | undefined
    /** A suspect whose engine died while it drained. */
    let left: string | undefined
    for (const { name, version } of this.#groups('suspect', classes)) {
      for (const row of this.#connection.sql<Drained>(DRAINED).all(name, version, now)) {
        const drainer = drainingEngine(row, now)
        if (drainer === engine) return true
        if (drainer === undefined) continue
        if (this.#tables.engines.isAlive(drainer)) return false
        left = row.pid
      }
      const next = this.#connection.sql<Candidate>(CANDIDATES.suspect).get(name, version, now, 1)
      if (next !== undefined && (first === undefined || isBefore(next, first))) first = next
    }
    return left ?? (first !== undefined && mustDrain(first, now) ? first.pid : false)
  }

  drain(pid: string, engine: string, now: number): void {
    const row = this.#tables.processes.brief(pid) as BriefRow
    drainFor(row, engine, now)
    this.#connection.sql(DRAIN).run(row.alone, row.runner, row.ready_at, pid)
  }

  /** By engine, the suspect that it runs alone or drains for. */
  suspects(now: number): ReadonlyMap<string, EngineSuspect> {
    const alone = this.#connection.sql<EngineSuspectRow>(RUN_ALONE).all()
    const drained = this.#connection.sql<EngineSuspectRow & Drained>(ALL_DRAINED).all()
    return new Map<string, EngineSuspect>([
      ...drained
        .filter((row) => drainingEngine(row, now) !== undefined)
        .map(({ engine, pid, class: className }) => [engine, { pid, className, runs: false }] as const),
      ...alone.map(({ engine, pid, class: className }) => [engine, { pid, className, runs: true }] as const),
    ])
  }

  /** Gives back the processes of an engine that leaves (C12). */
  giveBack(engine: string, session: Session, spared: Spared): void {
    this.#each(OWNED, engine, session, spared, (row) => {
      const { history } = transitions.release(row, row, contextFor(session, row.pid))
      putRow(session, row, history)
    })
  }

  /** Whether `recover` has anything to write, and its report if not. */
  survey(
    now: number,
    classes?: readonly LoadableClass[],
  ): {
    readonly dead: readonly string[]
    readonly overdue: boolean
    readonly outlook: Outlook
  } {
    const outlook = this.outlook(now, classes)
    const overdue = outlook.nextDeadline !== null && outlook.nextDeadline <= now
    return { dead: this.#tables.engines.dead(), overdue, outlook }
  }

  outlook(now: number, classes?: readonly LoadableClass[]): Outlook {
    const found = { ready: false, suspect: false }
    let nextDue: number | null = null
    for (const kind of KINDS) {
      for (const { name, version } of this.#groups(kind, classes)) {
        found[kind] ||= this.#connection.sql(CANDIDATES[kind]).get(name, version, now, 1) !== undefined
        const due = this.#connection.sql<number>(NEXT_DUE[kind]).pluck().get(name, version, now)
        nextDue = earliest(nextDue, due ?? null)
      }
    }
    return {
      ready: found.ready,
      suspects: found.suspect,
      nextDeadline: this.#connection.sql<number>(NEXT_DEADLINE).pluck().get() ?? null,
      nextDue,
    }
  }

  /**
   * Takes back the processes of dead engines (C11), and carries out the overdue kills (C7).
   */
  recover(
    dead: readonly string[],
    session: Session,
    spared: Spared,
  ): { readonly processes: number; readonly engines: readonly string[] } {
    const { now } = session
    const engines: string[] = []
    let processes = 0
    for (const engine of dead) {
      // A frozen engine may have come back to life since the survey.
      if (this.#tables.engines.isAlive(engine)) continue
      this.#each(OWNED, engine, session, spared, (row) => {
        putRow(session, row, transitions.takeBack(row, contextFor(session, row.pid)))
        processes++
      })
      this.#tables.engines.remove(engine)
      engines.push(engine)
    }
    this.#each(OVERDUE_KILLS, now, session, spared, (row) =>
      putRow(session, row, transitions.enforceOverdue(row, now)),
    )
    return { processes, engines }
  }

  /** Runs an action on each process that the statement selects. */
  #each(select: string, value: unknown, session: Session, spared: Spared, action: (row: Row) => void): void {
    for (const pid of this.#connection.sql<string>(select).pluck().all(value)) {
      if (this.#unreadable.has(pid)) continue
      alone(pid, spared, () => {
        const row = session.get(pid)
        if (row !== undefined) action(row)
      })
    }
  }

  /** Parks a process that can't be read, whatever the reason (C9). */
  park(pid: string, cause: unknown, by: string | null, session: Session): void {
    const said = isDamage(cause) ? 'the file is damaged there' : errorText(cause)
    const reason = `it can not be read: ${said}`
    const row = this.#tables.processes.brief(pid)
    // A parked process that still fails is left alone.
    if (row === undefined || row.parked !== null) return this.leaveAlone(pid)
    session.setAside(row, reason, [entry('parked', by, { reason })])
  }

  /** Ignores a process from now on that can't even be parked. */
  leaveAlone(pid: string): void {
    this.#unreadable.add(pid)
  }

  /**
   * The classes and versions of which a process wants to run: of these classes up to their
   * versions, or of all.
   */
  *#groups(kind: Kind, classes: readonly LoadableClass[] | undefined): Iterable<LoadableClass> {
    if (classes === undefined) {
      const next = this.#connection.sql<LoadableClass>(NEXT_GROUP[kind])
      for (let group = next.get('', -1); group !== undefined; group = next.get(group.name, group.version))
        yield group
      return
    }
    const next = this.#connection.sql<number>(NEXT_VERSION[kind]).pluck()
    for (const { name, version: newest } of classes) {
      for (
        let version = next.get(name, -1, newest);
        version !== undefined;
        version = next.get(name, version, newest)
      ) {
        yield { name, version }
      }
    }
  }
}

/**
 * Runs an action on one process, unless it failed before.
 *
 * @throws FailedAlone if the action fails for this process alone
 */
function alone(pid: string, spared: Spared, action: () => void): void {
  if (spared.has(pid)) return
  try {
    action()
  } catch (error) {
    throw isOfOneProcess(error) ? new FailedAlone(pid, error) : error
  }
}
