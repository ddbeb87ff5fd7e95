import { table } from 'table'
import type { Row } from './measure.ts'

/** The rows for people. */
export function tableOf(rows: readonly Row[]): string {
  const cells = rows.flatMap((row) => [
    [
      row.id,
      row.what,
      `${number(row.value)} ${row.unit}`,
      row.ratio === undefined ? '' : `${number(row.ratio)} ${row.ratioTo ?? ''}`,
      row.goal ?? '',
      row.reached === undefined ? '' : row.reached ? 'reached' : 'NOT reached',
    ],
    ...Object.entries(row.more ?? {}).map(([what, value]) => ['', `  ${what}`, number(value), '', '', '']),
  ])
  return table([['', 'what', 'value', 'ratio', 'goal', ''], ...cells], {
    drawHorizontalLine: (line, count) => line <= 1 || line === count,
  })
}

function number(value: number): string {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)))
  return value.toLocaleString('en', { maximumFractionDigits: Math.min(digits, 3) })
}
