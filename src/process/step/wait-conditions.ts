import { LAST_DATE } from '../../shared/duration.ts'
import { PortValidationError, type PortProblem } from '../../shared/errors.ts'
import { isResumable } from '../state/state-data.ts'
import type { StepWait, WaitConditions } from '../state/transition.ts'
import type { RunState } from './run-state.ts'

/**
 * The wall-clock time this many milliseconds after `now`; undefined if it is later than any date.
 */
export function timeAfter(now: number, length: number): number | undefined {
  const time = now + length
  return time > LAST_DATE ? undefined : time
}

/** The refusal of a resume whose value the signal that the wait is for could not give. */
export function resumeRefusal(problems: readonly PortProblem[]): PortValidationError {
  return new PortValidationError(
    problems.map(({ port, message }) => ({
      port,
      message: `${message} (the wait is for this signal, so a resume has to give what the signal gives)`,
    })),
  )
}

/** Why a process that waits for a signal is not resumed with this value; undefined if it is. */
export function refusalOfResume(
  { state, definition }: Pick<RunState, 'state' | 'definition'>,
  value: unknown,
): PortValidationError | undefined {
  if (state.label !== 'waiting' || state.receive === undefined || !isResumable(state)) return undefined
  const problems = definition.spec.checkSignal(state.receive, value)
  return problems.length === 0 ? undefined : resumeRefusal(problems)
}

/** The message of a wait for processes. `own` is the pid of the process that waits. */
export function waitsForText(pids: readonly string[], own?: string): string {
  const [first] = pids
  if (own !== undefined && pids.includes(own))
    return `waits for ${pids.length === 1 ? ITSELF : `${pids.length} processes, ${ITSELF} among them`}`
  return `waits for ${pids.length === 1 ? `process ${first}` : `${pids.length} processes`}`
}

const ITSELF = 'itself'

/** Whether a message of `waitsForText` reports that a process waits for itself, which never ends. */
export function waitsForItself(message: string | null): boolean {
  return message !== null && new RegExp(`^waits for (\\d+ processes, )?${ITSELF}\\b`).test(message)
}

/** Whether a message only repeats that the process waits for others. */
export function isWaitsForText(message: string | null): boolean {
  return message !== null && /^waits for (?:process \S+|\d+ processes)$/.test(message)
}

/** A wait for only these conditions. */
export function waitFor(given: Partial<WaitConditions>, message: string): StepWait {
  return { message, for: { resume: false, signal: null, until: null, on: [], any: false, ...given } }
}

/** A wait for the end of one process, whose class may not be known. */
export function waitForEnd(pid: string, className: string): StepWait {
  return waitFor({ on: [pid] }, `waits for ${className === '' ? 'process' : className} ${pid}`)
}

/**
 * One wait for the first of several conditions; undefined if one of them is undefined, or if
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
