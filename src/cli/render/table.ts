import { getBorderCharacters, table } from 'table'
import { cut } from './terminal-text.ts'

/** Characters of one cell at most, unless told otherwise. A cell is cut before the others are padded to its width. */
const WIDEST = 60

/** Columns below their headings, without lines. */
export function columns(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  widest = WIDEST,
): string {
  const cells = [headings, ...rows].map((row) => row.map((text) => cut(text, widest)))
  const text = table(cells, {
    border: getBorderCharacters('void'),
    columnDefault: { paddingLeft: 0, paddingRight: 2 },
    drawHorizontalLine: () => false,
  })
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}
