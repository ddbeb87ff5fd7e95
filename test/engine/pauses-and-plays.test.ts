import { expect, test } from 'vitest'
import { Process } from '../../src/index.ts'
import { overEachStore, untilRow } from './over-stores.ts'

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
})
