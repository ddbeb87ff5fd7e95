import type { ProcessSummary } from '../../index.ts'
import { progressText } from './progress-text.ts'
import { clockTime, withClockTimes } from './time.ts'

/**
 * Returns what a process waits for: `relax failed 2 of 5 (no memory), next try 14:03`. `awaited` are the unfinished
 * processes that it waits for, if known. Returns undefined for a process that waits for nothing.
 */
export function waitText(
  { pid, waits, state, attempt, mailbox, engine }: ProcessSummary,
  now: number,
  awaited?: readonly string[],
  short: ShortPid = whole,
): string | undefined {
  if (mailbox !== null && waits !== null) return callsText(mailbox, engine !== null)
  if (waits === null) return state.reason === 'inputs' ? inputsText(awaited, short) : undefined
  // The message of a paused process is the reason of the pause.
  // A wait without a message of its own has one that only repeats what it is for.
  const said = state.paused || state.reason === 'parked' ? undefined : state.message
  const backsOff = attempt > 1 && !waits.inStep
  // Its wait is over, but no engine has continued it yet.
  const isOver = state.reason === 'queued' && !backsOff
  if (said !== undefined && (backsOff || waits.inStep))
    return withClockTimes(isOver ? said.replace(/^waits for /, 'waits no longer for ') : said, now)
  const why = said === undefined || WAIT_FOR_PROCESSES.test(said) ? '' : ` (${said})`
  if (isOver) return `waits no longer${why}`
  const { on, signal, until } = waits
  const ends: string[] = []
  if (on !== null) ends.push(processes(on, awaited ?? namedIn(said), pid, short))
  if (signal !== null) ends.push(`for the signal ${signal}`)
  if (until !== null) ends.push(`until ${clockTime(until.getTime(), now)}`)
  if (ends.length === 0) ends.push('to be resumed')
  return `waits ${ends.join(', or ')}${why}`
}

function inputsText(needed: readonly string[] = [], short: ShortPid): string {
  if (needed.length === 0) return 'waits for its inputs'
  const which = needed.length === 1 ? `process ${short(needed[0] as string)}` : `${needed.length} processes`
  return `waits for its inputs, from ${which}`
}

function callsText({ calls, stopping }: NonNullable<ProcessSummary['mailbox']>, isHeld: boolean): string {
  const last = stopping ? ', then ends' : ''
  if (calls === 0) return `waits to be called${last}`
  const many = calls === 1 ? 'one call' : `${calls} calls`
  return `${isHeld ? 'runs' : 'has'} ${many}${last}`
}

/** The default message of a wait for processes. */
const WAIT_FOR_PROCESSES = /^waits for (?:process (\S+)|\d+ processes)$/

/** The one process that the message of a wait names; undefined if it names none. */
export function namedIn(message: string | undefined): readonly string[] | undefined {
  const pid = WAIT_FOR_PROCESSES.exec(message ?? '')?.[1]
  return pid === undefined ? undefined : [pid]
}

/** Returns the pid that is shown for a process. */
export type ShortPid = (pid: string) => string
const whole: ShortPid = (pid) => pid

function processes(
  on: 'all' | 'any',
  awaited: readonly string[] | undefined,
  self: string,
  short: ShortPid,
): string {
  if (awaited?.includes(self) === true) return 'for itself to end, which it never does'
  if (awaited?.length === 1) return `for process ${short(awaited[0] as string)} to end`
  // A store returns at most a hundred.
  const many = awaited === undefined ? 'other' : awaited.length < 100 ? String(awaited.length) : '100 or more'
  return on === 'any' ? `for the first of ${many} processes to end` : `for ${many} processes to end`
}

/**
 * Returns what to show for a process next to its state and step: what it waits for, or its message;
 * and its progress, if it has not ended.
 */
export function statusText(
  one: ProcessSummary,
  now: number,
  awaited?: readonly string[],
  short: ShortPid = whole,
): string {
  const said = saidText(one, now, awaited, short).replaceAll(one.pid, short(one.pid))
  if (one.progress === null || one.state.terminal) return said
  const progress = progressText(one.progress)
  return said === '' ? progress : `${progress}; ${said}`
}

function saidText(
  one: ProcessSummary,
  now: number,
  awaited: readonly string[] | undefined,
  short: ShortPid,
): string {
  const waits = waitText(one, now, awaited, short)
  const { paused, message, reason: why } = one.state
  if (waits === undefined || why === 'parked')
    return message === undefined ? (one.status ?? '') : withClockTimes(message, now)
  if (!paused || message === undefined) return waits
  const reason = withClockTimes(message, now)
  // Without a reason of the pause, the message may itself be the reason of the wait.
  return /^(waits|sleeps) |, next try /.test(message) ? reason : `${reason}; ${waits}`
}
