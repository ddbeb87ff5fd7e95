import type { ConsumeMessage } from 'amqplib'
import { PendingReply } from '../../shared/pending-reply.ts'
import { remoteText } from '../contract/answering.ts'
import { checkNewSubscriber } from '../contract/checks.ts'
import type { GroupSubscriber, RpcGroup, RpcSubscriber } from '../contract/communicator.ts'
import { messageCopy } from '../contract/message-value.ts'
import { GroupBindings } from './group-bindings.ts'
import type { Channels, Link } from './link.ts'
import type { Responder } from './responder.ts'
import { exceptionResponse, GROUP_QUEUE, PENDING, resultResponse, rpcKey, SUBSCRIBER_QUEUE } from './wire.ts'

/** The subscribers of RPCs of this program: each with a queue of its own, and members of groups. */
export class RpcConsumer {
  readonly #link: Link
  readonly #responder: Responder
  readonly #exchange: string
  readonly #own = new Map<string, { readonly subscriber: RpcSubscriber; readonly queue: string }>()
  readonly #members = new Map<
    string,
    { readonly subscriber: GroupSubscriber; readonly bindings: GroupBindings }
  >()

  constructor(link: Link, responder: Responder, exchange: string) {
    this.#link = link
    this.#responder = responder
    this.#exchange = exchange
  }

  /** @throws TypeError, DuplicateSubscriber */
  async add(subscriber: RpcSubscriber, identifier: string): Promise<void> {
    checkNewSubscriber(subscriber, identifier, this.#own)
    this.#own.set(identifier, { subscriber, queue: `rpc-${globalThis.crypto.randomUUID()}` })
    await this.#link.subscribing((channels) => this.#consume(channels, identifier))
  }

  async remove(identifier: string): Promise<void> {
    const known = this.#own.get(identifier)
    if (known === undefined) return
    this.#own.delete(identifier)
    await this.#link.subscribing(({ consuming }) => consuming.deleteQueue(known.queue))
  }

  async join(name: string, subscriber: GroupSubscriber): Promise<RpcGroup> {
    const member = globalThis.crypto.randomUUID()
    const bindings = new GroupBindings(`${name}.rpc`, this.#exchange, () => this.#link.channels?.consuming)
    this.#members.set(member, { subscriber, bindings })
    await this.#link.subscribing((channels) => this.#consumeAsMember(channels, member))
    return {
      add: (identifier) => bindings.add(identifier),
      remove: (identifier) => bindings.remove(identifier),
      settled: () => bindings.settled(),
      leave: async () => {
        if (!this.#members.delete(member)) return
        bindings.stop()
        await this.#link.subscribing(({ consuming }) => consuming.cancel(member))
      },
    }
  }

  /** Subscribes on a new connection. */
  async begin(channels: Channels): Promise<void> {
    for (const identifier of this.#own.keys()) await this.#consume(channels, identifier)
    for (const member of this.#members.keys()) await this.#consumeAsMember(channels, member)
  }

  lost(): void {
    for (const { bindings } of this.#members.values()) bindings.lost()
  }

  stop(): void {
    for (const { bindings } of this.#members.values()) bindings.stop()
  }

  async #consume({ consuming }: Channels, identifier: string): Promise<void> {
    const own = this.#own.get(identifier)
    if (own === undefined) return
    const { subscriber, queue } = own
    await consuming.assertQueue(queue, SUBSCRIBER_QUEUE)
    await consuming.bindQueue(queue, this.#exchange, rpcKey(identifier))
    await consuming.consume(queue, (message) => void this.#arrived(message, subscriber), {
      noAck: true,
      consumerTag: queue,
    })
  }

  async #consumeAsMember({ consuming }: Channels, member: string): Promise<void> {
    const joined = this.#members.get(member)
    if (joined === undefined) return
    const { subscriber, bindings } = joined
    const { queue } = bindings
    await consuming.assertQueue(queue, GROUP_QUEUE)
    const arrived = (message: ConsumeMessage | null): void => {
      const recipient = message?.fields.routingKey.slice(rpcKey('').length) ?? ''
      void this.#arrived(message, (body) => subscriber(body, recipient))
    }
    await consuming.consume(queue, arrived, { noAck: true, consumerTag: member })
    bindings.restore(consuming)
  }

  async #arrived(message: ConsumeMessage | null, subscriber: RpcSubscriber): Promise<void> {
    if (message === null) return
    const body = this.#responder.decoded(message)
    if (body === undefined) return
    try {
      let answer = await subscriber(body)
      if (answer instanceof PendingReply) {
        this.#responder.respond(message, PENDING)
        answer = await answer.result
      }
      this.#responder.respond(message, resultResponse(messageCopy(answer, 'answer')))
    } catch (error) {
      this.#responder.respond(message, exceptionResponse(remoteText(error)))
    }
  }
}
