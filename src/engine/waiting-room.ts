import type { Hosted } from '../process/host/process-object.ts'
import type { Create } from '../persistence/contract/writes.ts'

/** How many it holds at most, and how many characters of what they save. */
const PLACES = 10_000
const CHARACTERS = 16 * 2 ** 20

/** A launch that waits for a slot. */
export interface Waiting {
  readonly process: Hosted
  readonly create: Create
}

interface Place extends Waiting {
  readonly characters: number
  /** Whether it is durable, and so may be begun. */
  isCreated: boolean
}

/**
 * What was launched here while no slot was free, in the order of the launches: it is begun as it was made, instead of being read back from the
 * store. Nothing but a cache (C1): its rows are ready for any engine, and what another one has taken, or anything has been asked of, is not
 * begun from here. What finds no place is claimed in its turn like everything else.
 */
export class WaitingRoom {
  readonly #places = new Map<string, Place>()
  #characters = 0
  /** Some found no place: those behind them would be begun before them. */
  #full = false

  get isEmpty(): boolean {
    return this.#places.size === 0
  }

  has(pid: string): boolean {
    return this.#places.has(pid)
  }

  /** Whether it is durable too. */
  holds(pid: string): boolean {
    return this.#places.get(pid)?.isCreated === true
  }

  /** A launch that is being made durable; false where there is no place for it. */
  add(process: Hosted, create: Create): boolean {
    let characters = 0
    for (const name in create.parts) characters += (create.parts[name] as string).length
    const fits = this.#places.size < PLACES && this.#characters + characters <= CHARACTERS
    this.#full = !fits || (this.#full && !this.isEmpty)
    if (this.#full || this.has(create.pid)) return false
    this.#places.set(create.pid, { process, create, characters, isCreated: false })
    this.#characters += characters
    return true
  }

  /** The launch is durable. */
  created(pid: string): void {
    const place = this.#places.get(pid)
    if (place !== undefined) place.isCreated = true
  }

  /** The longest waiting, if that is durable. */
  next(): Waiting | undefined {
    const [place] = this.#places.values()
    return place?.isCreated === true ? this.take(place.create.pid) : undefined
  }

  /** Takes one out. */
  take(pid: string): Waiting | undefined {
    const place = this.#places.get(pid)
    if (place === undefined) return undefined
    this.#places.delete(pid)
    this.#characters -= place.characters
    return place
  }

  clear(): void {
    this.#places.clear()
    this.#characters = 0
  }
}
