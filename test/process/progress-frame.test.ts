import { expect, it } from 'vitest'
import stringWidth from 'string-width'
import { frame, plainLine, type Shown } from '../../src/process/group/progress-frame.ts'

const TERMINAL = { columns: 80, rows: 24 }
const at = new Date(0)

/** A process with this title and, after a space, the end of its pid. */
function process(name: string, fields: Partial<Shown['state']> = {}): Shown {
  const [, title = name, ending = '1a2b3c'] = /^(.*) ([0-9a-f]{6})$/s.exec(name) ?? []
  return {
    title,
    ending,
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

/** Has wide, long and equal titles, wide and long messages, and failures of each kind. */
const MEMBERS: readonly Shown[] = [
  process('Import a1a1a1', { ...ENDED, progress: { done: 40, total: 40, message: 'row 40' } }),
  process('東京の注文、とても長い名前の注文です。大阪から b2b2b2', {
    progress: {
      done: 7,
      total: 40,
      message: '表 7 of the night run の注文 in Tokyo and the prefectures around it, since noon',
    },
  }),
  process('the import of the night run of January for all of Europe c3c3c3', { progress: { done: 1_200 } }),
  process('the import of the night run of January for all of Europe d4d4d4', {
    ...ENDED,
    label: 'excepted',
    successful: false,
    progress: { done: 20, total: 40, message: 'row 20' },
    message: 'line 3 of orders-of-the-night-run.csv is no CSV, and 表の列が足りません: a column is missing',
  }),
  process('パリ e5e5e5', {
    ...ENDED,
    successful: false,
    exitCode: { code: 310, label: 'ERROR_NO_PAPER', message: '棚に紙がありません: there is no paper' },
  }),
  process('e\u0301te\u0301 👩‍👩‍👧 party f6f6f6', {
    label: 'waiting',
    message: '承認待ち: for the boss to approve the order',
  }),
  { title: '', ending: '0a0a0a', state: { ...process('').state, label: 'created', reason: 'lost' } },
]

it.each([80, 200])(
  'is as recorded on a terminal of %d columns, aligned also after wide titles',
  async (columns) => {
    const many = Array.from({ length: 5_000 }, (_, index) =>
      index % 1_000 === 999
        ? process(`import of page ${index}`, {
            label: 'excepted',
            terminal: true,
            message: '表の列が足りません',
          })
        : process(`import of page ${index}`, index < 4_000 ? ENDED : { label: 'created' }),
    )
    const waiting = [process('Order 1a2b3c', { label: 'waiting', message: 'waits for the signal go' })]
    const frames = [MEMBERS, MEMBERS.slice(1, 2), waiting, many].map((members) =>
      frame(members, 65_000, { columns, rows: 12 }),
    )
    for (const line of frames.join('\n').split('\n')) expect(stringWidth(line)).toBeLessThan(columns)
    const bars = (frames[0] ?? '')
      .split('\n')
      .slice(0, -1)
      .filter((line) => /[█░]/.test(line))
    expect(new Set(bars.map((line) => stringWidth(line.slice(0, line.search(/[█░]/))))).size).toBe(1)
    await expect(`${frames.join('\n\n')}\n`).toMatchFileSnapshot(`../cli/screens/watch-${columns}.txt`)
  },
)
