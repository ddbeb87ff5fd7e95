import type { Hosted } from '../process/host/process-object.ts'
import type { Create } from '../persistence/contract/writes.ts'

/** How many it holds at most, and how many characters of what they save. */
const MAX_ENTRIES = 10_000
const MAX_CHARACTERS = 16 * 2 ** 20

/** A launch that waits for a slot. */
export interface QueuedLaunch {
  readonly process: Hosted
  readonly create: Create
}

interface Entry extends QueuedLaunch {
  readonly characters: number
  /** Whether it is durable, and so may be begun. */
  durable: boolean
}

/**
 * What was launched here while no slot was free, in the order of the launches: it is begun as it was made, instead of being read back from the
 * store. Nothing but a cache (C1): its rows are ready for any engine, and what another one has taken, or anything has been asked of, is not
 * begun from here. What finds no room is claimed in its turn like everything else.
 */
export class LaunchQueue {
  readonly #entries = new Map<string, Entry>()
  #characters = 0
  /** Some found no place: those behind them would be begun before them. */
  #full = false

  get isEmpty(): boolean {
    return this.#entries.size === 0
  }

  has(pid: string): boolean {
    return this.#entries.has(pid)
  }

  /** Whether it is durable too. */
  isDurable(pid: string): boolean {
    return this.#entries.get(pid)?.durable === true
  }

  /** A launch that is being made durable; false where there is no room for it. */
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

  /** The launch is durable. */
  markDurable(pid: string): void {
    const entry = this.#entries.get(pid)
    if (entry !== undefined) entry.durable = true
  }

  /** The longest waiting, if that is durable. */
  next(): QueuedLaunch | undefined {
    const [entry] = this.#entries.values()
    return entry?.durable === true ? this.take(entry.create.pid) : undefined
  }

  /** Takes one out. */
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
