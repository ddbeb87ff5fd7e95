import type { Screen } from './screen.ts'

/** The numbers that begin and end a style in a terminal. */
const STYLES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const

export type Style = keyof typeof STYLES

/** Puts a style around a text on a screen with colours. The text must already be escaped (`terminal-text.ts`). */
export function paint(escaped: string, style: Style | undefined, { colours }: Screen): string {
  if (!colours || style === undefined || escaped === '') return escaped
  const [begin, end] = STYLES[style]
  return `\u001B[${begin}m${escaped}\u001B[${end}m`
}
