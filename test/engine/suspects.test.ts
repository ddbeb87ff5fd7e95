import { afterEach, beforeEach, expect, test } from 'vitest'
import { Client, Engine, MemoryStore, Process, type AnyProcessClass } from '../../src/index.ts'
import { SimulatedClock } from '../../src/testing/index.ts'
import { register } from '../contracts/stores.ts'
import { Add, closeGates, Count, gate, Gated, Parent } from './processes.ts'

let store: MemoryStore
let clock: SimulatedClock
const opened: Client[] = []

beforeEach(() => {
  clock = new SimulatedClock()
  store = new MemoryStore({ clock })
})
afterEach(async () => {
  closeGates()
  for (const one of opened.splice(0)) await (one instanceof Engine ? one.close({ drain: 0 }) : one.close())
})

async function open(processes: readonly AnyProcessClass[], concurrency = 10): Promise<Engine> {
  const engine = await Engine.open({ store, clock, processes, handleSignals: false, concurrency })
  opened.push(engine)
  return engine
}

/** Lets the engine that runs these processes die so many times, without a step further. */
async function crash(classes: readonly { readonly name: string }[], times = 2): Promise<void> {
  for (let time = 0; time < times; time++) {
    const id = `dead-${time}`
    await register(store, id)
    await store.claim({
      engine: id,
      classes: classes.map(({ name }) => ({ name, version: 1 })),
      limit: 1000,
      suspects: false,
    })
    store.forget(id)
    await store.recover()
  }
}

test('C9, C11: a suspect that can not be loaded is parked and holds up nobody', async () => {
  const client = await Client.open({ store })
  opened.push(client)
  const { pid } = await client.launch(Add, { a: 1 })
  await crash([Add])
  const row = (await store.load(pid))?.row
  expect(row?.crashes).toBe(2)
  class Broken extends Process<typeof Broken> {
    static override processName = 'Add'
    override loadInstanceState(): never {
      throw new Error('it can not be loaded')
    }
  }
  const engine = await open([Broken, Count])
  const other = await client.launch(Count)
  expect(await other.result()).toEqual({ count: 3 })
  expect(await engine.execute(Count)).toEqual({ count: 3 })
  expect((await store.read(pid))?.parked).toContain('it can not be loaded')
})

test('C11: a suspect that waits for a child that is a suspect too does not hang', async () => {
  const first = await open([Parent, Add], 1)
  const parent = await first.launch(Parent, { children: 2, gate: 'launched' })
  await gate('launched').reached
  await first.close({ drain: 0 })
  gate('launched').open()
  // The parent is the first that is ready again, and so the first to run alone.
  await crash([Parent])
  await crash([Add])
  const rows = (await store.list()).rows
  expect(rows.map(({ crashes }) => crashes)).toEqual([2, 2, 2])
  const engine = await open([Parent, Add])
  expect(await engine.handle(parent.pid).result()).toMatchObject({ total: 3 })
})

test('C11: a suspect that this engine has no class for holds it up in nothing', async () => {
  const client = await Client.open({ store })
  opened.push(client)
  await client.launch(Add, { a: 1 })
  await crash([Add])
  const engine = await open([Count, Gated])
  const long = await engine.launch(Gated, { gate: 'long' })
  await gate('long').reached
  // The engine looks at the store each second, also while the long step runs.
  await clock.advance(1_000)
  expect(await (await client.launch(Count)).result()).toEqual({ count: 3 })
  expect(await engine.execute(Count)).toEqual({ count: 3 })
  gate('long').open()
  await long.result()
})
