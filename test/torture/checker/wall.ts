import type { Line } from '../log.ts'
import type { World } from './world.ts'

/** The clock of a program is read a little before the line or the entry is written. In milliseconds. */
const SLACK = 50

/**
 * Says when, by the clock that nobody sets, the wall clock of the programs showed a time. The injector sets that clock for all of them at
 * once, so it is the machine's plus what the log says; where it was set back, a time comes twice.
 */
export function wallClock({ lines }: Pick<World, 'lines'>): (wall: number) => readonly number[] {
  const first = lines[0]
  if (first === undefined) return () => []
  const base = first.wall - first.at - movedBy(first)
  const stretches = [{ from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY, ahead: 0 }]
  for (const line of lines) {
    if (line.what !== 'fault' || line.fault !== 'clock') continue
    const last = stretches.at(-1)
    if (last === undefined) continue
    last.to = line.at
    stretches.push({ from: line.at, to: Number.POSITIVE_INFINITY, ahead: last.ahead + movedBy(line) })
  }
  return (wall) =>
    stretches.flatMap(({ from, to, ahead }) => {
      const at = wall - base - ahead
      return at >= from - SLACK && at <= to + SLACK ? [at] : []
    })
}

/** By how much a line says that the clock was set, in milliseconds; the line itself shows the time after that. */
function movedBy(line: Line): number {
  return line.what === 'fault' && line.fault === 'clock' ? Number.parseInt(line.detail ?? '0', 10) : 0
}
