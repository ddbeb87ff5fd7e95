import type { ConsumeMessage } from 'amqplib'
import { systemClock } from '../../shared/clock.ts'
import { errorText } from '../../shared/error-text.ts'
import type { Logger } from '../../shared/logger.ts'
import { elapsed } from '../../shared/timers.ts'
import { remoteText } from '../contract/answering.ts'
import type { Link } from './link.ts'
import { exceptionResponse, propertiesOf } from './wire.ts'
import { decodeBody, encodeBody } from './yaml-codec.ts'

/** How long an answer that reaches no one is sent again, in milliseconds: as long as a reply queue lasts. */
const ANSWER_LIMIT = 60_000
const FIRST_PAUSE = 100
const LONGEST_PAUSE = 5_000

/** Reads the messages that arrive, and answers them. */
export class Responder {
  readonly #link: Link
  readonly #logger: Logger
  /** The last answer to each request that is answered. */
  readonly #answering = new WeakMap<ConsumeMessage, Promise<void>>()
  readonly #pauses = new Set<() => void>()
  #isStopped = false

  constructor(link: Link, logger: Logger) {
    this.#link = link
    this.#logger = logger
  }

  /** The body of a message; undefined, logged and answered, if it can't be read. */
  decoded(message: ConsumeMessage): unknown {
    try {
      return decodeBody(message.content)
    } catch (error) {
      const { correlationId, replyTo } = propertiesOf(message)
      const body = message.content.subarray(0, 200).toString('utf8')
      this.#logger.error(
        { err: error, key: message.fields.routingKey, correlationId, replyTo, body },
        'a message from RabbitMQ cannot be read and is dropped',
      )
      this.respond(message, exceptionResponse(remoteText(error)))
      return undefined
    }
  }

  /**
   * Answers a request that asks for an answer. While the answer reaches no one, since this connection or
   * that of the other side was lost, it is sent again. Several answers to a request keep their order.
   */
  respond(request: ConsumeMessage, response: object): void {
    const { replyTo, correlationId } = propertiesOf(request)
    if (typeof replyTo !== 'string' || replyTo === '') return
    const { exchange } = request.fields
    const sent = { mandatory: true, ...(typeof correlationId === 'string' && { correlationId }) }
    const body = encodeBody(response)
    const send = (): Promise<void> =>
      this.#send(replyTo, () => this.#link.publish(exchange, replyTo, body, sent))
    this.#answering.set(request, this.#answering.get(request)?.then(send) ?? send())
  }

  /** Sends no answer again. */
  stop(): void {
    this.#isStopped = true
    for (const goOn of this.#pauses) goOn()
  }

  async #send(replyTo: string, publish: () => Promise<void>): Promise<void> {
    const end = elapsed() + ANSWER_LIMIT
    for (let time = FIRST_PAUSE; !this.#isStopped; time = Math.min(2 * time, LONGEST_PAUSE)) {
      try {
        if (this.#link.channels === undefined) await this.#link.ready()
        await publish()
        return
      } catch (error) {
        const facts = { reason: errorText(error), replyTo }
        if (elapsed() >= end) {
          this.#logger.debug(facts, 'an answer has reached no one')
          return
        }
        this.#logger.debug(facts, 'an answer has reached no one; it is sent again')
        await this.#pause(time)
      }
    }
  }

  #pause(time: number): Promise<void> {
    return new Promise((resolve) => {
      const stopTimer = systemClock.after(time, goOn)
      const pauses = this.#pauses
      function goOn(): void {
        stopTimer()
        pauses.delete(goOn)
        resolve()
      }
      pauses.add(goOn)
    })
  }
}
