import { contextFor } from '../rules/apply.ts'
import { claim, claimedProcess } from '../rules/claim.ts'
import { DRAINED_FOR, drainFor, drainingEngine, mustDrain, RUNS_ALONE } from '../rules/drain.ts'
import { failLateCall, putRow } from '../rules/ends.ts'
import { READY, SUSPECT } from '../rules/filter-sql.ts'
import { damageOf, isReady, workerOf, type BriefRow } from '../rules/row.ts'
import { LoadedProcess } from '../rules/stored-process.ts'
import * as transitions from '../rules/transitions.ts'
import { elapsed } from '../../shared/timers.ts'
import { canRun, type Capabilities, type EngineSuspect, type LoadableClass } from '../contract/engines.ts'
import type { ClaimedProcess, ClaimRequest, Recovered } from '../contract/store.ts'
import type { Database } from './database.ts'
import { forEachLoaded } from './for-each-loaded.ts'
import type { PostgresSession } from './postgres-session.ts'
import { isRunning, placeOfProgram } from './program-place.ts'

/*
 * Makes claims, and ends claims without a write of their owner. As in SQLite, the index of ready
 * processes leads from class to class and from version to version, so that processes that the
 * engine can't load are never looked at (C9).
 */

/** The classes, versions and labels of which a process wants to run, now or later. */
function kinds(condition: string): string {
  return `kinds AS (
    (SELECT class, version, worker FROM @process WHERE ${condition} ORDER BY class, version, worker LIMIT 1)
    UNION ALL SELECT next.class, next.version, next.worker FROM kinds CROSS JOIN LATERAL (
      SELECT class, version, worker FROM @process
      WHERE (class, version, worker) > (kinds.class, kinds.version, kinds.worker) AND ${condition}
      ORDER BY class, version, worker LIMIT 1) AS next)`
}

/** Those that an engine can run; all if none is given. */
const RUNNABLE = `can AS (SELECT c->>'name' AS name, (c->>'version')::bigint AS version
    FROM json_array_elements($1::json->'classes') AS c),
  mine AS (SELECT kinds.* FROM kinds WHERE $1::json IS NULL
    OR kinds.worker IN (SELECT '' UNION SELECT json_array_elements_text($1::json->'labels'))
    AND EXISTS (SELECT 1 FROM can WHERE can.name = kinds.class AND can.version >= kinds.version))`

/** How long engines share what is ready after one has chosen what another one took, in milliseconds. */
const SHARING = 1_000
/** The most processes that a claim looks at to find those of its engine, unless it has more free slots. */
const MOST_SHARED = 1_000

/**
 * The processes that have waited longest, `$3` for each engine that lives, and whether each is of the share of
 * the engine `$4`; without an engine, all are. Those of `$5` are left out.
 *
 * Engines that claim at the same time choose the same ones, and all but one choose in vain. Then they share
 * them for a while. An engine takes those of others once none of its own is among them, so that no process
 * waits for an engine that has no free slot.
 */
function candidates(condition: string): string {
  const limit = `least($3 * share.n, greatest($3, ${MOST_SHARED}))`
  return `WITH RECURSIVE ${kinds(condition)}, ${RUNNABLE},
    share AS (SELECT greatest(count(*), 1) AS n, count(*) FILTER (WHERE id < $4) AS nth
      FROM @engine WHERE $4::text IS NOT NULL AND expires > @now())
    SELECT one.*, one.id % share.n = share.nth AS own FROM share CROSS JOIN mine CROSS JOIN LATERAL (
      SELECT id, pid, class, ready_at, runner, alone FROM @process AS p WHERE p.class = mine.class AND p.version = mine.version AND p.worker = mine.worker
        AND ready_at <= $2 AND p.pid <> ALL($5) AND ${condition} ORDER BY ready_at, id LIMIT ${limit}) AS one
    ORDER BY one.ready_at, one.id LIMIT (SELECT ${limit} FROM share)`
}

const CANDIDATES = { ready: candidates(READY), suspect: candidates(SUSPECT) }

function outlook(condition: string): string {
  return `WITH RECURSIVE ${kinds(condition)}, ${RUNNABLE}
    SELECT bool_or(EXISTS (SELECT 1 FROM @process AS p WHERE p.class = mine.class AND p.version = mine.version AND p.worker = mine.worker
        AND ready_at <= $2 AND ${condition})) AS ready,
      min((SELECT ready_at FROM @process AS p WHERE p.class = mine.class AND p.version = mine.version AND p.worker = mine.worker
        AND ready_at > $2 AND ${condition} ORDER BY ready_at LIMIT 1)) AS due
    FROM mine`
}

/** The calls that wait for others with a timeout, as `lateAt` has it. */
const LATE = `actor IS NOT NULL AND awaits = 'inputs' AND due_at IS NOT NULL`

const OUTLOOK = `SELECT r.ready, least(r.due, s.due) AS due, s.ready AS suspects,
    least((SELECT kill_deadline FROM @process WHERE kill_deadline IS NOT NULL ORDER BY kill_deadline LIMIT 1),
      (SELECT due_at FROM @process WHERE ${LATE} ORDER BY due_at LIMIT 1)) AS deadline
  FROM (${outlook(READY)}) AS r, (${outlook(SUSPECT)}) AS s`

const WANTED = `WITH RECURSIVE ${kinds(READY)} SELECT DISTINCT class AS name, version FROM kinds`
const WANTED_SUSPECTS = `WITH RECURSIVE ${kinds(SUSPECT)} SELECT DISTINCT class AS name, version FROM kinds`

const DEAD = 'SELECT id FROM @dead() AS id'
const HERE = 'SELECT id, os_pid FROM @engine WHERE place = $1 AND expires > 0'
const END_LEASES = 'UPDATE @engine SET expires = 0 WHERE id = ANY($1)'
const OWNED = 'SELECT pid FROM @process WHERE owner = $1 ORDER BY id'
const OVERDUE = `SELECT pid FROM @process WHERE kill_deadline <= $1
  UNION SELECT pid FROM @process WHERE ${LATE} AND due_at <= $1`
const RUN_ALONE = `SELECT pid, class, owner AS engine FROM @process WHERE owner IS NOT NULL AND alone = ${RUNS_ALONE}`
const DRAINED = `SELECT pid, class, runner AS engine, runner, alone, ready_at FROM @process WHERE ${SUSPECT} AND alone = ${DRAINED_FOR}`
const IS_ALIVE = 'SELECT 1 FROM @engine WHERE id = $1 AND @alive(expires, lease, late)'

const DOING = 'claiming processes'

type Candidate = Pick<BriefRow, 'id' | 'pid' | 'class' | 'ready_at' | 'runner' | 'alone'>
type Choice = { readonly pids: readonly string[]; readonly leavesSome: boolean }
type Outlook = Omit<Recovered, 'processes'>

/** What can be claimed, and who owns what. */
export class Claims {
  readonly #database: Database
  #sharesUntil = Number.NEGATIVE_INFINITY

  constructor(database: Database) {
    this.#database = database
  }

  /** Call it when others have taken what was chosen. */
  wasInVain(): void {
    this.#sharesUntil = elapsed() + SHARING
  }

  /** What an engine chooses now of all but these, which is nothing if nothing is ready, and whether it leaves any behind. */
  async choose(
    { engine, suspects, limit, ...runs }: ClaimRequest,
    now: number,
    except: readonly string[],
  ): Promise<Choice> {
    const sharer = !suspects && elapsed() < this.#sharesUntil ? engine : null
    const found = await this.#candidates(suspects ? 'suspect' : 'ready', runs, now, limit, sharer, except)
    const own = found.filter((one) => one.own)
    const chosen = (own.length > 0 ? own : found).slice(0, limit)
    return { pids: chosen.map(({ pid }) => pid), leavesSome: chosen.length < found.length }
  }

  async wanted(): Promise<readonly LoadableClass[]> {
    const ready = await this.#database.query<LoadableClass>(DOING, WANTED)
    const suspects = await this.#database.query<LoadableClass>(DOING, WANTED_SUSPECTS)
    return [...new Map([...ready, ...suspects].map((one) => [`${one.version} ${one.name}`, one])).values()]
  }

  async outlook(now: number, runs: Capabilities | undefined): Promise<Outlook> {
    const [found] = await this.#database.query<{
      readonly ready: boolean | null
      readonly suspects: boolean | null
      readonly due: number | null
      readonly deadline: number | null
    }>(DOING, OUTLOOK, [runsJson(runs), now])
    return {
      ready: found?.ready ?? false,
      suspects: found?.suspects ?? false,
      nextDue: found?.due ?? null,
      nextDeadline: found?.deadline ?? null,
    }
  }

  /** The engines that do not live. Notes for how long they have been late, so that it is called each second. */
  async dead(): Promise<string[]> {
    await this.#endLeases()
    return (await this.#database.query<{ readonly id: string }>(DOING, DEAD)).map(({ id }) => id)
  }

  /** Of an engine whose program was killed in this program's place the lease need not be waited for. */
  async #endLeases(): Promise<void> {
    const place = placeOfProgram()
    if (place === null) return
    const here = await this.#database.query<{ readonly id: string; readonly os_pid: number }>(DOING, HERE, [
      place,
    ])
    const killed = here.filter(({ os_pid }) => !isRunning(os_pid)).map(({ id }) => id)
    if (killed.length > 0) await this.#database.query(DOING, END_LEASES, [killed])
  }

  async owned(engine: string): Promise<string[]> {
    return (await this.#database.query<{ readonly pid: string }>(DOING, OWNED, [engine])).map(
      ({ pid }) => pid,
    )
  }

  async overdue(now: number): Promise<string[]> {
    return (await this.#database.query<{ readonly pid: string }>(DOING, OVERDUE, [now])).map(({ pid }) => pid)
  }

  /**
   * Whether the engine must drain for a suspect, if that is decided already. Otherwise the pid of the
   * suspect for which it must drain, which the caller stores.
   */
  async draining(
    { engine, ...runs }: Pick<ClaimRequest, 'engine' | 'classes' | 'labels'>,
    now: number,
  ): Promise<boolean | string> {
    const all = await this.#candidates('suspect', runs, now, 1_000)
    let left: string | undefined
    for (const row of all) {
      const drainer = drainingEngine(row, now)
      if (drainer === engine) return true
      if (drainer === undefined) continue
      if ((await this.#database.query(DOING, IS_ALIVE, [drainer])).length > 0) return false
      left = row.pid
    }
    const first = all.find((row) => mustDrain(row, now))
    return left ?? first?.pid ?? false
  }

  /** By engine, the suspect that it runs alone or drains for. */
  async suspects(now: number): Promise<ReadonlyMap<string, EngineSuspect>> {
    type Found = Candidate & { readonly engine: string }
    const alone = await this.#database.query<Found>(DOING, RUN_ALONE)
    const drained = await this.#database.query<Found>(DOING, DRAINED)
    return new Map<string, EngineSuspect>([
      ...drained
        .filter((row) => drainingEngine(row, now) !== undefined)
        .map((row) => [row.engine, { pid: row.pid, className: row.class, runs: false }] as const),
      ...alone.map((row) => [row.engine, { pid: row.pid, className: row.class, runs: true }] as const),
    ])
  }

  #candidates(
    kind: 'ready' | 'suspect',
    runs: Capabilities | undefined,
    now: number,
    limit: number,
    engine: string | null = null,
    except: readonly string[] = [],
  ): Promise<(Candidate & { readonly own: boolean })[]> {
    return this.#database.query(DOING, CANDIDATES[kind], [runsJson(runs), now, limit, engine, except])
  }
}

function runsJson(runs: Capabilities | undefined): string | null {
  return runs === undefined ? null : JSON.stringify({ classes: runs.classes, labels: runs.labels ?? [] })
}

/** Claims those of these processes that are still ready. */
export function claimAll(
  pids: readonly string[],
  request: ClaimRequest,
  session: PostgresSession,
): ClaimedProcess[] {
  return forEachLoaded(pids, session, (pid) => claimOne(pid, request, session)).filter(
    (one) => one !== undefined,
  )
}

function claimOne(pid: string, request: ClaimRequest, session: PostgresSession): ClaimedProcess | undefined {
  const row = session.get(pid)
  if (row === undefined || damageOf(row) !== undefined || !isReady(row, session.now)) return undefined
  if (row.crashes >= transitions.SUSPECT_AFTER !== request.suspects) return undefined
  if (!canRun(request, { className: row.class, version: row.version, worker: workerOf(row) }))
    return undefined
  if (request.beside !== undefined) session.clearAlone(request.beside, request.engine)
  if (row.in_step === 1) session.settleAwaits(pid)
  session.put(row, claim(row, request, session.now))
  const stored = new LoadedProcess(row, session.parts(pid))
  return claimedProcess(row, stored, session)
}

/** Gives back the processes of an engine that leaves (C12). */
export function giveBack(pids: readonly string[], engine: string, session: PostgresSession): void {
  forEachLoaded(pids, session, (pid) => {
    const row = session.get(pid)
    if (row?.owner !== engine) return
    putRow(session, row, transitions.release(row, row, contextFor(session, pid)).history)
  })
}

/** Takes back the processes of dead engines (C11). Returns their number. */
export function takeBack(pids: readonly string[], session: PostgresSession): number {
  const taken = forEachLoaded(pids, session, (pid) => {
    const row = session.get(pid)
    if (row === undefined || row.owner === null || session.alive(row.owner)) return false
    putRow(session, row, transitions.takeBack(row, contextFor(session, pid)))
    return true
  })
  return taken.filter(Boolean).length
}

/** Carries out overdue kills (C7), and ends the calls that have waited too long for others. */
export function enforce(pids: readonly string[], session: PostgresSession): void {
  forEachLoaded(pids, session, (pid) => {
    const row = session.get(pid)
    if (row === undefined) return
    const { kill_deadline: deadline } = row
    if (deadline === null || deadline > session.now) failLateCall(session, row)
    else putRow(session, row, transitions.enforceOverdue(row, session.now))
  })
}

export function drain(pid: string, engine: string, session: PostgresSession): boolean {
  const row = session.get(pid)
  if (row === undefined || !isReady(row, session.now)) return false
  drainFor(row, engine, session.now)
  session.put(row, [])
  return true
}
