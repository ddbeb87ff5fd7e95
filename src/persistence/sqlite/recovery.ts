import type { Capabilities } from '../contract/engines.ts'
import type { Recovered } from '../contract/store.ts'
import { contextFor } from '../rules/apply.ts'
import { failLateCall, putRow } from '../rules/ends.ts'
import * as transitions from '../rules/transitions.ts'
import { earliest } from '../rules/waits.ts'
import { OWNED } from './claims.ts'
import type { Connection } from './connection.ts'
import type { EngineTable } from './engine-table.ts'
import { KINDS, type ReadyIndex } from './ready-index.ts'
import type { Session } from './session.ts'
import type { Spared, UnreadableProcesses } from './unreadable-processes.ts'

const NEXT_DEADLINE =
  'SELECT kill_deadline FROM process WHERE kill_deadline IS NOT NULL ORDER BY kill_deadline LIMIT 1'
const OVERDUE_KILLS = 'SELECT pid FROM process WHERE kill_deadline IS NOT NULL AND kill_deadline <= ?'
/** The calls that wait for others with a timeout, as `lateAt` has it. */
const LATE = `process INDEXED BY process_late WHERE actor IS NOT NULL AND awaits = 'inputs' AND due_at IS NOT NULL`
const NEXT_LATE = `SELECT due_at FROM ${LATE} ORDER BY due_at LIMIT 1`
const LATE_CALLS = `SELECT pid FROM ${LATE} AND due_at <= ? ORDER BY due_at`

type Outlook = Omit<Recovered, 'processes'>

/**
 * Takes back the processes of dead engines (C11), carries out the overdue kills (C7), ends the
 * calls that have waited too long for others, and finds the processes that are ready or will be.
 */
export class Recovery {
  readonly #connection: Connection
  readonly #engines: EngineTable
  readonly #index: ReadyIndex
  readonly #unreadable: UnreadableProcesses

  constructor(
    connection: Connection,
    engines: EngineTable,
    index: ReadyIndex,
    unreadable: UnreadableProcesses,
  ) {
    this.#connection = connection
    this.#engines = engines
    this.#index = index
    this.#unreadable = unreadable
  }

  /** Whether `recover` has anything to write, and its report if not. */
  survey(
    now: number,
    runs?: Capabilities,
  ): {
    readonly dead: readonly string[]
    readonly overdue: boolean
    readonly outlook: Outlook
  } {
    const outlook = this.outlook(now, runs)
    const overdue = outlook.nextDeadline !== null && outlook.nextDeadline <= now
    return { dead: this.#engines.dead(), overdue, outlook }
  }

  outlook(now: number, runs?: Capabilities): Outlook {
    const isReady = { ready: false, suspect: false }
    let nextDue: number | null = null
    for (const kind of KINDS) {
      for (const found of this.#index.claimable(kind, runs)) {
        isReady[kind] ||= this.#index.first(kind, found, now) !== undefined
        nextDue = earliest(nextDue, this.#index.nextDue(kind, found, now) ?? null)
      }
    }
    return {
      ready: isReady.ready,
      suspects: isReady.suspect,
      nextDeadline: earliest(this.#first(NEXT_DEADLINE), this.#first(NEXT_LATE)),
      nextDue,
    }
  }

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
      if (this.#engines.isAlive(engine)) continue
      this.#unreadable.forEachReadable(this.#pids(OWNED, engine), session, spared, (row) => {
        putRow(session, row, transitions.takeBack(row, contextFor(session, row.pid)))
        processes++
      })
      this.#engines.remove(engine)
      engines.push(engine)
    }
    this.#unreadable.forEachReadable(this.#pids(OVERDUE_KILLS, now), session, spared, (row) =>
      putRow(session, row, transitions.enforceOverdue(row, now)),
    )
    this.#unreadable.forEachReadable(this.#pids(LATE_CALLS, now), session, spared, (row) =>
      failLateCall(session, row),
    )
    return { processes, engines }
  }

  #first(select: string): number | null {
    return this.#connection.sql<number>(select).pluck().get() ?? null
  }

  #pids(select: string, value: unknown): string[] {
    return this.#connection.sql<string>(select).pluck().all(value)
  }
}
