import { shown } from '../../shared/options.ts'
import { checkText } from '../../shared/text.ts'
import type { RetryOptions } from '../../spec/retry-policy.ts'

/** How long the first retry of a call waits, in milliseconds. */
const FIRST_RETRY = 50

/** The retries of a call that is tried so often again. */
export function retriesOf(retries: number): RetryOptions {
  return { attempts: retries + 1, backoff: { initial: FIRST_RETRY } }
}

/** @throws TypeError for anything but well-formed text */
export function isLabel(what: string, value: unknown): void {
  checkText(what, value, { empty: true })
}

/** @throws TypeError or RangeError for anything but a whole number from 0 */
export function isRetries(what: string, value: unknown): void {
  if (typeof value !== 'number')
    throw new TypeError(`${what} takes a whole number from 0, not ${shown(value)}`)
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`${what} is ${value}: give a whole number from 0`)
}
