import { expect, onTestFinished, test } from 'vitest'
import { Client, Engine, MemoryStore } from '../../src/index.ts'
import { SimulatedClock } from '../../src/testing/simulated-clock.ts'
import { Add } from '../engine/processes.ts'
import { aPath, replaced } from './stores.ts'

test('C1: what a handle reports after a look is what the rows say, whoever wrote them', async () => {
  const store = await aPath()
  const options = { store, create: true }
  const [one, other] = await Promise.all([Client.open(options), Client.open(options)])
  onTestFinished(async () => void (await Promise.all([one.close(), other.close()])))
  const handle = await one.launch(Add, { a: 1 })
  expect((await handle.refresh()).label).toBe('created')
  await other.handle(handle.pid).kill('by somebody else')
  expect(await handle.refresh()).toMatchObject({ label: 'killed', message: 'by somebody else' })
})

test('C1: an engine that is notified of nothing does all the same what the rows ask for', async () => {
  const store = new MemoryStore()
  const clock = new SimulatedClock()
  const engine = await Engine.open({
    store: replaced(store, { watch: () => () => {} }),
    processes: [Add],
    clock,
    handleSignals: false,
  })
  onTestFinished(() => engine.close())
  const client = await Client.open({ store })
  onTestFinished(() => client.close())
  const handle = await client.launch(Add, { a: 1 })
  await clock.advance(1_000)
  expect(await handle.outputs.all()).toEqual({ sum: 2 })
})
