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
