import { lateAt, type Row } from '../rules/row.ts'
import type { CallOrder } from '../contract/writes.ts'
import type { EngineIdentity } from '../contract/engines.ts'
import type { NeedEntry } from '../rules/upstream.ts'
import { Heap } from './heap.ts'
import { MemoryGroups } from './memory-groups.ts'
import { MemoryProcess } from './memory-process.ts'
import { Schedule } from './schedule.ts'

/** The tables of a memory store, and their indexes. */
export class MemoryTables {
  readonly processes = new Map<string, MemoryProcess>()
  /** The open sessions. */
  readonly sessions = new Set<string>()
  /** The processes that have a lifetime or are retained. */
  readonly limited = new Set<MemoryProcess>()
  readonly engines = new Map<string, EngineIdentity & { readonly startedAt: number }>()
  /**
   * Saved bundles by pid and tag, as text, so that they share nothing with the caller that saved
   * them.
   */
  readonly checkpoints = new Map<string, Map<string | null, string>>()
  readonly schedule = new Schedule()
  readonly groups = new MemoryGroups()
  readonly #keys = new Map<string, MemoryProcess>()
  readonly #children = new Map<string, Set<MemoryProcess>>()
  readonly #owned = new Map<string, Set<MemoryProcess>>()
  readonly #deadlines = new Set<MemoryProcess>()
  /** The calls that wait for others with a timeout. */
  readonly late = new Heap<MemoryProcess>()
  readonly #waiters = new Map<string, Set<MemoryProcess>>()
  readonly #needing = new Map<string, Set<MemoryProcess>>()
  /** By actor, its calls that have not ended, in their order. */
  readonly #calls = new Map<string, Set<MemoryProcess>>()
  #lastProcess = 0
  #lastCommit = 0
  #lastMessage = 0

  byKey(key: string): MemoryProcess | undefined {
    return this.#keys.get(key)
  }

  children(parent: string): Iterable<MemoryProcess> {
    return this.#children.get(parent) ?? []
  }

  owners(): string[] {
    return [...this.#owned.keys()]
  }

  /** The processes of an engine, oldest first. */
  ownedBy(engine: string): MemoryProcess[] {
    return [...(this.#owned.get(engine) ?? [])].toSorted((a, b) => a.row.id - b.row.id)
  }

  /** The processes with a stored kill. */
  deadlines(): MemoryProcess[] {
    return [...this.#deadlines]
  }

  /** The calls of an actor that have not ended, in their order. */
  calls(actor: string): MemoryProcess[] {
    return [...(this.#calls.get(actor) ?? [])]
  }

  /** The calls that an actor may run, in their order. */
  *nextCalls(actor: string, order: CallOrder): Generator<MemoryProcess> {
    for (const call of this.#calls.get(actor) ?? []) {
      const { awaits } = call.row
      if (awaits === null) yield call
      else if (awaits === 'inputs' && order === 'strict') return
    }
  }

  /** Adds a new process. */
  insert(row: Row, now: number): MemoryProcess {
    row.id = ++this.#lastProcess
    const saved = new MemoryProcess(row)
    this.processes.set(row.pid, saved)
    if (row.key !== null) this.#keys.set(row.key, saved)
    this.#addChild(saved)
    this.#index(saved, undefined, now)
    return saved
  }

  put(saved: MemoryProcess, row: Row, now: number): void {
    const before = saved.row
    saved.row = row
    this.#index(saved, before, now)
  }

  /** Deletes an ended process with all that is stored of it. */
  delete(saved: MemoryProcess): void {
    const { row } = saved
    this.groups.leave(row.pid)
    this.processes.delete(row.pid)
    this.limited.delete(saved)
    this.checkpoints.delete(row.pid)
    if (row.key !== null) this.#keys.delete(row.key)
    this.#removeChild(saved)
    for (const child of Array.from(this.children(row.pid))) this.putParent(child, null)
  }

  putParent(saved: MemoryProcess, parent: string | null): void {
    this.#removeChild(saved)
    saved.row = { ...saved.row, parent }
    this.#addChild(saved)
  }

  putCheckpoint(pid: string, tag: string | null, text: string): void {
    const tags = this.checkpoints.get(pid) ?? new Map<string | null, string>()
    this.checkpoints.set(pid, tags.set(tag, text))
  }

  /** The processes that await this one, or have awaited it. */
  waiters(target: string): MemoryProcess[] {
    return [...(this.#waiters.get(target) ?? [])]
  }

  await(saved: MemoryProcess, target: string, over: boolean): void {
    saved.awaits.set(target, over)
    const waiters = this.#waiters.get(target) ?? new Set()
    this.#waiters.set(target, waiters.add(saved))
  }

  awaitNoMore(saved: MemoryProcess, target: string): void {
    saved.awaits.delete(target)
    const waiters = this.#waiters.get(target)
    waiters?.delete(saved)
    if (waiters?.size === 0) this.#waiters.delete(target)
  }

  /** The processes that need this one. */
  needing(target: string): MemoryProcess[] {
    return [...(this.#needing.get(target) ?? [])]
  }

  addNeeds(saved: MemoryProcess, needs: readonly NeedEntry[]): void {
    const of = new Map<string, (Omit<NeedEntry, 'over'> & { over: boolean })[]>()
    for (const need of needs) {
      const known = of.get(need.pid)
      if (known === undefined) of.set(need.pid, [{ ...need }])
      else known.push({ ...need })
      const needing = this.#needing.get(need.pid) ?? new Set()
      this.#needing.set(need.pid, needing.add(saved))
    }
    const left = needs.filter(({ over }) => !over)
    saved.needs = { of, left: { all: left.length, any: left.filter(({ any }) => any).length } }
  }

  dropNeeds(saved: MemoryProcess): void {
    for (const target of saved.needs?.of.keys() ?? []) {
      const needing = this.#needing.get(target)
      needing?.delete(saved)
      if (needing?.size === 0) this.#needing.delete(target)
    }
    saved.needs = undefined
  }

  /** The number of the next commit that adds to histories. */
  nextCommit(): number {
    return ++this.#lastCommit
  }

  nextMessageId(): number {
    return ++this.#lastMessage
  }

  #addChild(saved: MemoryProcess): void {
    const { parent } = saved.row
    if (parent === null) return
    const children = this.#children.get(parent) ?? new Set()
    this.#children.set(parent, children.add(saved))
  }

  #removeChild(saved: MemoryProcess): void {
    const { parent } = saved.row
    if (parent === null) return
    const children = this.#children.get(parent)
    children?.delete(saved)
    if (children?.size === 0) this.#children.delete(parent)
  }

  #index(saved: MemoryProcess, before: Row | undefined, now: number): void {
    const { row } = saved
    this.schedule.put(saved, before, now)
    if (before !== undefined && before.owner !== null && before.owner !== row.owner) {
      const owned = this.#owned.get(before.owner)
      owned?.delete(saved)
      if (owned?.size === 0) this.#owned.delete(before.owner)
    }
    if (row.owner !== null) {
      const owned = this.#owned.get(row.owner) ?? new Set()
      this.#owned.set(row.owner, owned.add(saved))
    }
    if (row.actor !== null) {
      this.#indexCall(row.actor, saved)
      const late = lateAt(row)
      if (late === null) this.late.delete(saved)
      else this.late.add(saved, late)
    }
    if (row.kill_deadline === null) this.#deadlines.delete(saved)
    else this.#deadlines.add(saved)
  }

  #indexCall(actor: string, saved: MemoryProcess): void {
    const calls = this.#calls.get(actor) ?? new Set()
    if (saved.row.ended_at === null) this.#calls.set(actor, calls.add(saved))
    else {
      calls.delete(saved)
      if (calls.size === 0) this.#calls.delete(actor)
    }
  }
}
