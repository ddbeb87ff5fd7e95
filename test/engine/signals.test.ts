import { expect, test } from 'vitest'
import {
  AlreadyDone,
  PortValidationError,
  Process,
  ProcessLost,
  Wait,
  type ProcessSpec,
  type Wake,
} from '../../src/index.ts'
import { overEachStore, untilRow, untilWaiting } from './over-stores.ts'
import { gate } from './processes.ts'

const approval = {
  schema: { type: 'object', properties: { by: { type: 'string' } }, required: ['by'] },
} as const

/** Waits for an approval by a command. */
class Order extends Process<typeof Order> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('gate', { schema: { type: 'string' }, required: false }).signal('approval', approval)
  }
  override async run(): Promise<unknown> {
    if (this.inputs.gate !== undefined) await gate(this.inputs.gate).pass()
    return new Wait(this.decide, { receive: 'approval', message: 'waiting for the approval' })
  }
  decide(value: unknown, wake: Wake): unknown {
    return { value, wake }
  }
}

/** Receives the given signals within its step. */
class Inbox extends Process<typeof Inbox> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('take', { schema: { type: 'array', items: { type: 'string' } }, default: () => ['news'] })
      .input('gate', { schema: { type: 'string' }, required: false })
      .signal('news')
      .signal('other')
  }
  override async run(): Promise<unknown> {
    if (this.inputs.gate !== undefined) await gate(this.inputs.gate).pass()
    const got: unknown[] = []
    for (const name of this.inputs.take) got.push(await this.receive(name as 'news'))
    return got
  }
}

overEachStore((over) => {
  test('C8: a signal ends a wait whether it comes before, as or after the process goes to sleep', async () => {
    const engine = await over().engine([Order])
    const before = await engine.launch(Order, { gate: 'before' })
    await gate('before').reached
    await before.signal('approval', { by: 'ann' })
    gate('before').open()
    const during = await engine.launch(Order, { gate: 'during' })
    await gate('during').reached
    gate('during').open()
    await during.signal('approval', { by: 'ben' })
    const after = await engine.launch(Order)
    await untilWaiting(over().store, after.pid)
    expect(await after.refresh()).toMatchObject({ label: 'waiting', reason: 'signal' })
    expect(await after.explain()).toContain('it waits for the signal approval (waiting for the approval)')
    await after.signal('approval', { by: 'cleo' })
    const woken = (value: unknown): unknown => ({ value, wake: { by: 'signal', signal: 'approval', value } })
    expect(await before.result()).toEqual(woken({ by: 'ann' }))
    expect(await during.result()).toEqual(woken({ by: 'ben' }))
    expect(await after.result()).toEqual(woken({ by: 'cleo' }))
  })

  test('C7, C8: a signal is kept with no engine alive, and received in its order, once', async () => {
    const client = await over().client()
    const handle = await client.launch('Inbox', { take: ['news', 'news', 'other', 'news'] })
    for (const [name, value] of [
      ['other', 'x'],
      ['news', 1],
      ['news', 2],
      ['news', 3],
      ['news', 4],
    ] as const)
      await handle.signal(name, value)
    expect(await handle.explain()).toMatch(
      /4 signals news are stored for it \(it does not wait for news now\)/,
    )
    const engine = await over().engine([Inbox])
    expect(await engine.handle(handle.pid).result()).toEqual([1, 2, 'x', 3])
    await expect(handle.signal('news', 5)).rejects.toBeInstanceOf(AlreadyDone)
  })

  test('C8: a step that waits for a signal in its flow gets it, whether it came before, as or after it began to wait', async () => {
    const engine = await over().engine([Inbox])
    const handle = await engine.launch(Inbox, { take: ['news', 'news', 'news'], gate: 'inbox' })
    await gate('inbox').reached
    await handle.signal('news', 'before')
    gate('inbox').open()
    await handle.signal('news', 'during')
    const row = await untilWaiting(over().store, handle.pid)
    expect(row).toMatchObject({
      inStep: true,
      wait: { signal: 'news' },
      message: 'waits for the signal news',
    })
    expect(await handle.explain()).toMatch(/it waits for the signal news, within its step/)
    await handle.signal('news', 'after')
    expect(await handle.result()).toEqual(['before', 'during', 'after'])
    const received = (await handle.history()).filter(({ name }) => name === 'received')
    expect(received).toHaveLength(3)
  })

  test('what a step has received is not received again when it runs again', async () => {
    const first = await over().engine([Inbox])
    const { pid } = await first.launch(Inbox, { take: ['news', 'news'] })
    await first.handle(pid).signal('news', 'one')
    await untilRow(over().store, pid, ({ inStep }) => inStep)
    await first.close()
    const second = await over().engine([Inbox])
    await untilRow(over().store, pid, ({ inStep, owner }) => inStep && owner === second.id)
    await second.handle(pid).signal('news', 'two')
    expect(await second.handle(pid).result()).toEqual(['one', 'two'])
  })

  test('a signal that its class does not declare or whose payload does not fit is refused at the sender', async () => {
    const engine = await over().engine([Order])
    const handle = await engine.launch(Order)
    // @ts-expect-error there is no such signal
    const unknown = await handle.signal('aproval', { by: 'x' }).catch((error: unknown) => error)
    expect(unknown).toBeInstanceOf(PortValidationError)
    expect((unknown as Error).message).toContain('aproval')
    // @ts-expect-error `by` is missing
    await expect(handle.signal('approval', {})).rejects.toThrow('signals.approval')
    // Elsewhere by what engines have registered, by a handle that knows nothing but the pid.
    const client = await over().client()
    const there = client.handle(handle.pid)
    await expect(there.signal('aproval', 1)).rejects.toBeInstanceOf(PortValidationError)
    await expect(there.signal('approval', {})).rejects.toThrow('signals.approval')
    await there.signal('approval', { by: 'dora' })
    expect(await handle.result()).toMatchObject({ value: { by: 'dora' } })
  })

  test('a signal to a process that has ended or is not there is refused', async () => {
    const engine = await over().engine([Order])
    const handle = await engine.launch(Order)
    await handle.kill()
    await handle.wait()
    await expect(handle.signal('approval', { by: 'x' })).rejects.toBeInstanceOf(AlreadyDone)
    await expect(engine.handle('nobody').signal('approval')).rejects.toBeInstanceOf(ProcessLost)
  })

  test('C8: a resume that comes while it waits for a signal ends that wait too', async () => {
    const engine = await over().engine([Order])
    const handle = await engine.launch(Order)
    await untilWaiting(over().store, handle.pid)
    const value = { by: 'a person' }
    await handle.resume(value)
    expect(await handle.result()).toEqual({ value, wake: { by: 'resume', value } })
  })

  test('a process that is paused keeps its signals, and goes on with them when it is played', async () => {
    const engine = await over().engine([Inbox, Order])
    const within = await engine.launch(Inbox)
    const without = await engine.launch(Order)
    await untilWaiting(over().store, within.pid)
    await untilWaiting(over().store, without.pid)
    for (const handle of [within, without]) {
      expect(await handle.pause('lunch')).toBe(true)
      expect(await handle.refresh()).toMatchObject({ label: 'waiting', paused: true })
    }
    await within.signal('news', 'kept')
    await without.signal('approval', { by: 'eve' })
    await over().clock.quiet()
    expect([within.done, without.done]).toEqual([false, false])
    await within.play()
    await without.play()
    expect(await within.result()).toEqual(['kept'])
    expect(await without.result()).toMatchObject({ value: { by: 'eve' } })
  })

  test('a process that leaves memory while it waits within a step runs it again when the signal comes', async () => {
    let runs = 0
    class Leaving extends Process<typeof Leaving> {
      static override define(spec: ProcessSpec) {
        super.define(spec)
        return spec.signal('go')
      }
      override async run(): Promise<unknown> {
        runs++
        const first = await this.effect('draw', () => 'drawn')
        try {
          return [first, await this.receive('go', { evict: true })]
        } finally {
          finals++
        }
      }
    }
    let finals = 0
    const engine = await over().engine([Leaving], { concurrency: 1 })
    const handle = await engine.launch(Leaving)
    await untilRow(over().store, handle.pid, ({ inStep, owner }) => inStep && owner === null)
    await over().clock.quiet()
    expect([runs, finals]).toEqual([1, 0])
    await handle.signal('go', 7)
    expect(await handle.result()).toEqual(['drawn', 7])
    expect([runs, finals]).toEqual([2, 1])
  })
})
