import { expect, onTestFinished, test } from 'vitest'
import { Engine, MemoryStore, Process, type ProcessSpec } from '../../src/index.ts'
import { SimulatedClock } from '../../src/testing/index.ts'
import { Program } from '../crash/program.ts'

/* A step that gets further, or only waits, is not to blame for the crashes that come meanwhile (C11). */

const never = new Promise<void>(() => {})

class Waits extends Process<typeof Waits> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.signal('go')
  }
  override async run(): Promise<unknown> {
    return this.receive('go')
  }
}

/** Each time it runs it does one thing more, and hangs. */
class Advances extends Process<typeof Advances> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('effects', { schema: { type: 'integer' } })
  }
  override async run(): Promise<unknown> {
    for (let effect = 1; effect <= this.inputs.effects; effect++) {
      let isNew = false
      await this.effect(`effect ${effect}`, () => void (isNew = true))
      if (isNew) await never
    }
    return 'done'
  }
}

/** Gets no further than to keep its checkpoint, again and again. */
class Stays extends Process<typeof Stays> {
  override async run(): Promise<unknown> {
    await this.checkpoint('here')
    return never
  }
}

/** Lives through so many crashes of the programs that run it. */
async function crashed(processClass: typeof Waits | typeof Advances | typeof Stays, crashes: number) {
  const clock = new SimulatedClock()
  const store = new MemoryStore({ clock })
  const start = async () => {
    const program = new Program(store, clock, undefined)
    onTestFinished(() => program.end())
    const options = { store: program.store, clock: program.clock, processes: [processClass] }
    return { program, engine: await Engine.open({ ...options, handleSignals: false }) }
  }
  let { program, engine } = await start()
  const inputs = processClass === Advances ? { effects: crashes } : {}
  const { pid } = await engine.launch(processClass.name, inputs)
  for (let crash = 0; crash < crashes; crash++) {
    await clock.quiet()
    program.end()
    store.forget(engine.id)
    ;({ program, engine } = await start())
  }
  await clock.quiet()
  return { store, engine, pid }
}

test('C11: a step that only waits is not blamed for the crashes of its engines', async () => {
  const { engine, pid } = await crashed(Waits, 6)
  const handle = engine.handle(Waits, pid)
  expect(await handle.refresh()).toMatchObject({ label: 'waiting', paused: false })
  await handle.signal('go')
  expect(await handle.wait()).toMatchObject({ label: 'finished' })
})

test('C11: a step that has done one thing more by name at each crash goes on', async () => {
  const { engine, pid } = await crashed(Advances, 6)
  expect(await engine.handle(pid).result()).toBe('done')
})

test('C11: a step that gets no further is paused at the third crash, though it keeps a checkpoint each time', async () => {
  const { store, pid } = await crashed(Stays, 3)
  expect((await store.read(pid))?.paused?.message).toMatch(/crashed its engine 3 times/)
})
