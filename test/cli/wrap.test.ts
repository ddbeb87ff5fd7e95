import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Client } from '../../src/index.ts'
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

describe('a remark', () => {
  it('breaks between words on a terminal, and nowhere else', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'damson-notes-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const store = join(folder, 'test.db')
    const client = await Client.open({ store, create: true })
    await client.launch('Order', {})
    await client.close()
    const list = ['list', '--class', 'Ordr', '--store', store]
    expect((await damson(...list)).stderr).toBe(
      "no process matches: there is no class 'Ordr' in this store; did you mean 'Order'?\n",
    )
    const before = { isTTY: process.stderr.isTTY, columns: process.stderr.columns }
    onTestFinished(() => void Object.assign(process.stderr, before))
    Object.assign(process.stderr, { isTTY: true, columns: 40 })
    expect((await damson(...list)).stderr).toBe(
      "no process matches: there is no class\n    'Ordr' in this store; did you mean\n    'Order'?\n",
    )
  })
})

const COMMANDS = [
  'run worker status list tree show pause play kill signal resume retry restart resubmit edit prune',
  'describe graph history explain groups results actors call logs watch',
].flatMap((line) => line.split(' '))

describe('the help', () => {
  it.each(['', ...COMMANDS])('of damson %s fits a terminal of 80 columns', async (command) => {
    const { stdout, code } = await damson('help', ...(command === '' ? [] : [command]))
    expect(code).toBe(0)
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })
})
