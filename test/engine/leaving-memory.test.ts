import { expect, test, vi } from 'vitest'
import { Process, Wait, type ProcessSpec } from '../../src/index.ts'
import { overEachStore, untilRow, untilWaiting } from './over-stores.ts'

let calls = 0

/** Leaves memory for one of the things that it waits for. */
class Both extends Process<typeof Both> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.signal('answer').signal('cancel').signal('done')
  }
  override async run(): Promise<unknown> {
    const cancelled = async (): Promise<unknown> => {
      const reason = await this.receive('cancel')
      await this.effect('tell', () => ++calls)
      return reason
    }
    return Promise.all([this.receive('answer', { evict: true }), cancelled()])
  }
}

/** The first of two waits counts, each of which may leave memory. */
class Either extends Process<typeof Either> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.signal('answer')
  }
  override async run(): Promise<unknown> {
    const patience = this.sleep('patience', '1h', { evict: true }).then(() => 'nobody answered')
    return Promise.race([this.receive('answer', { evict: true }), patience])
  }
}

/** Does something while it begins to wait. */
class Busy extends Process<typeof Busy> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.signal('answer')
  }
  override async run(): Promise<unknown> {
    const done = this.effect('work', async () => {
      calls++
      await new Promise<void>((resolve) => (finish = resolve))
      return calls
    })
    return Promise.all([this.receive('answer', { evict: true }), done])
  }
}
let finish: () => void = () => {}

class Child extends Process<typeof Child> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.signal('grow')
  }
  override run(): unknown {
    return new Wait(undefined, { receive: 'grow' })
  }
}

class Parent extends Process<typeof Parent> {
  override async run(): Promise<unknown> {
    calls++
    const children = [await this.launch(Child), await this.launch(Child)]
    return this.join('children', children, { evict: true })
  }
}

overEachStore((over) => {
  test('C8: a step that waits for two things goes on with either, though it may leave memory for one', async () => {
    calls = 0
    const engine = await over().engine([Both])
    const handle = await engine.launch(Both)
    await untilWaiting(over().store, handle.pid)
    await over().clock.quiet()
    await handle.signal('cancel', 'too dear')
    await over().clock.quiet()
    expect(calls).toBe(1)
    await handle.signal('answer', 'yes')
    expect(await handle.result()).toEqual(['yes', 'too dear'])
    expect(calls).toBe(1)
  })

  test('C8: of two waits that may leave memory, the one that is over first counts', async () => {
    const engine = await over().engine([Either])
    const handle = await engine.launch(Either)
    await untilWaiting(over().store, handle.pid)
    await over().clock.advance('1h')
    await over().clock.quiet()
    expect(await handle.refresh()).toMatchObject({ label: 'finished' })
    expect(await handle.result()).toBe('nobody answered')
  })

  test('an effect that is under way is not dropped because another wait may leave memory', async () => {
    calls = 0
    const engine = await over().engine([Busy])
    const handle = await engine.launch(Busy)
    await untilRow(over().store, handle.pid, ({ state }) => state === 'waiting' || state === 'running')
    await over().clock.quiet()
    finish()
    await over().clock.quiet()
    await handle.signal('answer', 'yes')
    await over().clock.quiet()
    finish()
    expect(await handle.result()).toEqual(['yes', 1])
  })

  test('C8: a step that leaves memory says so in the history, also where its row said already that it waits', async () => {
    calls = 0
    const { store, clock } = over()
    const engine = await over().engine([Busy])
    const { pid } = await engine.launch(Busy)
    await untilRow(store, pid, ({ inStep }) => inStep)
    await clock.quiet()
    finish()
    // Looked at again and again: without the entry nobody is notified of it.
    await vi.waitFor(async () => expect(await store.read(pid)).toMatchObject({ inStep: true, owner: null }))
    // Engines look for the process at this entry: the signal may have come while it was still in memory.
    const names = (await store.history(pid)).map(({ name }) => name)
    expect(names).toEqual(['created', 'running', 'waiting', 'effect', 'waiting'])
  })

  test('a join that may leave memory does, and goes on when all have ended', async () => {
    calls = 0
    const engine = await over().engine([Parent, Child])
    const handle = await engine.launch(Parent)
    await untilRow(over().store, handle.pid, ({ state, owner }) => state === 'waiting' && owner === null)
    for (const { pid } of (await engine.list({ parent: handle.pid })).processes) {
      await engine.handle(pid).signal('grow', 'up')
    }
    expect(await handle.result()).toEqual(['up', 'up'])
    expect(calls).toBe(2)
  })
})
