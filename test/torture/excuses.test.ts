import { describe, expect, it, test } from 'vitest'
import { checkDeadlines } from './checker/deadlines.ts'
import { Excuses } from './checker/excuses.ts'
import type { Numbered, World } from './checker/world.ts'
import type { Entry } from './log.ts'

/* A fault excuses what happens while it lasts. An excuse without an end would hide whatever comes later. */

const WALL = 1_000_000

function line(at: number, by: string, entry: Entry): Numbered {
  return { at, wall: WALL + at, by, index: at, ...entry }
}

function fault(at: number, name: string, phase: 'begin' | 'end', program?: string): Numbered {
  return line(at, 'main', { what: 'fault', fault: name, phase, ...(program !== undefined && { program }) })
}

test('a program that was frozen has no excuse any more some time after it goes on, also where it says first that it was late', () => {
  const lines = [
    fault(1_000, 'freeze', 'begin', 'e1'),
    line(3_000, 'e1', { what: 'late', ms: 2_000 }),
    fault(3_001, 'freeze', 'end', 'e1'),
  ]
  const excuses = new Excuses({ lines, lease: 1_000 })
  expect(excuses.stale({ by: 'e1', at: 4_000 })).toBe(true)
  expect(excuses.stale({ by: 'e1', at: 20_000 })).toBe(false)
})

describe('a kill that is done seven seconds after its time was up', () => {
  /** It is due at 11,500 and done at 18,500. */
  const findings = (...lines: readonly Numbered[]): number => {
    const history = [
      { name: 'kill requested', at: WALL + 10_000, data: { deadline: WALL + 11_500 } },
      { name: 'killed', at: WALL + 18_500, data: {} },
    ]
    const known = { lines: [fault(0, 'backup', 'begin'), ...lines] }
    return checkDeadlines({
      ...known,
      processes: new Map([['p', { pid: 'p', history }]]),
    } as unknown as World).length
  }

  it('is found', () => expect(findings()).toBe(1))

  it('is found where faults that overlapped were over before', () =>
    expect(
      findings(
        fault(2_000, 'lock held', 'begin'),
        fault(2_100, 'vacuum', 'begin'),
        fault(2_200, 'vacuum', 'end'),
        fault(4_000, 'lock held', 'end'),
      ),
    ).toBe(1))

  it('is found where somebody was late for half a second meanwhile', () =>
    expect(findings(line(15_000, 'e2', { what: 'late', ms: 500 }))).toBe(1))

  it('is excused where nobody could write for most of the time', () =>
    expect(findings(fault(11_000, 'lock held', 'begin'), fault(17_000, 'lock held', 'end'))).toBe(0))

  it('is excused where each engine stood still for most of the time', () =>
    expect(
      findings(
        line(1, 'e1', { what: 'engine', id: 'one' }),
        line(2, 'e2', { what: 'engine', id: 'another' }),
        fault(10_500, 'block', 'begin', 'e1'),
        fault(11_000, 'freeze', 'begin', 'e2'),
        fault(17_000, 'freeze', 'end', 'e2'),
        fault(18_000, 'block', 'end', 'e1'),
      ),
    ).toBe(0))

  it('is found where one of two engines stood still, and the other one did for a while', () =>
    expect(
      findings(
        line(1, 'e1', { what: 'engine', id: 'one' }),
        line(2, 'e2', { what: 'engine', id: 'another' }),
        fault(10_500, 'block', 'begin', 'e1'),
        fault(11_000, 'freeze', 'begin', 'e2'),
        fault(13_000, 'freeze', 'end', 'e2'),
        fault(18_000, 'block', 'end', 'e1'),
      ),
    ).toBe(1))
})
