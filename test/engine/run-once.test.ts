import { afterEach, expect, test } from 'vitest'
import { Client, Continue, Engine, MemoryStore, Process } from '../../src/index.ts'
import { replaced } from '../contracts/stores.ts'
import { Add, closeGates, gate, Gated } from './processes.ts'
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
