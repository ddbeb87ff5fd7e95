import { expect, onTestFinished, test } from 'vitest'
import { Continue, Engine, Process, Wait, type ProcessSpec } from '../../src/index.ts'
import { SimulatedClock } from '../../src/testing/index.ts'
import { HAS_MORE, share } from '../run/extent.ts'
import { seedOf } from '../run/seed.ts'
import { advance, overBackEnds, claim, create, register } from './stores.ts'

/** Goes to sleep after some turns of the event loop, by a command or within its step, and is woken by a signal. */
class Sleeper extends Process<typeof Sleeper> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('turns', { schema: { type: 'integer' } })
      .input('within', { schema: { type: 'boolean' } })
      .input('evict', { schema: { type: 'boolean' } })
      .signal('wake', { schema: { type: 'integer' } })
  }
  override async run(): Promise<unknown> {
    await turns(this.inputs.turns)
    if (this.inputs.within) return this.receive('wake', { evict: this.inputs.evict })
    return this.inputs.evict ? new Continue(this.fallAsleep) : this.fallAsleep()
  }
  fallAsleep(): unknown {
    return new Wait(this.end, { receive: 'wake' })
  }
  end(value: unknown): unknown {
    return value
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Whole numbers below a limit, the same for the same seed. */
function randomOf(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}

const RACES: Readonly<Record<string, number>> = {
  memory: share(800, 10_000),
  SQLite: share(150, 1_000),
}

overBackEnds((name, open) => {
  test(
    'C8: random races of a signal against going to sleep leave none stuck',
    { ...HAS_MORE, timeout: 300_000 },
    async () => {
      const engine = await Engine.open({
        store: await open(),
        processes: [Sleeper],
        handleSignals: false,
        concurrency: 20,
      })
      onTestFinished(() => engine.close({ drain: 0 }))
      const random = randomOf(seedOf(8))
      const races = RACES[name] as number
      const results: unknown[] = []
      let begun = 0
      const race = async (): Promise<void> => {
        while (begun < races) {
          const index = begun++
          const handle = await engine.launch(Sleeper, {
            turns: random(4),
            within: random(2) === 0,
            evict: random(2) === 0,
          })
          await turns(random(6))
          await handle.signal('wake', index)
          results[index] = await handle.result()
        }
      }
      await Promise.all(Array.from({ length: 50 }, race))
      expect(results).toEqual(Array.from({ length: races }, (_, index) => index))
    },
  )

  test('C8: what ends a wait is used up in the commit that uses it, once', async () => {
    const store = await open()
    await register(store, 'engine')
    const signal = (id: string, value: string) =>
      ({ kind: 'signal', pid: 'p', id, name: 'wake', value, by: 'a test' }) as const
    const wait = { resume: true, signal: 'wake', until: null, on: [], any: false }
    const waiting = { label: 'waiting', step: 'next', receive: 'wake' }
    await store.commit([
      create('p', 'engine'),
      signal('one', '1'),
      // Its acknowledgement was lost, and it is sent again.
      signal('one', '1'),
      signal('two', '2'),
      advance('p', 1, 2, { state: 'waiting', parts: { state: JSON.stringify(waiting) }, wait }),
    ])
    const [claimed] = await claim(store, 'engine')
    expect(claimed?.wake).toMatchObject({ by: 'signal', value: '1' })
    const used = advance('p', claimed?.fence ?? 0, 3, { consumes: claimed?.wake?.id ?? null })
    await store.commit([used])
    await store.commit([used])
    expect(await store.mail('p', 'wake')).toMatchObject({ value: '2' })
    expect((await store.pending('p')).mail).toEqual([{ by: 'signal', name: 'wake' }])
  })

  test('C8: a time that came while nobody looked has come', async () => {
    const clock = new SimulatedClock()
    const store = await open(clock)
    await register(store, 'engine')
    const wait = { resume: false, signal: null, until: clock.now() + 1_000, on: [], any: false }
    await store.commit([create('p', 'engine'), advance('p', 1, 2, { state: 'waiting', wait })])
    expect(await claim(store, 'engine')).toEqual([])
    expect((await store.recover()).nextDue).toBe(clock.now() + 1_000)
    await clock.advance(1_000)
    expect((await claim(store, 'engine')).map(({ wake }) => wake?.by)).toEqual(['timer'])
  })
})
