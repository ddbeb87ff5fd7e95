import { preview } from '../ports/plain.ts'
import { NonRetryableError, SpecError } from '../shared/errors.ts'
import { Backoff, type BackoffOptions } from './backoff.ts'
import { checkNames } from './option-names.ts'

/** How failed steps are retried, as plain data. */
export interface RetryOptions {
  /** The number of attempts, including the first: a whole number from 1 up. */
  readonly attempts: number
  readonly backoff?: BackoffOptions | undefined
  /**
   * What happens after the last attempt has failed: the process excepts (the default), or is paused
   * until it is played.
   */
  readonly whenExhausted?: 'except' | 'pause' | undefined
}

/** A class of errors. */
export type ErrorClass = abstract new (...args: never) => Error

/** How failed steps are retried, as a spec declares it. */
export interface SpecRetryOptions extends RetryOptions {
  /**
   * Which errors are retried: an error class, a list of classes, or a synchronous function that
   * returns a boolean. Default: all errors.
   */
  readonly on?: ErrorClass | readonly ErrorClass[] | ((error: unknown) => boolean) | undefined
}

/** How failed steps are retried. */
export class RetryPolicy {
  /** The number of attempts, including the first. */
  readonly attempts: number
  /** What happens after the last attempt has failed. */
  readonly whenExhausted: 'except' | 'pause'
  readonly #backoff: Backoff
  readonly #on: (error: unknown) => boolean

  /** @throws SpecError for an unknown or invalid option */
  constructor(options: SpecRetryOptions) {
    checkNames(options, ['attempts', 'backoff', 'whenExhausted', 'on'], 'retry')
    const { attempts, backoff = {}, whenExhausted = 'except', on } = options
    if (!Number.isSafeInteger(attempts) || attempts < 1)
      throw new SpecError(
        `retry.attempts is a whole number from 1 up, including the first attempt, not ${preview(attempts)}`,
      )
    if (whenExhausted !== 'except' && whenExhausted !== 'pause')
      throw new SpecError(`retry.whenExhausted is 'except' or 'pause', not ${preview(whenExhausted)}`)
    this.attempts = attempts
    this.whenExhausted = whenExhausted
    this.#backoff = new Backoff(backoff, 'retry.backoff')
    this.#on = matcher(on)
  }

  /**
   * Whether a step that failed with this error is retried. A `NonRetryableError` is never retried.
   *
   * @throws SpecError if `on` is a function that does not return a boolean
   */
  covers(error: unknown): boolean {
    return !(error instanceof NonRetryableError) && this.#on(error)
  }

  /**
   * Returns the delay before an attempt in milliseconds. The first attempt with a delay is number
   * 2. `random` returns numbers from 0 to 1.
   */
  delay(attempt: number, random: () => number): number {
    return this.#backoff.delay(attempt, random)
  }
}

/**
 * Returns the retry policy of one launch. A number is a number of attempts.
 *
 * @throws SpecError for an invalid option, and for one that a launch does not have
 */
export function launchRetry(retry: number | RetryOptions): RetryPolicy {
  if (typeof retry === 'number') return new RetryPolicy({ attempts: retry })
  checkNames(retry, ['attempts', 'backoff', 'whenExhausted'], 'retry')
  return new RetryPolicy(retry)
}

function matcher(on: unknown): (error: unknown) => boolean {
  if (on === undefined) return () => true
  if (typeof on === 'function' && !isClass(on))
    return (error) => checked((on as (error: unknown) => unknown)(error))
  const classes: readonly unknown[] = Array.isArray(on) ? on : [on]
  if (classes.length === 0) throw new SpecError('retry.on names no class: omit it to retry on every error')
  const errors = classes.map((one) => {
    if (isErrorClass(one)) return one
    throw new SpecError(
      `retry.on takes classes of errors, or a function that returns a boolean, not ${preview(one)}`,
    )
  })
  return (error) => errors.some((one) => error instanceof one)
}

function checked(said: unknown): boolean {
  if (typeof said === 'boolean') return said
  // No one awaits the promise, so its failure must not become an unhandled rejection.
  if (said instanceof Promise) void said.catch(() => undefined)
  throw new SpecError(`retry.on returned ${preview(said)}: it must return true or false, not a promise`)
}

function isClass(value: object): boolean {
  // Other functions have a writable prototype, or none.
  return Object.getOwnPropertyDescriptor(value, 'prototype')?.writable === false
}

function isErrorClass(value: unknown): value is ErrorClass {
  if (typeof value !== 'function') return false
  const prototype: unknown = value.prototype
  return prototype === Error.prototype || prototype instanceof Error
}
