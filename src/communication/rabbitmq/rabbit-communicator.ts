import type { ConsumeMessage } from 'amqplib'
import { ClosedError, ConnectionLost, UnroutableError } from '../../shared/errors.ts'
import { isJsonObject } from '../../shared/json.ts'
import { guardedLogger, silentLogger, type Logger } from '../../shared/logger.ts'
import { checkOptions, isLogger, shown, type OptionCheck, type OptionNames } from '../../shared/options.ts'
import { checkText } from '../../shared/text.ts'
import {
  remoteException,
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
import { messageCopy } from '../contract/message-value.ts'
import { OpenRequests } from '../contract/open-requests.ts'
import { BroadcastConsumer } from './broadcast-consumer.ts'
import { Link, type Channels } from './link.ts'
import { Responder } from './responder.ts'
import { RpcConsumer } from './rpc-consumer.ts'
import { TaskConsumer } from './task-consumer.ts'
import { BROADCAST_KEY, REPLY_QUEUE, rpcKey, TASK_QUEUE } from './wire.ts'
import { encodeBody } from './yaml-codec.ts'

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
  /** Logs lost connections and messages that can't be read. Default: none. */
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

/**
 * Carries messages over a RabbitMQ server, in the format of Python's kiwipy: each side controls the
 * processes of the other.
 *
 * If the connection is lost, the communicator reconnects with growing pauses, and restores all
 * subscriptions. Meanwhile, sending waits for the connection, within its time limit. An RPC whose
 * answer was due rejects with `ConnectionLost`; a task that the server has not confirmed is sent
 * again under the same id, and its result is awaited further.
 */
export class RabbitCommunicator implements Communicator {
  readonly #link: Link
  readonly #messages: string
  readonly #tasks: string
  readonly #taskQueue: string
  readonly #id = globalThis.crypto.randomUUID()
  readonly #responder: Responder
  readonly #rpcs: RpcConsumer
  readonly #takers: TaskConsumer
  readonly #hearers: BroadcastConsumer
  readonly #requests = new OpenRequests()
  /** The RPCs that were published and not answered yet. */
  readonly #sentRpcs = new Set<string>()
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
    const logger = guardedLogger(options.logger ?? silentLogger)
    const { url, prefetch = 100, heartbeat = 10 } = options
    this.#link = new Link(
      { url, prefetch, heartbeat: Math.ceil(heartbeat), logger },
      (channels) => this.#setUp(channels),
      () => this.#lost(),
    )
    this.#responder = new Responder(this.#link, logger)
    this.#rpcs = new RpcConsumer(this.#link, this.#responder, this.#messages)
    this.#takers = new TaskConsumer(this.#link, this.#responder, logger, this.#taskQueue)
    this.#hearers = new BroadcastConsumer(this.#link, this.#responder, logger, this.#messages, this.#id)
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
    this.#requireOpen()
    await this.#rpcs.add(subscriber, identifier)
    return identifier
  }

  async removeRpcSubscriber(identifier: string): Promise<void> {
    await this.#rpcs.remove(identifier)
  }

  async joinRpcGroup(name: string, subscriber: GroupSubscriber): Promise<RpcGroup> {
    this.#requireOpen()
    checkText('joinRpcGroup: the name', name)
    checkSubscriber(subscriber)
    return this.#rpcs.join(name, subscriber)
  }

  async addTaskSubscriber(
    subscriber: TaskSubscriber,
    identifier: string = globalThis.crypto.randomUUID(),
  ): Promise<string> {
    this.#requireOpen()
    await this.#takers.add(subscriber, identifier)
    return identifier
  }

  async removeTaskSubscriber(identifier: string): Promise<void> {
    await this.#takers.remove(identifier)
  }

  async addBroadcastSubscriber(
    subscriber: BroadcastSubscriber,
    filter: BroadcastFilter = {},
  ): Promise<string> {
    this.#requireOpen()
    checkFilter(filter)
    const { identifier = globalThis.crypto.randomUUID() } = filter
    await this.#hearers.add(subscriber, filter, identifier)
    return identifier
  }

  async removeBroadcastSubscriber(identifier: string): Promise<void> {
    await this.#hearers.remove(identifier)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#takers.stop()
    this.#rpcs.stop()
    this.#responder.stop()
    this.#requests.rejectAll(new ClosedError('the communicator was closed before the answer came'))
    await this.#link.close()
  }

  // ---------- of each connection ----------

  async #setUp(channels: Channels): Promise<void> {
    const { consuming, tasks } = channels
    for (const exchange of new Set([this.#messages, this.#tasks])) {
      await consuming.assertExchange(exchange, 'topic', { durable: false, autoDelete: false })
      const queue = this.#replyQueue(exchange)
      await consuming.assertQueue(queue, REPLY_QUEUE)
      await consuming.bindQueue(queue, exchange, queue)
      await consuming.consume(queue, (message) => this.#answered(message), { noAck: true })
    }
    await tasks.assertQueue(this.#taskQueue, TASK_QUEUE)
    await tasks.bindQueue(this.#taskQueue, this.#tasks, this.#taskQueue)
    await this.#rpcs.begin(channels)
    await this.#hearers.begin(channels)
    await this.#takers.begin(channels)
  }

  /** The server forgets an RPC's answer with the connection, so it is not awaited further. */
  #lost(): void {
    for (const id of this.#sentRpcs)
      this.#requests.reject(
        id,
        new ConnectionLost('the connection to RabbitMQ was lost before the answer came'),
      )
    this.#sentRpcs.clear()
    this.#rpcs.lost()
  }

  #answered(message: ConsumeMessage | null): void {
    if (message === null) {
      void this.#link.restart()
      return
    }
    const id = String(message.properties.correlationId)
    if (!this.#requests.has(id)) return
    const body = this.#responder.decoded(message)
    if (!isJsonObject(body)) {
      this.#requests.reject(id, remoteException('an answer that cannot be read'))
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

  // ---------- names and checks ----------

  /** The same after a reconnection, so that answers which come later find us. */
  #replyQueue(exchange: string): string {
    return `${exchange}-reply-${this.#id}`
  }

  #requireOpen(): void {
    if (this.#closing !== undefined) throw new ClosedError('this communicator was closed; connect another')
  }
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
