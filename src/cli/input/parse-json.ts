import { UsageError } from './usage-error.ts'

/**
 * Parses JSON. A whole number that would lose digits is refused, since another number would be stored. An error names
 * the source, the line and the column.
 */
export function parseJson(text: string, source: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    const what = (error as Error).message.replace(
      /, (\.\.\.)?".*$| (in|after) JSON.*$| of JSON input$| at position.*$/s,
      '',
    )
    const at = lineAndColumn(text, positionOf(text, (error as Error).message))
    throw new UsageError(`${source} is not valid JSON: ${at}: ${what}`)
  }
  refuseInexact(text, source)
  return value
}

/** The texts and the numbers of valid JSON. */
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** @throws UsageError for a whole number, or one beyond all numbers of JavaScript, that would become another one */
function refuseInexact(text: string, source: string): void {
  for (const { 0: token, index } of text.matchAll(TOKENS)) {
    if (token.startsWith('"')) continue
    const number = Number(token)
    const isWhole = /^-?\d+$/.test(token)
    if (isWhole ? Number.isSafeInteger(number) || BigInt(token) === BigInt(number) : Number.isFinite(number))
      continue
    throw new UsageError(
      `${source}: ${lineAndColumn(text, index)}: ${token} can't be kept exactly and would become ${number}; ` +
        (isWhole
          ? `give it as a string, or as a bigint: {"$": "bigint", "value": "${token}"}`
          : 'give it as a string'),
    )
  }
}

function lineAndColumn(text: string, position: number): string {
  const before = text.slice(0, position).split('\n')
  return `line ${before.length}, column ${(before.at(-1) as string).length + 1}`
}

/** Returns the position of the error. If the message lacks it, this is the end of the longest prefix that is only incomplete. */
function positionOf(text: string, message: string): number {
  const found = /at position (\d+)/.exec(message)
  if (found !== null) return Number(found[1])
  let sound = 0
  let broken = text.length + 1
  while (broken - sound > 1) {
    const middle = (sound + broken) >> 1
    if (isBroken(text.slice(0, middle))) broken = middle
    else sound = middle
  }
  return sound
}

function isBroken(start: string): boolean {
  try {
    JSON.parse(start)
    return false
  } catch (error) {
    return /^Unexpected (token|non-whitespace)/.test((error as Error).message)
  }
}
