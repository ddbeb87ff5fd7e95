import type { Hosted } from '../process/host/process-object.ts'
import type { Create } from '../persistence/contract/writes.ts'

/** The most launches in a queue, and the most characters that their saved parts have together. */
const MAX_ENTRIES = 10_000
const MAX_CHARACTERS = 16 * 2 ** 20

/** A launch that waits for a slot. */
export interface QueuedLaunch {
  readonly process: Hosted
  readonly create: Create
}

interface Entry extends QueuedLaunch {
  readonly characters: number
  /** Whether the launch is durable, so that it may start. */
  durable: boolean
}

/**
 * Processes that were launched here while no slot was free, in the order of the launches. The
 * engine starts the launched objects themselves. It does not read them from the store.
 *
 * The queue is only a cache (C1): its rows are ready for any engine. A process that another engine
 * has claimed, or that has received a request, leaves the queue. If the queue is full, a launch is
 * only stored. The engine claims it later, like any other process.
 */
export class LaunchQueue {
  readonly #entries = new Map<string, Entry>()
  #characters = 0
  /**
   * Whether a launch found no room. Later launches are not added either, since they would start
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

  /** Adds a launch that is being made durable. Returns false if there is no room for it. */
  add(process: Hosted, create: Create): boolean {
    let characters = 0
    for (const name in create.parts) characters += (create.parts[name] as string).length
    const fits = this.#entries.size < MAX_ENTRIES && this.#characters + characters <= MAX_CHARACTERS
    this.#full = !fits || (this.#full && !this.isEmpty)
    if (this.#full || this.has(create.pid)) return false
    this.#entries.set(create.pid, { process, create, characters, durable: false })
    this.#characters += characters
    return true
  }

  markDurable(pid: string): void {
    const entry = this.#entries.get(pid)
    if (entry !== undefined) entry.durable = true
  }

  /** Takes out the launch that has waited longest, if it is durable. */
  next(): QueuedLaunch | undefined {
    const [entry] = this.#entries.values()
    return entry?.durable === true ? this.take(entry.create.pid) : undefined
  }

  take(pid: string): QueuedLaunch | undefined {
    const entry = this.#entries.get(pid)
    if (entry === undefined) return undefined
    this.#entries.delete(pid)
    this.#characters -= entry.characters
    return entry
  }

  clear(): void {
    this.#entries.clear()
    this.#characters = 0
  }
}
