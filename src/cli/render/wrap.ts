import stringWidth from 'string-width'

/** A word, or a command in backquotes, which is to be copied and so stays in one line. */
const WORDS = /`[^`\n]*`\S*|\S+/g
/** How much further to the right the rest of a line stands, if a text has several entries. */
const HANGING = '    '

/** Breaks the lines of a text at spaces, so that they fit a width. A word that is too long stays whole. */
export function wrap(text: string, width: number, hanging = HANGING): string {
  return text
    .split('\n')
    .flatMap((line) => wrapLine(line, width, hanging))
    .join('\n')
}

function wrapLine(line: string, width: number, hanging: string): string[] {
  if (stringWidth(line) <= width) return [line]
  const [indent = ''] = /^ */.exec(line) ?? []
  const lines: string[] = []
  let current = ''
  for (const [word] of line.matchAll(WORDS)) {
    const begin = lines.length === 0 ? indent : indent + hanging
    const longer = current === '' ? begin + word : `${current} ${word}`
    if (current === '' || stringWidth(longer) <= width) current = longer
    else {
      lines.push(current)
      current = indent + hanging + word
    }
  }
  return [...lines, current]
}

/** The widest line of a help text. */
const WIDEST_HELP = 120

/**
 * Returns what commander adds to the help of a command: the paragraphs of a text, which are separated by empty
 * lines, wrapped to the terminal. A paragraph with indented lines stays as it is.
 */
export function paragraphs(text: string): (context: { readonly error: boolean }) => string {
  return ({ error }) => {
    const { columns } = error ? process.stderr : process.stdout
    // A stream other than a terminal has no columns. The rest of the help then has 80 columns too.
    const width = Math.min(columns || 80, WIDEST_HELP)
    const wrapped = text
      .trim()
      .split(/\n\s*\n/)
      .map((paragraph) =>
        isList(paragraph) ? paragraph : wrap(paragraph.replaceAll(/\s+/g, ' '), width, ''),
      )
    return `\n${wrapped.join('\n\n')}`
  }
}

function isList(paragraph: string): boolean {
  return paragraph.includes('\n  ')
}
