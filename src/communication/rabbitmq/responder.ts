import type { ConsumeMessage } from 'amqplib'
import { errorText } from '../../shared/error-text.ts'
import type { Logger } from '../../shared/logger.ts'
import { remoteText } from '../contract/answering.ts'
import type { Link } from './link.ts'
import { exceptionResponse, propertiesOf } from './wire.ts'
import { decodeBody, encodeBody } from './yaml-codec.ts'

/** Reads the messages that arrive, and answers them. */
export class Responder {
  readonly #link: Link
  readonly #logger: Logger

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

  /** Answers a request that asks for an answer, also if the connection is lost meanwhile. */
  respond(request: ConsumeMessage, response: object): void {
    const { replyTo, correlationId } = propertiesOf(request)
    if (typeof replyTo !== 'string' || replyTo === '') return
    const { exchange } = request.fields
    const sent = { mandatory: true, ...(typeof correlationId === 'string' && { correlationId }) }
    const body = encodeBody(response)
    const publish = (): Promise<void> => this.#link.publish(exchange, replyTo, body, sent)
    // At once if possible, so that answers keep their order.
    const published = this.#link.channels === undefined ? this.#link.ready().then(publish) : publish()
    published.catch((error: unknown) => {
      this.#logger.debug({ reason: errorText(error), replyTo }, 'an answer has reached no one')
    })
  }
}
