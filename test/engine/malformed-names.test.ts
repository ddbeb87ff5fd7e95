import { expect, onTestFinished, test } from 'vitest'
import {
  Bundle,
  Client,
  Continue,
  Engine,
  Kill,
  MemoryStore,
  Process,
  SpecError,
  Stop,
  TransitionError,
  Wait,
  processOf,
  type LaunchOptions,
  type ProcessSpec,
} from '../../src/index.ts'
import { overEachStore } from './over-stores.ts'
import { Add } from './processes.ts'

/** What `slice` leaves of an emoji. */
const HALF = 'Your order 😀'.slice(0, 12)
const REPAIRED = 'Your order �'
const LONE = /lone surrogate/

type Use = (process: Steps) => unknown

/** Does in its step what a test gives. */
class Steps extends Process {
  static use: Use
  static override define(spec: ProcessSpec) {
    spec.outputs.dynamic = true
    spec.signal('go')
  }
  override run(): unknown {
    return Steps.use(this)
  }
  doEffect = (name: string) => this.effect(name, () => 1)
  doSleep = (name: string) => this.sleep(name, 1)
  doReceive = (as: string) => this.receive('go', { as })
  doJoin = (name: string) => this.join(name, [])
  doBranch = (name: string) => this.branch(name, () => 1)
  doCheckpoint = (tag: string) => this.checkpoint(tag)
  doLaunch = (options: LaunchOptions) => this.launch(Add, { a: 1 }, options)
  doOut = (name: string) => this.out(name, 1)
}

const inSteps: readonly (readonly [what: string, use: Use])[] = [
  ['an effect', (process) => process.doEffect(HALF)],
  ['a sleep', (process) => process.doSleep(HALF)],
  ['a receipt', (process) => process.doReceive(HALF)],
  ['a join', (process) => process.doJoin(HALF)],
  ['a branch', (process) => process.doBranch(HALF)],
  ['a checkpoint', (process) => process.doCheckpoint(HALF)],
  ['the pid of a child', (process) => process.doLaunch({ pid: HALF })],
  ['the key of a child', (process) => process.doLaunch({ key: HALF })],
  ['the label of a child', (process) => process.doLaunch({ label: HALF })],
  ['an output', (process) => process.doOut(HALF)],
  ['a status', (process) => process.setStatus(HALF)],
  ['a step', () => new Continue(HALF)],
  ['the step after a wait', () => new Wait(HALF)],
]

test.each(inSteps)('half an emoji in the name of %s is refused in the step, in memory', async (_, use) => {
  Steps.use = use
  await expect(new Steps().execute()).rejects.toThrow(LONE)
})

const names: readonly (readonly [what: string, (client: Client) => unknown])[] = [
  ['pid of a launch', (client) => client.launch(Add, { a: 1 }, { pid: HALF })],
  ['key of a launch', (client) => client.launch(Add, { a: 1 }, { key: HALF })],
  ['label of a launch', (client) => client.launch(Add, { a: 1 }, { label: HALF })],
  ['class name of a launch', (client) => client.launch(HALF, {})],
  ['key of an execution', (client) => client.execute(Add, { a: 1 }, { key: HALF })],
  ['pid of a handle', async (client) => client.handle(HALF)],
  ['pid of a typed handle', async (client) => client.handle(Add, HALF)],
  ['pid to explain', (client) => client.explain(HALF)],
  ['pid of a history', (client) => client.history(HALF)],
  ['pid of checkpoints', (client) => client.checkpoints(HALF)],
  ['pid to retry', (client) => client.retry(HALF)],
  ['pid to restart', (client) => client.restart(HALF)],
  ['tag to restart from', (client) => client.restart('p', { from: HALF })],
  ['pid to resubmit', (client) => client.resubmit(HALF)],
  ['name of a signal', (client) => client.handle('p').signal(HALF)],
  ['text of a list', (client) => client.list({ text: HALF })],
  ['class of a list', (client) => client.list({ className: HALF })],
  ['parent of a filter', (client) => client.killAll({ parent: HALF })],
]

test.each(names)('half an emoji as the %s is refused by a client', async (_, use) => {
  const client = await Client.open({ store: new MemoryStore() })
  onTestFinished(() => client.close())
  await expect(Promise.resolve(client).then(use)).rejects.toThrow(LONE)
  expect((await client.list()).processes).toEqual([])
})

test('half an emoji in the name of a class is refused where the class is registered or launched', async () => {
  class Named extends Process {
    static override get processName(): string {
      return HALF
    }
  }
  const store = new MemoryStore()
  const opened = Engine.open({ store, processes: [Named], handleSignals: false })
  await expect(opened).rejects.toThrow(SpecError)
  await expect(opened).rejects.toThrow(LONE)
  const client = await Client.open({ store })
  onTestFinished(() => client.close())
  await expect(client.launch(Named)).rejects.toThrow(LONE)
})

test('half an emoji is refused by a spec, and as the pid of a process in memory', () => {
  const Declares = (declare: (spec: ProcessSpec) => ProcessSpec) =>
    class extends processOf((spec) => declare(spec)) {}
  for (const declare of [
    (spec: ProcessSpec) => spec.input(HALF) as ProcessSpec,
    (spec: ProcessSpec) => spec.input(`a.${HALF}`) as ProcessSpec,
    (spec: ProcessSpec) => spec.output(HALF) as ProcessSpec,
    (spec: ProcessSpec) => spec.inputNamespace(HALF) as ProcessSpec,
    (spec: ProcessSpec) => spec.signal(HALF) as ProcessSpec,
    (spec: ProcessSpec) => spec.exitCode(300, HALF, 'no') as ProcessSpec,
  ]) {
    expect(() => new (Declares(declare))()).toThrow(SpecError)
  }
  expect(() => new Add({ a: 1 }, { pid: HALF })).toThrow(LONE)
  expect(() => new Add({ a: 1 }, { pid: '' })).toThrow(/must not be empty/)
})

test('half an emoji in a message for people is replaced', async () => {
  const { message } = new Wait(undefined, { message: HALF })
  expect([message, new Kill(HALF).message]).toEqual([REPAIRED, REPAIRED])
  const process = new Steps()
  await process.kill(HALF)
  expect(process.killedMessage()).toBe(REPAIRED)
})

overEachStore((over) => {
  test.each(inSteps)('half an emoji in the name of %s is refused in the step', async (_, use) => {
    Steps.use = async (process) => {
      try {
        return await use(process)
      } catch (error) {
        return String(error)
      }
    }
    const engine = await over().engine([Steps, Add])
    const handle = await engine.launch(Steps)
    // A command is refused once it is returned.
    const said = await handle.result().catch(String)
    expect(said).toMatch(LONE)
    expect((await handle.history()).map(({ name }) => name)).not.toContain('effect')
  })

  test('half an emoji in a message for people is the same in every store', async () => {
    Steps.use = () => new Wait(undefined, { message: HALF })
    const engine = await over().engine([Steps, Add])
    const later = await engine.launch(Steps, {}, { delay: '1h' })
    await later.pause(HALF)
    expect((await later.refresh()).message).toBe(REPAIRED)
    await later.kill(HALF)
    expect((await later.refresh()).message).toBe(REPAIRED)
    const error = { code: 300, label: HALF, message: HALF }
    Steps.use = () => new Stop(undefined, { exitCode: error })
    const stopped = await engine.launch(Steps)
    expect((await stopped.wait())?.exitCode).toEqual({ code: 300, label: REPAIRED, message: REPAIRED })
    Steps.use = () => {
      throw new Error(HALF)
    }
    const thrown = await engine.launch(Steps)
    expect((await thrown.wait())?.message).toBe(REPAIRED)
  })
})

test('the name of a step that has half an emoji is refused though the class has it', async () => {
  class Odd extends Process {
    override run(): unknown {
      return new Continue(HALF)
    }
  }
  Object.defineProperty(Odd.prototype, HALF, { value: () => 1 })
  await expect(new Odd().execute()).rejects.toMatchObject({ cause: expect.any(TransitionError) })
})

test('a saved process whose pid has half an emoji is kept by no persister', async () => {
  const bundle = Bundle.from(new Add({ a: 1 }))
  const text = JSON.stringify(bundle).replaceAll(bundle.head.pid, 'q\\ud800')
  const store = new MemoryStore()
  await expect(Promise.resolve().then(() => store.saveCheckpoint(Bundle.parse(text), 'tag'))).rejects.toThrow(
    LONE,
  )
  await expect(store.saveCheckpoint(bundle, HALF)).rejects.toThrow(LONE)
  await expect(store.loadCheckpoint(bundle.head.pid, HALF)).rejects.toThrow(LONE)
})
