import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import {
  Client,
  Continue,
  Engine,
  type LaunchOptions,
  PersistenceError,
  Process,
  type ProcessHandle,
  type ProcessSpec,
} from '../../src/index.ts'
import { SqliteStore } from '../../src/persistence/sqlite/index.ts'
import { unreliable } from '../../src/testing/index.ts'
import { Random } from '../crash/random.ts'
import { HAS_MORE, partOf } from '../run/extent.ts'
import { seedOf } from '../run/seed.ts'
import { closeGates, gate } from './processes.ts'

/* More is launched by two engines than they have slots, while somebody else pauses, plays and kills. */

const ENGINES = 2
const SLOTS = 2
const LAUNCHES = 120

/** How often the first step of each has begun, by pid. */
const begun = new Map<string, number>()

class Job extends Process<typeof Job> {
  static override define(spec: ProcessSpec) {
    return spec.input('number', { schema: { type: 'integer' } })
  }
  override run() {
    begun.set(this.pid, (begun.get(this.pid) ?? 0) + 1)
    if (this.inputs.number % 5 === 0) throw new Error('no fifth')
    return new Continue(this.more)
  }
  async more() {
    if (this.inputs.number % 3 === 0) await turn()
    return this.inputs.number
  }
}

class Holding extends Process {
  override async run(): Promise<void> {
    await gate('holding').pass()
  }
}

const RUNS = [
  ['over one file', false, 1],
  ['over one file', false, 2],
  ['over a bad line', true, 3],
  ['over a bad line', true, 4],
] as const

test.each(partOf(RUNS, ([, , seed]) => seed % 2 === 1))(
  '%s, everything ends once, as all report it, and every slot is free in the end (C4, C7)',
  { ...HAS_MORE, timeout: 300_000 },
  async (_, bad, seed) => {
    begun.clear()
    const random = new Random(seedOf(seed))
    const path = join(await folder(), 'store.db')
    const engines: Engine[] = []
    for (let number = 0; number < ENGINES; number++) {
      const store = await opened(path)
      engines.push(
        await Engine.open({
          store: bad ? unreliable(store, { seed: seed * 10 + number, lost: 0.08, failed: 0.04 }) : store,
          processes: [Job, Holding],
          concurrency: SLOTS,
          handleSignals: false,
        }),
      )
    }
    const client = await Client.open({ store: await opened(path) })
    onTestFinished(async () => {
      closeGates()
      await Promise.all([...engines, client].map((one) => one.close()))
    })
    const ask = async ({ pid }: ProcessHandle): Promise<void> => {
      const handle = client.handle(pid)
      const what = random.below(10)
      if (what === 0) await handle.kill('not needed', { force: random.below(2) === 0 })
      const pausing = what === 1 ? handle.pause('a moment') : undefined
      if (what < 3) await handle.play()
      await pausing
    }
    const outcomes = await Promise.all(
      Array.from({ length: LAUNCHES }, async (_unused, number) => {
        for (let turns = random.below(60); turns > 0; turns--) await turn()
        const handle = await launched(`job ${number}`, (options) =>
          (engines[number % ENGINES] as Engine).launch(Job, { number }, options),
        )
        const [here] = await Promise.all([handle.outcome(), ask(handle)])
        return { here, there: await client.handle(handle.pid).outcome() }
      }),
    )
    for (const { here, there } of outcomes) expect(there).toEqual(here)
    // Where acknowledgements are lost, a step may run again.
    const twice = [...begun.values()].filter((times) => times > 1)
    expect(bad ? [] : twice).toEqual([])

    const holding = await Promise.all(
      engines.flatMap((engine) =>
        Array.from({ length: SLOTS + 1 }, (_unused, index) =>
          launched(`${engine.id} ${index}`, (options) => engine.launch(Holding, {}, options)),
        ),
      ),
    )
    await running(client, ENGINES * SLOTS)
    // Over a bad line a step begins only when its commit is acknowledged, after its row says that it runs.
    while (gate('holding').visits < ENGINES * SLOTS) await turn()
    expect(gate('holding').visits).toBe(ENGINES * SLOTS)
    gate('holding').open()
    for (const handle of holding) expect(await handle.wait()).toMatchObject({ label: 'finished' })
  },
)

/** A launch that was given up, since no acknowledgement came, is made again: under a key that is safe. */
async function launched(
  key: string,
  launch: (options: LaunchOptions) => Promise<ProcessHandle>,
): Promise<ProcessHandle> {
  for (;;) {
    try {
      return await launch({ key })
    } catch (error) {
      if (!(error instanceof PersistenceError)) throw error
    }
  }
}

/** Waits until so many run. */
async function running(client: Client, count: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const look = (): void => {
      client.store.count({ state: 'running' }).then((counts) => {
        if (counts.running === count) resolve()
      }, reject)
    }
    const stop = client.store.watch(look)
    onTestFinished(stop)
    look()
  })
}

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'damson-crowded-'))
  onTestFinished(() => rm(made, { recursive: true }))
  return made
}

async function opened(path: string): Promise<SqliteStore> {
  const store = await SqliteStore.open(path)
  onTestFinished(() => store.close())
  return store
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
