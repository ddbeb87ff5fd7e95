/*
 * Names, pids, keys, labels, tags and statuses are well-formed text. A lone surrogate (half of an
 * emoji, as `text.slice(0, 12)` may leave) has no form in UTF-8: SQLite would store another text,
 * and the name would not be found again.
 */

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
