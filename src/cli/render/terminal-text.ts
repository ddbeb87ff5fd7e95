/*
 * What the command line prints may come from anywhere: a store, a module, the arguments. None of it may steer the terminal, or turn around
 * the order in which text is shown.
 */

/** Control characters, marks and overrides of the direction of text, and halves of characters. */
const STEERING = String.raw`\p{Cc}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069\p{Surrogate}`
const STEERING_BUT_LAYOUT = new RegExp(`(?![\\n\\t])[${STEERING}]`, 'gu')

/** Text without what could steer the terminal; line breaks and tabs stay. */
export function printable(text: string): string {
  return text.replaceAll(STEERING_BUT_LAYOUT, '\uFFFD')
}

/** Text in one line, without what could steer the terminal. */
export function oneLine(text: string): string {
  return printable(text.replaceAll(/\s+/g, (space) => (/[\n\r\t]/.test(space) ? ' ' : space)))
}

/** At most so many characters in one line; of a text that is longer, the beginning. */
export function cut(text: string, widest: number): string {
  // No more of it is looked at than can be shown: it may have megabytes. A character has two units at most.
  const beginning = text.slice(0, 2 * widest + 2)
  const characters = Array.from(oneLine(beginning))
  const isCut = beginning.length < text.length || characters.length > widest
  return isCut ? `${characters.slice(0, widest - 1).join('')}…` : characters.join('')
}

/** JSON whose texts have what could steer the terminal as escapes: the same value for who parses it. */
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
