import type { Row } from '../row.ts'
import * as rules from '../rules.ts'
import type { ClaimedProcess, ClaimRequest, LoadableClass, Recovered } from '../store.ts'
import { Stored } from '../stored-process.ts'
import type { Connection } from './connection.ts'
import type { Engines } from './engines.ts'
import { type ProcessTable, SELECT_ROW } from './process-table.ts'
import type { Recorder } from './recorder.ts'
import type { Writer } from './writer.ts'

/*
 * Who runs what. What an engine can't load is never looked at (C9): the index of what is ready leads from class to class and
 * version to version, so that a million processes of an unknown class cost nothing.
 */

const UNOWNED = 'ready_at IS NOT NULL AND owner IS NULL AND paused = 0 AND parked IS NULL'
const READY = `${UNOWNED} AND crashes < 2`
const SUSPECT = `${UNOWNED} AND crashes >= 2`

/** The next version of a class of which something is ready; and what is, the longest ready first. */
const NEXT_VERSION = {
  ready: nextVersion(READY),
  suspect: nextVersion(SUSPECT),
}
const CANDIDATES = {
  ready: candidates(READY),
  suspect: candidates(SUSPECT),
}
const ANY_SUSPECT = `SELECT 1 FROM process WHERE ${SUSPECT} LIMIT 1`
const NEXT_DEADLINE =
  'SELECT kill_deadline FROM process WHERE kill_deadline IS NOT NULL ORDER BY kill_deadline LIMIT 1'
const DUE_KILLS = `${SELECT_ROW} WHERE kill_deadline IS NOT NULL AND kill_deadline <= ?`

const CLAIM = `UPDATE process SET owner = ?, runner = ?, fence = fence + 1, ready_at = NULL, alone = ? WHERE pid = ?`

const NOT_ALONE = `UPDATE process SET alone = 0 WHERE pid = ?`

function nextVersion(condition: string): string {
  return `SELECT version FROM process WHERE class = ? AND version > ? AND version <= ? AND ${condition} ORDER BY version LIMIT 1`
}

function candidates(condition: string): string {
  return `SELECT pid, ready_at FROM process WHERE class = ? AND version = ? AND ready_at <= ? AND ${condition} ORDER BY ready_at LIMIT ?`
}

type Outlook = Omit<Recovered, 'processes'>

interface Candidate {
  readonly pid: string
  readonly ready_at: number
}

export class Claiming {
  readonly #connection: Connection
  readonly #processes: ProcessTable
  readonly #engines: Engines
  readonly #writer: Writer

  constructor(connection: Connection, processes: ProcessTable, engines: Engines, writer: Writer) {
    this.#connection = connection
    this.#processes = processes
    this.#engines = engines
    this.#writer = writer
  }

  /** The pids to claim, the longest ready first. */
  candidates({ classes, suspects, limit }: Omit<ClaimRequest, 'engine'>, now: number): string[] {
    const kind = suspects ? 'suspect' : 'ready'
    const found: Candidate[] = []
    for (const { name, version: newest } of classes) {
      const next = this.#connection.sql<number>(NEXT_VERSION[kind]).pluck()
      for (
        let version = next.get(name, -1, newest);
        version !== undefined;
        version = next.get(name, version, newest)
      ) {
        found.push(...this.#connection.sql<Candidate>(CANDIDATES[kind]).all(name, version, now, limit))
      }
    }
    found.sort((a, b) => a.ready_at - b.ready_at)
    return found.slice(0, limit).map(({ pid }) => pid)
  }

  claim(pid: string, request: ClaimRequest, recorder: Recorder, now: number): ClaimedProcess {
    if (request.beside !== undefined) this.#connection.sql(NOT_ALONE).run(request.beside)
    this.#connection.sql(CLAIM).run(request.engine, request.engine, Number(request.suspects), pid)
    const row = this.#processes.get(pid) as Row
    if (row.crashes > 0) recorder.addAll(row, now, [{ name: 'recovered', data: null, by: request.engine }])
    const stored = new Stored(row, this.#processes.parts(pid))
    const wake = row.state === 'waiting' ? this.#processes.oldestWake(pid) : undefined
    return {
      row: stored.row,
      bundle: () => stored.bundle(),
      fence: row.fence,
      wake: wake === undefined ? null : { id: wake.id, by: 'resume', value: wake.value },
      played: row.played === 1,
    }
  }

  /** Gives back what a leaving engine holds (C12). */
  giveBack(engine: string, recorder: Recorder, now: number): void {
    for (const row of this.#processes.ownedBy(engine)) {
      const { history } = rules.release(row, row, this.#processes.facts(row.pid, now))
      this.#writer.put(row, history, recorder, now)
    }
  }

  /** Whether a look by `recover` would find anything to write, and what it tells if not. */
  survey(
    now: number,
    classes?: readonly LoadableClass[],
  ): {
    readonly dead: readonly string[]
    readonly due: boolean
    readonly outlook: Outlook
  } {
    const outlook = this.outlook(now, classes)
    const due = outlook.nextDeadline !== null && outlook.nextDeadline <= now
    return { dead: this.#engines.dead(now), due, outlook }
  }

  outlook(now: number, classes?: readonly LoadableClass[]): Outlook {
    const suspects =
      classes === undefined
        ? this.#connection.sql(ANY_SUSPECT).get() !== undefined
        : this.candidates({ classes, suspects: true, limit: 1 }, now).length > 0
    return {
      suspects,
      nextDeadline: this.#connection.sql<number>(NEXT_DEADLINE).pluck().get() ?? null,
    }
  }

  /** Takes back what those engines held (C11), and does the kills that are due (C7). */
  recover(
    dead: readonly string[],
    recorder: Recorder,
    now: number,
  ): { readonly processes: number; readonly engines: readonly string[] } {
    const engines: string[] = []
    let processes = 0
    for (const engine of dead) {
      // It may have come back to life since the look: a frozen one that beats again.
      if (this.#engines.isAlive(engine, now)) continue
      for (const row of this.#processes.ownedBy(engine)) {
        const history = rules.crashed(row, this.#processes.facts(row.pid, now))
        this.#writer.put(row, history, recorder, now)
        processes++
      }
      this.#engines.remove(engine)
      engines.push(engine)
    }
    for (const row of this.#connection.sql<Row>(DUE_KILLS).all(now)) {
      const history = rules.killDue(row, now)
      this.#writer.put(row, history, recorder, now)
    }
    return { processes, engines }
  }
}
