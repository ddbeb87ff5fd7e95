import type { Hosted } from '../process/host/process-object.ts'
import type { Create } from '../persistence/contract/writes.ts'

/** The most launches in a queue, and the most characters that their saved parts have together. */
const MAX_ENTRIES = 100_000
const MAX_CHARACTERS = 16 * 2 ** 20
/**
 * The length of a queue at which members of groups are left to the store. A member in the queue
 * takes 500 bytes, but a group of 100,000 must take less than 200 for each.
 */
const MAX_MEMBERS = 20_000
/** The most objects of processes in a queue. They take ten times the memory of their saved form. */
const MAX_OBJECTS = 1_000
/** How many entries at the front may be empty before the queue is compacted. */
const LONGEST_GAP = 1_000

/** The data that the engine needs to begin a launch. The whole write takes twice the memory. */
type Begun = Pick<
  Create,
  'pid' | 'className' | 'version' | 'createdAt' | 'deadline' | 'seq' | 'step' | 'parts'
>

/** A launch that waits for a slot. */
export interface QueuedLaunch extends Begun {
  /** The process that was constructed for the launch; undefined if it must be recreated from `parts`. */
  readonly process: Hosted | undefined
}

interface Entry extends QueuedLaunch {
  readonly characters: number
  /** Whether the launch is durable, so that it may start. */
  durable: boolean
}

/**
 * Processes that were launched here while no slot was free, in the order of the launches. The
 * engine starts them without a read of the store: the first ones as the launched objects, the others
 * from their saved form.
 *
 * The queue is only a cache (C1): its rows are ready for any engine. A process that another engine
 * has claimed, or that has received a request, leaves the queue. If the queue is full, a launch is
 * only stored. The engine claims it later, like any other process.
 */
export class LaunchQueue {
  readonly #entries = new Map<string, Entry>()
  /**
   * The entries in the order of the launches, from `#front` on. One that has left the queue stays
   * in the list until it comes to the front. A map alone would be slow to find its first entry after
   * many were deleted.
   */
  #order: (Entry | undefined)[] = []
  #front = 0
  #characters = 0
  #objects = 0
  /**
   * Whether a launch did not fit. Later launches are not added either, since they would start
   * before it.
   */
  #full = false

  get isEmpty(): boolean {
    return this.#entries.size === 0
  }

  has(pid: string): boolean {
    return this.#entries.has(pid)
  }

  /** Whether the queue has this launch and the launch is durable. */
  isDurable(pid: string): boolean {
    return this.#entries.get(pid)?.durable === true
  }

  /** Adds a launch that is being made durable. Returns false if it does not fit. */
  add(process: Hosted, create: Create): boolean {
    let characters = 0
    for (const name in create.parts) characters += (create.parts[name] as string).length
    const isKept = this.#objects < MAX_OBJECTS
    const most = create.group === undefined ? MAX_ENTRIES : MAX_MEMBERS
    const fits = this.#entries.size < most && this.#characters + characters <= MAX_CHARACTERS
    this.#full = !fits || (this.#full && !this.isEmpty)
    if (this.#full || this.has(create.pid)) return false
    if (isKept) this.#objects++
    const { pid, className, version, createdAt, deadline = null, seq, step, parts } = create
    const entry: Entry = {
      pid,
      className,
      version,
      createdAt,
      deadline,
      seq,
      step,
      parts,
      process: isKept ? process : undefined,
      characters,
      durable: false,
    }
    this.#entries.set(pid, entry)
    this.#order.push(entry)
    this.#characters += characters
    return true
  }

  markDurable(pid: string): void {
    const entry = this.#entries.get(pid)
    if (entry !== undefined) entry.durable = true
  }

  /** Takes out the launch that has waited longest, if it is durable. */
  next(): QueuedLaunch | undefined {
    const entry = this.#first()
    return entry?.durable === true ? this.take(entry.pid) : undefined
  }

  take(pid: string): QueuedLaunch | undefined {
    const entry = this.#entries.get(pid)
    if (entry === undefined) return undefined
    this.#entries.delete(pid)
    this.#characters -= entry.characters
    if (entry.process !== undefined) this.#objects--
    // An engine that only claims, since others launch too, never asks for the next launch.
    this.#first()
    return entry
  }

  clear(): void {
    this.#entries.clear()
    this.#order = []
    this.#front = 0
    this.#characters = 0
    this.#objects = 0
  }

  /** The entry that has waited longest. Drops what has left the queue before it. */
  #first(): Entry | undefined {
    const order = this.#order
    for (; this.#front < order.length; this.#front++) {
      const entry = order[this.#front]
      if (entry !== undefined && this.#entries.get(entry.pid) === entry) break
      order[this.#front] = undefined
    }
    const isGapLong = this.#front > LONGEST_GAP && this.#front * 2 > order.length
    if (isGapLong || this.#front === order.length) {
      this.#order = order.slice(this.#front)
      this.#front = 0
    }
    return this.#order[this.#front]
  }
}
