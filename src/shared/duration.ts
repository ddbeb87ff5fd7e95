import ms, { type StringValue } from 'ms'

/** Milliseconds, or text such as `'90s'`, `'1.5h'`, `'3d'`. */
export type Duration = number | string

/** The last wall-clock time that a Date can hold. */
export const LAST_DATE = 8.64e15

/**
 * Returns a duration in milliseconds. Infinity means no limit.
 *
 * @throws RangeError for a negative number, NaN, or text that is not a duration
 */
export function milliseconds(duration: Duration): number {
  const value = typeof duration === 'string' ? fromText(duration) : duration
  // Plain JavaScript may pass values of other types.
  if (typeof value !== 'number' || Number.isNaN(value) || value < 0) {
    throw new RangeError(
      `${typeof duration === 'number' ? duration : JSON.stringify(duration)} is not a duration: give milliseconds, or text such as '90s', '1.5h' or '3d'`,
    )
  }
  return value
}

function fromText(text: string): number {
  // `ms` throws on empty and overlong text, and reads a bare number as milliseconds. Neither is a
  // duration here.
  if (text.length === 0 || text.length > 100 || !/[a-z]\s*$/i.test(text)) return Number.NaN
  return ms(text as StringValue) ?? Number.NaN
}
