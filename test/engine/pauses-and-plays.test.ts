import { expect, test } from 'vitest'
import { Process } from '../../src/index.ts'
import type { Write } from '../../src/persistence/contract/writes.ts'
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
})
