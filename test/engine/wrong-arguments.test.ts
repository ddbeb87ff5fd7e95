import { expect, onTestFinished, test } from 'vitest'
import {
  Client,
  Engine,
  MemoryStore,
  Process,
  SpecError,
  Wait,
  type AnyProcessClass,
} from '../../src/index.ts'
import { SqliteStore } from '../../src/persistence/sqlite/index.ts'
import { overEachStore } from './over-stores.ts'
import { Add, Failing } from './processes.ts'

/** What TypeScript refuses, as plain JavaScript may give it. */
function untyped(value: unknown): never {
  return value as never
}

async function anEngine(processes: readonly AnyProcessClass[] = [Add]): Promise<Engine> {
  const engine = await Engine.open({ store: new MemoryStore(), processes, handleSignals: false })
  onTestFinished(() => engine.close({ drain: 0 }))
  return engine
}

const called = (text: string): AnyProcessClass =>
  class Job extends Process {
    override run(): string {
      return text
    }
  }

overEachStore((over) => {
  test('another class of a known name is refused where it is launched, and nothing is stored', async () => {
    const [older, newer] = [called('old'), called('new')]
    class Parent extends Process {
      override async run(): Promise<unknown> {
        return this.launch(newer).catch((error: Error) => error.name)
      }
    }
    const engine = await over().engine([older, Parent])
    const launched = engine.launch(newer)
    await expect(launched).rejects.toThrow(SpecError)
    await expect(launched).rejects.toThrow(
      /the class Job that is launched is not the class Job in `processes`/,
    )
    await expect(engine.execute(newer)).rejects.toThrow(SpecError)
    expect((await engine.list()).processes).toEqual([])
    expect(await (await engine.launch(Parent)).result()).toBe('SpecError')
    expect(await (await engine.launch(older)).result()).toBe('old')
    expect(await (await engine.launch('Job')).result()).toBe('old')
    const client = await over().client([older])
    await expect(client.launch(newer)).rejects.toThrow(SpecError)
    // Of a class that is not known here, an engine that has it decides.
    const stranger = await over().client()
    expect((await stranger.launch(newer)).pid).toBeTypeOf('string')
  })

  test('a filter with a wrong condition changes nothing', async () => {
    const engine = await over().engine([Add])
    const { pid } = await engine.launch(Add, { a: 1 }, { delay: '1h' })
    const ended = await engine.launch(Add, { a: 1 })
    await ended.wait()
    const wrong: readonly (readonly [filter: unknown, message: RegExp])[] = [
      [{ clasName: 'Add' }, /unknown option "clasName": did you mean "className"\?/],
      [{ states: 'created' }, /did you mean "state"\?/],
      [{ className: undefined }, /className is undefined: leave it out/],
      [{ state: undefined }, /state is undefined/],
      [{ state: 'runing' }, /there is no state "runing"; did you mean 'running'\?/],
      [{ state: ['finished', 'runing'] }, /there is no state "runing"/],
      [{ limit: 1 }, /unknown option "limit"/],
      [{ paused: 'no' }, /paused is true or false, not no/],
      [{ since: new Date(0) }, /since takes wall-clock milliseconds/],
      [{ until: Number.NaN }, /until takes wall-clock milliseconds/],
      [{ className: 5 }, /className must be text, not number/],
      ['everything', /takes an object of options, not a string/],
      [[], /takes an object of options, not an array/],
      [null, /takes an object of options, not null/],
    ]
    for (const [given, message] of wrong) {
      const filter = untyped(given)
      await expect(engine.killAll(filter)).rejects.toThrow(message)
      await expect(engine.pauseAll(filter)).rejects.toThrow(message)
      await expect(engine.playAll(filter)).rejects.toThrow(message)
      await expect(engine.prune(filter)).rejects.toThrow(message)
    }
    await expect(engine.killAll({}, 'm', untyped({ froce: true }))).rejects.toThrow(/did you mean "force"\?/)
    expect(await engine.prune({ state: 'created' })).toBe(0)
    const { processes } = await engine.list()
    expect(processes.map((process) => [process.state.label, process.state.paused])).toEqual([
      ['finished', false],
      ['created', false],
    ])
    expect(await engine.killAll({ className: 'Add' })).toBe(1)
    expect((await engine.handle(pid).refresh()).label).toBe('killed')
    expect(await engine.prune({ state: ['finished', 'killed'] })).toBe(2)
  })

  test('a list or count with a wrong condition is refused by every store', async () => {
    const { store } = over()
    const client = await over().client()
    for (const list of [(filter: object) => client.list(filter), (filter: object) => store.list(filter)]) {
      await expect(list({ clasName: 'Add' })).rejects.toThrow(/did you mean "className"\?/)
      await expect(list({ state: 'runing' })).rejects.toThrow(/did you mean 'running'\?/)
      await expect(list({ state: undefined, after: undefined })).resolves.toBeDefined()
    }
    await expect(store.count(untyped({ state: 'runing' }))).rejects.toThrow(/there is no state "runing"/)
    await expect(store.count(untyped({ statee: 'running' }))).rejects.toThrow(/did you mean "state"\?/)
  })
})

const wrongOptions: readonly (readonly [options: unknown, error: RegExp])[] = [
  [{ pid: '' }, /the pid must not be empty/],
  [{ pid: 5 }, /the pid must be text, not number/],
  [{ pid: null }, /the pid must be text, not null/],
  [{ key: 5 }, /the key must be text, not number/],
  [{ key: '' }, /the key must not be empty/],
  [{ label: 5 }, /the label must be text, not number/],
  [{ delay: 1e300 }, /ends after the last date there is/],
  [{ delay: -1 }, /is no duration/],
  [{ delay: Number.POSITIVE_INFINITY }, /would never run/],
  [{ deadline: 1e300 }, /is after the last date there is/],
  [{ deadline: new Date(Number.NaN) }, /invalid Date/],
  [{ abandon: 'no' }, /abandon is true or false/],
  [{ lable: 'x' }, /launch: unknown option "lable": did you mean "label"\?/],
  [{ keys: 'x' }, /did you mean "key"\?/],
  ['key', /launch takes an object of options, not a string/],
  [null, /launch takes an object of options, not null/],
]

test.each(wrongOptions)(
  'a launch with the options %j is refused, and nothing is stored',
  async (given, error) => {
    const engine = await anEngine()
    const options = untyped(given)
    await expect(engine.launch(Add, { a: 1 }, options)).rejects.toThrow(error)
    await expect(engine.launch('Add', { a: 1 }, options)).rejects.toThrow(error)
    expect((await engine.list()).processes).toEqual([])
  },
)

test.each(wrongOptions)('a child with the options %j is refused, in memory too', async (given, error) => {
  class Parent extends Process {
    override async run(): Promise<unknown> {
      return this.launch(Add, { a: 1 }, untyped(given)).catch(String)
    }
  }
  const engine = await anEngine([Parent, Add])
  expect(await (await engine.launch(Parent)).result()).toMatch(error)
  expect((await engine.list({ className: 'Add' })).processes).toEqual([])
  const parent = new Parent()
  await parent.execute()
  expect(parent.result()).toMatch(error)
})

test('what is no process class is refused where it is launched', async () => {
  const engine = await anEngine()
  class Parent extends Process {
    override async run(): Promise<unknown> {
      return this.launch(untyped(undefined)).catch((error: Error) => error.name)
    }
  }
  const parent = new Parent()
  await parent.execute()
  expect(parent.result()).toBe('SpecError')
  for (const given of [undefined, null, 5, {}, Date]) {
    await expect(engine.launch(untyped(given))).rejects.toThrow(SpecError)
  }
  await expect(engine.launch(untyped(undefined))).rejects.toThrow(
    /launch takes a process class or its registered name, not undefined: is the class exported/,
  )
  await expect(engine.launch('')).rejects.toThrow(/the name of a process class must not be empty/)
})

test('options of open that do not exist are refused, with the nearest name', async () => {
  const store = new MemoryStore()
  const open = (options: object) =>
    Engine.open(untyped({ store, processes: [Add], handleSignals: false, ...options }))
  await expect(open({ concurency: 5 })).rejects.toThrow(
    /Engine\.open: unknown option "concurency": did you mean "concurrency"\?/,
  )
  await expect(open({ handelSignals: false })).rejects.toThrow(/did you mean "handleSignals"\?/)
  await expect(open({ somethingElse: 1 })).rejects.toThrow(
    /unknown option "somethingElse"; there are store, /,
  )
  await expect(Client.open(untyped({ store, kilGrace: 1 }))).rejects.toThrow(/did you mean "killGrace"\?/)
  await expect(Client.open(untyped('jobs.db'))).rejects.toThrow(/takes an object of options, not a string/)
  await expect(SqliteStore.open('unused.db', untyped({ creat: false }))).rejects.toThrow(
    /did you mean "create"\?/,
  )
  expect(() => new Add({ a: 1 }, untyped({ pit: 'p' }))).toThrow(/did you mean "pid"\?/)
})

test('other calls refuse options that do not exist, instead of waiting for ever or reaching more', async () => {
  const engine = await anEngine([Add, Failing])
  const handle = await engine.launch(Add, { a: 1 }, { delay: '1h' })
  await expect(handle.wait(untyped({ timeot: 5 }))).rejects.toThrow(/did you mean "timeout"\?/)
  await expect(handle.result(untyped({ raiseOnFailur: false }))).rejects.toThrow(/"raiseOnFailure"\?/)
  await expect(handle.kill('m', untyped({ tre: false }))).rejects.toThrow(/did you mean "tree"\?/)
  await expect(handle.pause('m', untyped({ tre: false }))).rejects.toThrow(/did you mean "tree"\?/)
  await expect(handle.play(untyped({ tre: false }))).rejects.toThrow(/did you mean "tree"\?/)
  await expect(engine.restart('p', untyped({ form: 'tag' }))).rejects.toThrow(/did you mean "from"\?/)
  expect(() => new Wait('next', untyped({ untill: new Date() }))).toThrow(/did you mean "until"\?/)
  expect((await handle.refresh()).label).toBe('created')
})
