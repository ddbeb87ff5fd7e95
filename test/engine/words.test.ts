import { expect, test } from 'vitest'
import { Process, Wait, type Duration, type ProcessSpec } from '../../src/index.ts'
import { overEachStore, untilWaiting } from './over-stores.ts'

class Lonely extends Process<typeof Lonely> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.signal('letter')
  }
  override run(): unknown {
    return new Wait(undefined, { on: { pid: this.pid, outcome: () => {} } as { pid: string } })
  }
}

class Timeless extends Process<typeof Timeless> {
  override async run(): Promise<unknown> {
    await this.sleep('a while', null as unknown as Duration)
    return 'awake'
  }
}

overEachStore((over) => {
  test('explain says of a process that it waits for itself, and does not count what it has not counted', async () => {
    const engine = await over().engine([Lonely])
    const handle = await engine.launch(Lonely)
    await untilWaiting(over().store, handle.pid)
    for (let count = 0; count < 99; count++) await handle.signal('letter', 'to nobody')
    expect(await handle.explain()).toContain('it waits for itself, so it will never end; kill it')
    expect(await handle.explain()).toContain('99 signals letter are stored for it')
    for (let count = 0; count < 9; count++) await handle.signal('letter', 'to nobody')
    expect(await handle.explain()).toContain('100 or more signals letter are stored for it')
    expect(await handle.kill()).toBe(true)
  })

  test('what is not a duration at all is refused as such', async () => {
    const engine = await over().engine([Timeless])
    const handle = await engine.launch(Timeless)
    expect(await handle.wait()).toMatchObject({ label: 'excepted', message: /^null is not a duration/ })
  })
})
