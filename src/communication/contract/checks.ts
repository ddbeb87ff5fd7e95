import { DuplicateSubscriber } from '../../shared/errors.ts'
import { checkOptions, isDuration, isFlag, shown, type OptionNames } from '../../shared/options.ts'
import { checkText } from '../../shared/text.ts'
import type { BroadcastFilter, BroadcastOptions, RpcOptions, TaskOptions } from './communicator.ts'

export type SentKind = 'rpc' | 'task' | 'broadcast'

const RPC: OptionNames<RpcOptions> = { timeout: isDuration }
const TASK: OptionNames<TaskOptions> = { timeout: isDuration, noReply: isFlag }
const BROADCAST: OptionNames<BroadcastOptions> = { sender: isName, subject: isText, correlationId: isName }
const FILTER: OptionNames<BroadcastFilter> = { identifier: isText, subject: isSubject, group: isText }

/** Checks the arguments of a method that sends something. @throws TypeError, RangeError */
export function checkSent(kind: SentKind, options: object, recipient?: string): void {
  if (kind === 'rpc') {
    checkText('rpcSend: the recipient', recipient)
    checkOptions(options, RPC, 'rpcSend')
  } else if (kind === 'task') checkOptions(options, TASK, 'taskSend')
  else checkOptions(options, BROADCAST, 'broadcastSend')
}

export function checkFilter(filter: BroadcastFilter): void {
  checkOptions(filter, FILTER, 'addBroadcastSubscriber')
}

/** @throws TypeError for anything but a function */
export function checkSubscriber(subscriber: unknown): void {
  if (typeof subscriber !== 'function')
    throw new TypeError(`a subscriber is a function, not ${shown(subscriber)}`)
}

/**
 * Checks a subscriber that gets an identifier of its own. `known` has the existing ones.
 *
 * @throws TypeError, DuplicateSubscriber
 */
export function checkNewSubscriber(
  subscriber: unknown,
  identifier: string,
  known: ReadonlyMap<string, unknown>,
): void {
  checkSubscriber(subscriber)
  checkText('the identifier of a subscriber', identifier)
  if (known.has(identifier))
    throw new DuplicateSubscriber(`another subscriber has the identifier ${JSON.stringify(identifier)}`)
}

function isText(what: string, value: unknown): void {
  checkText(what, value)
}

function isName(what: string, value: unknown): void {
  if (typeof value !== 'number') checkText(what, value)
}

function isSubject(what: string, value: unknown): void {
  if (!(value instanceof RegExp)) checkText(what, value)
}
