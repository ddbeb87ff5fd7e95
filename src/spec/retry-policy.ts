import { preview } from '../ports/plain.ts'
import { suggestion } from '../ports/nearest.ts'
import { milliseconds, type Duration } from '../shared/duration.ts'
import { NonRetryableError, SpecError } from '../shared/errors.ts'

/** How long to wait before each further attempt. */
export interface BackoffOptions {
  /** Before the second attempt; `'1s'` unless said otherwise. */
  readonly initial?: Duration | undefined
  /** How much longer each time, from 1 up; 2 unless said otherwise. */
  readonly factor?: number | undefined
  /** The longest; `'5m'` unless said otherwise, or `initial` where that is longer. */
  readonly max?: Duration | undefined
  /** The share by which it varies at random, from 0 to 1; 0.1 unless said otherwise. */
  readonly jitter?: number | undefined
}

/** How a failing step is tried again, as plain data. */
export interface RetryOptions {
  /** How often the step is tried, the first time counted: a whole number from 1 up. */
  readonly attempts: number
  readonly backoff?: BackoffOptions | undefined
  /** What happens when the last attempt has failed: the process excepts (unless said otherwise), or is paused until it is played. */
  readonly whenExhausted?: 'except' | 'pause' | undefined
}

/** A class of errors. */
export type ErrorClass = abstract new (...args: never) => Error

/** How a failing step is tried again, as a spec declares it. */
export interface SpecRetryOptions extends RetryOptions {
  /** Only these errors: a class, several of which one must fit, or a function that says so at once. All of them without it. */
  readonly on?: ErrorClass | readonly ErrorClass[] | ((error: unknown) => boolean) | undefined
}

/** How a failing step is tried again. */
export class RetryPolicy {
  /** How often the step is tried, the first time counted. */
  readonly attempts: number
  /** What happens when the last attempt has failed. */
  readonly whenExhausted: 'except' | 'pause'
  readonly #initial: number
  readonly #factor: number
  readonly #max: number
  readonly #jitter: number
  readonly #on: (error: unknown) => boolean

  /** @throws SpecError for an option that is wrong or that there is not */
  constructor(options: SpecRetryOptions) {
    checkNames(options, ['attempts', 'backoff', 'whenExhausted', 'on'], 'retry')
    const { attempts, backoff = {}, whenExhausted = 'except', on } = options
    if (!Number.isSafeInteger(attempts) || attempts < 1)
      throw new SpecError(
        `retry.attempts is a whole number from 1 up, the first try counted, not ${preview(attempts)}`,
      )
    if (whenExhausted !== 'except' && whenExhausted !== 'pause')
      throw new SpecError(`retry.whenExhausted is 'except' or 'pause', not ${preview(whenExhausted)}`)
    checkNames(backoff, ['initial', 'factor', 'max', 'jitter'], 'retry.backoff')
    this.attempts = attempts
    this.whenExhausted = whenExhausted
    const initial = time(backoff.initial ?? '1s', 'retry.backoff.initial')
    this.#max =
      backoff.max === undefined
        ? Math.max(initial, milliseconds('5m'))
        : time(backoff.max, 'retry.backoff.max')
    if (backoff.initial !== undefined && initial > this.#max)
      throw new SpecError(
        `retry.backoff.initial (${backoff.initial}) is longer than retry.backoff.max (${String(backoff.max)})`,
      )
    this.#initial = initial
    this.#factor = numeric(backoff.factor ?? 2, 'retry.backoff.factor', 1, Number.MAX_VALUE)
    this.#jitter = numeric(backoff.jitter ?? 0.1, 'retry.backoff.jitter', 0, 1)
    this.#on = matcher(on)
  }

  /**
   * Whether a step that failed with this error is tried again; never where it is a `NonRetryableError`.
   *
   * @throws SpecError where `on` is a function that gave no boolean
   */
  covers(error: unknown): boolean {
    return !(error instanceof NonRetryableError) && this.#on(error)
  }

  /** How many milliseconds to wait before an attempt, the second being the first that is waited for. `random` gives 0 up to 1. */
  delay(attempt: number, random: () => number): number {
    // Bounded, since 0 times Infinity is no number.
    const growth = Math.min(this.#factor ** (attempt - 2), Number.MAX_VALUE)
    const even = Math.min(this.#initial * growth, this.#max)
    const varied = even * (1 + this.#jitter * (2 * random() - 1))
    return Math.round(Math.min(varied, this.#max))
  }
}

/**
 * The policy of one launch; a number says how often steps are tried.
 *
 * @throws SpecError for an option that is wrong, or that a launch does not have
 */
export function launchRetry(retry: number | RetryOptions): RetryPolicy {
  if (typeof retry === 'number') return new RetryPolicy({ attempts: retry })
  checkNames(retry, ['attempts', 'backoff', 'whenExhausted'], 'retry')
  return new RetryPolicy(retry)
}

function matcher(on: unknown): (error: unknown) => boolean {
  if (on === undefined) return () => true
  if (typeof on === 'function' && !isClass(on))
    return (error) => {
      const said: unknown = (on as (error: unknown) => unknown)(error)
      if (typeof said === 'boolean') return said
      if (said instanceof Promise) void said.catch(() => undefined)
      throw new SpecError(`retry.on gave ${preview(said)}: it has to say true or false at once`)
    }
  const classes: readonly unknown[] = Array.isArray(on) ? on : [on]
  if (classes.length === 0)
    throw new SpecError('retry.on names no class: leave it out to retry on every error')
  const errors = classes.map((one) => {
    if (isErrorClass(one)) return one
    throw new SpecError(
      `retry.on takes classes of errors, or a function that gives a boolean, not ${preview(one)}`,
    )
  })
  return (error) => errors.some((one) => error instanceof one)
}

function isClass(value: object): boolean {
  return isErrorClass(value) || /^class\b/.test(Function.prototype.toString.call(value))
}

function isErrorClass(value: unknown): value is ErrorClass {
  if (typeof value !== 'function') return false
  const prototype: unknown = value.prototype
  return prototype === Error.prototype || prototype instanceof Error
}

function checkNames(options: unknown, known: readonly string[], where: string): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new SpecError(`${where} takes an object of options, not ${preview(options)}`)
  for (const name of Object.keys(options))
    if (!known.includes(name))
      throw new SpecError(`${where} has no option '${name}'${suggestion(name, known)}`)
}

function numeric(value: unknown, where: string, least: number, most: number): number {
  if (typeof value === 'number' && value >= least && value <= most) return value
  throw new SpecError(
    `${where} is a number ${most === Number.MAX_VALUE ? `from ${least} up` : `from ${least} to ${most}`}, not ${preview(value)}`,
  )
}

function time(value: Duration, where: string): number {
  const made = durationOf(value, where)
  if (made === Number.POSITIVE_INFINITY) throw new SpecError(`${where} has to be finite`)
  return made
}

/** A duration in milliseconds; a `SpecError` that says where for one that is none. */
export function durationOf(value: unknown, where: string): number {
  if (typeof value !== 'number' && typeof value !== 'string')
    throw new SpecError(
      `${where} is milliseconds, or text such as '90s', '1.5h' or '3d', not ${preview(value)}`,
    )
  try {
    return milliseconds(value)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new SpecError(`${where}: ${error.message}`, { cause: error })
  }
}
