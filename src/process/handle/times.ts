import { NotReady } from '../../shared/errors.ts'

/** Wall-clock times in milliseconds: null if there is none yet, undefined if it was not read. */
export interface KnownTimes {
  readonly submitted: number | undefined
  readonly started: number | null | undefined
  readonly completed: number | null
  readonly received: number | null
}

/* The times of one process or of several. `who` names them in an error. All are in milliseconds. */

/** From the first launch to the last end, or until now while one has not ended. @throws NotReady */
export function elapsed(all: readonly KnownTimes[], now: number, who: string): number {
  if (all.length === 0) return 0
  const ends = all.map(({ completed }) => completed ?? now)
  return latest(ends) - earliest(all.map(({ submitted }) => known(submitted, who)))
}

/** From the first launch to the last end. @throws NotReady while one has not ended */
export function wallTime(all: readonly KnownTimes[], who: string): number {
  requireEnded(all, who)
  return elapsed(all, 0, who)
}

/** The sum of the times from start to end. @throws NotReady while one has not ended */
export function serialTime(all: readonly KnownTimes[], who: string): number {
  requireEnded(all, who)
  let sum = 0
  for (const { started, completed } of all) {
    const from = known(started, who)
    if (from !== null && completed !== null) sum += completed - from
  }
  return sum
}

export function dateOf(time: number | null | undefined): Date | null {
  return time == null ? null : new Date(time)
}

function requireEnded(all: readonly KnownTimes[], who: string): void {
  const left = all.filter(({ completed }) => completed === null).length
  if (left === 0) return
  throw new NotReady(
    `${who}: ${left} (of ${all.length}) had not ended, as far as is known here, so there is no such time yet`,
  )
}

function known<T>(time: T | undefined, who: string): T {
  if (time !== undefined) return time
  throw new NotReady(`the times of ${who} were not read yet: await metadata() first`)
}

// `Math.max(...times)` would overflow the stack for many processes.
function latest(times: readonly number[]): number {
  return times.reduce((one, other) => Math.max(one, other))
}

function earliest(times: readonly number[]): number {
  return times.reduce((one, other) => Math.min(one, other))
}
