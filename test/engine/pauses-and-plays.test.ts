import { expect, test } from 'vitest'
import { Continue, Process } from '../../src/index.ts'
import type { Write } from '../../src/persistence/contract/writes.ts'
import { replaced } from '../contracts/stores.ts'
import { answeringLate, overEachStore, untilRow } from './over-stores.ts'
import { gate } from './processes.ts'

let playMeanwhile: (pid: string) => void = () => {}

class Hesitant extends Process<typeof Hesitant> {
  override async run(): Promise<unknown> {
    const asked = this.pause('a moment')
    playMeanwhile(this.pid)
    await asked
    await this.sleep('nap', '1m')
    return 'rested'
  }
}

class Napping extends Process {
  override async run(): Promise<unknown> {
    await gate('napping').pass()
    await this.sleep('nap', '1m')
    return 'rested'
  }
}

let playUnheard = (_pid: string): Promise<unknown> => Promise.resolve()

class TwoSteps extends Process<typeof TwoSteps> {
  override run(): Continue {
    return new Continue(this.second)
  }
  second(): string {
    return 'rested'
  }
  override async onPausing(message?: string): Promise<void> {
    await super.onPausing(message)
    await playUnheard(this.pid)
  }
}

const isSecond = (write: Write): boolean => write.kind === 'advance' && write.step === 'second'
const isPause = (write: Write): boolean => write.kind === 'request' && write.request === 'pause'
const isWait = (write: Write): boolean => write.kind === 'record' && write.waits != null

overEachStore((over) => {
  test('C7: a play that follows at once on the pause that a step asks for calls that off', async () => {
    const engine = await over().engine([Hesitant])
    playMeanwhile = (pid) => void engine.handle(pid).play()
    const handle = await engine.launch(Hesitant)
    await untilRow(over().store, handle.pid, ({ state }) => state === 'waiting')
    await over().clock.advance('1m')
    expect(await handle.refresh()).toMatchObject({ label: 'finished' })
    expect(await handle.result()).toBe('rested')
  })

  test('C7: a play calls off the pause that a step asks for, of which it has no answer yet', async () => {
    playMeanwhile = () => {}
    const { store, clock } = over()
    const late = answeringLate(store, isPause)
    const engine = await over().engine([Hesitant], { store: late.store })
    const { pid } = await engine.launch(Hesitant)
    await late.committed
    const handle = (await over().client()).handle(pid)
    expect(await handle.play()).toBe(true)
    late.answer()
    await untilRow(store, pid, ({ state }) => state === 'waiting')
    await clock.advance('1m')
    expect(await handle.refresh()).toMatchObject({ label: 'finished' })
    expect(await handle.result()).toBe('rested')
  })

  test('C7: a play takes off the pause that the answer to a wait reports later', async () => {
    const { store, clock } = over()
    const late = answeringLate(store, isWait)
    const engine = await over().engine([Napping], { store: late.store })
    const { pid } = await engine.launch(Napping)
    await gate('napping').reached
    const handle = (await over().client()).handle(pid)
    await handle.pause()
    gate('napping').open()
    await late.committed
    expect(await store.read(pid)).toMatchObject({ state: 'waiting', paused: {} })
    expect(await handle.play()).toBe(true)
    late.answer()
    await clock.advance('1m')
    expect(await handle.refresh()).toMatchObject({ label: 'finished' })
  })

  test('C7: a play of which the engine does not hear calls off a pause between two steps', async () => {
    const { store } = over()
    const late = answeringLate(store, isSecond)
    const hard = replaced(late.store, {
      watch: (listener) =>
        late.store.watch((changes, missed) =>
          listener(
            changes.filter(({ name }) => name !== 'played'),
            missed,
          ),
        ),
    })
    const engine = await over().engine([TwoSteps], { store: hard })
    const { pid } = await engine.launch(TwoSteps)
    await late.committed
    const client = await over().client()
    playUnheard = () => client.handle(pid).play()
    await client.handle(pid).pause()
    late.answer()
    expect(await client.handle(pid).result()).toBe('rested')
    const entries = (await client.history(pid)).map(({ name, seq }) => `${seq} ${name}`)
    // The pause took a sequence number before the store called it off.
    const asked = ['2 pause requested', '2 played']
    expect(entries).toEqual(['1 created', '1 running', '2 running', ...asked, '4 finished'])
  })
})
