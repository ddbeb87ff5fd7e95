import { contextFor } from '../rules/apply.ts'
import { claim, claimedProcess } from '../rules/claim.ts'
import { RUNS_ALONE, drainFor, drainingEngine, mustDrain } from '../rules/drain.ts'
import { failLateCall, putRow } from '../rules/ends.ts'
import { isReady } from '../rules/row.ts'
import * as transitions from '../rules/transitions.ts'
import { earliest } from '../rules/waits.ts'
import type { Capabilities, EngineSuspect, LoadableClass } from '../contract/engines.ts'
import type { ClaimedProcess, ClaimRequest, Recovered } from '../contract/store.ts'
import type { MemorySession } from './memory-session.ts'
import type { MemoryTables } from './memory-tables.ts'
import { isRunnable, type MemoryProcess } from './memory-process.ts'

/** Makes claims, and ends claims without a write of their owner. */
export class MemoryClaims {
  readonly #tables: MemoryTables

  constructor(tables: MemoryTables) {
    this.#tables = tables
  }

  claim(request: ClaimRequest, session: MemorySession): ClaimedProcess[] {
    const can = new Map(request.classes.map(({ name, version }) => [name, version]))
    const found: MemoryProcess[] = []
    for (const saved of this.#tables.schedule.ready(session.now)) {
      const { row } = saved
      const suspect = row.crashes >= transitions.SUSPECT_AFTER
      if (!isReady(row, session.now) || suspect !== request.suspects) continue
      if (row.worker !== '' && request.labels?.includes(row.worker) !== true) continue
      if ((can.get(row.class) ?? Number.NEGATIVE_INFINITY) >= row.version) found.push(saved)
      // The schedule yields them in their order.
      if (found.length === request.limit) break
    }
    return found.map((saved) => this.#one(saved, request, session))
  }

  wanted(now: number): LoadableClass[] {
    const found = new Map<string, LoadableClass>()
    const add = (one: LoadableClass): void => void found.set(`${one.version} ${one.name}`, one)
    for (const { row } of this.#tables.schedule.ready(now))
      if (isReady(row, now)) add({ name: row.class, version: row.version })
    for (const one of this.#tables.schedule.asleep()) add(one)
    return [...found.values()]
  }

  /** Whether the engine must drain for a suspect. Stores that choice. */
  drain(
    { engine, ...runs }: Pick<ClaimRequest, 'engine' | 'classes' | 'labels'>,
    session: MemorySession,
  ): boolean {
    const { now } = session
    const suspects = this.#readySuspects(now).filter(({ row }) => isRunnable(row, runs))
    /**
     * A suspect whose engine died while it drained, otherwise the suspect that has waited longest.
     */
    let chosen = suspects.find((saved) => mustDrain(saved.row, now))
    for (const saved of suspects) {
      const drainer = drainingEngine(saved.row, now)
      if (drainer === engine) return true
      if (drainer === undefined) continue
      if (this.#tables.engines.has(drainer)) return false
      chosen = saved
    }
    if (chosen === undefined) return false
    const row = { ...chosen.row }
    drainFor(row, engine, now)
    session.put(row, [])
    return true
  }

  /** By engine, the suspect that it runs alone or drains for. */
  suspects(now: number): ReadonlyMap<string, EngineSuspect> {
    const found = new Map<string, EngineSuspect>()
    for (const { row } of this.#readySuspects(now)) {
      const engine = drainingEngine(row, now)
      if (engine !== undefined) found.set(engine, { pid: row.pid, className: row.class, runs: false })
    }
    for (const engine of this.#tables.owners())
      for (const { row } of this.#tables.ownedBy(engine))
        if (row.alone === RUNS_ALONE) found.set(engine, { pid: row.pid, className: row.class, runs: true })
    return found
  }

  #readySuspects(now: number): MemoryProcess[] {
    return [...this.#tables.schedule.ready(now)].filter(
      ({ row }) => row.crashes >= transitions.SUSPECT_AFTER && isReady(row, now),
    )
  }

  /** Gives back the processes of an engine that leaves (C12). */
  giveBack(engine: string, session: MemorySession): void {
    for (const { row: held } of this.#tables.ownedBy(engine)) {
      const row = { ...held }
      putRow(session, row, transitions.release(row, row, contextFor(session, row.pid)).history)
    }
  }

  recover(session: MemorySession, runs?: Capabilities): Recovered {
    const { engines, schedule } = this.#tables
    const { now } = session
    let processes = 0
    for (const engine of this.#tables.owners().filter((owner) => !engines.has(owner))) {
      for (const { row: held } of this.#tables.ownedBy(engine)) {
        const row = { ...held }
        putRow(session, row, transitions.takeBack(row, contextFor(session, row.pid)))
        processes++
      }
    }
    let nextDeadline: number | null = null
    for (const { row: asked } of this.#tables.deadlines()) {
      const { kill_deadline: deadline } = asked
      if (deadline === null) continue
      if (deadline > now) {
        nextDeadline = earliest(nextDeadline, deadline)
        continue
      }
      const row = { ...asked }
      putRow(session, row, transitions.enforceOverdue(row, now))
    }
    const { late } = this.#tables
    for (let least = late.least; least !== undefined && least.at <= now; least = late.least)
      failLateCall(session, { ...least.item.row })
    nextDeadline = earliest(nextDeadline, late.least?.at ?? null)
    const found = { ready: false, suspects: false }
    for (const { row } of schedule.ready(now)) {
      const kind = row.crashes >= transitions.SUSPECT_AFTER ? 'suspects' : 'ready'
      found[kind] ||= isReady(row, now) && isRunnable(row, runs)
      if (found.ready && found.suspects) break
    }
    return { processes, ...found, nextDeadline, nextDue: schedule.next(now, runs) }
  }

  #one(saved: MemoryProcess, request: ClaimRequest, session: MemorySession): ClaimedProcess {
    if (request.beside !== undefined) session.clearAlone(request.beside, request.engine)
    const row = { ...saved.row }
    if (row.in_step === 1) session.settleAwaits(row.pid)
    session.put(row, claim(row, request, session.now))
    const stored = saved.stored()
    return claimedProcess(row, stored, session)
  }
}
