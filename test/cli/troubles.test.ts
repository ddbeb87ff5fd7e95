import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HAS_MORE, runsMore } from '../run/extent.ts'
import { Client, Engine, Process, Wait, type ProcessSpec } from '../../src/index.ts'
import { SqliteStore } from '../../src/persistence/sqlite/index.ts'
import { done, engine, running as claimed } from '../persistence/fixtures.ts'
import { untilWaiting } from '../engine/over-stores.ts'
import { damson, type Ended } from './in-process.ts'
import { Project } from './project.ts'

/** Waits for its own end. */
class Selfish extends Process {
  override run(): Wait {
    return new Wait(undefined, { on: opened.handle(this.pid) })
  }
}

class Asks extends Process<typeof Asks> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.signal('approval', { schema: { type: 'boolean' } })
  }
  override async run(): Promise<unknown> {
    return this.receive('approval', { evict: true })
  }
}

class Word extends Process<typeof Word> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('word', { required: false })
  }
  override run(): Wait {
    return new Wait(undefined, { message: 'for a word' })
  }
}

class Fails extends Process {
  override run(): void {
    throw new Error('no paper', { cause: new Error('the tray is empty') })
  }
}

const KILLER = `
import { Process } from 'damson'
export class Killer extends Process {
  run() {
    process.kill(process.pid, 'SIGKILL')
  }
}
`

let project: Project
let opened: Client
const run = (...args: readonly string[]): Promise<Ended> => damson(...args, '--store', project.store)

/** A store that no engine runs on, with a process for each kind of trouble. */
beforeAll(async () => {
  project = new Project()
  const store = await SqliteStore.open(project.store)
  await store.join(engine('A'))
  const { pid, fence } = await claimed(store, 'A', { pid: 'parked', className: 'Moved' })
  await done(store, { kind: 'park', pid, fence, reason: 'process parked has no step oldStep.' })
  await store.leave('A')
  await store.close()
  const running = await Engine.open({
    store: project.store,
    processes: [Asks, Fails, Selfish, Word],
    handleSignals: false,
  })
  opened = running
  await running.launch(Selfish, {}, { pid: 'selfish' })
  await running.launch(Asks, {}, { pid: 'asks', key: 'order 17' })
  await running.launch(Word, {}, { pid: 'word' })
  for (const pid of ['selfish', 'asks', 'word']) await untilWaiting(running.store, pid)
  await (await running.launch(Fails, {}, { pid: 'fails' })).wait()
  await running.close()
  await run('resume', 'word')
})
afterAll(() => project[Symbol.asyncDispose]())

describe('in the list', () => {
  it('a parked process shows why it was parked', async () => {
    expect((await run('list', '--state', 'parked')).stdout).toMatch(
      /parked .*process parked has no step oldStep/,
    )
    const { stdout } = await run('explain', 'parked')
    expect(stdout).toContain('it is parked: process parked has no step oldStep. Its saved data')
    expect(stdout).toContain('Fix the class, then `damson play parked`; `damson kill parked` ends it')
  })

  it('a process that needs the result of another one shows that it waits for it', async () => {
    await using client = await Client.open({ store: project.store, processes: [Word] })
    await client.launch(Word, { word: client.handle('word') }, { pid: 'needs' })
    expect((await run('list', '--class', 'Word')).stdout).toMatch(
      /^needs +Word +created .*waits for its inputs/m,
    )
    const { stdout } = await run('show', 'needs')
    expect(stdout).toMatch(/its inputs/)
    expect(stdout).toMatch(/^inputs +\{ word: Reference \{ the result of word \} \}$/m)
    expect((await run('explain', 'needs')).stdout).toMatch(/inputs\.word waits for Word word/)
  })

  it('a process whose wait is over no longer waits', async () => {
    expect((await run('list', '--class', 'Word')).stdout).toMatch(
      /Word +ready .*waits no longer \(for a word\)/,
    )
    expect((await run('explain', 'word')).stdout).toContain('the resume that it waits for is stored')
  })
})

it('a process that waits for itself shows that it never ends', async () => {
  for (const command of ['show', 'tree'])
    expect((await run(command, 'selfish')).stdout).toContain('for itself to end, which it never does')
  expect((await run('explain', 'selfish')).stdout).toContain(
    'it waits for itself, so it will never end; kill it',
  )
  expect((await run('status')).stdout).toContain(
    '1 Selfish waits for itself, so it will never end\n      damson kill selfish\n',
  )
  expect((await run('kill', '--all', '--class', 'Selfish', '--dry-run')).stdout).toContain(
    'waits for itself to end, which it never does',
  )
})

it('the status of a store without an engine has one line for all processes that are ready', async () => {
  const { stdout } = await run('status')
  expect(stdout).toContain('1 process is ready, and no engine runs\n      damson worker MODULE\n')
  expect(stdout).not.toContain('has this class and version')
})

it('a key in the place of a pid is recognized', async () => {
  expect(await run('show', 'order 17')).toMatchObject({
    code: 2,
    stderr: 'there is no process order 17 in this store; it is a key: give it with --key\n',
  })
})

it('a signal that lacks its payload shows where to put it', async () => {
  const { code, stderr } = await run('signal', 'asks', 'approval')
  expect(code).toBe(2)
  expect(stderr).toMatch(/must be boolean.*\nNo payload was given: it follows the name, as JSON\n$/)
})

it('an error is shown with the lines of its own code, and not with those of Damson', async () => {
  const { stdout } = await run('show', 'fails')
  expect(stdout).toMatch(/^error +Error: no paper\n +at Fails\.run .*troubles\.test\.ts/m)
  expect(stdout).toContain('the tray is empty')
  expect(stdout).not.toMatch(/src\/(process|engine)\//)
})

it.runIf(runsMore)(
  'a worker prints a line for a process that has crashed its engine three times',
  { ...HAS_MORE, timeout: 120_000 },
  async () => {
    await using crashing = new Project({ 'killer.ts': KILLER })
    const { stdout } = await crashing.damson(['run', 'killer.ts', '--no-wait'])
    for (let crash = 1; crash <= 3; crash++)
      expect((await crashing.start(['worker', 'killer.ts']).ended).code).toBe(null)
    const worker = crashing.start(['worker', 'killer.ts'])
    await worker.says(`Killer ${stdout.trim()} paused: it crashed its engine 3 times`)
    worker.signal('SIGTERM')
    const { code, stderr } = await worker.ended
    expect(code).toBe(0)
    expect(stderr.match(/crashed its engine/g)).toHaveLength(1)
  },
)
