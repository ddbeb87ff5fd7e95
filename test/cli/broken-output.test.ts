import { closeSync, openSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Client } from '../../src/index.ts'
import { Project } from './project.ts'

/** Says a line at each round, and takes a while for it. */
const CHATTY = `
import { setTimeout as delay } from 'node:timers/promises'
import { Continue, Process } from 'damson'

export class Chatty extends Process {
  override run() {
    return new Continue(this.talk, 1)
  }
  async talk(round: number) {
    console.log('round ' + round)
    await delay(50)
    return new Continue(this.talk, round + 1)
  }
}
`

let project: Project
beforeEach(() => {
  project = new Project({ 'chatty.ts': CHATTY })
})
afterEach(() => project[Symbol.asyncDispose]())

async function launch(): Promise<string> {
  await using client = await Client.open({ store: project.store, create: true })
  return (await client.launch('Chatty')).pid
}

/** What a worker that was stopped cleanly has left of its process (C12). */
async function expectGivenBack(pid: string): Promise<void> {
  await using client = await Client.open({ store: project.store })
  expect(await client.store.read(pid)).toMatchObject({ state: 'running', owner: null, crashes: 0 })
  const names = (await client.history(pid)).map(({ name }) => name)
  expect(names).toContain('released')
  expect(names).not.toContain('crashed')
}

test('a worker whose reader has gone closes as on SIGTERM, and shows the exit code of SIGPIPE', async () => {
  const pid = await launch()
  const worker = project.start(['worker', 'chatty.ts'])
  await worker.prints('round 2')
  worker.hangUp()
  const { code, stderr } = await worker.ended
  expect(code).toBe(141)
  expect(stderr).toContain('stopping: running steps may end')
  expect(stderr).toMatch(/stopped\n$/)
  await expectGivenBack(pid)
})

test('a worker whose output goes to a full disk closes as on SIGTERM, and fails', async () => {
  const pid = await launch()
  const full = openSync('/dev/full', 'w')
  const worker = project.start(['worker', 'chatty.ts'], { stdout: full })
  const { code, stderr } = await worker.ended
  closeSync(full)
  expect(code).toBe(1)
  expect(stderr).toContain('the output could not be written: ENOSPC')
  expect(stderr).toMatch(/stopped\n$/)
  await expectGivenBack(pid)
})

test('an answer that could not be written is no success', async () => {
  await launch()
  const full = openSync('/dev/full', 'w')
  for (const args of [['list'], ['list', '--json'], ['--help']]) {
    const { code, stderr } = await project.start(args, { stdout: full }).ended
    expect([args, code]).toEqual([args, 1])
    expect(stderr).toContain('the output could not be written: ENOSPC')
  }
  closeSync(full)
})
