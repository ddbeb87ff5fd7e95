import type { EventRecord } from '../../index.ts'
import { inParentheses } from './terminal-text.ts'
import { clockTime, withClockTimes } from './time.ts'

/** The data of an event. A newer release may have written other events, so nothing is taken for granted. */
type Data = Readonly<Record<string, unknown>>

/** Returns an event in words: `relax failed 2 of 5 (no memory), next try 14:03`. */
export function eventText({ name, data, at }: EventRecord): string {
  const known = typeof data === 'object' && data !== null ? (data as Data) : {}
  const text = (key: string): string | null => {
    const value = known[key]
    return value == null ? null : typeof value === 'string' ? value : JSON.stringify(value)
  }
  const time = (key: string): string => clockTime(Number(known[key]), at.getTime())
  const about = inParentheses(text('message'))
  switch (name) {
    case 'created':
      if (text('restarted') !== null) return `restarted from ${text('restarted')}`
      return text('resubmitted') === null ? 'created' : `resubmitted from ${text('resubmitted')}`
    case 'running':
      return text('step') === null ? 'runs' : `runs ${text('step')}`
    case 'waiting':
      return waiting(text('message'), at.getTime())
    case 'failed': {
      const next = known['until'] == null ? ', paused' : `, next try ${time('until')}`
      return `${text('step')} failed ${text('attempt')} of ${text('attempts')}${about}${next}`
    }
    case 'finished': {
      if (known['successful'] !== false) return `finished${about}`
      const code = text('exitCode')
      return `finished without success${code === null ? '' : `, exit code ${code}`}${about}`
    }
    case 'kill requested':
      return `asked to be killed${about}, by ${time('deadline')} at the latest`
    case 'pause requested':
      return `asked to pause${about}`
    case 'retried':
      return 'asked to try again now'
    case 'resumed':
      return 'was sent a resume'
    case 'signalled':
      return `was sent the signal ${text('name')}`
    case 'received':
      return `the signal ${text('name')} ${known['timedOut'] === true ? 'did not come in time' : 'was received'}`
    case 'edited':
      return `${text('path')} changed from ${text('before') ?? 'nothing'} to ${text('after')}`
    case 'adopted':
      return `became a child of ${text('parent')}, which was restarted`
    case 'joined':
      return 'what it waited for has ended'
    case 'sleeping':
      return `sleeps (${text('name')}) until ${time('until')}`
    case 'effect': {
      const failure = text('failed')
      return `effect ${text('name')} ${failure === null ? 'done' : `failed (${failure}), which is recorded`}`
    }
    case 'dropped':
      return `no longer waits for ${list(known['waits'])}: its step ended`
    case 'checkpoint':
      return `checkpoint ${text('tag')} kept`
    case 'crashed':
      return `its engine died${text('step') === null ? '' : ` in ${text('step')}`}; crash ${text('crashes')}`
    case 'recovered':
      return 'taken up again after a crash'
    case 'released':
      return 'given back by its engine'
    case 'parked':
      return `parked: ${text('reason')}`
    case 'excepted':
    case 'killed':
    case 'paused':
    case 'played':
      return name + about
    default:
      return `${name}${inParentheses(Object.keys(known).length === 0 ? null : JSON.stringify(known))}`
  }
}

function list(value: unknown): string {
  return Array.isArray(value) ? value.join(', ') : String(value)
}

/** A waiting step has a message in words. The message of a `Wait` is the user's. */
function waiting(message: string | null, now: number): string {
  if (message === null) return 'waits'
  return /^(waits|sleeps) /.test(message) ? withClockTimes(message, now) : `waits (${message})`
}
