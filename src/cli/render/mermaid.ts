/*
 * Labels for Mermaid. A text from outside stands in quotes, and each character in it that Mermaid, Markdown or HTML could
 * interpret is written by its number. Names of nodes never come from outside.
 */

/** The most characters of one line of a label. */
const WIDEST = 100
/** The most lines of one label, since Mermaid refuses very long texts. */
const LONGEST = 24

/** Returns a label in quotes that shows these lines as they are, whatever they contain. */
export function label(lines: readonly string[]): string {
  const shown =
    lines.length > LONGEST ? [...lines.slice(0, LONGEST), `and ${lines.length - LONGEST} more`] : lines
  const text = shown.map((line) => escaped(cut(line))).join('<br>')
  // Mermaid refuses an empty label.
  return `"${text === '' ? ' ' : text}"`
}

function cut(line: string): string {
  // Replaces lone surrogates and control characters, which Mermaid can't show by number.
  const text = line
    .replaceAll(/\p{Cs}/gu, '\uFFFD')
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim()
  const characters = Array.from(text)
  return characters.length > WIDEST ? `${characters.slice(0, WIDEST - 1).join('')}…` : text
}

function escaped(text: string): string {
  return text.replaceAll(/[^\p{L}\p{M}\p{N} ,.()/_-]/gu, (character) => `#${character.codePointAt(0)};`)
}
