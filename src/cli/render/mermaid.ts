/*
 * What Mermaid takes as text. Names of nodes are made here and never come from outside; texts from outside stand in quotes, each
 * character that could mean anything to Mermaid, Markdown or HTML by its number.
 */

/** Characters of one line of a label at most. */
const WIDEST = 100
/** Lines of one label at most: Mermaid refuses texts that are very long. */
const LONGEST = 24

/** A label of these lines, in quotes: it shows them as they are, whatever is in them. */
export function label(lines: readonly string[]): string {
  const shown =
    lines.length > LONGEST ? [...lines.slice(0, LONGEST), `and ${lines.length - LONGEST} more`] : lines
  const text = shown.map((line) => escaped(cut(line))).join('<br>')
  // Mermaid takes no label of nothing.
  return `"${text === '' ? ' ' : text}"`
}

function cut(line: string): string {
  // Neither half a character nor what is no text at all, since neither has a number.
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
