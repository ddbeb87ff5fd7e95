import { expect, test } from 'vitest'
import { Process, type ProcessHandle } from '../../src/index.ts'
import { overEachStore, untilRow } from './over-stores.ts'

class Quick extends Process<typeof Quick> {
  override run(): string {
    return 'quick'
  }
}

let other: ProcessHandle | undefined

/** What it waits for has ended already, and is only looked up. */
class Looking extends Process<typeof Looking> {
  override async run(): Promise<unknown> {
    await this.pause('a moment')
    return other?.result()
  }
}

overEachStore((over) => {
  test('C7: a step that is to pause, and waits for what has come already, is paused for all to see', async () => {
    const { store } = over()
    const engine = await over().engine([Quick, Looking])
    const { pid } = await (await over().client()).launch('Quick')
    await untilRow(store, pid, ({ state }) => state === 'finished')
    // The engine has heard of it too, so that the handle has to look it up.
    await over().clock.quiet()
    other = engine.handle(pid)
    const handle = await engine.launch(Looking)
    await untilRow(store, handle.pid, ({ pauseRequested, paused }) => (pauseRequested ?? paused) !== null)
    await over().clock.quiet()
    expect(await handle.refresh()).toMatchObject({ paused: true, message: 'a moment' })
    await handle.play()
    expect(await handle.result()).toBe('quick')
  })
})
