import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import {
  Continue,
  Engine,
  MemoryStore,
  Process,
  type ProcessHandle,
  type ProcessSpec,
} from '../../src/index.ts'
import { SqliteStore } from '../../src/persistence/sqlite/index.ts'
import { SimulatedClock } from '../../src/testing/index.ts'
import { LaunchQueue } from '../../src/engine/launch-queue.ts'
import { HOSTED } from '../../src/process/host/process-object.ts'
import { aPath, create } from '../contracts/stores.ts'
import { Add, gate } from './processes.ts'
import { HAS_MORE, runsMore } from '../run/extent.ts'
import { overEachStore } from './over-stores.ts'

/** How many were constructed, and what ran, in its order. */
let made = 0
let ran: string[] = []

class Named extends Process<typeof Named> {
  static override define(spec: ProcessSpec) {
    return spec
      .input('name', { schema: { type: 'string' } })
      .input('cargo', { schema: { type: 'string' }, default: '' })
  }
  readonly number = ++made
  override run() {
    ran.push(this.inputs.name)
    return new Continue(this.more)
  }
  more() {
    return this.inputs.name
  }
}

/** Holds a slot until its gate is opened. */
class Holding extends Process {
  override async run(): Promise<void> {
    await gate('holding').pass()
  }
}

/** Has hooks before its transitions are committed. */
class Hooked extends Process {
  protected override async onRun(): Promise<void> {
    ran.push('onRun')
    await gate('hook').pass()
  }
  protected override onKill(): void {
    ran.push('onKill')
  }
  override run(): void {
    ran.push('run')
  }
}

const shared: { value: unknown } = { value: 1 }

/** Keeps what others change. */
class Sharing extends Process {
  static override readonly persisted = ['settings']
  readonly settings = shared
  override run() {
    return new Continue(this.second)
  }
  async second(): Promise<unknown> {
    await gate('second').pass()
    return this.settings.value
  }
}

const results = (handles: readonly ProcessHandle[]): Promise<unknown[]> =>
  Promise.all(handles.map((handle) => handle.result()))

overEachStore((over, kind) => {
  describe('launches that find no free slot', () => {
    const open = async (concurrency: number) => {
      ran = []
      const engine = await over().engine([Named, Holding, Hooked, Sharing], { concurrency })
      // Its first look is over: nothing else is known to be ready.
      await over().clock.quiet()
      return engine
    }

    test('are begun in the order of their launches, as they were made', async () => {
      const engine = await open(1)
      const names = Array.from({ length: 30 }, (_, index) => `process ${index}`)
      const handles = await Promise.all(names.map((name) => engine.launch(Named, { name })))
      expect(await results(handles)).toEqual(names)
      expect(ran).toEqual(names)
    })

    test('let those go before them that others launched before', async () => {
      const engine = await open(1)
      const client = await over().client()
      const holding = await engine.launch(Holding)
      await gate('holding').reached
      const theirs = await client.launch('Named', { name: 'theirs' })
      await over().clock.advance(1)
      const ours = await engine.launch(Named, { name: 'ours' })
      gate('holding').open()
      await results([holding, theirs, ours])
      expect(ran).toEqual(['theirs', 'ours'])
    })

    test('are run by another engine that has a slot, and by one alone (C4)', async () => {
      const engine = await open(1)
      await engine.launch(Holding)
      await gate('holding').reached
      const names = Array.from({ length: 10 }, (_, index) => `process ${index}`)
      const handles = await Promise.all(names.map((name) => engine.launch(Named, { name })))
      await over().engine([Named], { concurrency: 3 })
      // The first engine is busy all the while, and is notified of each end.
      expect(await results(handles)).toEqual(names)
      expect(ran.toSorted()).toEqual(names.toSorted())
      gate('holding').open()
    })

    test('are not begun when they were killed or paused meanwhile, and begun when they are played (C7)', async () => {
      const engine = await open(1)
      const holding = await engine.launch(Holding)
      await gate('holding').reached
      const [killed, paused, plain] = await Promise.all(
        ['killed', 'paused', 'plain'].map((name) => engine.launch(Named, { name })),
      )
      expect(await killed?.kill('not needed')).toBe(true)
      expect(await paused?.pause('a moment')).toBe(true)
      gate('holding').open()
      await holding.wait()
      expect(await plain?.result()).toBe('plain')
      expect(await killed?.wait()).toMatchObject({ label: 'killed', message: 'not needed' })
      expect(ran).toEqual(['plain'])
      expect(await paused?.refresh()).toMatchObject({ label: 'created', paused: true, message: 'a moment' })
      await paused?.play()
      expect(await paused?.result()).toBe('paused')
    })

    test('are left in the store by an engine that closes (C12)', async () => {
      const engine = await open(1)
      await engine.launch(Holding)
      await gate('holding').reached
      const { pid } = await engine.launch(Named, { name: 'left' })
      const closing = engine.close({ drain: '1s' })
      gate('holding').open()
      await closing
      expect(ran).toEqual([])
      expect(await over().store.read(pid)).toMatchObject({ state: 'created', owner: null, crashes: 0 })
      const next = await over().engine([Named])
      expect(await next.handle(pid).result()).toBe('left')
    })

    test('are excepted without a step when their deadline has passed', async () => {
      const engine = await open(1)
      await engine.launch(Holding)
      await gate('holding').reached
      const late = await engine.launch(Named, { name: 'late' }, { deadline: '1s' })
      await over().clock.advance(2_000)
      gate('holding').open()
      expect((await late.outcome()).status).toBe('rejected')
      expect(late.exception()?.cause).toMatchObject({ name: 'DeadlineExceeded' })
      expect(ran).toEqual([])
    })

    test('are one process under one key or pid, however often', async () => {
      const engine = await open(1)
      const holding = await engine.launch(Holding)
      await gate('holding').reached
      const keyed = () => engine.launch(Named, { name: 'keyed' }, { key: 'one' })
      const named = () => engine.launch(Named, { name: 'pid' }, { pid: 'a pid' })
      const handles = await Promise.all([keyed(), keyed(), named(), named()])
      expect(handles[0]).toBe(handles[1])
      expect(handles[2]).toBe(handles[3])
      await expect(engine.launch(Named, { name: 'other' }, { key: 'one' })).rejects.toThrow(/other inputs/)
      gate('holding').open()
      await results([holding, ...handles])
      expect(ran.toSorted()).toEqual(['keyed', 'pid'])
    })

    test('run their hooks once, under a claim: a kill meanwhile is heard (C4, C7)', async () => {
      const engine = await open(2)
      const holding = await Promise.all([engine.launch(Holding), engine.launch(Holding)])
      await gate('holding').reached
      const handle = await engine.launch(Hooked)
      gate('holding').open()
      await results(holding)
      await gate('hook').reached
      await over().engine([Hooked])
      expect(await over().store.read(handle.pid)).toMatchObject({ state: 'created', owner: engine.id })
      expect(await handle.kill('enough')).toBe(true)
      gate('hook').open()
      expect(await handle.wait()).toMatchObject({ label: 'killed', message: 'enough' })
      expect(ran).toEqual(['onRun', 'onKill'])
    })

    test('save what has changed in memory since they were launched (C3)', async () => {
      shared.value = 1
      const engine = await open(1)
      await engine.launch(Holding)
      await gate('holding').reached
      const handle = await engine.launch(Sharing)
      const stored = async () => (await over().store.load(handle.pid))?.bundle().parts['memory']
      expect(await stored()).toContain('"value":1')
      shared.value = 2
      gate('holding').open()
      await gate('second').reached
      const value = (await stored())?.includes('"value":2') === true ? 2 : 1
      gate('second').open()
      expect(await handle.result()).toBe(value)
    })

    test('except by themselves what cannot be saved any more, and take no slot with them (C10)', async () => {
      shared.value = 1
      const engine = await open(1)
      const holding = await engine.launch(Holding)
      await gate('holding').reached
      const handle = await engine.launch(Sharing)
      shared.value = () => 1
      gate('holding').open()
      await holding.wait()
      gate('second').open()
      await handle.wait()
      const next = await engine.launch(Named, { name: 'next' })
      expect(await next.result()).toBe('next')
    })

    // The room is the same over each store, and to fill it takes long.
    const fillsIt = runsMore || kind === 'memory'

    test.runIf(fillsIt)('find room again after one that was too large for it', HAS_MORE, async () => {
      const engine = await open(1)
      const holding = await engine.launch(Holding)
      await gate('holding').reached
      const large = await engine.launch(Named, { name: 'large', cargo: 'x'.repeat(17 * 2 ** 20) })
      gate('holding').open()
      expect(await results([holding, large])).toEqual([{}, 'large'])
      await over().clock.quiet()
      made = 0
      const names = Array.from({ length: 9 }, (_, index) => `process ${index}`)
      const handles = await Promise.all(names.map((name) => engine.launch(Named, { name })))
      expect(await results(handles)).toEqual(names)
      expect(ran.slice(1)).toEqual(names)
    })

    test.runIf(fillsIt)(
      'find as much room as there is, and run all the same where there is none',
      HAS_MORE,
      async () => {
        const engine = await open(2)
        await engine.launch(Holding)
        await gate('holding').reached
        // Six of them do not fit into what is kept of such launches.
        const cargo = 'x'.repeat(3 * 2 ** 20)
        const names = Array.from({ length: 9 }, (_, index) => `process ${index}`)
        const handles = await Promise.all(names.map((name) => engine.launch(Named, { name, cargo })))
        expect(await results(handles)).toEqual(names)
        expect(ran).toEqual(names)
        gate('holding').open()
      },
    )
  })
})

test('a launch beyond the first thousand that wait is begun from its saved form, and nothing is read', async () => {
  made = 0
  ran = []
  const sqls: string[] = []
  // The clock stands still, so that no scan of the store finds what is ready.
  const clock = new SimulatedClock()
  const store = await SqliteStore.open(await aPath(), { clock, trace: (sql) => sqls.push(sql) })
  const options = { processes: [Named], concurrency: 2, handleSignals: false }
  const engine = await Engine.open({ store, clock, ...options })
  const names = Array.from({ length: 1_100 }, (_, index) => `process ${index}`)
  sqls.length = 0
  expect(await results(await Promise.all(names.map((name) => engine.launch(Named, { name }))))).toEqual(names)
  expect(ran.toSorted()).toEqual(names.toSorted())
  expect(made).toBeGreaterThan(names.length)
  expect(sqls.filter((sql) => /^SELECT[^]*\bdata\b/.test(sql))).toEqual([])
  await engine.close()
  await store.close()
})

/** Can be made once, and not again from its saved form. */
class MadeOnce extends Process<typeof MadeOnce> {
  static override define(spec: ProcessSpec) {
    return spec.input('name', { schema: { type: 'string' } })
  }
  override decodeInputArgs(): never {
    throw new Error('its inputs are lost')
  }
  override run(): void {
    ran.push(this.inputs.name)
  }
}

test('a launch that waits and cannot be made again is parked, and holds up no other (C9)', async () => {
  ran = []
  const store = new MemoryStore()
  const processes = [Named, MadeOnce]
  const engine = await Engine.open({ store, processes, concurrency: 1, handleSignals: false })
  const names = Array.from({ length: 1_001 }, (_, index) => `process ${index}`)
  const handles = names.map((name) => engine.launch(Named, { name }))
  const lost = await engine.launch(MadeOnce, { name: 'lost' })
  const last = await engine.launch(Named, { name: 'last' })
  expect(await last.result()).toBe('last')
  expect(await results(await Promise.all(handles))).toEqual(names)
  expect(ran).not.toContain('lost')
  expect(await lost.refresh()).toMatchObject({ reason: 'parked' })
  await engine.close()
  await store.close()
})

test('a launch that waited is not made anew: it is begun as it was made', async () => {
  made = 0
  const store = new MemoryStore()
  const engine = await Engine.open({ store, processes: [Named], concurrency: 1, handleSignals: false })
  const names = Array.from({ length: 20 }, (_, index) => `process ${index}`)
  await results(await Promise.all(names.map((name) => engine.launch(Named, { name }))))
  expect(made).toBe(names.length)
  await engine.close()
  await store.close()
})

test('launches that are claimed, and not begun from the queue, do not stay in memory', async () => {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  const queue = new LaunchQueue()
  const taken = Array.from({ length: 10 }, (_, index) => {
    const write = create(`claimed ${index}`)
    queue.add(new Add({ a: 1 })[HOSTED], write)
    queue.take(write.pid)
    return new WeakRef(write)
  })
  // A weak reference keeps its target until the end of the turn.
  await new Promise((resolve) => setImmediate(resolve))
  collect()
  expect(taken.filter((write) => write.deref() !== undefined)).toEqual([])
  expect(queue.isEmpty).toBe(true)
})
