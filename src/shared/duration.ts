import ms, { type StringValue } from 'ms'

/** Milliseconds, or text such as `'90s'`, `'1.5h'`, `'3d'`. */
export type Duration = number | string

/** Some 250,000 years, so that no time from now is beyond what a Date can hold. */
const LONGEST = 8e15

/**
 * A duration in milliseconds. Infinity stands for no limit.
 *
 * @throws RangeError for a negative number, NaN, one that is too long for a date, or text that is no duration
 */
export function milliseconds(duration: Duration): number {
  const value = typeof duration === 'string' ? fromText(duration) : duration
  // What is neither, as plain JavaScript may give, is no duration either.
  if (typeof value !== 'number' || Number.isNaN(value) || value < 0) {
    throw new RangeError(
      `${typeof duration === 'number' ? duration : JSON.stringify(duration)} is no duration: give milliseconds, or text such as '90s', '1.5h' or '3d'`,
    )
  }
  if (value > LONGEST && value !== Number.POSITIVE_INFINITY) {
    throw new RangeError(
      `a duration of ${value} ms ends after the last date there is: give less, or Infinity for no limit`,
    )
  }
  return value
}

function fromText(text: string): number {
  // `ms` throws on empty and overlong text and takes a bare number for milliseconds; both are no durations here.
  if (text.length === 0 || text.length > 100 || !/[a-z]\s*$/i.test(text)) return Number.NaN
  return ms(text as StringValue) ?? Number.NaN
}
