import { hostname } from 'node:os'
import type { Message, Options } from 'amqplib'
import { Uuid } from '../contract/message-value.ts'

/* Names, arguments and properties on the wire, as kiwipy has them. Arguments must match exactly. */

const TASK_TTL = 604_800_000
const MESSAGE_TTL = 66_000
const QUEUE_EXPIRES = 60_000

export const BROADCAST_KEY = '[broadcast]'
export function rpcKey(identifier: string): string {
  return `[rpc].${identifier}`
}

export const TASK_QUEUE: Options.AssertQueue = { durable: true, messageTtl: TASK_TTL }
export const REPLY_QUEUE: Options.AssertQueue = { exclusive: true, durable: false, expires: QUEUE_EXPIRES }
/** The queue of one subscriber. */
export const SUBSCRIBER_QUEUE: Options.AssertQueue = {
  exclusive: true,
  durable: false,
  messageTtl: MESSAGE_TTL,
  expires: QUEUE_EXPIRES,
}
/** The queue that a group shares. It goes with the last member. Kiwipy has no such queue. */
export const GROUP_QUEUE: Options.AssertQueue = {
  durable: true,
  autoDelete: true,
  messageTtl: MESSAGE_TTL,
  expires: QUEUE_EXPIRES,
}

export const PENDING = { pending: null } as const
export function resultResponse(result: unknown): object {
  return { result: result ?? null }
}
export function exceptionResponse(text: string): object {
  return { exception: text }
}
export function withHost(response: object): object {
  return { ...response, host: { hostname: hostname(), pid: process.pid } }
}

export function newMessageId(): string {
  return globalThis.crypto.randomUUID().replaceAll('-', '')
}

/** The properties of every message. */
export function properties(messageId: string, options: Options.Publish): Options.Publish {
  return { headers: {}, priority: 0, deliveryMode: 1, messageId, ...options }
}

/** The properties of a received message. The other side may have sent values of any type. */
export function propertiesOf(
  message: Message,
): Readonly<Record<'correlationId' | 'messageId' | 'replyTo', unknown>> {
  return message.properties
}

/** A name that the other side sent; null if it is not a name. */
export function nameOf(value: unknown): string | number | null {
  if (value instanceof Uuid) return value.text
  return typeof value === 'string' || typeof value === 'number' ? value : null
}
