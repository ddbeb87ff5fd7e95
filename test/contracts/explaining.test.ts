import { afterEach, expect, onTestFinished, test } from 'vitest'
import {
  Client,
  Engine,
  MemoryStore,
  Process,
  Wait,
  type AnyProcessClass,
  type LaunchOptions,
  type ProcessHandle,
  type ProcessSpec,
} from '../../src/index.ts'
import { SimulatedClock } from '../../src/testing/index.ts'
import { closeGates, gate } from '../engine/processes.ts'
import { Child } from './child.ts'

/* Why a process does not move can be asked in whatever state it is (USERS 18). */

afterEach(closeGates)

class Stands extends Process<typeof Stands> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('how', { schema: { type: 'string' } })
      .input('other', { schema: { type: 'string' }, required: false })
      .signal('approval')
      .retry({ attempts: 5, backoff: { initial: '3h', jitter: 0 } })
  }
  /** The handle of any process, as an input may bring it. */
  handleOf(pid: string): ProcessHandle {
    return opened.handle(pid)
  }
  override async run(): Promise<unknown> {
    switch (this.inputs.how) {
      case 'runs':
        return gate('runs').pass()
      case 'waits for a signal':
        return new Wait('run', { receive: 'approval', for: '3d', message: 'for the boss' })
      case 'waits to be resumed':
        return new Wait('run')
      case 'waits for a child':
        return new Wait('run', { on: await this.launch(Child) })
      case 'joins':
        return this.join('children', [await this.launch(Child), await this.launch(Child)])
      case 'joins itself':
        return this.join('me', this.handleOf(this.pid))
      case 'waits for another':
        return new Wait('run', { on: this.handleOf(this.inputs.other ?? '') })
      case 'sleeps':
        return this.sleep('a while', '3d')
      case 'receives':
        return this.receive('approval', { timeout: '1d', evict: true })
      default:
        throw new Error('upload failed')
    }
  }
}

let opened: Client

async function open(processes: readonly AnyProcessClass[] = [Stands, Child]) {
  const clock = new SimulatedClock()
  const store = new MemoryStore({ clock })
  const client = await Client.open({ store, clock, processes: [Stands, Child] })
  const engine = await Engine.open({ store, clock, processes, handleSignals: false })
  opened = engine
  onTestFinished(async () => {
    await engine.close({ drain: 0 })
    await client.close()
  })
  return { clock, client, engine }
}

/** What is said of one that does so, in words that have to come; launched with these options. */
const SITUATIONS: Readonly<Record<string, readonly [said: readonly RegExp[], options?: LaunchOptions]>> = {
  runs: [
    [
      /has been running in step run for 0 ms/,
      /engine \S+ \(program \d+ on .+\) runs it; its lease lasts another/,
    ],
  ],
  'waits for a signal': [
    [/it waits for the signal approval, or until 2026-01-04T00:00.*, in 3 d \(for the boss\)/],
  ],
  'waits to be resumed': [[/it waits to be resumed/]],
  'waits for a child': [
    [
      /it waits for these to end/,
      /it waits for Child \S+, which is waiting\n  .*runs it.*\n  it waits for the signal end/,
    ],
  ],
  'joins itself': [[/it waits for itself, so it will never end; kill it/]],
  joins: [[/within its step/, /it waits for Child [^]*\nit waits for Child /]],
  sleeps: [[/it waits until 2026-01-04T00:00.*\(sleeps \(a while\)/, /within its step/]],
  receives: [[/it waits for the signal approval, or until 2026-01-02T00:00/, /within its step/]],
  'backs off': [[/run failed 1 of 5 \(upload failed\), next try .*03:00/]],
  'starts later': [[/its launch was delayed; it starts at .*2026-01-01T02:00.*, in 2 h/], { delay: '2h' }],
  'has a deadline': [[/its deadline is 2026-01-01T05:00/], { deadline: '5h' }],
}

test.each(Object.keys(SITUATIONS))('USERS 18: explain says why one that %s does not move', async (how) => {
  const [said = [], options = {}] = SITUATIONS[how] ?? []
  const { clock, client } = await open()
  const handle = await client.launch(Stands, { how }, options)
  await clock.quiet()
  const answer = await handle.explain()
  for (const words of said) expect(answer).toMatch(words)
})

test.each([
  ['pause', (handle: ProcessHandle) => handle.pause('lunch'), /a pause was requested \(lunch\)/],
  [
    'kill',
    (handle: ProcessHandle) => handle.kill('enough'),
    /a kill was requested \(enough\): the step has 10.* left/,
  ],
] as const)('USERS 18: explain reports a %s that is pending', async (_what, ask, words) => {
  const { clock, client } = await open()
  const handle = await client.launch(Stands, { how: 'runs' })
  await clock.quiet()
  await ask(handle)
  expect(await handle.explain()).toMatch(words)
})

test('USERS 18: explain says that no engine knows a class, that none runs, and that one is paused', async () => {
  const { clock, client, engine } = await open([Child])
  const handle = await client.launch(Stands, { how: 'runs' })
  await clock.quiet()
  expect(await handle.explain()).toMatch(/no running engine has class Stands in version 1/)
  await engine.close()
  expect(await handle.explain()).toMatch(
    /it is ready, and no engine runs on this store: start one with `damson worker MODULE`/,
  )
  await handle.pause('lunch')
  expect(await handle.explain()).toMatch(
    /has been paused in step .*\nit is paused \(lunch\); it continues when it is played: `damson play \S+`/,
  )
})

test('USERS 18: explain passes on why an awaited process does not move, and finds circles', async () => {
  const { clock, client } = await open()
  const signal = await client.launch(Stands, { how: 'waits for a signal' })
  const chain = { how: 'waits for another', other: signal.pid }
  const middle = await client.launch(Stands, chain)
  const first = await client.launch(Stands, { ...chain, other: middle.pid })
  const circle = await client.launch(Stands, { how: 'waits for another', other: 'p2' }, { pid: 'p1' })
  await client.launch(Stands, { how: 'waits for another', other: 'p1' }, { pid: 'p2' })
  await clock.quiet()
  expect(await first.explain()).toMatch(
    /it waits for Stands \S+, which is waiting\n {2}it waits for these to end.*\n {2}it waits for Stands .*\n {4}it waits for the signal approval/,
  )
  expect(await circle.explain()).toMatch(
    / {2}it waits for Stands p1, which waits for this process in turn: neither ends unless one is killed/,
  )
  await middle.pause('lunch')
  expect(await first.explain()).toMatch(/which is paused \(lunch\): play it$/)
})

test('USERS 18: explain says that no engine runs, also where the process waits for a time', async () => {
  const { clock, client, engine } = await open()
  const handle = await client.launch(Stands, { how: 'waits for a signal' })
  await clock.quiet()
  await engine.close()
  expect(await handle.explain()).toMatch(/no engine runs on this store, so it does not continue after that/)
})
