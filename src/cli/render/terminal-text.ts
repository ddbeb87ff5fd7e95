/*
 * The command line prints texts from stores, modules and arguments. None of them may control the terminal or reverse the
 * direction of text.
 */

/** Control characters, direction marks and overrides, and lone surrogates. */
const STEERING = String.raw`\p{Cc}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069\p{Surrogate}`
const STEERING_BUT_LAYOUT = new RegExp(`(?![\\n\\t])[${STEERING}]`, 'gu')

/** Replaces characters that could control the terminal. Line breaks and tabs stay. */
export function printable(text: string): string {
  return text.replaceAll(STEERING_BUT_LAYOUT, '\uFFFD')
}

/** Returns a text in one line, without characters that could control the terminal. */
export function oneLine(text: string): string {
  return printable(text.replaceAll(/\s+/g, (space) => (/[\n\r\t]/.test(space) ? ' ' : space)))
}

/** Returns a text in one line, cut to at most this many characters. */
export function cut(text: string, widest: number): string {
  // Looks only at what can be shown, since the text may have megabytes. A character has at most two units.
  const beginning = text.slice(0, 2 * widest + 2)
  const characters = Array.from(oneLine(beginning))
  const isCut = beginning.length < text.length || characters.length > widest
  return isCut ? `${characters.slice(0, widest - 1).join('')}…` : characters.join('')
}

/** Escapes the characters in JSON that could control the terminal. The JSON keeps its value. */
export function printableJson(json: string): string {
  return json.replaceAll(
    STEERING_BUT_LAYOUT,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Returns a message in parentheses, with a space before it; nothing if there is no message. */
export function inParentheses(message: string | null): string {
  return message === null ? '' : ` (${message})`
}
