import { expect, test } from 'vitest'
import {
  Bundle,
  Client,
  Engine,
  MemoryStore,
  Process,
  SpecError,
  each,
  processOf,
  type LaunchOptions,
  type ProcessSpec,
} from '../../src/index.ts'
import { longName } from '../run/long-name.ts'
import { overEachStore } from './over-stores.ts'
import { Add } from './processes.ts'

/* A name that is stored has at most 1,024 bytes, over all stores: an index of Postgres holds no longer ones. */

const LONGEST = longName(1_024)
const LONGER = `${LONGEST}x`
const TOO_LONG = /must have at most 1024 bytes in UTF-8, and has 1025/

type Use = (process: Steps, name: string) => unknown

/** Does in its step what a test gives. */
class Steps extends Process {
  static use: (process: Steps) => unknown
  static override define(spec: ProcessSpec) {
    super.define(spec)
    spec.outputs.dynamic = true
    return spec.signal('go')
  }
  override run(): unknown {
    return Steps.use(this)
  }
  doEffect = (name: string) => this.effect(name, () => 1)
  doSleep = (name: string) => this.sleep(name, 1)
  doReceive = (as: string) =>
    this.receive('go', { as, timeout: 1 }).catch((error: unknown) => {
      if (error instanceof SpecError) throw error
    })
  doJoin = (name: string) => this.join(name, [])
  doBranch = (branch: string, name: string) =>
    this.branch(branch, () => this.branch('b', () => this.effect(name, () => 1)))
  doCheckpoint = (tag: string) => this.checkpoint(tag)
  doLaunch = async (options: LaunchOptions) => void (await this.launch(Add, { a: 1 }, options))
  doOut = (name: string) => this.out(name, 1)
}

const inSteps: readonly (readonly [what: string, use: Use])[] = [
  ['an effect', (process, name) => process.doEffect(name)],
  ['a sleep', (process, name) => process.doSleep(name)],
  ['a receipt', (process, name) => process.doReceive(name)],
  ['a join', (process, name) => process.doJoin(name)],
  [
    'an effect with those of its branches',
    (process, name) => process.doBranch(name.slice(0, 100), name.slice(101)),
  ],
  ['a checkpoint', (process, name) => process.doCheckpoint(name)],
  ['the pid of a child', (process, name) => process.doLaunch({ pid: name })],
  ['the key of a child', (process, name) => process.doLaunch({ key: name })],
  ['the label of a child', (process, name) => process.doLaunch({ label: name })],
  ['an output', (process, name) => process.doOut(name)],
]

class Counter {
  count = 0
  add(): number {
    return ++this.count
  }
}

const names: readonly (readonly [what: string, (engine: Engine, name: string) => unknown])[] = [
  ['pid of a launch', (engine, name) => engine.launch(Add, { a: 1 }, { pid: name })],
  ['key of a launch', (engine, name) => engine.launch(Add, { a: 1 }, { key: name })],
  ['label of a launch', (engine, name) => engine.launch(Add, { a: 1 }, { label: name })],
  ['label of an engine', (engine, name) => engine.launch(Add, { a: 1 }, { worker: name })],
  ['class name of a launch', (engine, name) => engine.launch(name, {})],
  ['key of an execution', (engine, name) => engine.execute(Add, { a: 1 }, { key: name })],
  [
    'group of launches',
    (engine, name) => engine.map(Add, { a: each([1]) }, { group: name }).then((group) => group.wait()),
  ],
  ['name of a group', (engine, name) => engine.group(['p'], { name }).pids],
  ['id of an actor', (engine, name) => engine.actor(Counter, [], { id: name })],
]

overEachStore((over) => {
  test.each(inSteps)('the name of %s may have 1,024 bytes, and no more', async (_, use) => {
    const engine = await over().engine([Steps, Add])
    for (const [name, answer] of [
      [LONGEST, /^taken$/],
      [LONGER, TOO_LONG],
    ] as const) {
      Steps.use = async (process) => {
        try {
          await use(process, name)
          return 'taken'
        } catch (error) {
          return String(error)
        }
      }
      const launched = engine.launch(Steps)
      const result = (await launched).result()
      await over().clock.advance(10)
      const said = await result
      expect(said).toMatch(answer)
    }
  })

  test.each(names)('the %s may have 1,024 bytes, and no more', async (_, use) => {
    const engine = await over().engine([Add], { actors: [Counter] })
    const before = (await engine.list()).processes.length
    await expect(Promise.resolve(engine).then((one) => use(one, LONGER))).rejects.toThrow(TOO_LONG)
    expect((await engine.list()).processes).toHaveLength(before)
    await use(engine, LONGEST)
  })

  test('what has the longest names is found, waited for, controlled and pruned', async () => {
    class Parent extends Process {
      override async run() {
        const child = await this.launch(Add, { a: 1 }, { pid: LONGEST, key: LONGEST, label: LONGEST })
        await this.join(LONGEST, [child])
        await this.checkpoint(LONGEST)
      }
    }
    Object.defineProperty(Parent, 'processName', { value: longName(1_023) })
    const engine = await over().engine([Parent, Add])
    const parent = await engine.launch(Parent, undefined, { pid: longName(1_022) })
    await parent.wait()
    expect(await engine.explain(LONGEST)).toBeDefined()
    const found = await engine.handle({ key: LONGEST })
    expect(found.pid).toBe(LONGEST)
    const after = await engine.launch(Add, { a: 1 }, { after: [found, parent], pid: longName(1_021) })
    expect(await after.outputs.all()).toEqual({ sum: 2 })
    const { processes } = await engine.list({ label: LONGEST, parent: parent.pid })
    expect(processes.map(({ pid }) => pid)).toEqual([LONGEST])
    const again = await engine.restart(parent.pid, { from: LONGEST })
    await again.wait()
    expect(await engine.prune({})).toBeGreaterThan(2)
  })

  test('a pid that is too long is one that no process has', async () => {
    const engine = await over().engine([Add])
    await expect(engine.handle(LONGER).refresh()).rejects.toThrow('no process')
    await expect(engine.launch(Add, { a: 1 }, { after: [engine.handle(LONGER)] })).rejects.toThrow(
      /no process|process.*not|is not/,
    )
    await expect(engine.handle(LONGER).kill()).rejects.toThrow('no process')
    expect((await engine.list({ key: LONGER })).processes).toEqual([])
  })
})

test('a class, a signal and a port with a longer name are refused where they are declared', async () => {
  class Named extends Process {
    static override get processName(): string {
      return LONGER
    }
  }
  const store = new MemoryStore()
  const opened = Engine.open({ store, processes: [Named], handleSignals: false })
  await expect(opened).rejects.toThrow(SpecError)
  await expect(opened).rejects.toThrow(TOO_LONG)
  for (const declare of [
    (spec: ProcessSpec) => spec.input(LONGER) as ProcessSpec,
    (spec: ProcessSpec) => spec.output(`a.${LONGEST}`) as ProcessSpec,
    (spec: ProcessSpec) => spec.signal(LONGER) as ProcessSpec,
  ])
    expect(() => new (class extends processOf((spec) => declare(spec)) {})()).toThrow(/at most 1024 bytes/)
  expect(() => new Add({ a: 1 }, { pid: LONGER })).toThrow(RangeError)
  await expect(
    Engine.open({ store, processes: [Add], labels: [LONGER], handleSignals: false }),
  ).rejects.toThrow(TOO_LONG)
  const client = await Client.open({ store })
  await expect(client.handle('p').signal(LONGER)).rejects.toThrow(TOO_LONG)
  await client.close()
  const bundle = Bundle.from(new Add({ a: 1 }))
  await expect(store.saveCheckpoint(bundle, LONGER)).rejects.toThrow(TOO_LONG)
  await expect(store.loadCheckpoint(bundle.head.pid, LONGER)).rejects.not.toThrow(TOO_LONG)
})
