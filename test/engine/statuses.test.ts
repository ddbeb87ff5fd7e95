import { expect, it } from 'vitest'
import { MemoryStore, Process, type Store } from '../../src/index.ts'
import type { Write } from '../../src/persistence/contract/writes.ts'
import { intercept } from '../../src/testing/intercept.ts'
import { SimulatedClock } from '../../src/testing/index.ts'
import { overEachStore, untilRow } from './over-stores.ts'
import { gate } from './processes.ts'
import { Engine } from '../../src/index.ts'

/** Sets statuses where its test lets it. */
class Reports extends Process {
  override async run(): Promise<void> {
    this.setStatus('begins')
    await gate('second').pass()
    for (let count = 0; count < 50; count++) this.setStatus(`item ${count}`)
    await gate('third').pass()
    await this.effect('done', () => 1)
    this.setStatus('ends')
  }
}

/** Sets a status beside its sleep. */
class Beside extends Process {
  override async run(): Promise<void> {
    const beside = async (): Promise<void> => {
      await gate('beside').pass()
      this.setStatus('beside')
    }
    await Promise.all([this.sleep('nap', '1h'), beside()])
  }
}

overEachStore((over) => {
  it('stores the status that a step has set before a pause within a second after the play', async () => {
    const engine = await over().engine([Beside])
    const { store, clock } = over()
    const handle = await engine.launch(Beside)
    await untilRow(store, handle.pid, ({ inStep }) => inStep)
    await clock.quiet()
    gate('beside').open()
    await clock.quiet()
    await handle.pause()
    await untilRow(store, handle.pid, ({ paused }) => paused !== null)
    await clock.advance(1_000)
    expect((await store.read(handle.pid))?.status).toBeNull()
    await handle.play()
    await clock.advance(1_000)
    await untilRow(store, handle.pid, ({ status }) => status === 'beside')
  })

  it('stores the status of a running step within a second, and with each record', async () => {
    const engine = await over().engine([Reports])
    const { store, clock } = over()
    const handle = await engine.launch(Reports)
    await gate('second').reached
    expect((await store.read(handle.pid))?.status).toBeNull()
    await clock.advance(1_000)
    await untilRow(store, handle.pid, ({ status }) => status === 'begins')
    gate('second').open()
    await gate('third').reached
    await clock.advance(1_000)
    await untilRow(store, handle.pid, ({ status }) => status === 'item 49')
    gate('third').open()
    await handle.wait()
    expect((await store.read(handle.pid))?.status).toBe('ends')
    // Statuses are no history.
    expect((await engine.history(handle.pid)).map(({ name }) => name)).toEqual([
      'created',
      'running',
      'effect',
      'finished',
    ])
  })
})

it('writes a status at most once a second, and nothing for a short step', async () => {
  const writes: Write[] = []
  const clock = new SimulatedClock()
  const store: Store = intercept(new MemoryStore({ clock }), (commit) => (batch) => {
    writes.push(...batch)
    return commit(batch)
  })
  const count = (): number => writes.filter(({ kind }) => kind === 'record').length
  await using engine = await Engine.open({ store, clock, processes: [Reports], handleSignals: false })
  gate('second').open()
  gate('third').open()
  await (await engine.launch(Reports)).wait()
  // Its effect.
  expect(count()).toBe(1)

  class Busy extends Process {
    override async run(): Promise<void> {
      for (let count = 0; !this.signal.aborted; count++) {
        this.setStatus(`item ${count}`)
        await new Promise((resolve) => clock.after(100, () => resolve(undefined)))
      }
    }
  }
  await using other = await Engine.open({ store, clock, processes: [Busy], handleSignals: false })
  const busy = await other.launch(Busy)
  for (let tenth = 0; tenth < 50; tenth++) await clock.advance(100)
  expect(count() - 1).toBeGreaterThanOrEqual(3)
  expect(count() - 1).toBeLessThanOrEqual(5)
  await busy.kill(undefined, { force: true })
  await other.close({ drain: 0 })
})
