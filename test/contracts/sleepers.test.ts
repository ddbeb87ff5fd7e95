import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import {
  Engine,
  MemoryStore,
  Process,
  Wait,
  WaitTimeout,
  type ProcessHandle,
  type ProcessSpec,
  type Wake,
} from '../../src/index.ts'
import { SimulatedClock } from '../../src/testing/index.ts'
import { closeGates, gate } from '../engine/processes.ts'
import { overBackEnds, replaced } from './stores.ts'

/* Whatever a process waits for, it is woken by it, whether that comes before, as or after it goes to sleep (C8). */

afterEach(closeGates)

class Ends extends Process<typeof Ends> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.signal('end')
  }
  override async run(): Promise<unknown> {
    return this.receive('end')
  }
}

/** What a process may wait for, and what it says that woke it. */
const BY = {
  'a resume': 'resume',
  'a signal': 'signal',
  'a time': 'timer',
  'the end of a process': 'handles',
  'the first end of two processes': 'handles',
  'a signal in a step': 'signal',
  'a signal in a step, out of memory': 'signal',
  'a timeout in a step': 'timeout',
  'a time in a step': 'timer',
  'a time in a step, out of memory': 'timer',
  'the end of a process in a step': 'handles',
  'the end of a process in a step, out of memory': 'handles',
} as const
type Way = keyof typeof BY
const WAYS = Object.keys(BY) as Way[]

/** Goes to sleep behind a gate, in the given way, and reports what woke it. */
class Sleeps extends Process<typeof Sleeps> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('way', { schema: { type: 'string' } }).signal('go')
  }
  override async run(): Promise<unknown> {
    const until = new Date(this.creationTime.getTime() + 3_600_000)
    const children: ProcessHandle[] = [await this.launch(Ends), await this.launch(Ends)]
    const [one = this as unknown as ProcessHandle] = children
    await gate('sleeps').pass()
    const { way } = this.inputs
    const evict = way.endsWith('out of memory')
    switch (way as Way) {
      case 'a resume':
        return new Wait(this.woken)
      case 'a signal':
        return new Wait(this.woken, { receive: 'go' })
      case 'a time':
        return new Wait(this.woken, { until })
      case 'the end of a process':
        return new Wait(this.woken, { on: one })
      case 'the first end of two processes':
        return new Wait(this.woken, { on: children, any: true })
      case 'a signal in a step':
      case 'a signal in a step, out of memory':
        return ['signal', await this.receive('go', { evict })]
      case 'a timeout in a step':
        return this.receive('go', { timeout: '1h' }).catch((error: unknown) => [
          error instanceof WaitTimeout && 'timeout',
        ])
      case 'a time in a step':
      case 'a time in a step, out of memory':
        await this.sleep('an hour', '1h', { evict })
        return ['timer']
      case 'the end of a process in a step':
      case 'the end of a process in a step, out of memory':
        return ['handles', await this.join('one', one, { evict })]
    }
  }
  woken(value: unknown, wake: Wake): unknown {
    return [wake.by, value]
  }
}

/** What happens for a process that waits in that way. */
async function comes(
  way: string,
  handle: ProcessHandle,
  engine: Engine,
  clock: SimulatedClock,
): Promise<void> {
  if (way.includes('time')) return clock.advance('1h')
  if (way.startsWith('a resume')) return void (await handle.resume('yes'))
  if (way.startsWith('a signal')) return handle.signal('go', 'yes')
  const { processes } = await engine.list({ parent: handle.pid })
  const [child] = processes.toSorted((a, b) => (a.pid < b.pid ? -1 : 1))
  const pids = processes.map(({ pid }) => pid)
  await (way.startsWith('the first') ? engine.handle(child?.pid ?? '').signal('end', 'yes') : undefined)
  if (way.startsWith('the end')) for (const pid of pids) await engine.handle(pid).signal('end', 'yes')
}

overBackEnds((name, openStore) => {
  // A server answers the look later, when the process may have moved on.
  const awake = name === 'Postgres' ? ['running', 'waiting', 'finished'] : ['running']
  const found = { before: awake, as: awake, after: ['waiting'] }

  describe.each(['before', 'as', 'after'] as const)('%s it goes to sleep', (when) => {
    test.each(WAYS)('C8: %s wakes it', async (way) => {
      const clock = new SimulatedClock()
      const store = await openStore(clock)
      const engine = await Engine.open({ store, clock, processes: [Sleeps, Ends], handleSignals: false })
      onTestFinished(() => engine.close({ drain: 0 }))
      const handle = await engine.launch(Sleeps, { way })
      await gate('sleeps').reached
      await clock.quiet()
      if (when === 'before') {
        await comes(way, handle, engine, clock)
        await clock.quiet()
      }
      gate('sleeps').open()
      if (when === 'after') await clock.quiet()
      const asleep = await store.read(handle.pid)
      if (when !== 'before') await comes(way, handle, engine, clock)
      // A sleep or a timeout counts from when the step gets there.
      if (when !== 'after' && way.startsWith('a time') && way.includes('step')) {
        await clock.quiet()
        await clock.advance('1h')
      }
      await clock.quiet()
      expect(found[when]).toContain(asleep?.state)
      expect(await store.read(handle.pid)).toMatchObject({ state: 'finished' })
      const [by] = (await handle.result()) as readonly unknown[]
      expect(by).toBe(BY[way])
      // Nothing is left of it.
      expect(await store.pending(handle.pid)).toEqual({ on: [], mail: [] })
    })
  })
})

test('C8: a signal that comes between a look for it and its answer wakes the step', async () => {
  class Receives extends Process<typeof Receives> {
    static override define(spec: ProcessSpec) {
      super.define(spec)
      return spec.signal('go')
    }
    override async run(): Promise<unknown> {
      return this.receive('go')
    }
  }
  const memory = new MemoryStore()
  const looked = gate('looked')
  const store = replaced(memory, {
    mail: async (pid, signal) => {
      const found = await memory.mail(pid, signal)
      await looked.pass()
      return found
    },
  })
  const engine = await Engine.open({ store, processes: [Receives], handleSignals: false })
  onTestFinished(() => engine.close({ drain: 0 }))
  const handle = await engine.launch(Receives)
  await looked.reached
  await handle.signal('go', 'just then')
  looked.open()
  expect(await handle.result()).toBe('just then')
})
