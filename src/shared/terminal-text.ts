import stringWidth from 'string-width'

/*
 * Texts from stores, modules and arguments that are shown on a terminal. None of them may control the
 * terminal or reverse the direction of text.
 */

/** Control characters, direction marks and overrides, and lone surrogates. */
const CONTROLLING = String.raw`\p{Cc}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069\p{Surrogate}`
const CONTROLLING_BUT_LAYOUT = new RegExp(`(?![\\n\\t])[${CONTROLLING}]`, 'gu')

/** Replaces characters that could control the terminal. Line breaks and tabs stay. */
export function printable(text: string): string {
  return text.replaceAll(CONTROLLING_BUT_LAYOUT, '\uFFFD')
}

/** Returns a text in one line, without characters that could control the terminal. */
export function oneLine(text: string): string {
  return printable(text.replaceAll(/\s+/g, (space) => (/[\n\r\t]/.test(space) ? ' ' : space)))
}

const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
/** How many units of a text are read for each column. A character with its marks has several. */
const UNITS = 8

/**
 * Returns a text in one line that takes at most this many columns of a terminal. A cut text ends
 * with `…`.
 */
export function cut(text: string, widest: number): string {
  // Looks only at what can be shown, since the text may have megabytes.
  const beginning = text.length > UNITS * widest + UNITS ? text.slice(0, UNITS * widest) : text
  const line = oneLine(beginning)
  if (beginning === text && fits(line, widest)) return line
  const parts = Array.from(GRAPHEMES.segment(line), ({ segment }) => segment)
  return `${takeFrom(parts, widest - 1).join('')}…`
}

/** As `cut`, but cuts the beginning. */
export function cutStart(text: string, widest: number): string {
  const end = text.length > UNITS * widest + UNITS ? text.slice(-UNITS * widest) : text
  const line = oneLine(end)
  if (end === text && fits(line, widest)) return line
  const parts = Array.from(GRAPHEMES.segment(line), ({ segment }) => segment).toReversed()
  return `…${takeFrom(parts, widest - 1)
    .toReversed()
    .join('')}`
}

function fits(line: string, widest: number): boolean {
  return (line.length <= widest && /^[ -~]*$/.test(line)) || stringWidth(line) <= widest
}

/** The first parts that take no more columns than this. */
function takeFrom(parts: readonly string[], columns: number): string[] {
  let left = columns
  const end = parts.findIndex((part) => (left -= stringWidth(part)) < 0)
  return parts.slice(0, end === -1 ? parts.length : end)
}

/** Escapes the characters in JSON that could control the terminal. The JSON keeps its value. */
export function printableJson(json: string): string {
  return json.replaceAll(
    CONTROLLING_BUT_LAYOUT,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Returns a message in parentheses, with a space before it; nothing if there is no message. */
export function inParentheses(message: string | null): string {
  return message === null ? '' : ` (${message})`
}
