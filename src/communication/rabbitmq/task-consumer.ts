import type { ConsumeMessage } from 'amqplib'
import { systemClock } from '../../shared/clock.ts'
import { TaskRejected } from '../../shared/errors.ts'
import type { Logger } from '../../shared/logger.ts'
import { shown } from '../../shared/options.ts'
import { PendingReply } from '../../shared/pending-reply.ts'
import { REJECTED_DELAY, remoteText } from '../contract/answering.ts'
import { checkNewSubscriber } from '../contract/checks.ts'
import type { TaskSubscriber } from '../contract/communicator.ts'
import { messageCopy } from '../contract/message-value.ts'
import type { Channels, Link } from './link.ts'
import type { Responder } from './responder.ts'
import { exceptionResponse, nameOf, PENDING, propertiesOf, resultResponse, withHost } from './wire.ts'

/** The subscribers of tasks of this program, which share one subscription to the queue. */
export class TaskConsumer {
  readonly #link: Link
  readonly #responder: Responder
  readonly #logger: Logger
  readonly #queue: string
  readonly #subscribers = new Map<string, TaskSubscriber>()
  readonly #delays = new Set<() => void>()
  /** The tag of the subscription on this connection. */
  #tag: string | undefined

  constructor(link: Link, responder: Responder, logger: Logger, queue: string) {
    this.#link = link
    this.#responder = responder
    this.#logger = logger
    this.#queue = queue
  }

  /** @throws TypeError, DuplicateSubscriber */
  async add(subscriber: TaskSubscriber, identifier: string): Promise<void> {
    checkNewSubscriber(subscriber, identifier, this.#subscribers)
    this.#subscribers.set(identifier, subscriber)
    await this.#link.subscribing((channels) => this.#consume(channels))
  }

  async remove(identifier: string): Promise<void> {
    this.#subscribers.delete(identifier)
    if (this.#subscribers.size > 0 || this.#tag === undefined) return
    const tag = this.#tag
    this.#tag = undefined
    await this.#link.subscribing(({ tasks }) => tasks.cancel(tag))
  }

  /** Subscribes on a new connection. */
  async begin(channels: Channels): Promise<void> {
    this.#tag = undefined
    await this.#consume(channels)
  }

  stop(): void {
    for (const cancel of this.#delays) cancel()
  }

  async #consume({ tasks }: Channels): Promise<void> {
    if (this.#subscribers.size === 0 || this.#tag !== undefined) return
    const tag = `tasks.${globalThis.crypto.randomUUID()}`
    this.#tag = tag
    await tasks.consume(this.#queue, (message) => void this.#arrived(message, tasks), { consumerTag: tag })
  }

  async #arrived(message: ConsumeMessage | null, channel: Channels['tasks']): Promise<void> {
    if (message === null) {
      void this.#link.restart()
      return
    }
    // A delivery belongs to its channel. On a new one it comes again.
    const settle = (work: () => void): void => {
      if (this.#link.channels?.tasks === channel) work()
    }
    const body = this.#responder.decoded(message)
    const isPair = Array.isArray(body) && body.length === 2
    if (!isPair) {
      // Delivered again, it could be read no better. Where the queue has a dead-letter exchange, it goes there.
      settle(() => channel.nack(message, false, false))
      if (body === undefined) return
      this.#logger.error({ body: shown(body) }, 'a task from RabbitMQ has an unknown form and is dropped')
      this.#responder.respond(message, exceptionResponse('the task is no pair of a task and a flag'))
      return
    }
    const [task, noReply] = body as readonly unknown[]
    const respond = (response: object): void => {
      if (noReply !== true) this.#responder.respond(message, withHost(response))
    }
    let isAccepted = false
    const accept = (): void => {
      if (isAccepted) return
      isAccepted = true
      settle(() => channel.ack(message))
      respond(PENDING)
    }
    const { correlationId, messageId } = propertiesOf(message)
    const id = typeof correlationId === 'string' ? correlationId : nameOf(messageId)?.toString()
    const context = { id, redelivered: message.fields.redelivered, accept }
    for (const subscriber of this.#subscribers.values()) {
      try {
        const returned = await subscriber(messageCopy(task, 'task'), context)
        const result = returned instanceof PendingReply ? (accept(), await returned.result) : returned
        const response = resultResponse(messageCopy(result, 'result'))
        accept()
        respond(response)
        return
      } catch (error) {
        if (!isAccepted && error instanceof TaskRejected) continue
        accept()
        respond(exceptionResponse(remoteText(error)))
        return
      }
    }
    this.#requeueLater(() => settle(() => channel.nack(message, false, true)))
  }

  /** At once, it would come back in a hot loop. */
  #requeueLater(requeue: () => void): void {
    const cancel = systemClock.after(REJECTED_DELAY, () => {
      this.#delays.delete(cancel)
      requeue()
    })
    this.#delays.add(cancel)
  }
}
