import stringWidth from 'string-width'
import { paint, type Style } from './paint.ts'
import { PLAIN, type Screen } from './screen.ts'
import { wrap } from './wrap.ts'
import { cut, cutStart } from '../../shared/terminal-text.ts'

/** A column of a table. */
export interface Column {
  readonly heading: string
  /** The most columns of the terminal that a cell takes on any screen; 60 by default. */
  readonly most?: number
  /** If the table is too wide, the column shrinks to this width. Without a number it never shrinks. */
  readonly least?: number
  /** If the table is still too wide, the columns with a number are left out, the smallest number first. */
  readonly drop?: number
  /** Whether a cell that is too long continues on the next line, instead of being cut. */
  readonly wraps?: boolean
  /** Which end of a cell is cut. */
  readonly cut?: 'start' | 'end'
  readonly align?: 'left' | 'right'
  /** Returns the style of a cell. */
  readonly style?: (cell: string) => Style | undefined
}

const MOST = 60
const GAP = '  '

/**
 * Returns a table of columns with headings, without lines. No row is wider than the screen: columns that may shrink are
 * cut, the widest first, and if that is not enough, columns are left out.
 */
export function columns(
  given: readonly (string | Column)[],
  rows: readonly (readonly string[])[],
  screen: Screen = PLAIN,
): string {
  const measured = given.map((column, index): Shown => {
    const whole = typeof column === 'string' ? { heading: column } : column
    const cells = rows.map((row) => cut(row[index] ?? '', whole.most ?? MOST))
    return { ...whole, cells, width: Math.max(...[whole.heading, ...cells].map((text) => stringWidth(text))) }
  })
  const shown = fitting(measured, screen.width)
  const line = (texts: readonly string[], styleOf: (column: Shown, text: string) => Style | undefined) =>
    shown
      .map((column, index) => {
        const text = (column.cut === 'start' ? cutStart : cut)(texts[index] ?? '', column.width)
        const space = ' '.repeat(Math.max(0, column.width - stringWidth(text)))
        const painted = paint(text, styleOf(column, text), screen)
        if (column.align === 'right') return space + painted
        return index === shown.length - 1 ? painted : painted + space
      })
      .join(GAP)
      .trimEnd()
  const linesOf = (row: number): string[] => {
    const cells = shown.map((column) => partsOf(column, column.cells[row] ?? ''))
    const height = Math.max(...cells.map(({ length }) => length))
    return Array.from({ length: height }, (_, at) =>
      line(
        cells.map((parts) => parts[at] ?? ''),
        ({ style }, text) => style?.(text),
      ),
    )
  }
  const headings = shown.map(({ heading }) => heading)
  return [line(headings, () => 'bold'), ...rows.flatMap((_, row) => linesOf(row))].join('\n')
}

/** The lines of a cell. */
function partsOf({ wraps, width }: Shown, cell: string): readonly string[] {
  return wraps === true && stringWidth(cell) > width ? wrap(cell, width, '  ').split('\n') : [cell]
}

interface Shown extends Column {
  readonly cells: readonly string[]
  readonly width: number
}

/** Shrinks columns until the table fits, or else leaves the first one out that may be. */
function fitting(shown: readonly Shown[], width: number): readonly Shown[] {
  const widths = shown.map((column) => column.width)
  let excess = widths.reduce((sum, each) => sum + each, GAP.length * (shown.length - 1)) - width
  for (; excess > 0; excess--) {
    let widest = -1
    for (const [index, { least }] of shown.entries()) {
      const own = widths[index] ?? 0
      if (least !== undefined && own > least && own > (widths[widest] ?? 0)) widest = index
    }
    if (widest === -1) break
    widths[widest] = (widths[widest] ?? 0) - 1
  }
  const [first] = shown
    .filter(({ drop }) => drop !== undefined)
    .toSorted((a, b) => (a.drop ?? 0) - (b.drop ?? 0))
  if (excess > 0 && first !== undefined) return fitting(shown.toSpliced(shown.indexOf(first), 1), width)
  return shown.map((column, index) => ({ ...column, width: widths[index] ?? 0 }))
}
