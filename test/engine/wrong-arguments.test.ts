import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import {
  Bundle,
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

/** The path of a file that does not exist, in a folder of its own. */
function aPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'damson-arguments-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'jobs.db')
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
    await expect(launched).rejects.toThrow(/the launched class Job is not the class Job in `processes`/)
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

  test('C9: the launch of a class that the engine does not know is logged once, and explained', async () => {
    const [stranger, other] = [called('strange'), class Other extends Process {}]
    class Parent extends Process {
      override async run(): Promise<unknown> {
        await this.launch('Job')
        return this.launch(stranger)
      }
    }
    const warned: string[] = []
    const ignore = (): void => {}
    const warn = (details: object, message: string): void => {
      if ('class' in details) warned.push(message)
    }
    const logger = { debug: ignore, info: ignore, error: ignore, warn }
    const engine = await over().engine([Add, Parent], { logger })
    await (await engine.launch(Add, { a: 1 })).wait()
    expect(warned).toEqual([])
    const { pid } = await engine.launch(stranger)
    await engine.launch('Job')
    await (await engine.launch(Parent)).wait()
    const only =
      /^the launched class Job is not among the `processes` of this engine\. .*only an engine that has/
    expect(warned).toEqual([expect.stringMatching(only)])
    await engine.launch(other)
    expect(warned).toHaveLength(2)
    expect(await engine.explain(pid)).toMatch(/it is ready, but no running engine has class Job in version 1/)
    const second = await over().engine([stranger])
    expect(await second.handle(pid).result()).toBe('strange')
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
      [{ paused: 'no' }, /paused is true or false, not "no"/],
      [{ since: new Date(0) }, /since takes wall-clock milliseconds/],
      [{ until: Number.NaN }, /until takes wall-clock milliseconds/],
      [{ label: 5 }, /label must be text, not number/],
      [{ label: undefined }, /label is undefined/],
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
  [{ delay: -1 }, /is not a duration/],
  [{ delay: Number.POSITIVE_INFINITY }, /would never run/],
  [{ deadline: 1e300 }, /is after the last date there is/],
  [{ deadline: new Date(Number.NaN) }, /invalid Date/],
  [{ abandon: 'no' }, /abandon is true or false/],
  [{ signal: 'stop' }, /launch: signal takes an AbortSignal, .* not "stop"/],
  [{ delay: true }, /launch: delay: true is not a duration/],
  [{ deadline: 'soon' }, /"soon" is not a duration/],
  [{ retry: '3' }, /retry/],
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

test('what is not a process class is refused where it is launched', async () => {
  const engine = await anEngine()
  class Parent extends Process {
    override async run(): Promise<unknown> {
      return this.launch(untyped(undefined) as string).catch((error: Error) => error.name)
    }
  }
  const parent = new Parent()
  await parent.execute()
  expect(parent.result()).toBe('SpecError')
  for (const given of [undefined, null, 5, {}, Date]) {
    await expect(engine.launch(untyped(given) as string)).rejects.toThrow(SpecError)
  }
  await expect(engine.launch(untyped(undefined) as string)).rejects.toThrow(
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

type Wrong = readonly [options: object, type: new (message: string) => Error, message: RegExp]

const wrongForBoth: readonly Wrong[] = [
  [
    { processes: Add },
    SpecError,
    /: processes takes a list of process classes, not the class .* Add: give \[Add\]/,
  ],
  [{ processes: 'Add' }, SpecError, /: processes takes a list of process classes, not "Add"/],
  [
    { processes: [Add, undefined] },
    SpecError,
    /: processes\[1\] takes a process class, not undefined: is the/,
  ],
  [{ processes: [{}] }, SpecError, /: processes\[0\] takes a process class, not an object/],
  [{ store: '' }, TypeError, /the path of the store must not be empty: give a path, ':memory:' or a store/],
  [{ store: 5 }, TypeError, /store takes a path or a store, an object with the methods .* not 5/],
  [{ store: {} }, TypeError, /store takes a path or a store, .* not an object/],
  [{ create: 'yes' }, TypeError, /: create is true or false, not "yes"/],
  [{ types: 'money' }, TypeError, /: types takes a list of saved types, not "money"/],
  [
    { types: [{ name: 'money' }] },
    TypeError,
    /: types\[0\] takes a saved type, .* is, encode, decode, not an object/,
  ],
  [{ loader: () => Add }, TypeError, /: loader takes a loader, .* identify, load, not /],
  [{ killGrace: 'soon' }, RangeError, /: killGrace: "soon" is not a duration/],
  [{ killGrace: true }, RangeError, /: killGrace: true is not a duration/],
  [{ clock: Date }, TypeError, /: clock takes a clock, .* now, after, not .* Date/],
  [{ logger: () => {} }, TypeError, /: logger takes a logger, .* debug, info, warn, error, not /],
  [{ logger: null }, TypeError, /: logger takes a logger, .* not null/],
]

const wrongForEngines: readonly Wrong[] = [
  [{ concurrency: '3' }, TypeError, /: concurrency takes a whole number from 1, not "3"/],
  [{ concurrency: 0 }, RangeError, /: concurrency is 0: give a whole number from 1/],
  [{ lease: [] }, RangeError, /: lease: \[\] is not a duration/],
  [{ handleSignals: 'no' }, TypeError, /: handleSignals is true or false, not "no"/],
]

test.each([...wrongForBoth, ...wrongForEngines])(
  'an engine is not opened with %j, and no file is made',
  async (options, type, message) => {
    const store = aPath()
    const opened = Engine.open(untyped({ store, processes: [Add], handleSignals: false, ...options }))
    await expect(opened).rejects.toThrow(type)
    await expect(opened).rejects.toThrow(message)
    expect(existsSync(store)).toBe(false)
  },
)

test.each(wrongForBoth)(
  'a client is not opened with %j, and no file is made',
  async (options, type, message) => {
    const store = aPath()
    const opened = Client.open(untyped({ store, create: true, ...options }))
    await expect(opened).rejects.toThrow(type)
    await expect(opened).rejects.toThrow(message)
    expect(existsSync(store)).toBe(false)
  },
)

test.each([
  [':memory:', /":memory:" is not the path of a file: for a store in memory use `new MemoryStore\(\)`/],
  [':memory:?cache=shared', /is not the path of a file/],
  ['file:jobs.db?mode=ro', /"file:jobs\.db\?mode=ro" is a URI, not a path/],
  ['file::memory:', /is a URI, not a path.*new MemoryStore\(\)/],
  ['', /the path must not be empty/],
  [new URL('file:///jobs.db'), /the path must be text, not object/],
  [undefined, /the path must be text, not undefined/],
])('a SQLite store is not opened at %j, and no file is made', async (path, message) => {
  const before = readdirSync('.')
  const opened = SqliteStore.open(untyped(path))
  await expect(opened).rejects.toThrow(TypeError)
  await expect(opened).rejects.toThrow(message)
  expect(readdirSync('.')).toEqual(before)
})

test('a store is not opened with an option of another type', async () => {
  const path = aPath()
  await expect(SqliteStore.open(path, untyped({ create: 1 }))).rejects.toThrow(
    /create is true or false, not 1/,
  )
  await expect(SqliteStore.open(path, untyped({ clock: {} }))).rejects.toThrow(/clock takes a clock/)
  expect(() => new MemoryStore(untyped({ clock: 5 }))).toThrow(
    /new MemoryStore: clock takes a clock, .* not 5/,
  )
  expect(() => new MemoryStore(untyped({ clok: 5 }))).toThrow(/did you mean "clock"\?/)
  expect(existsSync(path)).toBe(false)
})

test('a bundle is not loaded with classes that are no list', () => {
  const bundle = Bundle.from(new Add({ a: 1 }))
  expect(() => bundle.unbundle(untyped({ processes: Add }))).toThrow(
    /takes a list of process classes.*\[Add\]/,
  )
  expect(() => bundle.unbundle(untyped({ processes: [undefined] }))).toThrow(
    /processes\[0\] takes a process class/,
  )
})

test('options of another type are refused by every call', async () => {
  const engine = await anEngine()
  const handle = await engine.launch(Add, { a: 1 }, { delay: '1h' })
  await expect(handle.wait(untyped({ signal: 5 }))).rejects.toThrow(
    /a wait: signal takes an AbortSignal.*, not 5/,
  )
  await expect(handle.result(untyped({ raiseOnFailure: 'no' }))).rejects.toThrow(/is true or false, not "no"/)
  await expect(handle.kill('m', untyped({ force: 'no' }))).rejects.toThrow(
    /kill: force is true or false, not "no"/,
  )
  await expect(handle.pause('m', untyped({ tree: 0 }))).rejects.toThrow(/pause: tree is true or false, not 0/)
  await expect(engine.killAll({}, 'm', untyped({ force: 1 }))).rejects.toThrow(
    /killAll: force is true or false/,
  )
  expect(() => engine.close(untyped({ drain: 'later' }))).toThrow(/close: drain: "later" is not a duration/)
  expect(() => new Add({ a: 1 }, untyped({ logger: 'loud' }))).toThrow(/logger takes a logger, .* not "loud"/)
  expect((await handle.refresh()).label).toBe('created')
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

test('a message of a pause, a kill or an abort that is no text is refused', async () => {
  const engine = await anEngine()
  const handle = await engine.launch(Add, { a: 1 }, { delay: '1h' })
  await expect(handle.pause(untyped(5))).rejects.toThrow('pause: the message must be text, not 5')
  await expect(handle.kill(untyped({ tree: false }))).rejects.toThrow(
    'kill: the message must be text, not an object',
  )
  await expect(handle.abort(untyped(true))).rejects.toThrow(TypeError)
  await expect(engine.group([handle]).kill(untyped(['why']))).rejects.toThrow(TypeError)
  await expect(engine.killAll({}, untyped(5))).rejects.toThrow(TypeError)
  expect(await handle.refresh()).toMatchObject({ label: 'created', paused: false })
})
