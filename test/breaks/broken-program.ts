import { fileURLToPath } from 'node:url'

/** The variable of the environment that says what to load in the place of which file. */
export const BROKEN = 'DAMSON_BROKEN'

/** Arguments of Node for a program that a test starts: it has the break that the test is run with, if any. */
export function withBreak(): readonly string[] {
  if (process.env[BROKEN] === undefined) return []
  return ['--import', fileURLToPath(new URL('load-broken.mjs', import.meta.url))]
}
