import { expect, it } from 'vitest'
import stringWidth from 'string-width'
import { frame, plainLine, type Shown } from '../../src/process/group/progress-frame.ts'

const TERMINAL = { columns: 80, rows: 24 }
const at = new Date(0)

function process(title: string, fields: Partial<Shown['state']> = {}): Shown {
  return {
    title,
    state: { label: 'running', terminal: false, successful: false, paused: false, at, ...fields },
  }
}
const ENDED = { label: 'finished', terminal: true, successful: true } as const

it('draws one process as one bar', () => {
  const one = process('relaxation 1a2b3c', { progress: { done: 3, total: 10, message: 'round 3' } })
  expect(frame([one], 5_000, TERMINAL)).toBe('relaxation 1a2b3c  running  ████░░░░░░░░░░░░  3 of 10  round 3')
})

it('draws several processes with a line for all', () => {
  const members = [
    process('a 111111', { progress: { done: 1, total: 2 } }),
    process('b 222222', { progress: { done: 1_200 } }),
    process('c 333333', { ...ENDED, progress: { done: 2, total: 2 } }),
    process('d 444444', { label: 'waiting', message: 'waits for the signal go' }),
    process('e 555555', { label: 'excepted', terminal: true, message: 'no luck' }),
    process('格子 666666', { paused: true }),
  ]
  const lines = frame(members, 65_000, TERMINAL).split('\n')
  expect(lines).toHaveLength(7)
  expect(lines[0]).toMatch(/^a 111111 +running +█+░+ {2}1 of 2$/)
  expect(lines[1]).toMatch(/^b 222222 +running +1,200$/)
  expect(lines[2]).toMatch(/^c 333333 +finished +█+ {2}2 of 2$/)
  expect(lines[3]).toMatch(/waits for the signal go$/)
  expect(lines[6]).toMatch(/^2 of 6 ended {2}█+░+ {2}3 running, 1 waiting, 1 finished, 1 excepted {2}1:05$/)
})

it('shows those of thousands that run, and fits any terminal', () => {
  const members = Array.from({ length: 5_000 }, (_, index) =>
    index === 4_000
      ? process('busy', { progress: { done: 1, total: 3, message: 'x'.repeat(500) } })
      : process(`a rather long label of process ${index}`, index % 2 === 0 ? ENDED : { label: 'waiting' }),
  )
  for (const room of [TERMINAL, { columns: 20, rows: 5 }, { columns: 200, rows: 60 }]) {
    const lines = frame(members, 1_000, room).split('\n')
    expect(lines.length).toBeLessThan(room.rows)
    for (const line of lines) expect(stringWidth(line)).toBeLessThan(room.columns)
  }
  const lines = frame(members, 1_000, TERMINAL).split('\n')
  expect(lines.some((line) => line.startsWith('busy'))).toBe(true)
  expect(lines.at(-2)).toBe('… and 4,980 more')
})

it('keeps texts of processes from steering the terminal', () => {
  const wild = process('two\nlines \u001B[31m', { progress: { done: 1, message: 'a\u001B[2Jb\nc' } })
  expect(frame([wild], 0, TERMINAL).split('\n')).toHaveLength(1)
  expect(frame([wild], 0, TERMINAL)).not.toContain('\u001B')
  for (const steering of ['\u001B', '\n']) expect(plainLine([wild])).not.toContain(steering)
})

it('says the same in one line', () => {
  const one = process('relaxation 1a2b3c', { progress: { done: 3, total: 10, message: 'round 3' } })
  expect(plainLine([one])).toBe('relaxation 1a2b3c: running, 3 of 10 (30 %), round 3')
  expect(plainLine([one, process('b', ENDED)])).toBe('1 of 2 ended (50 %): 1 running, 1 finished')
})
