import Database from 'better-sqlite3'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine, Process, type ProcessSpec } from '../../src/index.ts'
import { untilWaiting } from '../engine/over-stores.ts'
import { damson } from './in-process.ts'
import { Project } from './project.ts'

/** Clears the screen, sets the title, turns the text around, and more, as one text. */
const EVIL =
  '\u001B[2J\u001B]0;title\u0007\u007F\u0085\u009B31m\u061C\u200E\u200F\u202Eback\u202C\u2066\u2069.'
const CONTROLS = /[^\P{Cc}\n\t]|[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]|\p{Surrogate}/u

class Evil extends Process {
  static override get processName(): string {
    return `Evil${EVIL}`
  }
  static override define(spec: ProcessSpec) {
    spec.inputs.dynamic = true
    spec.outputs.dynamic = true
    spec.exitCode(300, 'ERROR_EVIL', `it is ${EVIL}`)
    spec.signal('word')
  }
  override async run(): Promise<unknown> {
    await this.checkpoint(`tag${EVIL}`)
    await this.effect(`effect${EVIL}`, () => 1)
    this.setStatus(`status${EVIL}`)
    this.out('text', { [EVIL]: EVIL })
    if (this.rawInputs?.['how'] === 'throws') throw new Error(`thrown ${EVIL}`, { cause: new Error(EVIL) })
    if (this.rawInputs?.['how'] === 'waits') await this.receive('word', { as: `as${EVIL}` })
    return this.exitCodes['ERROR_EVIL']?.()
  }
}

let folder: string
let store: string
const pids = ['throws', 'waits', 'fails'].map((how) => `${how}${EVIL}`)

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'damson-steering-'))
  store = join(folder, 'evil.db')
  const engine = await Engine.open({ store, processes: [Evil], handleSignals: false })
  for (const pid of pids) {
    const options = { pid, key: `key ${pid}`, label: `label ${EVIL}` }
    const handle = await engine.launch(Evil, { how: pid.slice(0, -EVIL.length), [EVIL]: EVIL }, options)
    if (pid.startsWith('waits')) {
      await untilWaiting(engine.store, pid)
      await handle.pause(`paused ${EVIL}`)
    } else await handle.wait()
  }
  await engine.close()
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('a text from a store, a module or the arguments', () => {
  it.each([
    ['list', () => ['list', '--all']],
    ['tree', () => ['tree', 'throws']],
    ['show of what excepted', () => ['show', 'throws']],
    ['show of what waits', () => ['show', 'waits']],
    ['show of what failed', () => ['show', 'fails']],
    ['explain', () => ['explain', 'waits']],
    ['history', () => ['history', 'throws']],
    ['the pids that end alike', () => ['show', '.']],
    ['an unknown pid', () => ['show', EVIL]],
    ['an unknown state', () => ['list', '--state', EVIL]],
    ['an unknown option', () => ['list', `--${EVIL}`]],
    ['an unknown command', () => [`list${EVIL}`]],
    ['a limit that is none', () => ['list', '--limit', EVIL]],
    ['a store that is not there', () => ['list', '--store', `no${EVIL}`]],
    ['a module that is not there', () => ['describe', `no${EVIL}.ts`]],
  ])('steers no terminal through %s', async (_, args) => {
    const given = args()
    const { stdout, stderr } = await damson(
      ...given,
      ...(given.includes('--store') ? [] : ['--store', store]),
    )
    expect(stdout + stderr).not.toBe('')
    expect(stdout).not.toMatch(CONTROLS)
    expect(stderr).not.toMatch(CONTROLS)
  })

  it.each([
    ['list', '--all'],
    ['show', 'throws'],
    ['show', 'fails'],
    ['history', 'throws'],
    ['tree', 'throws'],
  ])('controls no terminal in JSON either, which has the same text (%s %s)', async (...args) => {
    const { stdout } = await damson(...args, '--json', '--store', store)
    expect(stdout).not.toMatch(CONTROLS)
    expect(JSON.stringify(JSON.parse(stdout))).toContain(JSON.stringify(EVIL).slice(1, -1))
  })

  it('controls no terminal by an error or a warning of a running process', async () => {
    await using project = new Project({
      'evil.ts': `
        import { Process } from 'damson'
        export class Evil extends Process {
          override async run() {
            this.callSoon(() => {})
            throw new Error(${JSON.stringify(EVIL)} + '\\u202E\\u009B', { cause: new Error('\\u001B[31m') })
          }
        }`,
    })
    const { stdout, stderr, code } = await project.damson(['run', 'evil.ts', '--key', EVIL, '--label', EVIL])
    expect(code).toBe(1)
    expect(stdout + stderr).not.toMatch(CONTROLS)
    expect(stderr).toContain('title')
  })
})

describe('a text of megabytes', () => {
  it('takes no more of a table than its cell', async () => {
    const path = join(folder, 'large.db')
    const engine = await Engine.open({ store: path, processes: [Evil], handleSignals: false })
    await engine.launch(Evil, {}, { pid: 'large', label: 'large', delay: '1h' })
    for (let i = 0; i < 30; i++) await engine.launch(Evil, {}, { label: 'small', delay: '1h' })
    await engine.close()
    // As a file of an older release may have it.
    const file = new Database(path)
    file.prepare('UPDATE process SET label = ? WHERE label = ?').run('😀'.repeat(2 ** 20), 'large')
    file.close()
    const listed = await damson('list', '--store', path)
    expect(listed.stdout).toContain('😀…')
    expect(listed.stdout.length).toBeLessThan(20_000)
    const tree = await damson('tree', 'large', '--store', path)
    expect(tree.stdout.length).toBeLessThan(1_000)
  })
})
