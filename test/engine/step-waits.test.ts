import { expect, test } from 'vitest'
import {
  Engine,
  MemoryStore,
  Process,
  ProcessKilled,
  type ProcessSpec,
  type WaitTimeout,
} from '../../src/index.ts'
import { historyOf, overEachStore, untilRow, untilWaiting } from './over-stores.ts'
import { Add, gate, Gated } from './processes.ts'

class Doorman extends Process<typeof Doorman> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('evict', { schema: { type: 'boolean' }, default: false })
      .signal('bell')
      .signal('phone')
  }
  override async run(): Promise<unknown> {
    return this.receive('bell', { evict: this.inputs.evict })
  }
}

/** Waits for several things at a time. */
class Busy extends Process<typeof Busy> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.signal('bell').signal('phone').signal('mail')
  }
  override async run(): Promise<unknown> {
    const first = await Promise.race([this.receive('bell'), this.receive('phone'), this.sleep('lunch', '1h')])
    return [first, await this.receive('mail')]
  }
}

overEachStore((over) => {
  test.each([false, true])(
    'C7: a kill ends a step that only waits at once; out of memory: %s',
    async (evict) => {
      const { store } = over()
      const engine = await over().engine([Doorman])
      const handle = await engine.launch(Doorman, { evict })
      await untilRow(store, handle.pid, ({ inStep, owner }) => inStep && (owner === null) === evict)
      // The clock stands still, so that nothing can come of the time that a kill gives a step.
      expect(await handle.kill('closing time')).toBe(true)
      await expect(handle.result()).rejects.toBeInstanceOf(ProcessKilled)
    },
  )

  test('waits of a step may overlap: the first that comes counts, and the row shows them', async () => {
    const { store, clock } = over()
    const engine = await over().engine([Busy])
    const [one, other] = [await engine.launch(Busy), await engine.launch(Busy)]
    for (const { pid } of [one, other])
      await untilRow(store, pid, ({ message }) => /^sleeps \(lunch\) .*, and others$/.test(message ?? ''))
    await one.signal('phone', 'ring')
    await untilRow(store, one.pid, ({ message }) => message === 'waits for the signal mail, and others')
    await one.signal('mail', 'letter')
    expect(await one.result()).toEqual(['ring', 'letter'])
    await clock.advance('1h')
    await other.signal('mail', 'parcel')
    expect(await other.result()).toEqual([undefined, 'parcel'])
  })

  test('a step that waits fires no hooks, and its history shows its waits and that it continues', async () => {
    const { store } = over()
    const called: string[] = []
    class Hooked extends Process<typeof Hooked> {
      static override define(spec: ProcessSpec) {
        super.define(spec)
        return spec.signal('go')
      }
      override onWait(): void {
        called.push('onWait')
      }
      override onExitRunning(): void {
        called.push('onExitRunning')
      }
      override async run(): Promise<void> {
        await this.receive('go')
        await gate('after').pass()
      }
    }
    const engine = await over().engine([Hooked])
    const handle = await engine.launch(Hooked)
    await untilWaiting(store, handle.pid)
    await handle.signal('go')
    await gate('after').reached
    await untilRow(store, handle.pid, ({ state }) => state === 'running')
    expect(called).toEqual([])
    gate('after').open()
    await handle.result()
    expect(await historyOf(engine, handle.pid)).toEqual([
      'created',
      'running',
      'waiting',
      'signalled',
      'received',
      'running',
      'finished',
    ])
  })

  test('a step that waits for a handle lends its slot, and has it back when that has ended', async () => {
    const { store } = over()
    class Waiting extends Process<typeof Waiting> {
      override async run(): Promise<unknown> {
        const child = await this.launch(Gated, { gate: 'child' })
        return child.result()
      }
    }
    const engine = await over().engine([Waiting, Gated, Add], { concurrency: 2 })
    const handle = await engine.launch(Waiting)
    await gate('child').reached
    const row = await untilWaiting(store, handle.pid)
    expect(row.message).toMatch(/^waits for Gated /)
    expect(await handle.explain()).toMatch(/it waits for Gated .*, which is running/)
    expect(await engine.execute(Add, { a: 1 })).toEqual({ sum: 2 })
    gate('child').open()
    expect(await handle.result()).toEqual({ steps: 2 })
  })

  test('a wait for a handle that is too long rejects within the step, which goes on', async () => {
    const { store, clock } = over()
    class Hasty extends Process<typeof Hasty> {
      override async run(): Promise<unknown> {
        const child = await this.launch(Gated, { gate: 'slow' })
        return child.result({ timeout: '1m' }).catch((error: WaitTimeout) => error.pending.length)
      }
    }
    const engine = await over().engine([Hasty, Gated])
    const handle = await engine.launch(Hasty)
    await untilWaiting(store, handle.pid)
    await clock.advance('1m')
    expect(await handle.result()).toBe(1)
  })

  test('joining many children takes the parent two entries of its history, however many there are', async () => {
    class Many extends Process<typeof Many> {
      override async run(): Promise<number> {
        const children = await Promise.all(Array.from({ length: 60 }, (_, a) => this.launch(Add, { a })))
        await gate('many').pass()
        const sums = await this.join('sums', children)
        return (sums as { readonly sum: number }[]).reduce((total, { sum }) => total + sum, 0)
      }
    }
    const engine = await over().engine([Many, Add], { concurrency: 2 })
    const handle = await engine.launch(Many)
    await gate('many').reached
    gate('many').open()
    expect(await handle.result()).toBe(1_830)
    expect((await historyOf(engine, handle.pid)).length).toBeLessThanOrEqual(5)
  })
})

test('C11: a step that only waited when its engine died runs again, from its record', async () => {
  const memory = new MemoryStore()
  const open = () => Engine.open({ store: memory, processes: [Doorman], handleSignals: false })
  const first = await open()
  const { pid } = await first.launch(Doorman)
  await untilWaiting(memory, pid)
  memory.forget(first.id)
  await memory.recover()
  const second = await open()
  await second.handle(pid).signal('bell', 'ding')
  expect(await second.handle(pid).result()).toBe('ding')
  await Promise.all([first.close({ drain: 0 }), second.close()])
})

test('however late a store answers, a step has received a signal before it shows as running', async () => {
  const memory = new MemoryStore()
  const late = new Proxy(memory, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (name !== 'mail') return typeof member === 'function' ? (member.bind(target) as unknown) : member
      return async (pid: string, signal: string) => {
        for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve))
        return memory.mail(pid, signal)
      }
    },
  })
  const engine = await Engine.open({ store: late, processes: [Doorman], handleSignals: false })
  const handle = await engine.launch(Doorman)
  await untilWaiting(memory, handle.pid)
  await handle.signal('bell', 'ding')
  expect(await handle.result()).toBe('ding')
  const names = (await memory.history(handle.pid)).map(({ name }) => name)
  expect(names).toEqual(['created', 'running', 'waiting', 'signalled', 'received', 'running', 'finished'])
  await engine.close()
})
