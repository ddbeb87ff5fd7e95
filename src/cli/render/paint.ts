import { styleText } from 'node:util'
import type { Screen } from './screen.ts'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** Puts a style around a text on a screen with colours. The text must already be escaped (`terminal-text.ts`). */
export function paint(escaped: string, style: Style | undefined, { colours }: Screen): string {
  if (!colours || style === undefined || escaped === '') return escaped
  // The screen has decided on colours, so Node must not look at stdout.
  return styleText(style, escaped, { validateStream: false })
}
