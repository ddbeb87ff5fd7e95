import { preview } from '../ports/plain.ts'
import { milliseconds, type Duration } from '../shared/duration.ts'
import { SpecError } from '../shared/errors.ts'
import { checkNames } from './option-names.ts'

/** The delays before further attempts. */
export interface BackoffOptions {
  /** The delay before the second attempt. Default `'1s'`. */
  readonly initial?: Duration | undefined
  /** The factor by which each further delay is longer, from 1 up. Default 2. */
  readonly factor?: number | undefined
  /** The longest delay. Default `'5m'`, or `initial` if that is longer. */
  readonly max?: Duration | undefined
  /** The share by which a delay varies at random, from 0 to 1. Default 0.1. */
  readonly jitter?: number | undefined
}

/** Computes the delays before further attempts. */
export class Backoff {
  readonly #initial: number
  readonly #factor: number
  readonly #max: number
  readonly #jitter: number

  /**
   * `where` names the options in messages.
   *
   * @throws SpecError for an unknown or invalid option
   */
  constructor(options: BackoffOptions, where: string) {
    checkNames(options, ['initial', 'factor', 'max', 'jitter'], where)
    const { initial = '1s', factor = 2, max, jitter = 0.1 } = options
    this.#initial = finite(initial, `${where}.initial`)
    this.#max = max === undefined ? Math.max(this.#initial, milliseconds('5m')) : finite(max, `${where}.max`)
    if (options.initial !== undefined && this.#initial > this.#max)
      throw new SpecError(`${where}.initial, ${initial}, is longer than ${where}.max, ${String(max)}`)
    if (typeof factor !== 'number' || !(factor >= 1 && factor <= Number.MAX_VALUE))
      throw new SpecError(`${where}.factor is a number from 1 up, not ${preview(factor)}`)
    if (typeof jitter !== 'number' || !(jitter >= 0 && jitter <= 1))
      throw new SpecError(`${where}.jitter is a number from 0 to 1, not ${preview(jitter)}`)
    this.#factor = factor
    this.#jitter = jitter
  }

  /**
   * Returns the delay before an attempt in milliseconds. The first attempt with a delay is number
   * 2. `random` returns numbers from 0 to 1.
   */
  delay(attempt: number, random: () => number): number {
    // Bounded, since 0 times Infinity is NaN.
    const growth = Math.min(this.#factor ** (attempt - 2), Number.MAX_VALUE)
    const even = Math.min(this.#initial * growth, this.#max)
    const varied = even * (1 + this.#jitter * (2 * random() - 1))
    return Math.round(Math.min(varied, this.#max))
  }
}

/**
 * Returns a duration in milliseconds.
 *
 * @throws SpecError for an invalid duration
 */
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

function finite(value: Duration, where: string): number {
  const made = durationOf(value, where)
  if (made === Number.POSITIVE_INFINITY) throw new SpecError(`${where} must be finite`)
  return made
}
