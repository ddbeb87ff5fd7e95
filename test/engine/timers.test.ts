import { expect, test } from 'vitest'
import { Process, Wait, type ProcessSpec, type Wake } from '../../src/index.ts'
import { historyOf, overEachStore, untilRow, untilWaiting } from './over-stores.ts'

const DAY = 86_400_000

/** Waits by a command. */
class Alarm extends Process<typeof Alarm> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('for', { schema: { type: 'string' }, default: '60d' }).signal('early')
  }
  override run(): unknown {
    return new Wait(this.ring, { for: this.inputs.for, receive: 'early' })
  }
  ring(value: unknown, wake: Wake): unknown {
    return { value, by: wake.by }
  }
}

/** Waits within its step. */
class Nap extends Process<typeof Nap> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('for', { schema: { type: 'string' }, default: '3d' })
      .input('evict', { schema: { type: 'boolean' }, default: false })
      .signal('go')
  }
  override async run(): Promise<unknown> {
    await this.sleep('cool down', this.inputs.for, { evict: this.inputs.evict })
    return 'rested'
  }
}

/** Gives up on a signal after some time. */
class Impatient extends Process<typeof Impatient> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.signal('go')
  }
  override async run(): Promise<unknown> {
    return this.receive('go', { timeout: '1h' }).catch((error: Error) => error.name)
  }
}

overEachStore((over) => {
  test('a wait ends at its time, to the millisecond, also beyond 2³¹ ms', async () => {
    const { clock, store } = over()
    const engine = await over().engine([Alarm])
    const handle = await engine.launch(Alarm)
    await untilWaiting(store, handle.pid)
    expect(await handle.refresh()).toMatchObject({ label: 'waiting', reason: 'signal' })
    expect(await handle.explain()).toMatch(/it waits for the signal early, or until 2026-03-02T.*, in 60 d/)
    await clock.advance(60 * DAY - 1)
    expect(await handle.refresh()).toMatchObject({ label: 'waiting' })
    await clock.advance(1)
    expect(await handle.result()).toEqual({ value: undefined, by: 'timer' })
    expect((await handle.history()).at(-1)?.at.getTime()).toBe(clock.now())
  })

  test('60 days with a restart on day 40 ring once', async () => {
    const { clock, store } = over()
    const first = await over().engine([Alarm])
    const { pid } = await first.launch(Alarm)
    await untilWaiting(store, pid)
    await clock.advance('40d')
    await first.close()
    const second = await over().engine([Alarm])
    await clock.advance('19d')
    expect((await store.read(pid))?.state).toBe('waiting')
    await clock.advance('1d')
    expect(await second.handle(pid).result()).toEqual({ value: undefined, by: 'timer' })
    expect(await historyOf(second, pid)).toEqual(['created', 'running', 'waiting', 'running', 'finished'])
  })

  test('what is overdue when an engine starts is due then', async () => {
    const { clock, store } = over()
    const first = await over().engine([Alarm, Nap])
    const [one, other] = [await first.launch(Alarm), await first.launch(Nap)]
    await untilWaiting(store, one.pid)
    await untilWaiting(store, other.pid)
    await first.close()
    await clock.advance('90d')
    const second = await over().engine([Alarm, Nap])
    expect(await second.handle(one.pid).result()).toMatchObject({ by: 'timer' })
    expect(await second.handle(other.pid).result()).toBe('rested')
  })

  test('a signal that comes before the time ends the wait, and the time then ends nothing', async () => {
    const { clock, store } = over()
    const engine = await over().engine([Alarm])
    const handle = await engine.launch(Alarm)
    await untilWaiting(store, handle.pid)
    await handle.signal('early', 'now')
    expect(await handle.result()).toEqual({ value: 'now', by: 'signal' })
    await clock.advance('61d')
    expect(await historyOf(engine, handle.pid)).toHaveLength(6)
  })

  test.each([false, true])('a step sleeps in its flow; leaving memory: %s', async (evict) => {
    const { clock, store } = over()
    const engine = await over().engine([Nap], { concurrency: 1 })
    const handle = await engine.launch(Nap, { evict })
    const row = await untilRow(store, handle.pid, ({ inStep, owner }) => inStep && (owner === null) === evict)
    expect(row).toMatchObject({ state: 'waiting', wait: { until: clock.now() + 3 * DAY } })
    expect(await handle.refresh()).toMatchObject({ label: 'waiting', reason: 'timer' })
    // It holds no slot.
    const other = await engine.launch(Nap, { for: '1s' })
    await untilWaiting(store, other.pid)
    await clock.advance('1s')
    expect(await other.result()).toBe('rested')
    await clock.advance(3 * DAY - 1_001)
    expect((await store.read(handle.pid))?.state).toBe('waiting')
    await clock.advance(1)
    expect(await handle.result()).toBe('rested')
    expect(await historyOf(engine, handle.pid)).toEqual([
      'created',
      'running',
      'sleeping',
      'waiting',
      // Its row said that it waits before it left memory. Out of memory its step is begun anew.
      evict ? 'waiting' : 'running',
      'finished',
    ])
  })

  test('a step that runs again sleeps only as long as is left', async () => {
    const { clock, store } = over()
    const first = await over().engine([Nap])
    const { pid } = await first.launch(Nap)
    await untilWaiting(store, pid)
    await clock.advance('2d')
    await first.close()
    const second = await over().engine([Nap])
    await untilRow(store, pid, ({ owner, inStep }) => owner === second.id && inStep)
    await clock.advance('1d')
    expect(await second.handle(pid).result()).toBe('rested')
  })

  test('a receipt gives up after its time, and the same holds when the step runs again', async () => {
    const { clock, store } = over()
    const first = await over().engine([Impatient])
    const { pid } = await first.launch(Impatient)
    await untilWaiting(store, pid)
    await first.close()
    await clock.advance('1h')
    const second = await over().engine([Impatient])
    expect(await second.handle(pid).result()).toBe('WaitTimeout')
  })

  test('what falls due while a process is paused is acted on when it is played', async () => {
    const { clock, store } = over()
    const engine = await over().engine([Alarm, Nap])
    const handles = [await engine.launch(Alarm), await engine.launch(Nap)]
    for (const handle of handles) {
      await untilWaiting(store, handle.pid)
      await handle.pause()
    }
    await clock.advance('61d')
    for (const handle of handles)
      expect(await handle.refresh()).toMatchObject({ paused: true, terminal: false })
    for (const handle of handles) await handle.play()
    expect(await handles[0]?.result()).toMatchObject({ by: 'timer' })
    expect(await handles[1]?.result()).toBe('rested')
  })

  test('closing an engine does not wait for steps that only wait', async () => {
    const { store } = over()
    const engine = await over().engine([Nap, Impatient])
    const handles = [await engine.launch(Nap), await engine.launch(Impatient)]
    for (const { pid } of handles) await untilWaiting(store, pid)
    // The clock stands still: what waited for the drain would never end.
    await engine.close({ drain: '1h' })
    for (const { pid } of handles)
      expect(await store.read(pid)).toMatchObject({ owner: null, crashes: 0, endedAt: null })
  })

  test('closing does not wait for a step that is paused while it waits either', async () => {
    const { clock, store } = over()
    const engine = await over().engine([Nap])
    const handle = await engine.launch(Nap)
    await untilWaiting(store, handle.pid)
    await handle.pause()
    await clock.advance('4d')
    await engine.close({ drain: '1h' })
    expect(await store.read(handle.pid)).toMatchObject({ owner: null, paused: {}, endedAt: null })
  })

  test('a launch with a delay begins then, and says so until it does', async () => {
    const { clock, store } = over()
    const engine = await over().engine([Nap])
    const handle = await engine.launch(Nap, { for: '0s' }, { delay: '2h' })
    expect(await handle.refresh()).toMatchObject({ label: 'created', reason: 'scheduled' })
    expect(await handle.explain()).toMatch(
      /its launch was delayed; it starts at 2026-01-01T02:00:00.000Z, in 2 h/,
    )
    await clock.advance('119m')
    expect((await store.read(handle.pid))?.state).toBe('created')
    await clock.advance('1m')
    expect(await handle.result()).toBe('rested')
    const begun = (await handle.history()).find(({ name }) => name === 'running')
    expect(begun?.at.getTime()).toBe(Date.UTC(2026, 0, 1, 2))
  })

  test('a delay or a deadline that is no time is refused, and nothing is stored', async () => {
    const engine = await over().engine([Nap])
    for (const options of [
      { delay: -1 },
      { delay: Infinity },
      { deadline: Number.NaN },
      { deadline: new Date(Number.NaN) },
    ])
      await expect(engine.launch(Nap, {}, options)).rejects.toBeInstanceOf(RangeError)
    expect((await engine.list()).processes).toEqual([])
  })
})
