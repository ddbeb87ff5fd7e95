import stringWidth from 'string-width'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { screenOf } from '../../src/cli/render/screen.ts'
import { columns } from '../../src/cli/render/table.ts'
import { cut, cutStart } from '../../src/shared/terminal-text.ts'

const HEADINGS = [
  'PID',
  { heading: 'STEP', least: 6, cut: 'start' as const, drop: 2 },
  { heading: 'LABEL', least: 6, drop: 1 },
  'AGE',
]
const ROWS = [
  ['a6e30d', '2.while(more)#1.relax', 'a long label with many words', '9s'],
  ['48e278', 'run', '長いラベル、とても長い名前', '11s'],
]
const at = (width: number): string => columns(HEADINGS, ROWS, { width, colours: false })

describe('a table', () => {
  it('has the width of its cells where nothing limits it', () => {
    expect(columns(HEADINGS, ROWS)).toBe(`\
PID     STEP                   LABEL                         AGE
a6e30d  2.while(more)#1.relax  a long label with many words  9s
48e278  run                    長いラベル、とても長い名前    11s`)
  })

  it('cuts the widest of the columns that may shrink, and no other', () => {
    expect(at(40)).toBe(`\
PID     STEP          LABEL          AGE
a6e30d  …re)#1.relax  a long label…  9s
48e278  run           長いラベル、…  11s`)
  })

  it('leaves columns out where they do not fit at their least, in their order', () => {
    expect(at(22)).toBe(`\
PID     STEP       AGE
a6e30d  …#1.relax  9s
48e278  run        11s`)
    expect(at(14)).toBe('PID     AGE\na6e30d  9s\n48e278  11s')
  })

  it.each([15, 22, 27, 33, 40, 64, 80])('has no line wider than %d columns', (width) => {
    for (const line of at(width).split('\n')) expect(stringWidth(line)).toBeLessThanOrEqual(width)
  })

  it('puts colours only around what has been escaped, and measures without them', () => {
    const evil = ['\u001B[31mred', 'x', 'a label', '1s']
    const text = columns(
      ['PID', 'STEP', { heading: 'LABEL', least: 4, style: () => 'yellow' as const }, 'AGE'],
      [evil],
      { width: 26, colours: true },
    )
    expect(text).toBe(
      '\u001B[1mPID\u001B[22m       \u001B[1mSTEP\u001B[22m  \u001B[1mLABEL\u001B[22m  \u001B[1mAGE\u001B[22m\n' +
        '�[31mred  x     \u001B[33ma la…\u001B[39m  1s',
    )
  })
})

describe('a text that is cut', () => {
  it.each([
    ['plain text', 6, 'plain…'],
    ['fits', 4, 'fits'],
    ['長い名前', 8, '長い名前'],
    ['長い名前', 7, '長い名…'],
    ['長い名前', 6, '長い…'],
    ['two\nlines', 20, 'two lines'],
    ['👩‍👩‍👧 family', 4, '👩‍👩‍👧 …'],
    [`e${'\u0301'.repeat(500)}`, 4, `e${'\u0301'.repeat(31)}…`],
  ])('takes no more columns than it may: %j', (text, width, expected) => {
    expect(cut(text, width)).toBe(expected)
  })

  it('may lose its beginning instead', () => {
    expect(cutStart('2.while(more)#1.relax', 9)).toBe('…#1.relax')
    expect(cutStart('relax', 5)).toBe('relax')
  })
})

describe('the screen', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
  })

  it('has the width of the terminal, elsewhere that of the variable COLUMNS, or no limit', () => {
    vi.stubEnv('COLUMNS', '72')
    expect(screenOf({ isTTY: true, columns: 100, hasColors: () => true })).toEqual({
      width: 100,
      colours: true,
    })
    expect(screenOf({ isTTY: false }).width).toBe(72)
    vi.stubEnv('COLUMNS', 'many')
    expect(screenOf({ isTTY: false }).width).toBe(Number.POSITIVE_INFINITY)
  })

  it('has colours where the terminal has them, elsewhere if FORCE_COLOR asks for them and NO_COLOR does not', () => {
    vi.stubEnv('NO_COLOR', '')
    vi.stubEnv('FORCE_COLOR', '')
    expect(screenOf({ isTTY: true, columns: 80, hasColors: () => false }).colours).toBe(false)
    expect(screenOf({ isTTY: false }).colours).toBe(false)
    vi.stubEnv('FORCE_COLOR', '1')
    expect(screenOf({ isTTY: false }).colours).toBe(true)
    vi.stubEnv('NO_COLOR', '1')
    expect(screenOf({ isTTY: false }).colours).toBe(false)
  })
})
