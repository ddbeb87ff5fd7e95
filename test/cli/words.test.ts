import { describe, expect, it } from 'vitest'
import type { EventRecord } from '../../src/index.ts'
import { eventText } from '../../src/cli/render/event-text.ts'
import { roundsIn, stepIn } from '../../src/cli/render/position.ts'
import { stateText } from '../../src/cli/render/state-text.ts'
import { clockTime, withClockTimes } from '../../src/cli/render/time.ts'

const NOON = new Date(2026, 0, 5, 12, 0, 0).getTime()

describe('a time', () => {
  it('is shown as on a clock: with seconds if it is near, with the date on another day', () => {
    expect(clockTime(NOON + 90_000, NOON)).toBe('12:01:30')
    expect(clockTime(NOON + 3_600_000, NOON)).toBe('13:00')
    expect(clockTime(NOON + 13 * 3_600_000, NOON)).toBe('2026-01-06 01:00')
    expect(clockTime(Number.NaN, NOON)).toBe('NaN')
  })

  it('is shown so within a text too', () => {
    const text = `sleeps until ${new Date(NOON + 3_600_000).toISOString()}, at least`
    expect(withClockTimes(text, NOON)).toBe('sleeps until 13:00, at least')
  })
})

describe('a position', () => {
  it('has a step, and the rounds of the loops around it', () => {
    const position = '2.while(isOpen)#3.if(isBig).while(more)#12.2.go'
    expect(stepIn(position)).toBe('go')
    expect(roundsIn(position)).toEqual(['round 3 of while(isOpen)', 'round 12 of while(more)'])
    expect([stepIn('run'), roundsIn('run')]).toEqual(['run', []])
  })
})

describe('a state', () => {
  it('is ready where no engine runs the step any more that has crashed its engine', () => {
    const state = {
      label: 'running',
      terminal: false,
      successful: false,
      paused: false,
      at: new Date(NOON),
    } as const
    expect(stateText({ ...state, reason: 'crash' })).toBe('ready, crashed')
    expect(stateText(state)).toBe('running')
  })
})

describe('what happened', () => {
  const event = (name: string, data?: unknown): string =>
    // As read from a store, which may have events of a newer release.
    eventText({ n: 1, seq: 1, pid: 'p', side: 'process', name, at: new Date(NOON), data } as EventRecord)

  it.each<[string, unknown, string]>([
    ['created', undefined, 'created'],
    ['created', { resubmitted: 'q' }, 'resubmitted from q'],
    ['waiting', undefined, 'waits'],
    ['waiting', { message: 'for a word' }, 'waits (for a word)'],
    ['paused', { message: 'lunch' }, 'paused (lunch)'],
    ['played', undefined, 'played'],
    ['pause requested', { message: 'lunch' }, 'asked to pause (lunch)'],
    [
      'kill requested',
      { message: 'enough', deadline: NOON + 10_000 },
      'asked to be killed (enough), by 12:00:10 at the latest',
    ],
    ['killed', { message: 'enough' }, 'killed (enough)'],
    ['resumed', undefined, 'was sent a resume'],
    ['joined', undefined, 'what it waited for has ended'],
    ['released', undefined, 'given back by its engine'],
    ['parked', { reason: 'no such step' }, 'parked: no such step'],
    ['checkpoint', { tag: 'noon' }, 'checkpoint noon kept'],
    [
      'failed',
      { step: 'relax', attempt: 5, attempts: 5, message: 'no memory', until: null },
      'relax failed 5 of 5 (no memory), paused',
    ],
    ['effect', { name: 'charge', failed: 'declined' }, 'effect charge failed (declined), which is recorded'],
    ['measured', { volts: 5 }, 'measured ({"volts":5})'],
    ['measured', undefined, 'measured'],
  ])('is shown in plain words: %s %j', (name, data, text) => {
    expect(event(name, data)).toBe(text)
  })
})
