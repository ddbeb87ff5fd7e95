import { isReady, newRow, type Row } from '../row.ts'
import { isKeptAfterSuccess, tooLarge } from '../parts.ts'
import * as rules from '../rules.ts'
import type {
  Change,
  ClaimedProcess,
  ClaimRequest,
  Create,
  EngineIdentity,
  HistoryRow,
  LoadableClass,
  Outcome,
  Prune,
  Recovered,
  Write,
} from '../store.ts'
import { Stored } from '../stored-process.ts'
import { changeOf, createdBefore, mayCreate } from '../creating.ts'

interface Wakeup {
  readonly id: number
  readonly sender: string
  readonly value: string
}

/** One process: its row, its parts, its kept wake-ups and its history. */
export class Saved {
  row: Row
  readonly parts = new Map<string, string>()
  wakes: Wakeup[] = []
  readonly history: HistoryRow[] = []

  constructor(row: Row) {
    this.row = row
  }

  stored(): Stored {
    return new Stored(this.row, Object.fromEntries(this.parts))
  }
}

/** The tables of a memory store, and what writes do to them. */
export class MemoryTables {
  readonly processes = new Map<string, Saved>()
  readonly engines = new Map<string, EngineIdentity & { readonly startedAt: number }>()
  readonly #keys = new Map<string, string>()
  /** What wants to run, in the order in which it became ready. */
  readonly #ready = new Set<Saved>()
  readonly #owned = new Map<string, Set<Saved>>()
  readonly #deadlines = new Set<Saved>()
  #lastHistory = 0
  #lastWake = 0

  ready(): Iterable<Saved> {
    return this.#ready
  }

  /** `fresh` has the pids that this batch created. */
  apply(write: Write, now: number, fresh: Set<string>, changes: Change[]): Outcome {
    const problem = tooLarge(write)
    if (problem !== undefined) return { status: 'refused', error: problem }
    if (write.kind === 'create') return this.#create(write, now, fresh, changes)
    const saved = this.processes.get(write.pid)
    if (saved === undefined) return { status: 'missing' }
    if (write.kind === 'prune') return this.#prune(saved)
    const row = { ...saved.row }
    const facts: rules.Facts = {
      now,
      alive: (engine) => this.engines.has(engine),
      hasWake: () => saved.wakes.some(({ id }) => write.kind !== 'advance' || id !== write.consumes),
    }
    const ruling = this.#rule(saved, row, write, facts)
    if (ruling.row === undefined) return ruling.outcome
    if (write.kind === 'advance') {
      for (const [name, text] of Object.entries(write.parts))
        if (name !== 'state') saved.parts.set(name, text)
      for (const name of write.dropped) saved.parts.delete(name)
      if (write.consumes !== null) {
        ruling.row.last_wake = saved.wakes.find(({ id }) => id === write.consumes)?.sender ?? row.last_wake
        saved.wakes = saved.wakes.filter(({ id }) => id !== write.consumes)
      }
      if (write.ending?.dropCheckpoint === true) {
        for (const name of saved.parts.keys()) if (!isKeptAfterSuccess(name)) saved.parts.delete(name)
      }
    } else if (write.kind === 'resume') {
      saved.wakes.push({ id: ++this.#lastWake, sender: write.id, value: write.value })
    }
    this.#put(saved, ruling.row, ruling.history, now, changes)
    return ruling.outcome
  }

  claim(saved: Saved, request: ClaimRequest, now: number, changes: Change[]): ClaimedProcess {
    const beside = request.beside === undefined ? undefined : this.processes.get(request.beside)
    if (beside !== undefined) beside.row = { ...beside.row, alone: 0 }
    const row: Row = {
      ...saved.row,
      owner: request.engine,
      runner: request.engine,
      fence: saved.row.fence + 1,
      ready_at: null,
      alone: Number(request.suspects),
    }
    const history = row.crashes > 0 ? [{ name: 'recovered', data: null, by: request.engine }] : []
    this.#put(saved, row, history, now, changes)
    const wake = saved.row.state === 'waiting' ? saved.wakes[0] : undefined
    const stored = saved.stored()
    return {
      row: stored.row,
      bundle: () => stored.bundle(),
      fence: row.fence,
      wake: wake === undefined ? null : { id: wake.id, by: 'resume', value: wake.value },
      played: row.played === 1,
    }
  }

  /** Gives back what a leaving engine still holds (C12). */
  giveBack(engine: string, now: number, changes: Change[]): void {
    for (const saved of Array.from(this.#owned.get(engine) ?? [])) {
      const row = { ...saved.row }
      const { history } = rules.release(row, row, this.#facts(saved, now))
      this.#put(saved, row, history, now, changes)
    }
  }

  recover(now: number, changes: Change[], classes?: readonly LoadableClass[]): Recovered {
    let processes = 0
    for (const engine of Array.from(this.#owned.keys())) {
      if (this.engines.has(engine)) continue
      for (const saved of Array.from(this.#owned.get(engine) ?? [])) {
        const row = { ...saved.row }
        const history = rules.crashed(row, this.#facts(saved, now))
        this.#put(saved, row, history, now, changes)
        processes++
      }
    }
    let nextDeadline: number | null = null
    for (const saved of Array.from(this.#deadlines)) {
      const { kill_deadline: deadline } = saved.row
      if (deadline === null) continue
      if (deadline > now) {
        nextDeadline = Math.min(nextDeadline ?? deadline, deadline)
        continue
      }
      const row = { ...saved.row }
      const history = rules.killDue(row, now)
      this.#put(saved, row, history, now, changes)
    }
    const suspects = [...this.#ready].some(
      ({ row }) => row.crashes >= rules.SUSPECT_AFTER && isReady(row, now) && isLoadable(row, classes),
    )
    return { processes, suspects, nextDeadline }
  }

  #rule(saved: Saved, row: Row, write: Exclude<Write, Create | Prune>, facts: rules.Facts): rules.Ruling {
    switch (write.kind) {
      case 'advance':
        return rules.advance(row, write, facts)
      case 'request':
        return rules.request(row, write, facts)
      case 'resume':
        return rules.resume(
          row,
          write,
          saved.wakes.some(({ sender }) => sender === write.id),
          facts,
        )
      case 'release':
        return rules.release(row, write, facts)
      case 'park':
        return rules.park(row, write, facts)
      case 'enforce':
        break
    }
    return rules.enforce(row, write, facts)
  }

  #prune(saved: Saved): Outcome {
    const outcome = rules.prune(saved.row)
    if (outcome.status !== 'done') return outcome
    this.processes.delete(saved.row.pid)
    if (saved.row.key !== null) this.#keys.delete(saved.row.key)
    return outcome
  }

  #create(write: Create, now: number, fresh: Set<string>, changes: Change[]): Outcome {
    const keyed = write.key === null ? undefined : this.#keys.get(write.key)
    const existing =
      this.processes.get(write.pid) ?? (keyed === undefined ? undefined : this.processes.get(keyed))
    if (existing !== undefined) {
      const inputs = existing.parts.get('inputs')
      return createdBefore(existing.row, inputs, write, fresh.has(existing.row.pid))
    }
    const parent = write.parent === null ? null : this.processes.get(write.parent)?.row
    const refusal = mayCreate(write, parent)
    if (refusal !== undefined) return refusal
    const saved = new Saved(newRow(write, now))
    for (const [name, text] of Object.entries(write.parts)) {
      if (name === 'state' || (write.ending?.dropCheckpoint === true && !isKeptAfterSuccess(name))) continue
      saved.parts.set(name, text)
    }
    this.processes.set(write.pid, saved)
    if (write.key !== null) this.#keys.set(write.key, write.pid)
    fresh.add(write.pid)
    this.#put(
      saved,
      saved.row,
      write.history.map((entry) => ({ ...entry, by: write.claim })),
      now,
      changes,
    )
    return { status: 'done', pid: write.pid, existed: false }
  }

  #facts(saved: Saved, now: number): rules.Facts {
    return { now, alive: (engine) => this.engines.has(engine), hasWake: () => saved.wakes.length > 0 }
  }

  #put(saved: Saved, row: Row, history: readonly rules.Entry[], now: number, changes: Change[]): void {
    const before = saved.row
    saved.row = row
    if (row.ended_at !== null) saved.wakes = []
    if (before.ready_at !== row.ready_at || before === row) {
      this.#ready.delete(saved)
      if (row.ready_at !== null) this.#ready.add(saved)
    }
    if (before.owner !== null && before.owner !== row.owner) {
      const owned = this.#owned.get(before.owner)
      owned?.delete(saved)
      if (owned?.size === 0) this.#owned.delete(before.owner)
    }
    if (row.owner !== null) {
      const owned = this.#owned.get(row.owner) ?? new Set()
      this.#owned.set(row.owner, owned.add(saved))
    }
    if (row.kill_deadline === null) this.#deadlines.delete(saved)
    else this.#deadlines.add(saved)
    for (const { name, data, by } of history) {
      saved.history.push({ id: ++this.#lastHistory, pid: row.pid, seq: row.seq, at: now, name, data, by })
      changes.push(changeOf(row, name, data, now))
    }
  }
}

function isLoadable({ class: name, version }: Row, classes: readonly LoadableClass[] | undefined): boolean {
  return classes === undefined || classes.some((can) => can.name === name && can.version >= version)
}
