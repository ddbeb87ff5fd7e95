/* This file is longer than 400 lines, because it has each method of `Communicator` and what answers it. */
import type { ConsumeMessage, Options } from 'amqplib'
import type { Broadcast } from '../../process/host/remote.ts'
import {
  ClosedError,
  ConnectionLost,
  DuplicateSubscriber,
  TaskRejected,
  UnroutableError,
} from '../../shared/errors.ts'
import { systemClock } from '../../shared/clock.ts'
import { errorText } from '../../shared/error-text.ts'
import { isJsonObject } from '../../shared/json.ts'
import { guardedLogger, silentLogger, type Logger } from '../../shared/logger.ts'
import { checkOptions, isLogger, shown, type OptionCheck, type OptionNames } from '../../shared/options.ts'
import { PendingReply } from '../../shared/pending-reply.ts'
import { checkText } from '../../shared/text.ts'
import {
  isHeard,
  REJECTED_DELAY,
  remoteException,
  remoteText,
  RPC_GOES_ON,
  RPC_TIMEOUT,
  TASK_GOES_ON,
  TASK_TIMEOUT,
} from '../contract/answering.ts'
import { checkFilter, checkSent, checkSubscriber } from '../contract/checks.ts'
import type {
  BroadcastFilter,
  BroadcastOptions,
  BroadcastSubscriber,
  Communicator,
  GroupSubscriber,
  RpcGroup,
  RpcOptions,
  RpcSubscriber,
  TaskOptions,
  TaskSubscriber,
} from '../contract/communicator.ts'
import { messageCopy, Uuid } from '../contract/message-value.ts'
import { OpenRequests } from '../contract/open-requests.ts'
import { GroupBindings } from './group-bindings.ts'
import { Link, type Channels } from './link.ts'
import {
  BROADCAST_KEY,
  exceptionResponse,
  GROUP_QUEUE,
  PENDING,
  REPLY_QUEUE,
  resultResponse,
  rpcKey,
  SUBSCRIBER_QUEUE,
  TASK_QUEUE,
  withHost,
} from './wire.ts'
import { decodeBody, encodeBody } from './yaml-codec.ts'

/** Options of `RabbitCommunicator.connect`. */
export interface RabbitOptions {
  /** The server: `amqp://user:password@host:5672/vhost`, or `amqps://…`. */
  readonly url: string
  /** The exchange of RPCs and broadcasts. Default `kiwipy.messages`. */
  readonly messageExchange?: string | undefined
  /** The exchange of tasks. Default `kiwipy.tasks`. */
  readonly taskExchange?: string | undefined
  /** The queue of tasks. Default `kiwipy.tasks`. */
  readonly taskQueue?: string | undefined
  /**
   * How many tasks this program may hold that it has not accepted yet; 0 for any number. Default
   * 100.
   */
  readonly prefetch?: number | undefined
  /** Seconds between two heartbeats. A dead connection is noticed after about two. Default 10. */
  readonly heartbeat?: number | undefined
  /** Is notified of lost connections and of messages that can't be read. Default: none. */
  readonly logger?: Logger | undefined
}

const OPTIONS: OptionNames<RabbitOptions> = {
  url: isUrl,
  messageExchange: isName,
  taskExchange: isName,
  taskQueue: isName,
  prefetch: isNumberFrom0,
  heartbeat: isNumberFrom0,
  logger: isLogger,
}

interface Hearer {
  readonly subscriber: BroadcastSubscriber
  readonly filter: BroadcastFilter
}

/**
 * Carries messages over a RabbitMQ server, in the format of Python's kiwipy: each side controls the
 * processes of the other.
 *
 * If the connection is lost, it is made again with growing pauses, and all subscriptions are restored.
 * Meanwhile, sending waits for the connection, within its time limit. An RPC whose answer was due
 * rejects with `ConnectionLost`; a task that the server has not confirmed is sent again under the same
 * id, and its result is awaited further.
 */
export class RabbitCommunicator implements Communicator {
  readonly #link: Link
  readonly #logger: Logger
  readonly #messages: string
  readonly #tasks: string
  readonly #taskQueue: string
  readonly #id = globalThis.crypto.randomUUID()
  readonly #rpcs = new Map<string, { readonly subscriber: RpcSubscriber; readonly queue: string }>()
  readonly #groups = new Map<
    string,
    { readonly subscriber: GroupSubscriber; readonly bindings: GroupBindings }
  >()
  readonly #takers = new Map<string, TaskSubscriber>()
  readonly #hearers = new Map<string, Hearer>()
  readonly #requests = new OpenRequests()
  /** The RPCs that were published and not answered yet. */
  readonly #sentRpcs = new Set<string>()
  readonly #delays = new Set<() => void>()
  #taskTag: string | undefined
  #hearsAll = false
  readonly #groupsHeard = new Set<string>()
  #closing: Promise<void> | undefined

  /**
   * Connects to a server, and declares the exchanges and the queue of tasks.
   *
   * @throws CommunicationError if the server can't be reached, or has them with other settings
   * @throws TypeError or RangeError for a wrong option
   */
  static async connect(options: RabbitOptions): Promise<RabbitCommunicator> {
    checkOptions(options, OPTIONS, 'RabbitCommunicator.connect')
    if (options.url === undefined) isUrl('RabbitCommunicator.connect: url', options.url)
    const communicator = new RabbitCommunicator(options)
    await communicator.#link.connect()
    return communicator
  }

  /** Use `connect`. */
  private constructor(options: RabbitOptions) {
    this.#messages = options.messageExchange ?? 'kiwipy.messages'
    this.#tasks = options.taskExchange ?? 'kiwipy.tasks'
    this.#taskQueue = options.taskQueue ?? 'kiwipy.tasks'
    this.#logger = guardedLogger(options.logger ?? silentLogger)
    const { url, prefetch = 100, heartbeat = 10 } = options
    this.#link = new Link(
      { url, prefetch, heartbeat: Math.ceil(heartbeat), logger: this.#logger },
      (channels) => this.#setUp(channels),
      () => this.#lost(),
    )
  }

  async rpcSend(recipient: string, message: unknown, options: RpcOptions = {}): Promise<unknown> {
    this.#requireOpen()
    checkSent('rpc', options, recipient)
    const body = encodeBody(messageCopy(message, 'message'))
    const id = globalThis.crypto.randomUUID()
    const what = `an RPC to ${JSON.stringify(recipient)}`
    const answered = this.#requests.open(id, options.timeout ?? RPC_TIMEOUT, what, RPC_GOES_ON)
    void this.#sendRpc(id, recipient, body)
    return answered
  }

  async #sendRpc(id: string, recipient: string, body: Buffer): Promise<void> {
    await this.#link.ready()
    if (!this.#requests.has(id)) return
    this.#sentRpcs.add(id)
    const sent = { mandatory: true, correlationId: id, replyTo: this.#replyQueue(this.#messages) }
    try {
      await this.#link.publish(this.#messages, rpcKey(recipient), body, sent)
    } catch (error) {
      const isUnroutable = error instanceof UnroutableError
      this.#requests.reject(
        id,
        isUnroutable
          ? new UnroutableError(`no one answers RPCs to ${JSON.stringify(recipient)}`)
          : (error as Error),
      )
    }
  }

  async taskSend(task: unknown, options: TaskOptions = {}): Promise<unknown> {
    this.#requireOpen()
    checkSent('task', options)
    const { timeout = TASK_TIMEOUT, noReply = false } = options
    const body = encodeBody([messageCopy(task, 'task'), noReply])
    const id = globalThis.crypto.randomUUID()
    const answered = this.#requests.open(id, timeout, 'a task', TASK_GOES_ON)
    void this.#sendTask(id, body, noReply)
    return answered
  }

  async #sendTask(id: string, body: Buffer, noReply: boolean): Promise<void> {
    const replyTo = this.#replyQueue(this.#tasks)
    const sent = { mandatory: true, deliveryMode: 2, correlationId: id, replyTo }
    for (;;) {
      await this.#link.ready()
      if (!this.#requests.has(id)) return
      try {
        await this.#link.publish(this.#tasks, this.#taskQueue, body, sent)
        if (noReply) this.#requests.resolve(id, undefined)
        return
      } catch (error) {
        if (error instanceof ConnectionLost) continue
        this.#requests.reject(id, error as Error)
        return
      }
    }
  }

  async broadcastSend(body: unknown, options: BroadcastOptions = {}): Promise<void> {
    this.#requireOpen()
    checkSent('broadcast', options)
    const { sender = null, subject = null, correlationId = null } = options
    const sent = { body: messageCopy(body, 'body'), sender, subject, correlation_id: correlationId }
    const encoded = encodeBody(sent)
    const id = globalThis.crypto.randomUUID()
    const confirmed = this.#requests.open(id, RPC_TIMEOUT, 'a broadcast', 'it may still be sent')
    void this.#link
      .ready()
      .then(() => this.#link.publish(this.#messages, BROADCAST_KEY, encoded, {}))
      .then(
        () => this.#requests.resolve(id, undefined),
        (error: unknown) => this.#requests.reject(id, error as Error),
      )
    await confirmed
  }

  async addRpcSubscriber(
    subscriber: RpcSubscriber,
    identifier: string = globalThis.crypto.randomUUID(),
  ): Promise<string> {
    this.#checkNew(subscriber, identifier, this.#rpcs)
    const queue = `rpc-${globalThis.crypto.randomUUID()}`
    this.#rpcs.set(identifier, { subscriber, queue })
    const { channels } = this.#link
    // Without a connection, the next one begins with it.
    if (channels !== undefined)
      await this.#restored(this.#consumeRpcs(channels, identifier, subscriber, queue))
    return identifier
  }

  async removeRpcSubscriber(identifier: string): Promise<void> {
    const known = this.#rpcs.get(identifier)
    if (known === undefined) return
    this.#rpcs.delete(identifier)
    await this.#restored(this.#link.channels?.consuming.deleteQueue(known.queue))
  }

  async joinRpcGroup(name: string, subscriber: GroupSubscriber): Promise<RpcGroup> {
    checkText('joinRpcGroup: the name', name)
    this.#checkNew(subscriber, name, new Map())
    const member = globalThis.crypto.randomUUID()
    const bindings = new GroupBindings(`${name}.rpc`, this.#messages, () => this.#link.channels?.consuming)
    this.#groups.set(member, { subscriber, bindings })
    const { channels } = this.#link
    if (channels !== undefined) await this.#restored(this.#consumeGroup(channels, member))
    return {
      add: (identifier) => bindings.add(identifier),
      remove: (identifier) => bindings.remove(identifier),
      settled: () => bindings.settled(),
      leave: async () => {
        if (!this.#groups.delete(member)) return
        bindings.stop()
        await this.#restored(this.#link.channels?.consuming.cancel(member))
      },
    }
  }

  async addTaskSubscriber(
    subscriber: TaskSubscriber,
    identifier: string = globalThis.crypto.randomUUID(),
  ): Promise<string> {
    this.#checkNew(subscriber, identifier, this.#takers)
    this.#takers.set(identifier, subscriber)
    const { channels } = this.#link
    if (channels !== undefined) await this.#restored(this.#consumeTasks(channels))
    return identifier
  }

  async removeTaskSubscriber(identifier: string): Promise<void> {
    this.#takers.delete(identifier)
    if (this.#takers.size > 0 || this.#taskTag === undefined) return
    const tag = this.#taskTag
    this.#taskTag = undefined
    await this.#restored(this.#link.channels?.tasks.cancel(tag))
  }

  async addBroadcastSubscriber(
    subscriber: BroadcastSubscriber,
    filter: BroadcastFilter = {},
  ): Promise<string> {
    checkFilter(filter)
    const identifier = filter.identifier ?? globalThis.crypto.randomUUID()
    this.#checkNew(subscriber, identifier, this.#hearers)
    this.#hearers.set(identifier, { subscriber, filter })
    const { channels } = this.#link
    if (channels !== undefined) await this.#restored(this.#consumeBroadcasts(channels))
    return identifier
  }

  async removeBroadcastSubscriber(identifier: string): Promise<void> {
    const group = this.#hearers.get(identifier)?.filter.group
    this.#hearers.delete(identifier)
    if (group === undefined || [...this.#hearers.values()].some(({ filter }) => filter.group === group))
      return
    this.#groupsHeard.delete(group)
    await this.#restored(this.#link.channels?.consuming.cancel(this.#groupTag(broadcastQueue(group))))
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    for (const cancel of this.#delays) cancel()
    this.#requests.rejectAll(new ClosedError('the communicator was closed before the answer came'))
    for (const { bindings } of this.#groups.values()) bindings.stop()
    await this.#link.close()
  }

  // ---------- of each connection ----------

  async #setUp(channels: Channels): Promise<void> {
    const { consuming, tasks } = channels
    this.#taskTag = undefined
    this.#hearsAll = false
    this.#groupsHeard.clear()
    for (const exchange of new Set([this.#messages, this.#tasks])) {
      await consuming.assertExchange(exchange, 'topic', { durable: false, autoDelete: false })
      const queue = this.#replyQueue(exchange)
      await consuming.assertQueue(queue, REPLY_QUEUE)
      await consuming.bindQueue(queue, exchange, queue)
      await consuming.consume(queue, (message) => this.#answered(message), { noAck: true })
    }
    await tasks.assertQueue(this.#taskQueue, TASK_QUEUE)
    await tasks.bindQueue(this.#taskQueue, this.#tasks, this.#taskQueue)
    for (const [identifier, { subscriber, queue }] of this.#rpcs)
      await this.#consumeRpcs(channels, identifier, subscriber, queue)
    for (const member of this.#groups.keys()) await this.#consumeGroup(channels, member)
    await this.#consumeBroadcasts(channels)
    await this.#consumeTasks(channels)
  }

  /** The server forgets an RPC's answer with the connection, so it is not awaited further. */
  #lost(): void {
    for (const id of this.#sentRpcs)
      this.#requests.reject(
        id,
        new ConnectionLost('the connection to RabbitMQ was lost before the answer came'),
      )
    this.#sentRpcs.clear()
    for (const { bindings } of this.#groups.values()) bindings.lost()
  }

  /** What fails because the connection is lost takes effect with the next one. */
  async #restored(work: Promise<unknown> | undefined): Promise<void> {
    try {
      await work
    } catch (error) {
      if (this.#closing !== undefined) throw new ClosedError('the communicator was closed')
      this.#logger.debug({ reason: errorText(error) }, 'a subscription is made with the next connection')
      await this.#link.restart()
    }
  }

  async #consumeRpcs(
    { consuming }: Channels,
    identifier: string,
    subscriber: RpcSubscriber,
    queue: string,
  ): Promise<void> {
    await consuming.assertQueue(queue, SUBSCRIBER_QUEUE)
    await consuming.bindQueue(queue, this.#messages, rpcKey(identifier))
    await consuming.consume(queue, (message) => void this.#rpcArrived(message, subscriber), {
      noAck: true,
      consumerTag: queue,
    })
  }

  async #consumeGroup({ consuming }: Channels, member: string): Promise<void> {
    const joined = this.#groups.get(member)
    if (joined === undefined) return
    const { subscriber, bindings } = joined
    const { queue } = bindings
    await consuming.assertQueue(queue, GROUP_QUEUE)
    const arrived = (message: ConsumeMessage | null): void => {
      const recipient = message?.fields.routingKey.slice(rpcKey('').length) ?? ''
      void this.#rpcArrived(message, (body) => subscriber(body, recipient))
    }
    await consuming.consume(queue, arrived, { noAck: true, consumerTag: member })
    bindings.restore(consuming)
  }

  async #consumeTasks({ tasks }: Channels): Promise<void> {
    if (this.#takers.size === 0 || this.#taskTag !== undefined) return
    const tag = `tasks.${globalThis.crypto.randomUUID()}`
    this.#taskTag = tag
    await tasks.consume(this.#taskQueue, (message) => void this.#taskArrived(message, tasks), {
      consumerTag: tag,
    })
  }

  async #consumeBroadcasts({ consuming }: Channels): Promise<void> {
    const listen = async (queue: string, options: Options.AssertQueue, group?: string): Promise<void> => {
      await consuming.assertQueue(queue, options)
      await consuming.bindQueue(queue, this.#messages, BROADCAST_KEY)
      await consuming.consume(queue, (message) => this.#broadcastArrived(message, group), {
        noAck: true,
        consumerTag: this.#groupTag(queue),
      })
    }
    for (const { filter } of this.#hearers.values()) {
      const { group } = filter
      if (group === undefined) {
        if (this.#hearsAll) continue
        this.#hearsAll = true
        await listen(`broadcast-${this.#id}`, SUBSCRIBER_QUEUE)
      } else if (!this.#groupsHeard.has(group)) {
        this.#groupsHeard.add(group)
        await listen(broadcastQueue(group), GROUP_QUEUE, group)
      }
    }
  }

  // ---------- what arrives ----------

  #answered(message: ConsumeMessage | null): void {
    if (message === null) {
      void this.#link.restart()
      return
    }
    const id = String(message.properties.correlationId)
    if (!this.#requests.has(id)) return
    const body = this.#decoded(message)
    if (!isJsonObject(body)) {
      this.#requests.reject(id, remoteException('an answer that can not be read'))
      return
    }
    if ('cancelled' in body) {
      const reason: unknown = body['cancelled']
      this.#requests.reject(
        id,
        remoteException(typeof reason === 'string' ? `cancelled: ${reason}` : 'the request was cancelled'),
      )
    } else if ('exception' in body) this.#requests.reject(id, remoteException(body['exception']))
    else if ('result' in body) this.#requests.resolve(id, body['result'])
    else if (!('pending' in body)) this.#requests.reject(id, remoteException('an answer of an unknown kind'))
    else return
    this.#sentRpcs.delete(id)
  }

  /** The body of a message; undefined, and logged, if it can't be read. */
  #decoded(message: ConsumeMessage): unknown {
    try {
      return decodeBody(message.content)
    } catch (error) {
      const { correlationId, replyTo } = message.properties as {
        readonly [name in 'correlationId' | 'messageId' | 'replyTo']: unknown
      }
      const body = message.content.subarray(0, 200).toString('utf8')
      this.#logger.error(
        { err: error, key: message.fields.routingKey, correlationId, replyTo, body },
        'a message from RabbitMQ can not be read and is dropped',
      )
      if (typeof replyTo === 'string') this.#respond(message, exceptionResponse(remoteText(error)))
      return undefined
    }
  }

  async #rpcArrived(message: ConsumeMessage | null, subscriber: RpcSubscriber): Promise<void> {
    if (message === null) return
    const body = this.#decoded(message)
    if (body === undefined) return
    try {
      let answer = await subscriber(body)
      if (answer instanceof PendingReply) {
        this.#respond(message, PENDING)
        answer = await answer.result
      }
      this.#respond(message, resultResponse(messageCopy(answer, 'answer')))
    } catch (error) {
      this.#respond(message, exceptionResponse(remoteText(error)))
    }
  }

  #broadcastArrived(message: ConsumeMessage | null, group: string | undefined): void {
    if (message === null) {
      void this.#link.restart()
      return
    }
    const body = this.#decoded(message)
    if (!isJsonObject(body)) return
    const broadcast: Broadcast = {
      body: body['body'] ?? null,
      sender: name(body['sender']),
      subject: typeof body['subject'] === 'string' ? body['subject'] : null,
      correlationId: name(body['correlation_id']),
    }
    for (const { subscriber, filter } of this.#hearers.values()) {
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

  async #taskArrived(message: ConsumeMessage | null, channel: Channels['tasks']): Promise<void> {
    if (message === null) {
      void this.#link.restart()
      return
    }
    // A delivery belongs to its channel. On a new one it comes again.
    const settle = (work: () => void): void => {
      if (this.#link.channels?.tasks === channel) work()
    }
    const body = this.#decoded(message)
    const isPair = Array.isArray(body) && body.length === 2
    if (!isPair) {
      // Delivered again, it could be read no better. Where the queue has a dead-letter exchange, it goes there.
      settle(() => channel.nack(message, false, false))
      if (body === undefined) return
      this.#logger.error({ body: shown(body) }, 'a task from RabbitMQ has an unknown form and is dropped')
      this.#respond(message, exceptionResponse('the task is no pair of a task and a flag'))
      return
    }
    const [task, noReply] = body as readonly unknown[]
    const respond = (response: object): void => {
      if (noReply !== true) this.#respond(message, withHost(response))
    }
    let isAccepted = false
    const accept = (): void => {
      if (isAccepted) return
      isAccepted = true
      settle(() => channel.ack(message))
      respond(PENDING)
    }
    const { correlationId, messageId } = message.properties as {
      readonly [name in 'correlationId' | 'messageId' | 'replyTo']: unknown
    }
    const id = typeof correlationId === 'string' ? correlationId : name(messageId)?.toString()
    const context = { id, redelivered: message.fields.redelivered, accept }
    for (const subscriber of this.#takers.values()) {
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

  /** Answers a request, also if the connection is lost meanwhile. */
  #respond(request: ConsumeMessage, response: object): void {
    const { replyTo, correlationId } = request.properties as {
      readonly [name in 'correlationId' | 'messageId' | 'replyTo']: unknown
    }
    if (typeof replyTo !== 'string' || replyTo === '') return
    const { exchange } = request.fields
    const sent = { mandatory: true, ...(typeof correlationId === 'string' && { correlationId }) }
    const body = encodeBody(response)
    const publish = (): Promise<void> => this.#link.publish(exchange, replyTo, body, sent)
    // At once where that is possible, so that answers keep their order.
    const published = this.#link.channels === undefined ? this.#link.ready().then(publish) : publish()
    published.catch((error: unknown) => {
      this.#logger.debug({ reason: errorText(error), replyTo }, 'an answer has reached no one')
    })
  }

  // ---------- names and checks ----------

  /** The same after a reconnection, so that answers which come later find us. */
  #replyQueue(exchange: string): string {
    return `${exchange}-reply-${this.#id}`
  }

  #groupTag(queue: string): string {
    return `${this.#id}.${queue}`.slice(0, 250)
  }

  #requireOpen(): void {
    if (this.#closing !== undefined) throw new ClosedError('this communicator was closed; connect another')
  }

  #checkNew(subscriber: unknown, identifier: string, known: ReadonlyMap<string, unknown>): void {
    this.#requireOpen()
    checkSubscriber(subscriber)
    checkText('the identifier of a subscriber', identifier)
    if (known.has(identifier))
      throw new DuplicateSubscriber(`another subscriber has the identifier ${JSON.stringify(identifier)}`)
  }
}

function broadcastQueue(group: string): string {
  return `${group}.broadcast`
}

function name(value: unknown): string | number | null {
  if (value instanceof Uuid) return value.text
  return typeof value === 'string' || typeof value === 'number' ? value : null
}

function isUrl(what: string, value: unknown): void {
  if (typeof value !== 'string' || !/^amqps?:\/\//.test(value) || !URL.canParse(value))
    throw new TypeError(`${what} is like amqp://user:password@host:5672/vhost, not ${shown(value)}`)
}

function isName(what: string, value: unknown): void {
  checkText(what, value)
  if (Buffer.byteLength(value as string) > 200)
    throw new RangeError(`${what} is too long: RabbitMQ takes names of up to 255 bytes, and we add to it`)
}

function isNumberFrom0(what: string, value: unknown): ReturnType<OptionCheck> {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
    throw new RangeError(`${what} is a number from 0, not ${shown(value)}`)
}
