import { expect, onTestFinished, test } from 'vitest'
import { Engine, Process, Wait, type ProcessSpec, type Store, type Wake } from '../../src/index.ts'
import { SimulatedClock } from '../../src/testing/index.ts'
import { overBackEnds } from './stores.ts'

/* Sixty days, beyond what the timers of Node can count, and with other engines than the one that it was begun by (USERS 15). */

const DAY = 86_400_000

/** When something rang, in days from the beginning. */
let rung: number[] = []

class Rings extends Process<typeof Rings> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('how', { schema: { type: 'string' } })
  }
  override async run(): Promise<unknown> {
    if (this.inputs.how === 'by a command') return new Wait(this.ring, { for: '60d' })
    await this.sleep('sixty days', '60d', { evict: this.inputs.how === 'in a step, out of memory' })
    return this.ring()
  }
  ring(_value?: unknown, wake?: Wake): string {
    rung.push(days())
    return wake?.by ?? 'sleep'
  }
}
let days: () => number

const WAYS = ['by a command', 'in a step', 'in a step, out of memory'] as const

overBackEnds((_name, openStore) => {
  async function begun() {
    const clock = new SimulatedClock()
    const start = clock.now()
    rung = []
    days = () => (clock.now() - start) / DAY
    const store = await openStore(clock)
    return { clock, store }
  }

  async function anEngine(store: Store, clock: SimulatedClock): Promise<Engine> {
    const engine = await Engine.open({ store, clock, processes: [Rings], handleSignals: false })
    onTestFinished(() => engine.close({ drain: 0 }))
    return engine
  }

  test.each(WAYS)('USERS 15: %s, with a restart on day 40, it rings once, on day 60', async (how) => {
    const { clock, store } = await begun()
    const first = await anEngine(store, clock)
    const { pid } = await first.launch(Rings, { how })
    await clock.advance('40d')
    await first.close({ drain: 0 })
    const second = await anEngine(store, clock)
    await clock.advance(20 * DAY - 1)
    expect(rung).toEqual([])
    expect(await second.explain(pid)).toMatch(/until 2026-03-02/)
    await clock.advance(1)
    expect(rung).toEqual([60])
    await clock.advance('60d')
    expect(rung).toEqual([60])
    expect(await second.handle(pid).result()).toBe(how === 'by a command' ? 'timer' : 'sleep')
  })

  test.each(WAYS)('USERS 15: %s, overdue when an engine starts, it rings then, once', async (how) => {
    const { clock, store } = await begun()
    const first = await anEngine(store, clock)
    const { pid } = await first.launch(Rings, { how })
    await clock.quiet()
    await first.close({ drain: 0 })
    await clock.advance('70d')
    const second = await anEngine(store, clock)
    await second.handle(pid).result()
    expect(rung).toEqual([70])
    await clock.advance('60d')
    expect(rung).toEqual([70])
  })
})
