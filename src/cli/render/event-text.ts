import { inspect } from 'node:util'
import type { EventRecord } from '../../index.ts'
import { inParentheses } from '../../shared/terminal-text.ts'
import { clockTime, withClockTimes } from './time.ts'

/** Returns an event in words: `relax failed 2 of 5 (no memory), next try 14:03`. */
export function eventText(record: EventRecord): string {
  const now = record.at.getTime()
  switch (record.name) {
    case 'created': {
      const { restarted, resubmitted } = record.data ?? {}
      if (restarted !== undefined) return `restarted from ${restarted}`
      return resubmitted === undefined ? 'created' : `resubmitted from ${resubmitted}`
    }
    case 'running':
      return record.data?.step == null ? 'runs' : `runs ${record.data.step}`
    case 'waiting':
      return waiting(record.data?.message ?? null, now)
    case 'failed': {
      const { step, attempt, attempts, message, until } = record.data
      const next = until === null ? ', paused' : `, next try ${clockTime(until, now)}`
      return `${step} failed ${attempt} of ${attempts}${inParentheses(message)}${next}`
    }
    case 'finished': {
      const { message, successful, exitCode } = record.data ?? {}
      const about = inParentheses(message ?? null)
      if (successful !== false) return `finished${about}`
      return `finished without success${exitCode === undefined ? '' : `, exit code ${exitCode}`}${about}`
    }
    case 'kill requested': {
      const { message, deadline } = record.data
      return `asked to be killed${inParentheses(message ?? null)}, by ${clockTime(deadline, now)} at the latest`
    }
    case 'pause requested':
      return `asked to pause${inParentheses(record.data?.message ?? null)}`
    case 'retried':
      return 'asked to try again now'
    case 'resumed':
      return 'was sent a resume'
    case 'signalled':
      return `was sent the signal ${record.data.name}`
    case 'received': {
      const { name, timedOut } = record.data
      return `the signal ${name} ${timedOut === true ? 'did not come in time' : 'was received'}`
    }
    case 'edited': {
      const { path, before, after } = record.data
      return `${path} changed from ${before ?? 'nothing'} to ${after}`
    }
    case 'adopted':
      return `became a child of ${record.data.parent}, which was restarted`
    case 'joined':
      return 'what it waited for has ended'
    case 'sleeping':
      return `sleeps (${record.data.name}) until ${clockTime(record.data.until, now)}`
    case 'effect': {
      const { name, failed } = record.data
      return `effect ${name} ${failed === undefined ? 'done' : `failed (${failed}), which is recorded`}`
    }
    case 'dropped':
      return `no longer waits for ${record.data.waits.join(', ')}: its step ended`
    case 'event': {
      const { name, data } = record.data
      return data === undefined ? name : `${name} ${inspect(data, { breakLength: Number.POSITIVE_INFINITY })}`
    }
    case 'checkpoint':
      return `checkpoint ${record.data.tag} kept`
    case 'crashed': {
      const { step, crashes } = record.data
      return `its engine died${step == null ? '' : ` in ${step}`}; crash ${crashes}`
    }
    case 'recovered':
      return 'taken up again after a crash'
    case 'released':
      return 'given back by its engine'
    case 'result dropped':
      return `its result was dropped: ${record.data.why}`
    case 'parked':
      return `parked: ${record.data.reason}`
    case 'excepted':
    case 'killed':
    case 'paused':
      return record.name + inParentheses(record.data?.message ?? null)
    case 'called':
      return 'called, after it had nothing to do'
    case 'stopping':
      return 'accepts no more calls, and ends after the queued ones'
    case 'played':
      return record.name
    default:
      // The compiler requires a case for each event of this release.
      return unknownEvent(record satisfies never)
  }
}

/** An event that only a newer release knows. */
function unknownEvent({ name, data }: { readonly name: string; readonly data?: unknown }): string {
  return name + inParentheses(data === undefined ? null : JSON.stringify(data))
}

/** A waiting step has a message in words. The message of a `Wait` is the user's. */
function waiting(message: string | null, now: number): string {
  if (message === null) return 'waits'
  return /^(waits|sleeps) /.test(message) ? withClockTimes(message, now) : `waits (${message})`
}
