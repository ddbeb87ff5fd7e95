import { factsOf, store } from '../applying.ts'
import { claim, wakeUp } from '../claiming.ts'
import { isReady } from '../row.ts'
import * as rules from '../rules.ts'
import type { ClaimedProcess, ClaimRequest, LoadableClass, Recovered } from '../store.ts'
import type { MemorySession } from './memory-session.ts'
import type { MemoryTables } from './memory-tables.ts'
import { isLoadable, type Saved } from './saved.ts'

/** Who runs what: claims, and how they end without a write of the one who holds them. */
export class MemoryClaiming {
  readonly #tables: MemoryTables

  constructor(tables: MemoryTables) {
    this.#tables = tables
  }

  claim(request: ClaimRequest, session: MemorySession): ClaimedProcess[] {
    const can = new Map(request.classes.map(({ name, version }) => [name, version]))
    const found: Saved[] = []
    for (const saved of this.#tables.schedule.ready(session.now)) {
      const { row } = saved
      const suspect = row.crashes >= rules.SUSPECT_AFTER
      if (!isReady(row, session.now) || suspect !== request.suspects) continue
      if ((can.get(row.class) ?? Number.NEGATIVE_INFINITY) >= row.version) found.push(saved)
      // They come in their order.
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

  /** Gives back what a leaving engine still holds (C12). */
  giveBack(engine: string, session: MemorySession): void {
    for (const { row: held } of this.#tables.ownedBy(engine)) {
      const row = { ...held }
      store(session, row, rules.release(row, row, factsOf(session, row.pid)).history)
    }
  }

  recover(session: MemorySession, classes?: readonly LoadableClass[]): Recovered {
    const { engines, schedule } = this.#tables
    const { now } = session
    let processes = 0
    for (const engine of this.#tables.owners().filter((owner) => !engines.has(owner))) {
      for (const { row: held } of this.#tables.ownedBy(engine)) {
        const row = { ...held }
        store(session, row, rules.crashed(row, factsOf(session, row.pid)))
        processes++
      }
    }
    let nextDeadline: number | null = null
    for (const { row: asked } of this.#tables.deadlines()) {
      const { kill_deadline: deadline } = asked
      if (deadline === null) continue
      if (deadline > now) {
        nextDeadline = Math.min(nextDeadline ?? deadline, deadline)
        continue
      }
      const row = { ...asked }
      store(session, row, rules.killDue(row, now))
    }
    const found = { ready: false, suspects: false }
    for (const { row } of schedule.ready(now)) {
      const kind = row.crashes >= rules.SUSPECT_AFTER ? 'suspects' : 'ready'
      found[kind] ||= isReady(row, now) && isLoadable(row, classes)
      if (found.ready && found.suspects) break
    }
    return { processes, ...found, nextDeadline, nextDue: schedule.next(now, classes) }
  }

  #one(saved: Saved, request: ClaimRequest, session: MemorySession): ClaimedProcess {
    const beside = request.beside === undefined ? undefined : this.#tables.processes.get(request.beside)
    if (beside !== undefined) beside.row = { ...beside.row, alone: 0 }
    const row = { ...saved.row }
    if (row.in_step === 1) session.dropAwaits(row.pid)
    session.put(row, claim(row, request, session.now))
    const stored = saved.stored()
    return {
      row: stored.row,
      bundle: () => stored.bundle(),
      fence: row.fence,
      wake: wakeUp(row, session.now, {
        message: (signal) => session.message(row.pid, signal),
        isAwaiting: () => session.isAwaiting(row.pid),
      }),
      played: row.played === 1,
    }
  }
}
