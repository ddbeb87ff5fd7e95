import { LAST_DATE } from '../../shared/duration.ts'
import type { StepWait, WaitConditions } from '../state/transition.ts'

/**
 * The wall-clock time so many milliseconds after `now`; undefined where that is later than any
 * date.
 */
export function timeAfter(now: number, length: number): number | undefined {
  const time = now + length
  return time > LAST_DATE ? undefined : time
}

/** The message of a wait for processes. */
export function waitsForText(pids: readonly string[]): string {
  return `waits for ${pids.length === 1 ? `process ${pids[0]}` : `${pids.length} processes`}`
}

/** A wait for nothing but these conditions. */
export function waitFor(given: Partial<WaitConditions>, message: string): StepWait {
  return { message, for: { resume: false, signal: null, until: null, on: [], any: false, ...given } }
}

/**
 * One wait for the first of several conditions; undefined where one of them is undefined, or where
 * they can't be expressed as one wait.
 */
export function firstOf(all: readonly (WaitConditions | undefined)[]): WaitConditions | undefined {
  let found: WaitConditions | undefined
  for (const one of all) {
    if (one === undefined) return undefined
    if (found === undefined) found = one
    else if ((found.signal ?? one.signal) !== (one.signal ?? found.signal)) return undefined
    else if (found.on.length > 0 && one.on.length > 0) return undefined
    else {
      found = {
        resume: false,
        signal: found.signal ?? one.signal,
        until:
          found.until === null || one.until === null
            ? (found.until ?? one.until)
            : Math.min(found.until, one.until),
        on: found.on.length > 0 ? found.on : one.on,
        any: false,
      }
    }
  }
  return found
}
