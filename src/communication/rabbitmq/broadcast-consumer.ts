import type { ConsumeMessage, Options } from 'amqplib'
import type { Broadcast } from '../../process/host/remote.ts'
import { isJsonObject } from '../../shared/json.ts'
import type { Logger } from '../../shared/logger.ts'
import { isHeard } from '../contract/answering.ts'
import { checkNewSubscriber } from '../contract/checks.ts'
import type { BroadcastFilter, BroadcastSubscriber } from '../contract/communicator.ts'
import { messageCopy } from '../contract/message-value.ts'
import type { Channels, Link } from './link.ts'
import type { Responder } from './responder.ts'
import { BROADCAST_KEY, GROUP_QUEUE, nameOf, SUBSCRIBER_QUEUE } from './wire.ts'

/**
 * The subscribers of broadcasts of this program. Those without a group share a queue of this program, and
 * each group has one that its members share.
 */
export class BroadcastConsumer {
  readonly #link: Link
  readonly #responder: Responder
  readonly #logger: Logger
  readonly #exchange: string
  /** Distinguishes the queue and the subscriptions of this program from those of others. */
  readonly #id: string
  readonly #subscribers = new Map<
    string,
    { readonly subscriber: BroadcastSubscriber; readonly filter: BroadcastFilter }
  >()
  /** The groups with a subscription on this connection; undefined stands for those without one. */
  readonly #begun = new Set<string | undefined>()

  constructor(link: Link, responder: Responder, logger: Logger, exchange: string, id: string) {
    this.#link = link
    this.#responder = responder
    this.#logger = logger
    this.#exchange = exchange
    this.#id = id
  }

  /** @throws TypeError, DuplicateSubscriber */
  async add(subscriber: BroadcastSubscriber, filter: BroadcastFilter, identifier: string): Promise<void> {
    checkNewSubscriber(subscriber, identifier, this.#subscribers)
    this.#subscribers.set(identifier, { subscriber, filter })
    await this.#link.subscribing((channels) => this.#consume(channels))
  }

  async remove(identifier: string): Promise<void> {
    const group = this.#subscribers.get(identifier)?.filter.group
    this.#subscribers.delete(identifier)
    if (group === undefined || [...this.#subscribers.values()].some(({ filter }) => filter.group === group))
      return
    this.#begun.delete(group)
    await this.#link.subscribing(({ consuming }) => consuming.cancel(this.#tag(groupQueue(group))))
  }

  /** Subscribes on a new connection. */
  async begin(channels: Channels): Promise<void> {
    this.#begun.clear()
    await this.#consume(channels)
  }

  async #consume({ consuming }: Channels): Promise<void> {
    const listen = async (queue: string, options: Options.AssertQueue, group?: string): Promise<void> => {
      await consuming.assertQueue(queue, options)
      await consuming.bindQueue(queue, this.#exchange, BROADCAST_KEY)
      await consuming.consume(queue, (message) => this.#arrived(message, group), {
        noAck: true,
        consumerTag: this.#tag(queue),
      })
    }
    for (const { filter } of this.#subscribers.values()) {
      const { group } = filter
      if (this.#begun.has(group)) continue
      this.#begun.add(group)
      if (group === undefined) await listen(`broadcast-${this.#id}`, SUBSCRIBER_QUEUE)
      else await listen(groupQueue(group), GROUP_QUEUE, group)
    }
  }

  #arrived(message: ConsumeMessage | null, group: string | undefined): void {
    if (message === null) {
      void this.#link.restart()
      return
    }
    const body = this.#responder.decoded(message)
    if (!isJsonObject(body)) return
    const broadcast: Broadcast = {
      body: body['body'] ?? null,
      sender: nameOf(body['sender']),
      subject: typeof body['subject'] === 'string' ? body['subject'] : null,
      correlationId: nameOf(body['correlation_id']),
    }
    for (const { subscriber, filter } of this.#subscribers.values()) {
      if (filter.group !== group || !isHeard(broadcast, filter)) continue
      void this.#hear(subscriber, { ...broadcast, body: messageCopy(broadcast.body, 'body') })
      // The members of a group share it, also those of this program.
      if (group !== undefined) return
    }
  }

  async #hear(subscriber: BroadcastSubscriber, broadcast: Broadcast): Promise<void> {
    try {
      await subscriber(broadcast)
    } catch (error) {
      this.#logger.error({ err: error, subject: broadcast.subject }, 'a subscriber of broadcasts failed')
    }
  }

  #tag(queue: string): string {
    return `${this.#id}.${queue}`.slice(0, 250)
  }
}

function groupQueue(group: string): string {
  return `${group}.broadcast`
}
