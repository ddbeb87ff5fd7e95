/*
 * Names, pids, keys, labels, tags and statuses are well-formed text. A lone surrogate (half of an emoji, as `text.slice(0, 12)` may leave) has
 * no form in UTF-8: SQLite would keep another text, and nothing would be found under the name again.
 */

/** A text for people, each lone surrogate in it replaced by U+FFFD. */
export function wellFormed<T extends string | null | undefined>(text: T): T | string {
  return typeof text === 'string' ? text.toWellFormed() : text
}

/** What keeps a value from being a name; undefined where nothing does. */
export function textProblem(value: unknown, { empty = false } = {}): string | undefined {
  if (typeof value !== 'string') return `must be text, not ${value === null ? 'null' : typeof value}`
  if (value === '') return empty ? undefined : 'must not be empty'
  if (value.isWellFormed()) return undefined
  return `must be well-formed text: ${JSON.stringify(value)} has a lone surrogate, as is left of an emoji that was cut in half`
}

/**
 * For what a caller gives as a name. `what` names it in the message.
 *
 * @throws TypeError for what is no text, is malformed, or is empty and must not be
 */
export function checkText(what: string, value: unknown, options?: { readonly empty?: boolean }): void {
  const problem = textProblem(value, options)
  if (problem !== undefined) throw new TypeError(`${what} ${problem}`)
}
