import { describe, expect, it } from 'vitest'
import { wrap } from '../../src/cli/render/wrap.ts'
import { damson } from './in-process.ts'

describe('a long line', () => {
  it('breaks at spaces, and its rest stands further to the right', () => {
    expect(wrap('it waits for the signal approval\n  within its step', 20)).toBe(
      'it waits for the\n    signal approval\n  within its step',
    )
    expect(wrap('  it is ready and queued', 12)).toBe('  it is\n      ready\n      and\n      queued')
  })

  it('counts wide characters, and keeps words and commands whole that are too long', () => {
    expect(wrap('注文 注文 注文', 9, '')).toBe('注文 注文\n注文')
    expect(wrap('start one with `damson worker MODULE` now', 12, '')).toBe(
      'start one\nwith\n`damson worker MODULE`\nnow',
    )
    expect(wrap('short', Number.POSITIVE_INFINITY)).toBe('short')
  })
})

const COMMANDS = [
  'run worker status list tree show pause play kill signal resume retry restart resubmit edit prune',
  'describe graph history explain',
].flatMap((line) => line.split(' '))

describe('the help', () => {
  it.each(['', ...COMMANDS])('of damson %s fits a terminal of 80 columns', async (command) => {
    const { stdout, code } = await damson('help', ...(command === '' ? [] : [command]))
    expect(code).toBe(0)
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })
})
