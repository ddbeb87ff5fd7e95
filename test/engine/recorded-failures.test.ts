import { expect, test } from 'vitest'
import { Process, type ProcessSpec } from '../../src/index.ts'
import { overEachStore } from './over-stores.ts'

let calls = 0

/** Fails as clients of the web do, whose errors carry functions. */
class Refused extends Process<typeof Refused> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.retry({ attempts: 2, backoff: { initial: 0 } })
  }
  override async run(): Promise<unknown> {
    const fail = (): never => {
      calls++
      throw Object.assign(new Error('the card was refused'), { config: { transform: () => '' } })
    }
    return this.effect('charge', fail, { recordFailure: true })
  }
}

overEachStore((over) => {
  test('C6: a failure that is to be recorded and can not be saved as it is, is recorded by its message', async () => {
    calls = 0
    const engine = await over().engine([Refused])
    const handle = await engine.launch(Refused)
    await over().clock.advance(1)
    expect(await handle.wait()).toMatchObject({ label: 'excepted', message: 'the card was refused' })
    expect(calls).toBe(1)
    expect((await handle.history()).filter(({ name }) => name === 'failed')).toHaveLength(1)
  })
})
