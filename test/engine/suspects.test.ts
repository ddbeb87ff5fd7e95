import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  Client,
  Engine,
  MemoryStore,
  Process,
  UpstreamFailed,
  type AnyProcessClass,
  type ProcessSpec,
} from '../../src/index.ts'
import { defer } from '../../src/process/state/deferred.ts'
import { attentionText } from '../../src/cli/render/attention-text.ts'
import { SimulatedClock } from '../../src/testing/index.ts'
import { create, register, replaced } from '../contracts/stores.ts'
import { untilWaiting } from './over-stores.ts'
import { Add, closeGates, Count, Failing, gate, Gated, Parent } from './processes.ts'

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

test('C9, C11: a suspect that cannot be loaded is parked and holds up nobody', async () => {
  const client = await Client.open({ store })
  opened.push(client)
  const { pid } = await client.launch(Add, { a: 1 })
  await crash([Add])
  const row = (await store.load(pid))?.row
  expect(row?.crashes).toBe(2)
  class Broken extends Process<typeof Broken> {
    static override processName = 'Add'
    override loadInstanceState(): never {
      throw new Error('it cannot be loaded')
    }
  }
  const engine = await open([Broken, Count])
  const other = await client.launch(Count)
  expect(await other.result()).toEqual({ count: 3 })
  expect(await engine.execute(Count)).toEqual({ count: 3 })
  expect((await store.read(pid))?.parked).toContain('it cannot be loaded')
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

/** Waits in memory, and is at a gate then. */
class Woken extends Process<typeof Woken> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.signal('go')
  }
  override async run(): Promise<void> {
    await this.receive('go')
    await gate('woken').pass()
  }
}

describe('C11: a step that waited in memory', () => {
  /** A suspect that is claimed to run alone beside the step, which is signalled while the claim is under way or after it. */
  async function woken(
    when: 'while' | 'after',
  ): Promise<{ readonly engine: Engine; readonly early: number }> {
    const slow = replaced(store, {
      claim: async (request) => {
        const found = await store.claim(request)
        if (request.suspects && found.length > 0) await gate('claimed').pass()
        return found
      },
    })
    const options = { store: slow, clock, processes: [Gated, Woken], handleSignals: false }
    const engine = await Engine.open({ ...options, concurrency: 1 })
    opened.push(engine)
    const waiting = await engine.launch(Woken)
    await untilWaiting(store, waiting.pid)
    const long = await engine.launch(Gated, { gate: 'long' })
    await gate('long').reached
    await register(store, 'first')
    const write = create('suspect', 'first')
    const parts = { ...write.parts, inputs: '{"gate":"suspect"}' }
    await store.commit([{ ...write, className: 'Gated', parts }])
    store.forget('first')
    await store.recover()
    await crash([Gated], 1)
    gate('long').open()
    await long.result()
    await clock.advance(1_000)
    await gate('claimed').reached
    if (when === 'after') {
      gate('claimed').open()
      await gate('suspect').reached
    }
    await waiting.signal('go')
    let early = 0
    if (when === 'while') {
      await clock.quiet()
      early = gate('woken').visits
      gate('claimed').open()
    }
    await gate('woken').reached
    return { engine, early }
  }

  test.each(['while', 'after'] as const)(
    'goes on only once the suspect counts as alone no more, signalled %s the claim of the suspect',
    async (when) => {
      const { engine, early } = await woken(when)
      expect(early).toBe(0)
      expect(await store.read('suspect')).toMatchObject({ owner: engine.id, crashes: 2 })
      expect((await store.engines()).map(({ suspect }) => suspect)).toEqual([null])
      gate('woken').open()
      gate('suspect').open()
      await engine.handle('suspect').wait()
    },
  )
})

describe('C11: a suspect', () => {
  /** An engine of which one slot is held until its gate opens, and one is free once the suspect is there. */
  async function busy(name: string): Promise<Engine> {
    const engine = await open([Add, Count, Gated], 2)
    for (const gated of [name, `${name}, free`]) {
      await engine.launch(Gated, { gate: gated })
      await gate(gated).reached
    }
    return engine
  }

  /** A process that has crashed its engine twice, beside engines that are busy; their other slots are freed then. */
  async function suspect(...names: readonly string[]): Promise<string> {
    const client = await Client.open({ store, clock })
    opened.push(client)
    const { pid } = await client.launch('Add', { a: 1 })
    await crash([Add])
    for (const name of names) gate(`${name}, free`).open()
    await clock.advance(1_000)
    return pid
  }

  const drainers = async () => (await store.engines()).filter((engine) => engine.suspect !== null)

  test('holds up no other work while it waits for an engine that runs nothing', async () => {
    const engine = await busy('long')
    const pid = await suspect('long')
    expect(await engine.execute(Count)).toEqual({ count: 3 })
    await clock.advance(30_000)
    expect(await engine.execute(Count)).toEqual({ count: 3 })
    expect(await store.read(pid)).toMatchObject({ state: 'created', owner: null, crashes: 2 })
    const why = await engine.explain(pid)
    expect(why).toContain('it is a suspect')
    expect(why).toContain('waits for an engine that runs nothing else; if no engine is idle within a minute')
    gate('long').open()
    expect(await engine.handle(pid).result()).toEqual({ sum: 2 })
  })

  test('has one engine drained for it after a minute, and the others go on', async () => {
    const engines = [await busy('one'), await busy('two')]
    const pid = await suspect('one', 'two')
    await clock.advance(61_000)
    const [chosen, ...more] = await drainers()
    expect(more).toEqual([])
    expect(chosen?.suspect).toEqual({ pid, className: 'Add', runs: false })
    const drained = engines.find(({ id }) => id === chosen?.id) as Engine
    const other = engines.find((engine) => engine !== drained) as Engine
    expect(await drained.explain(pid)).toContain(`engine ${drained.id} is waiting for its other steps to end`)
    for (const launcher of engines) {
      const handle = await launcher.launch(Gated, { gate: launcher.id })
      await gate(launcher.id).reached
      expect((await store.read(handle.pid))?.owner).toBe(other.id)
      gate(launcher.id).open()
      await handle.result()
    }
    gate(drained === engines[0] ? 'one' : 'two').open()
    expect(await drained.handle(pid).result()).toEqual({ sum: 2 })
    expect(await store.history(pid)).toContainEqual(
      expect.objectContaining({ name: 'recovered', by: drained.id }),
    )
    expect(await drained.execute(Count)).toEqual({ count: 3 })
  })

  test('has another engine drained for it when the first one closes', async () => {
    const engines = [await busy('one'), await busy('two')]
    const pid = await suspect('one', 'two')
    await clock.advance(61_000)
    const [chosen] = await drainers()
    const other = engines.find(({ id }) => id !== chosen?.id) as Engine
    await engines.find(({ id }) => id === chosen?.id)?.close({ drain: 0 })
    await clock.advance(1_000)
    expect((await drainers()).map(({ id }) => id)).toEqual([other.id])
    gate('one').open()
    gate('two').open()
    expect(await other.handle(pid).result()).toEqual({ sum: 2 })
  })

  test('needs attention while it runs alone for long and others wait', async () => {
    const client = await Client.open({ store, clock })
    opened.push(client)
    const first = await open([Gated])
    const { pid } = await first.launch(Gated, { gate: 'hangs' })
    await gate('hangs').reached
    await first.close({ drain: 0 })
    await crash([Gated])
    const engine = await open([Gated, Count])
    await clock.advance(1_000)
    expect((await drainers()).map(({ suspect: found }) => found?.runs)).toEqual([true])
    const waiting = await client.launch('Count')
    expect((await client.status()).attention).toEqual([])
    await clock.advance(60_000)
    const { attention } = await client.status()
    const reason = `it runs the suspect Gated ${pid} alone`
    expect(attention).toEqual([
      { kind: 'engine held', name: 'Gated', count: 1, pid, reason, engine: engine.id },
    ])
    expect(attentionText(attention)).toContain(
      `starts nothing else, because ${reason}; 1 process waits for it\n      damson explain ${pid}`,
    )
    gate('hangs').open()
    expect(await waiting.result()).toEqual({ count: 3 })
  })

  test('does not hold up the others for ever beside a step that does not end', async () => {
    const engine = await busy('endless')
    const pid = await suspect('endless')
    await clock.advance(61_000)
    const waiting = await engine.launch(Count)
    expect(await waiting.explain()).toContain(
      `engine ${engine.id} starts nothing else, because it waits for its steps to end, to run the suspect Add ${pid} alone`,
    )
    expect(waiting.done).toBe(false)
    await clock.advance(61_000)
    expect(await waiting.result()).toEqual({ count: 3 })
    expect(await drainers()).toEqual([])
    gate('endless').open()
    expect(await engine.handle(pid).result()).toEqual({ sum: 2 })
  })
})

/** Takes a value of another process. */
class Takes extends Process<typeof Takes> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('given').returns({})
  }
  override run(): unknown {
    return this.inputs.given
  }
}

test('C11: suspects that need values of others get them, or fail with those, and hold up nobody', async () => {
  const client = await Client.open({ store, clock, processes: [Takes, Failing, Count] })
  opened.push(client)
  const first = await open([Failing, Count])
  const [count, failing] = [await client.launch(Count), await client.launch(Failing)]
  await Promise.all([count.wait(), failing.wait()])
  await first.close()
  const takes = await client.launch(Takes, { given: count.outputs.ref('count') })
  const fails = await client.launch(Takes, { given: failing })
  await crash([Takes])
  expect((await store.list({ state: 'created' })).rows.map(({ crashes }) => crashes)).toEqual([2, 2])
  const engine = await open([Takes, Count], 2)
  expect(await takes.result()).toBe(3)
  await expect(fails.result()).rejects.toThrow(UpstreamFailed)
  expect(await engine.execute(Count)).toEqual({ count: 3 })
  expect(await (await client.launch(Count)).result()).toEqual({ count: 3 })
})

test('C7, C11: a suspect that is killed or paused while its values are read holds up nobody', async () => {
  const client = await Client.open({ store, clock, processes: [Takes, Count] })
  opened.push(client)
  const first = await open([Count])
  const count = await client.launch(Count)
  await count.wait()
  await first.close()
  const reading = defer<void>()
  const answer = defer<void>()
  const killed = await client.launch(Takes, { given: count })
  const paused = await client.launch(Takes, { given: count })
  await crash([Takes])
  const slow = replaced(store, {
    loadAll: async (pids) => {
      reading.resolve()
      await answer.promise
      return store.loadAll(pids)
    },
  })
  const engine = await Engine.open({ store: slow, clock, processes: [Takes, Count], handleSignals: false })
  opened.push(engine)
  await reading.promise
  const killing = killed.kill('enough')
  const pausing = paused.pause('wait')
  await new Promise((resolve) => setImmediate(resolve))
  answer.resolve()
  expect(await Promise.all([killing, pausing])).toEqual([true, true])
  expect(await (await client.launch(Count)).result()).toEqual({ count: 3 })
  expect(await engine.execute(Count)).toEqual({ count: 3 })
  expect((await paused.refresh()).paused).toBe(true)
  await paused.play()
  expect(await paused.result()).toEqual({ count: 3 })
})
