import { afterEach, expect, onTestFinished, test } from 'vitest'
import {
  Client,
  Engine,
  Kill,
  Process,
  ProcessKilled,
  type ProcessHandle,
  type ProcessSpec,
  type ProcessState,
  type Store,
} from '../../src/index.ts'
import { HAS_MORE, share } from '../run/extent.ts'
import { SimulatedClock } from '../../src/testing/index.ts'
import { closeGates, gate } from '../engine/processes.ts'
import { Random } from '../crash/random.ts'
import { seedOf } from '../run/seed.ts'
import { overBackEnds, slow } from './stores.ts'

/* What is asked of a process is stored before it is acknowledged, works with no engine alive, and reaches the whole tree (C7). */

afterEach(closeGates)

/** Launches two on each level below and joins them; those at the bottom wait for a signal, or fail once. */
class Tree extends Process<typeof Tree> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('below', { schema: { type: 'integer' }, default: 0 })
      .input('fails', { schema: { type: 'boolean' }, default: false })
      .input('gate', { schema: { type: 'string' }, required: false })
      .signal('fall')
      .retry({ attempts: 2, backoff: { initial: '30d', jitter: 0 } })
  }
  override async run(): Promise<unknown> {
    const { below, fails, gate: name } = this.inputs
    if (below === 0) {
      if (fails && this.attempt === 1) throw new Error('once')
      return fails ? 'grown' : this.receive('fall')
    }
    const branches: ProcessHandle[] = []
    for (let side = 0; side < 2; side++) {
      branches.push(await this.launch(Tree, { below: below - 1, fails }))
      if (name !== undefined) await gate(name).pass()
    }
    return this.join('branches', branches)
  }
}

/** Launches children for as long as it can. */
class Breeds extends Process<typeof Breeds> {
  override async run(): Promise<void> {
    try {
      for (;;) await this.launch(Tree)
    } catch (error) {
      if (!(error instanceof ProcessKilled)) throw error
    }
  }
}

const PROCESSES = [Tree, Breeds]

overBackEnds((_name, openStore) => {
  async function open(): Promise<{ store: Store; clock: SimulatedClock; client: Client }> {
    const clock = new SimulatedClock()
    const store = await openStore(clock)
    const client = await Client.open({ store, clock, processes: PROCESSES })
    onTestFinished(() => client.close())
    return { store, clock, client }
  }

  async function anEngine(store: Store, clock: SimulatedClock): Promise<Engine> {
    const engine = await Engine.open({ store, clock, processes: PROCESSES, handleSignals: false })
    onTestFinished(() => engine.close({ drain: 0 }))
    return engine
  }

  /** A tree that was grown by an engine that is no more. */
  async function grown(inputs: { readonly fails?: boolean } = {}) {
    const { store, clock, client } = await open()
    const engine = await anEngine(store, clock)
    const root = await client.launch(Tree, { below: 2, ...inputs })
    await clock.quiet()
    await engine.close({ drain: 0 })
    return { store, clock, client, root }
  }

  async function treeOf(client: Client, pid: string): Promise<string[]> {
    const { processes } = await client.list({ parent: pid, limit: 1_000 })
    const below = await Promise.all(processes.map((child) => treeOf(client, child.pid)))
    return [pid, ...below.flat()]
  }

  async function statesOf(client: Client, pid: string): Promise<readonly (ProcessState | 'paused')[]> {
    const rows = await Promise.all((await treeOf(client, pid)).map((one) => client.store.read(one)))
    return rows.map((row) => (row?.paused == null ? (row?.state ?? 'created') : 'paused'))
  }

  test.each([
    ['pause', (root: ProcessHandle) => root.pause('a while')],
    ['play', (root: ProcessHandle) => root.play()],
    ['kill', (root: ProcessHandle) => root.kill('enough')],
    ['retry', (root: ProcessHandle) => root.retry()],
    ['resume', (root: ProcessHandle) => root.resume(1)],
    ['signal', (root: ProcessHandle) => root.signal('fall')],
  ] as const)('C7: a %s is durable when it is acknowledged', async (_what, ask) => {
    const { store, clock } = await grown()
    const happened: string[] = []
    const client = await Client.open({ store: slow(store, () => happened.push('durable')), clock })
    onTestFinished(() => client.close())
    const { processes } = await client.list({ limit: 10 })
    const root = processes.find(({ parent }) => parent === undefined || parent === null)
    await ask(client.handle(root?.pid ?? ''))
    happened.push('acknowledged')
    expect(happened).toEqual(['durable', 'acknowledged'])
  })

  test('C7, USERS 1, 12: with no engine alive a pause, a play and a kill reach the whole tree, each in one commit', async () => {
    const { store, clock, client: looking, root } = await grown()
    let commits = 0
    const client = await Client.open({ store: slow(store, () => commits++), clock })
    onTestFinished(() => client.close())
    const handle = client.handle(root.pid)
    expect(await handle.pause('winter')).toBe(true)
    expect(await statesOf(looking, root.pid)).toEqual(Array.from({ length: 7 }, () => 'paused'))
    expect(await handle.play()).toBe(true)
    expect(new Set(await statesOf(looking, root.pid))).toEqual(new Set(['running']))
    expect(await handle.kill('felled')).toBe(true)
    expect(await statesOf(looking, root.pid)).toEqual(Array.from({ length: 7 }, () => 'killed'))
    expect(await handle.kill()).toBe(false)
    expect(commits).toBe(4)
  })

  test('C7: signals that are sent with no engine alive are received when one comes', async () => {
    const { store, clock, client, root } = await grown()
    for (const pid of await treeOf(client, root.pid)) await client.handle(pid).signal('fall', pid)
    await anEngine(store, clock)
    const results = (await root.result()) as readonly (readonly string[])[]
    expect(results.flat()).toHaveLength(4)
  })

  test('C7: a retry that is asked for with no engine alive lets what backs off run when one comes', async () => {
    const { store, clock, client, root } = await grown({ fails: true })
    for (const pid of await treeOf(client, root.pid)) {
      const { label, reason } = await client.handle(pid).refresh()
      expect([label, await client.handle(pid).retry()]).toEqual([label, reason === 'retry'])
    }
    await anEngine(store, clock)
    expect(await root.result()).toEqual([
      ['grown', 'grown'],
      ['grown', 'grown'],
    ])
  })

  test('C7, USERS 10: a pause outlives its engine, also of a step that only waits, and what came is kept', async () => {
    const { store, clock, client } = await open()
    const engine = await anEngine(store, clock)
    const handle = await client.launch(Tree)
    await clock.quiet()
    expect(await handle.pause('for the night')).toBe(true)
    await handle.signal('fall', 'in the night')
    await engine.close({ drain: 0 })
    await anEngine(store, clock)
    await clock.quiet()
    expect(await handle.refresh()).toMatchObject({ paused: true, message: 'for the night' })
    await handle.play()
    expect(await handle.result()).toBe('in the night')
  })

  test('C7: a child that is born under a paused parent, or one that is about to be, is born paused', async () => {
    const { store, clock, client } = await open()
    await anEngine(store, clock)
    const root = await client.launch(Tree, { below: 1, gate: 'born' })
    await gate('born').reached
    expect(await root.pause('winter')).toBe(true)
    gate('born').open()
    await clock.quiet()
    expect(await statesOf(client, root.pid)).toEqual(['paused', 'paused', 'paused'])
    await root.play()
    await clock.quiet()
    expect(new Set(await statesOf(client, root.pid))).toEqual(new Set(['waiting']))
  })

  test(
    'USERS 12: no child that is born during a kill survives it, whenever that comes',
    { ...HAS_MORE, timeout: 240_000 },
    async () => {
      const { store, clock, client } = await open()
      await anEngine(store, clock)
      const random = new Random(seedOf(12))
      const kills = share(20, 50)
      for (let kill = 0; kill < kills; kill++) {
        const parent = await client.launch(Breeds)
        for (let turns = random.below(60); turns > 0; turns--)
          await new Promise((resolve) => setImmediate(resolve))
        expect(await parent.kill('raced', { force: random.below(2) === 0 })).toBe(true)
      }
      await clock.quiet()
      const counts = await store.count()
      expect(counts).toMatchObject({ created: 0, running: 0, waiting: 0, excepted: 0 })
      // More than the parents alone.
      expect(counts.killed).toBeGreaterThan(kills)
    },
  )

  test('USERS 2: a kill of what does not listen is done at its deadline, and a kill by force at once', async () => {
    class Deaf extends Process<typeof Deaf> {
      override async run(): Promise<void> {
        await gate('deaf').pass()
      }
    }
    const { store, clock } = await open()
    const engine = await Engine.open({
      store,
      clock,
      processes: [Deaf],
      killGrace: '5s',
      handleSignals: false,
    })
    onTestFinished(() => engine.close({ drain: 0 }))
    const [slowly, now] = [await engine.launch(Deaf), await engine.launch(Deaf)]
    await clock.quiet()
    expect(await slowly.kill('please')).toBe(true)
    expect(await now.kill('now', { force: true })).toBe(true)
    await clock.quiet()
    expect(await store.read(now.pid)).toMatchObject({ state: 'killed' })
    expect(await slowly.refresh()).toMatchObject({ label: 'running', reason: 'killing' })
    await clock.advance('5s')
    expect(await store.read(slowly.pid)).toMatchObject({ state: 'killed', message: 'please' })
  })

  test('USERS 2: a child gets the grace of the engine when the end of its parent kills it', async () => {
    class Deaf extends Process<typeof Deaf> {
      override async run(): Promise<void> {
        await gate('deaf child').pass()
      }
    }
    class Ends extends Process<typeof Ends> {
      override async run(): Promise<Kill> {
        await this.launch(Deaf)
        await gate('deaf child').reached
        return new Kill('enough')
      }
    }
    const { store, clock } = await open()
    const engine = await Engine.open({
      store,
      clock,
      processes: [Deaf, Ends],
      killGrace: '2m',
      handleSignals: false,
    })
    onTestFinished(() => engine.close({ drain: 0 }))
    const parent = await engine.launch(Ends)
    await clock.quiet()
    const { rows } = await store.list({ parent: parent.pid })
    expect(rows).toMatchObject([{ state: 'running', killRequested: { deadline: clock.now() + 120_000 } }])
    await clock.advance('119s')
    expect(await store.read(rows[0]?.pid ?? '')).toMatchObject({ state: 'running' })
    await clock.advance('1s')
    expect(await store.read(rows[0]?.pid ?? '')).toMatchObject({ state: 'killed', message: 'enough' })
  })
})
