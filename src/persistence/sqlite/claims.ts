import { IncompatibleBundle } from '../../shared/errors.ts'
import type { LoadableClass } from '../contract/engines.ts'
import type { ClaimedProcess, ClaimRequest } from '../contract/store.ts'
import { contextFor } from '../rules/apply.ts'
import { claim, claimedProcess } from '../rules/claim.ts'
import { putRow } from '../rules/ends.ts'
import { damageOf } from '../rules/row.ts'
import { LoadedProcess } from '../rules/stored-process.ts'
import * as transitions from '../rules/transitions.ts'
import type { Connection } from './connection.ts'
import type { ProcessTable } from './process-table.ts'
import { isBefore, KINDS, type Candidate, type ReadyIndex } from './ready-index.ts'
import type { Session } from './session.ts'
import { alone, type Spared, type UnreadableProcesses } from './unreadable-processes.ts'

export const OWNED = 'SELECT pid FROM process WHERE owner = ? ORDER BY id'
const CLAIM = `UPDATE process SET owner = ?, runner = ?, fence = fence + 1, ready_at = NULL, alone = ?, records = 0 WHERE pid = ?`

/** Claims ready processes for an engine, and gives them back. */
export class Claims {
  readonly #connection: Connection
  readonly #processes: ProcessTable
  readonly #index: ReadyIndex
  readonly #unreadable: UnreadableProcesses

  constructor(
    connection: Connection,
    processes: ProcessTable,
    index: ReadyIndex,
    unreadable: UnreadableProcesses,
  ) {
    this.#connection = connection
    this.#processes = processes
    this.#index = index
    this.#unreadable = unreadable
  }

  /** The pids to claim over all classes, the longest ready first. */
  candidates({ suspects, limit, ...runs }: Omit<ClaimRequest, 'engine'>, now: number): string[] {
    const kind = suspects ? 'suspect' : 'ready'
    const found: Candidate[] = []
    for (const one of this.#index.claimable(kind, runs))
      found.push(...this.#index.candidates(kind, one, now, limit + this.#unreadable.size))
    found.sort((a, b) => (isBefore(a, b) ? -1 : 1))
    return found
      .filter(({ pid }) => !this.#unreadable.has(pid))
      .slice(0, limit)
      .map(({ pid }) => pid)
  }

  /** The classes and versions of which a process wants to run. */
  wanted(): LoadableClass[] {
    const found = KINDS.flatMap((kind) => [...this.#index.claimable(kind, undefined)])
    return [...new Map(found.map(({ name, version }) => [`${version} ${name}`, { name, version }])).values()]
  }

  /** Claims ready processes, except those that were found to be unreadable. */
  claim(request: ClaimRequest, session: Session, spared: Spared): ClaimedProcess[] {
    const claimed: ClaimedProcess[] = []
    for (const pid of this.candidates(request, session.now))
      alone(pid, spared, () => claimed.push(this.#claim(pid, request, session)))
    return claimed
  }

  #claim(pid: string, request: ClaimRequest, session: Session): ClaimedProcess {
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
    const stored = new LoadedProcess(row, this.#processes.parts(row))
    return claimedProcess(row, stored, session)
  }

  /** Gives back the processes of an engine that leaves (C12). */
  giveBack(engine: string, session: Session, spared: Spared): void {
    const owned = this.#connection.sql<string>(OWNED).pluck().all(engine)
    this.#unreadable.forEachReadable(owned, session, spared, (row) => {
      const { history } = transitions.release(row, row, contextFor(session, row.pid))
      putRow(session, row, history)
    })
  }
}
