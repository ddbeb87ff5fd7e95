import { dueAt, type Row } from '../rules/row.ts'
import type { Capabilities, LoadableClass } from '../contract/engines.ts'
import { earliest } from '../rules/waits.ts'
import { Heap } from './heap.ts'
import { isRunnable, type MemoryProcess } from './memory-process.ts'

type OrderKey = Pick<Row, 'ready_at' | 'id'>

interface Sleepers {
  readonly class: string
  readonly version: number
  readonly worker: string
  readonly heap: Heap<MemoryProcess>
}

/**
 * The processes that want to run: those that are ready, the longest ready first, and those that
 * sleep.
 */
export class Schedule {
  #ready = new Set<MemoryProcess>()
  /** The last process in the order, and whether all were added in that order. */
  #last: OrderKey = { ready_at: 0, id: 0 }
  #isSorted = true
  /**
   * Sleeping processes by class, version and label, so that those that no engine can load are not
   * looked at (C9).
   */
  readonly #asleep = new Map<string, Sleepers>()

  /** The processes that want to run now, paused and parked ones included. */
  ready(now: number): Iterable<MemoryProcess> {
    this.#moveDue(now)
    if (!this.#isSorted) {
      this.#ready = new Set([...this.#ready].toSorted((a, b) => inOrder(a.row, b.row)))
      this.#isSorted = true
    }
    return this.#ready
  }

  /** The classes and versions of the sleeping processes. */
  *asleep(): Iterable<LoadableClass> {
    for (const { class: name, version, heap } of this.#asleep.values())
      if (heap.least !== undefined) yield { name, version }
  }

  /** When the next sleeping process wants to run. */
  next(now: number, runs: Capabilities | undefined): number | null {
    this.#moveDue(now)
    let next: number | null = null
    for (const { heap, ...group } of this.#asleep.values()) {
      if (isRunnable(group, runs)) next = earliest(next, heap.least?.at ?? null)
    }
    return next
  }

  /** Adds a row; `before` is the row that it replaces, if any. */
  put(saved: MemoryProcess, before: Row | undefined, now: number): void {
    this.#moveDue(now)
    const { row } = saved
    this.#group(before ?? row).heap.delete(saved)
    // A process that was ready before keeps its place.
    if (before?.ready_at !== row.ready_at) this.#ready.delete(saved)
    const at = dueAt(row, now)
    if (at !== null) this.#group(row).heap.add(saved, at)
    else if (row.ready_at !== null && row.ready_at <= now) this.#add(saved)
  }

  #moveDue(now: number): void {
    const due: { readonly item: MemoryProcess; readonly at: number }[] = []
    for (const { heap } of this.#asleep.values()) {
      for (let least = heap.least; least !== undefined && least.at <= now; least = heap.least) {
        heap.delete(least.item)
        due.push(least)
      }
    }
    for (const { item } of due.toSorted((a, b) => a.at - b.at)) this.#add(item)
  }

  #add(saved: MemoryProcess): void {
    if (this.#ready.has(saved)) return
    const { ready_at, id } = saved.row
    if (inOrder(this.#last, saved.row) > 0) this.#isSorted = false
    else this.#last = { ready_at, id }
    this.#ready.add(saved)
  }

  #group(row: Row): Sleepers {
    const key = JSON.stringify([row.class, row.version, row.worker])
    let group = this.#asleep.get(key)
    if (group === undefined) {
      group = { class: row.class, version: row.version, worker: row.worker, heap: new Heap() }
      this.#asleep.set(key, group)
    }
    return group
  }
}

/**
 * Orders the longest ready first; of those that became ready at the same time, the one that was
 * created first.
 */
function inOrder(a: OrderKey, b: OrderKey): number {
  return (a.ready_at ?? 0) - (b.ready_at ?? 0) || a.id - b.id
}
