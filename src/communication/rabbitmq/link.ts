import type { Socket } from 'node:net'
import amqp, {
  type Channel,
  type ChannelModel,
  type ConfirmChannel,
  type Message,
  type Options,
} from 'amqplib'
import { ClosedError, CommunicationError, ConnectionLost, UnroutableError } from '../../shared/errors.ts'
import { errorText } from '../../shared/error-text.ts'
import { systemClock } from '../../shared/clock.ts'
import type { Logger } from '../../shared/logger.ts'
import { newMessageId, properties } from './wire.ts'

/** The longest pause between two attempts to connect, in milliseconds. */
const LONGEST_PAUSE = 10_000
const FIRST_PAUSE = 100
/** How long a new connection may take until it can be used, in milliseconds. */
const LONGEST_SET_UP = 60_000
/** How long the server may take to confirm the end of a connection, in milliseconds. */
const LONGEST_END = 5_000

/** The channels of one connection. They are closed together. */
export interface Channels {
  readonly publishing: ConfirmChannel
  readonly consuming: Channel
  /** For tasks, with a prefetch of its own. */
  readonly tasks: Channel
}

export interface LinkOptions {
  readonly url: string
  /** Seconds between two heartbeats. */
  readonly heartbeat: number
  readonly prefetch: number
  readonly logger: Logger
}

interface Unconfirmed {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/**
 * A connection that reconnects when it is lost, with growing pauses. `setUp` declares everything on
 * each new connection before anything else uses it.
 */
export class Link {
  readonly #options: LinkOptions
  readonly #setUp: (channels: Channels) => Promise<void>
  readonly #lost: () => void
  readonly #unconfirmed = new Map<string, Unconfirmed>()
  #model: ChannelModel | undefined
  #channels: Channels | undefined
  #waiting: ((channels: Channels) => void)[] = []
  #cancelPause: (() => void) | undefined
  #isClosed = false

  /** `lost` is called each time that the connection is lost. */
  constructor(options: LinkOptions, setUp: (channels: Channels) => Promise<void>, lost: () => void) {
    this.#options = options
    this.#setUp = setUp
    this.#lost = lost
  }

  /** Makes the first connection. @throws CommunicationError if that fails */
  async connect(): Promise<void> {
    try {
      await this.#connectOnce()
    } catch (error) {
      this.#isClosed = true
      throw new CommunicationError(
        `RabbitMQ can't be reached or used at ${shownUrl(this.#options.url)}: ${connectionText(error)}`,
        { cause: error },
      )
    }
  }

  /** Whether `close` was called. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** The channels; undefined while there is no connection. */
  get channels(): Channels | undefined {
    return this.#channels
  }

  /** Resolves once there is a connection. Never settles after the close. */
  ready(): Promise<Channels> {
    if (this.#channels !== undefined) return Promise.resolve(this.#channels)
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  /**
   * Publishes a message now. Resolves once the server has taken it.
   *
   * @throws UnroutableError if it is mandatory and no queue takes it
   * @throws ConnectionLost if it is not known whether the server has taken it
   */
  publish(exchange: string, key: string, body: Buffer, options: Options.Publish): Promise<void> {
    const channels = this.#channels
    if (channels === undefined) return Promise.reject(lostError())
    const id = newMessageId()
    return new Promise((resolve, reject) => {
      this.#unconfirmed.set(id, { resolve, reject })
      const confirmed = (error: unknown): void => {
        const unconfirmed = this.#take(id)
        if (error === null || error === undefined) unconfirmed?.resolve()
        else unconfirmed?.reject(lostError(error))
      }
      try {
        channels.publishing.publish(exchange, key, body, properties(id, options), confirmed)
      } catch (error) {
        this.#take(id)
        reject(lostError(error))
      }
    })
  }

  /**
   * Changes a subscription. Without a connection, or if the change fails, nothing needs to be done:
   * the next connection begins with the subscriptions that are wanted then.
   *
   * @throws ClosedError if it was closed meanwhile
   */
  async subscribing(change: (channels: Channels) => Promise<unknown>): Promise<void> {
    try {
      if (this.#channels !== undefined) await change(this.#channels)
    } catch (error) {
      if (this.#isClosed) throw new ClosedError('the communicator was closed')
      const { logger } = this.#options
      logger.debug({ reason: errorText(error) }, 'a subscription is made with the next connection')
      await this.restart()
    }
  }

  /** Breaks the connection, so that it reconnects. */
  async restart(): Promise<void> {
    if (this.#model !== undefined) await ended(this.#model)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelPause?.()
    this.#waiting = []
    const model = this.#model
    this.#forget()
    if (model !== undefined) await ended(model)
  }

  async #connectOnce(): Promise<void> {
    const { url, heartbeat, prefetch, logger } = this.#options
    const model = await amqp.connect(withHeartbeat(url, heartbeat), { noDelay: true, timeout: 10_000 })
    let failure: unknown
    let isOver = false
    const over = (error?: unknown): void => {
      failure ??= error
      if (isOver) return
      isOver = true
      if (this.#model !== model) return
      this.#forget()
      this.#lost()
      if (this.#isClosed) return
      logger.warn({ err: failure }, 'the connection to RabbitMQ was lost; it is made again')
      this.#reconnect(FIRST_PAUSE)
    }
    model.on('error', (error) => {
      failure = error
    })
    model.on('close', over)
    // Without heartbeats, nothing else would notice a server that falls silent now.
    const stopTimer = systemClock.after(LONGEST_SET_UP, () => breakOff(model))
    try {
      const publishing = await model.createConfirmChannel()
      const consuming = await model.createChannel()
      const tasks = await model.createChannel()
      const channels = { publishing, consuming, tasks }
      for (const channel of Object.values(channels) as Channel[]) {
        channel.setMaxListeners(0)
        channel.on('error', (error) => {
          failure ??= error
        })
        // What one channel loses, such as a subscription, is declared again on a new connection.
        channel.on('close', () => void ended(model))
      }
      publishing.on('return', (message) => this.#returned(message))
      if (prefetch > 0) await tasks.prefetch(prefetch)
      await this.#setUp(channels)
      if (isOver) throw failure instanceof Error ? failure : lostError(failure)
      if (this.#isClosed) {
        await ended(model)
        return
      }
      this.#model = model
      this.#channels = channels
      for (const resolve of this.#waiting.splice(0)) resolve(channels)
    } catch (error) {
      await ended(model)
      throw failure ?? error
    } finally {
      stopTimer()
    }
  }

  #reconnect(pause: number): void {
    this.#cancelPause = systemClock.after(pause * (0.5 + Math.random() / 2), () => {
      this.#cancelPause = undefined
      if (this.#isClosed) return
      this.#connectOnce().then(
        () => this.#options.logger.info({}, 'there is a connection to RabbitMQ again'),
        (error: unknown) => {
          if (this.#isClosed) return
          const { logger } = this.#options
          logger.warn({ reason: connectionText(error) }, 'RabbitMQ could not be reached; it is tried again')
          this.#reconnect(Math.min(2 * pause, LONGEST_PAUSE))
        },
      )
    })
  }

  #forget(): void {
    this.#model = undefined
    this.#channels = undefined
    for (const id of this.#unconfirmed.keys()) this.#take(id)?.reject(lostError())
  }

  #returned(message: Message): void {
    const { messageId } = message.properties as { readonly messageId: unknown }
    const { routingKey } = message.fields as { readonly routingKey: string }
    if (typeof messageId === 'string')
      this.#take(messageId)?.reject(
        new UnroutableError(`no queue takes messages for ${JSON.stringify(routingKey)}`),
      )
  }

  #take(id: string): Unconfirmed | undefined {
    const unconfirmed = this.#unconfirmed.get(id)
    this.#unconfirmed.delete(id)
    return unconfirmed
  }
}

const ending = new WeakMap<ChannelModel, Promise<void>>()

/** Ends a connection. Never rejects. A second call joins the first. */
function ended(model: ChannelModel): Promise<void> {
  let over = ending.get(model)
  if (over === undefined) {
    over = new Promise((resolve) => {
      const stopTimer = systemClock.after(LONGEST_END, () => breakOff(model))
      const finish = (): void => {
        stopTimer()
        resolve()
      }
      // If the connection breaks meanwhile, the promise of the library never settles.
      model.once('close', finish)
      model.close().catch(finish)
    })
    ending.set(model, over)
  }
  return over
}

/** Ends a connection whose server does not answer. The library has no method for that. */
function breakOff(model: ChannelModel): void {
  const { stream } = model.connection as unknown as { readonly stream: Socket }
  stream.destroy(new Error('the server does not answer'))
}

function lostError(cause?: unknown): ConnectionLost {
  return new ConnectionLost('the connection to RabbitMQ was lost', { cause })
}

function withHeartbeat(url: string, heartbeat: number): string {
  const parsed = new URL(url)
  if (!parsed.searchParams.has('heartbeat')) parsed.searchParams.set('heartbeat', String(heartbeat))
  return parsed.href
}

/** The URL without its password. */
function shownUrl(url: string): string {
  const parsed = new URL(url)
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`
}

function connectionText(error: unknown): string {
  const text = errorText(error)
  if (text !== '') return text
  const { code } = error as { readonly code?: unknown }
  return typeof code === 'string' ? code : 'no reason was given'
}
