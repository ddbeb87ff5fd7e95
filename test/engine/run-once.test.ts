import { afterEach, expect, test } from 'vitest'
import { Client, Continue, Engine, MemoryStore, Process } from '../../src/index.ts'
import { register, replaced } from '../contracts/stores.ts'
import { Add, closeGates, gate, Gated, Parent } from './processes.ts'
import { until } from './engine-suite.ts'

const opened: Client[] = []

afterEach(async () => {
  closeGates()
  for (const one of opened.splice(0)) await (one instanceof Engine ? one.close({ drain: 0 }) : one.close())
})

test('a process that is launched again under its pid while it runs here is not run twice', async () => {
  const engine = await Engine.open({
    store: new MemoryStore(),
    processes: [Add, Gated],
    handleSignals: false,
  })
  opened.push(engine)
  for (let round = 0; round < 20; round++) {
    const name = `again-${round}`
    const first = await engine.launch(Gated, { gate: name }, { pid: name })
    const second = await engine.launch(Gated, { gate: name }, { pid: name })
    expect(second).toBe(first)
    await engine.execute(Add, { a: 1 })
    expect(gate(name).visits).toBe(1)
    gate(name).open()
    expect(await second.result()).toEqual({ steps: 2 })
  }
})

test('C4: a play that comes while the hooks of a pause run lets one engine alone go on', async () => {
  class Hooked extends Process<typeof Hooked> {
    override run(): unknown {
      void this.pause()
      return new Continue(this.end)
    }
    override async onPaused(): Promise<void> {
      await gate('paused').pass()
    }
    async end(): Promise<void> {
      await gate('end').pass()
    }
  }
  const store = new MemoryStore()
  const options = { processes: [Hooked], handleSignals: false }
  const first = await Engine.open({ store: replaced(store, { claim: async () => [] }), ...options })
  const second = await Engine.open({ store, ...options })
  opened.push(first, second)
  const { pid } = await first.launch(Hooked)
  await gate('paused').reached
  await until(second, pid, 'paused')
  const handle = second.handle(pid)
  await handle.play()
  await gate('end').reached
  gate('paused').open()
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
  expect(gate('end').visits).toBe(1)
  gate('end').open()
  expect(await handle.wait()).toMatchObject({ label: 'finished' })
})

test('C11: a parent that is taken back together with its child finds it, and neither runs twice', async () => {
  const store = new MemoryStore()
  const options = { store, processes: [Add, Parent], handleSignals: false }
  const first = await Engine.open({ ...options, concurrency: 1 })
  const { pid } = await first.launch(Parent, { children: 1, gate: 'launched' })
  await gate('launched').reached
  await first.close({ drain: 0 })
  gate('launched').open()
  // Of what is claimed together the parent comes first: it launches its child before that is looked at.
  for (const name of ['Parent', 'Add']) {
    await register(store, `dead ${name}`)
    await store.claim({
      engine: `dead ${name}`,
      classes: [{ name, version: 1 }],
      limit: 10,
      suspects: false,
    })
    store.forget(`dead ${name}`)
    await store.recover()
  }
  const second = await Engine.open(options)
  opened.push(second)
  expect(await second.handle(pid).result()).toMatchObject({ total: 1 })
  const [child] = (await store.list({ parent: pid })).rows
  expect((await store.history(child?.pid as string)).map(({ name }) => name)).toEqual([
    'created',
    'crashed',
    'recovered',
    'running',
    'finished',
  ])
})

test('C7: a process that is claimed again while its last hooks run here can be killed and is drained', async () => {
  class Hooked extends Process<typeof Hooked> {
    override run(): unknown {
      void this.pause()
      return new Continue(this.end)
    }
    override async onPaused(): Promise<void> {
      await gate('hook').pass()
    }
    async end(): Promise<void> {
      const { signal } = this
      void gate('second').pass()
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    }
  }
  const store = new MemoryStore()
  const engine = await Engine.open({
    store,
    processes: [Hooked],
    handleSignals: false,
    killGrace: '1h',
  })
  opened.push(engine)
  const handle = await engine.launch(Hooked)
  await gate('hook').reached
  await until(engine, handle.pid, 'paused')
  await handle.play()
  await gate('second').reached
  gate('hook').open()
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
  // The signal of its step reports it, long before the deadline.
  await handle.kill('enough')
  expect(await handle.wait()).toMatchObject({ label: 'killed' })
})
