import type { Channel } from 'amqplib'
import { rpcKey } from './wire.ts'

/** How many bindings are in flight to the server at a time. */
const AT_A_TIME = 100

/**
 * The bindings of the queue that the members of a group share. A server takes a fraction of a
 * millisecond for each, so they are made in the background. An identifier that is added and removed
 * before its turn costs nothing.
 */
export class GroupBindings {
  readonly queue: string
  readonly #exchange: string
  readonly #channel: () => Channel | undefined
  /** What this member wants bound. */
  readonly #wanted = new Set<string>()
  /** The changes that were not sent yet: whether each identifier is to be bound. */
  #changes = new Map<string, boolean>()
  /** What this member has bound on this connection. */
  readonly #bound = new Set<string>()
  #working: Promise<void> | undefined
  #isStopped = false

  constructor(queue: string, exchange: string, channel: () => Channel | undefined) {
    this.queue = queue
    this.#exchange = exchange
    this.#channel = channel
  }

  add(identifier: string): void {
    if (this.#wanted.has(identifier)) return
    this.#wanted.add(identifier)
    this.#changes.set(identifier, true)
    this.#work()
  }

  remove(identifier: string): void {
    const hadBegun = this.#bound.has(identifier) || !this.#changes.has(identifier)
    this.#wanted.delete(identifier)
    if (hadBegun) this.#changes.set(identifier, false)
    else this.#changes.delete(identifier)
    this.#work()
  }

  async settled(): Promise<void> {
    while (this.#working !== undefined) await this.#working
  }

  /** Binds on a new connection all that is wanted. */
  restore(channel: Channel): void {
    this.#bound.clear()
    this.#changes = new Map([...this.#wanted].map((identifier) => [identifier, true]))
    this.#work(channel)
  }

  lost(): void {
    this.#bound.clear()
    this.#changes.clear()
  }

  stop(): void {
    this.#isStopped = true
    this.#changes.clear()
  }

  #work(channel = this.#channel()): void {
    if (this.#working !== undefined || channel === undefined || this.#changes.size === 0) return
    this.#working = this.#send(channel).finally(() => {
      this.#working = undefined
      // Changes since the last round.
      this.#work()
    })
  }

  async #send(channel: Channel): Promise<void> {
    // One turn, so that what is removed at once is never sent.
    await Promise.resolve()
    while (this.#changes.size > 0 && !this.#isStopped) {
      const some = [...this.#changes].slice(0, AT_A_TIME)
      for (const [identifier] of some) this.#changes.delete(identifier)
      try {
        await Promise.all(some.map(([identifier, binds]) => this.#sendOne(channel, identifier, binds)))
      } catch {
        // The connection is lost. The next one begins with all that is wanted.
        return
      }
    }
  }

  async #sendOne(channel: Channel, identifier: string, binds: boolean): Promise<void> {
    const key = rpcKey(identifier)
    if (binds) {
      this.#bound.add(identifier)
      await channel.bindQueue(this.queue, this.#exchange, key)
    } else {
      this.#bound.delete(identifier)
      await channel.unbindQueue(this.queue, this.#exchange, key)
    }
  }
}
