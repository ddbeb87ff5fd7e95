import { UsageError } from './usage-error.ts'

/** Parses JSON. An error names the source, the line and the column. */
export function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const position = positionOf(text, (error as Error).message)
    const before = text.slice(0, position).split('\n')
    const line = before.length
    const column = (before.at(-1) as string).length + 1
    const what = (error as Error).message.replace(
      /, (\.\.\.)?".*$| (in|after) JSON.*$| of JSON input$| at position.*$/s,
      '',
    )
    throw new UsageError(`${source} is no valid JSON: line ${line}, column ${column}: ${what}`)
  }
}

/** Returns the position of the error. If the message lacks it, this is the end of the longest prefix that is only incomplete. */
function positionOf(text: string, message: string): number {
  const told = /at position (\d+)/.exec(message)
  if (told !== null) return Number(told[1])
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
