/*
 * Names, pids, keys, labels, tags and statuses are well-formed text. A lone surrogate (half of an
 * emoji, as `text.slice(0, 12)` may leave) has no form in UTF-8: SQLite would store another text,
 * and the name would not be found again.
 */

/**
 * The longest name that is stored, in bytes of its UTF-8. Names are looked up by indexes, and an entry of an
 * index on Postgres has room for two of them.
 */
export const LONGEST_NAME = 1_024

/** Replaces each lone surrogate of a text for people by U+FFFD. */
export function wellFormed<T extends string | null | undefined>(text: T): T | string {
  return typeof text === 'string' ? text.toWellFormed() : text
}

/** Returns why a value can't be a name, or undefined if it can. */
export function textProblem(value: unknown, { empty = false } = {}): string | undefined {
  if (typeof value !== 'string') return `must be text, not ${value === null ? 'null' : typeof value}`
  if (value === '') return empty ? undefined : 'must not be empty'
  if (value.isWellFormed()) return undefined
  return `must be well-formed text: ${JSON.stringify(value)} has a lone surrogate, as is left of an emoji that was cut in half`
}

/**
 * Checks a name given by a caller. `what` names it in the message.
 *
 * @throws TypeError for a value that is not text, is malformed, or is empty although it must not be
 */
export function checkText(what: string, value: unknown, options?: { readonly empty?: boolean }): void {
  const problem = textProblem(value, options)
  if (problem !== undefined) throw new TypeError(`${what} ${problem}`)
}

/** Returns why a value can't be a name that is stored, or undefined if it can. */
export function nameProblem(value: unknown, options?: { readonly empty?: boolean }): string | undefined {
  return textProblem(value, options) ?? lengthProblem(value as string)
}

/** Returns why a text is too long for a name, or undefined if it is not. */
export function lengthProblem(text: string, longest: number = LONGEST_NAME): string | undefined {
  // A character takes at most three bytes, so a short text need not be measured.
  if (text.length * 3 <= longest) return undefined
  const bytes = new TextEncoder().encode(text).length
  return bytes <= longest
    ? undefined
    : `must have at most ${longest} bytes in UTF-8, and has ${bytes}: ${JSON.stringify(text.slice(0, 40))}…`
}

/**
 * Checks a name that a caller gives to something that is stored. `what` names it in the message.
 *
 * @throws TypeError as `checkText`
 * @throws RangeError for a name of more than `LONGEST_NAME` bytes
 */
export function checkName(what: string, value: unknown, options?: { readonly empty?: boolean }): void {
  checkText(what, value, options)
  const problem = lengthProblem(value as string)
  if (problem !== undefined) throw new RangeError(`${what} ${problem}`)
}
