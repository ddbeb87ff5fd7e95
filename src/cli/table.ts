import { getBorderCharacters, table } from 'table'

/** Characters of one cell at most, unless told otherwise. */
const WIDEST = 60

/** Columns below their headings, without lines. */
export function columns(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  widest = WIDEST,
): string {
  const cells = [headings, ...rows].map((row) => row.map(cell))
  const text = table(cells, {
    border: getBorderCharacters('void'),
    columnDefault: { paddingLeft: 0, paddingRight: 2, truncate: widest },
    drawHorizontalLine: () => false,
  })
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

/** One line, without what could steer the terminal. */
function cell(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ')
}
