import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Engine, Process, type ProcessHandle } from '../../src/index.ts'
import { Gate } from '../engine/processes.ts'
import { damson } from './in-process.ts'

const gate = new Gate()

class Relax extends Process {
  override async run(): Promise<void> {
    this.print('relaxing')
    this.print('not converged\u001B[31m', { stream: 'stderr' })
    this.progress({ done: 1200, total: 4000, message: 'round 3' })
    this.addEvent('loss', { value: 0.5 })
    await this.effect('shown', () => 1)
    await gate.pass()
    this.print('converged')
  }
}

let folder: string
let store: string
let engine: Engine
let handle: ProcessHandle

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'damson-logs-'))
  store = join(folder, 'store.db')
  engine = await Engine.open({ store, processes: [Relax], handleSignals: false })
  handle = await engine.launch(Relax)
  await gate.reached
})
afterAll(async () => {
  gate.open()
  await engine.close()
  rmSync(folder, { recursive: true })
})

it('shows the progress of a process in lists, trees and details', async () => {
  const shown = '1,200 of 4,000 (30 %), round 3'
  expect((await damson('list', '--store', store)).stdout).toContain(shown)
  expect((await damson('tree', '--store', store)).stdout).toContain(shown)
  expect((await damson('show', handle.pid, '--store', store)).stdout).toMatch(
    /^progress +1,200 of 4,000 \(30 %\), round 3$/m,
  )
  const { stdout } = await damson('show', handle.pid, '--store', store, '--json')
  expect(JSON.parse(stdout)).toMatchObject({ progress: { done: 1200, total: 4000, message: 'round 3' } })
})

it('prints the log of a process, each stream to its own, and follows it to its end', async () => {
  expect(await damson('logs', handle.pid, '--store', store)).toEqual({
    code: 0,
    stdout: 'relaxing\n',
    stderr: 'not converged\uFFFD[31m\n',
  })
  const { stdout } = await damson('logs', handle.pid.slice(-8), '--store', store, '--json')
  expect(JSON.parse(stdout)).toMatchObject([
    { n: 1, stream: 'stdout', text: 'relaxing\n', attempt: 1 },
    { n: 2, stream: 'stderr' },
  ])
  const following = damson('logs', handle.pid, '--store', store, '--follow')
  gate.open()
  expect(await following).toEqual({
    code: 0,
    stdout: 'relaxing\nconverged\n',
    stderr: 'not converged\uFFFD[31m\n',
  })
})

it('shows the events that a process has added in its history', async () => {
  const { stdout } = await damson('history', handle.pid, '--store', store)
  expect(stdout).toContain('loss { value: 0.5 }')
})

it('refuses a process that is not there', async () => {
  const { code, stderr } = await damson('logs', 'nobody', '--store', store)
  expect(code).toBe(2)
  expect(stderr).toContain('there is no process nobody')
})

it('watches processes to their ends, in lines where there is no terminal, and reports a failure', async () => {
  class Round extends Process {
    override run(): void {
      this.progress({ done: 1, total: 1 })
    }
  }
  class Fails extends Process {
    override run(): void {
      throw new Error('no luck')
    }
  }
  const other = join(folder, 'watched.db')
  const several = await Engine.open({ store: other, processes: [Round, Fails], handleSignals: false })
  const round = await several.launch(Round)
  const fails = await several.launch(Fails)
  await Promise.all([round.wait(), fails.wait()])
  await several.close()
  const watched = await damson('watch', round.pid, '--store', other)
  expect(watched).toEqual({
    code: 0,
    stdout: `Round ${round.pid.slice(-6)}: finished, 1 of 1 (100 %)\n`,
    stderr: '',
  })
  expect(await damson('watch', '--state', 'failed', '--quiet', '--store', other)).toEqual({
    code: 1,
    stdout: '',
    stderr: '',
  })
  const { stdout, code } = await damson('watch', '--state', 'finished,excepted', '--json', '--store', other)
  expect([code, JSON.parse(stdout)]).toMatchObject([1, { completed: 2, total: 2 }])
  expect(await damson('watch', '--store', other)).toMatchObject({ code: 0, stderr: 'no process matches\n' })
})
