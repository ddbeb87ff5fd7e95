import type { EngineSuspect } from '../contract/engines.ts'
import type { ClaimRequest } from '../contract/store.ts'
import { DRAINED_FOR, drainFor, drainingEngine, mustDrain, RUNS_ALONE } from '../rules/drain.ts'
import { SUSPECT } from '../rules/filter-sql.ts'
import type { BriefRow } from '../rules/row.ts'
import type { Connection } from './connection.ts'
import { isBefore, type Candidate, type ReadyIndex } from './ready-index.ts'
import type { SqliteTables } from './sqlite-tables.ts'

/**
 * The suspects of a class, version and label for which an engine drains; `ready_at` is the time at which
 * draining began.
 */
const DRAINED = `SELECT pid, runner, alone, ready_at FROM process WHERE class = ? AND version = ? AND worker = ? AND ready_at <= ? AND ${SUSPECT} AND alone = ${DRAINED_FOR}`
const DRAIN = 'UPDATE process SET alone = ?, runner = ?, ready_at = ? WHERE pid = ?'
/** The suspects that engines run alone, and those for which they drain. */
const RUN_ALONE = `SELECT pid, class, owner AS engine FROM process WHERE owner IS NOT NULL AND alone = ${RUNS_ALONE}`
const ALL_DRAINED = `SELECT pid, class, runner AS engine, runner, alone, ready_at FROM process WHERE ${SUSPECT} AND alone = ${DRAINED_FOR}`

type Drained = Pick<BriefRow, 'pid' | 'runner' | 'alone' | 'ready_at'>

interface EngineSuspectRow {
  readonly engine: string
  readonly pid: string
  readonly class: string
}

/** The suspects, and the engines that run one alone or drain for one (C11). */
export class Suspects {
  readonly #connection: Connection
  readonly #tables: SqliteTables
  readonly #index: ReadyIndex

  constructor(connection: Connection, tables: SqliteTables, index: ReadyIndex) {
    this.#connection = connection
    this.#tables = tables
    this.#index = index
  }

  /**
   * Whether the engine must drain for a suspect, if that is decided already. Otherwise the pid
   * of the suspect for which it must drain, which the caller stores.
   */
  draining(
    { engine, ...runs }: Pick<ClaimRequest, 'engine' | 'classes' | 'labels'>,
    now: number,
  ): boolean | string {
    let first: Candidate | undefined
    /** A suspect whose engine died while it drained. */
    let left: string | undefined
    for (const found of this.#index.claimable('suspect', runs)) {
      for (const row of this.#connection
        .sql<Drained>(DRAINED)
        .all(found.name, found.version, found.worker, now)) {
        const drainer = drainingEngine(row, now)
        if (drainer === engine) return true
        if (drainer === undefined) continue
        if (this.#tables.engines.isAlive(drainer)) return false
        left = row.pid
      }
      const next = this.#index.first('suspect', found, now)
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
  byEngine(now: number): ReadonlyMap<string, EngineSuspect> {
    const alone = this.#connection.sql<EngineSuspectRow>(RUN_ALONE).all()
    const drained = this.#connection.sql<EngineSuspectRow & Drained>(ALL_DRAINED).all()
    return new Map<string, EngineSuspect>([
      ...drained
        .filter((row) => drainingEngine(row, now) !== undefined)
        .map(({ engine, pid, class: className }) => [engine, { pid, className, runs: false }] as const),
      ...alone.map(({ engine, pid, class: className }) => [engine, { pid, className, runs: true }] as const),
    ])
  }
}
