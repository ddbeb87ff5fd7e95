import { getBorderCharacters, table } from 'table'
import { cut } from './terminal-text.ts'

/** The default width of a cell, in characters. A longer cell is cut before the column is padded to its width. */
const WIDEST = 60

/** Returns a table of columns with headings, without lines. */
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
