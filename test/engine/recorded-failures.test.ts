import { expect, test } from 'vitest'
import { Process, type ProcessSpec } from '../../src/index.ts'
import { overEachStore, untilWaiting } from './over-stores.ts'

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

/** An error class that the store does not know. */
class Fatal extends Error {
  override readonly name = 'Fatal'
  readonly code = 'DECLINED'
}
class Passing extends Fatal {}

/** Records a failure, leaves memory, and throws the failure then. */
class Charges extends Process<typeof Charges> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('passes', { schema: { type: 'boolean' } }).retry({
      attempts: 3,
      on: (error: unknown) => error instanceof Passing,
      backoff: { initial: 0 },
    })
  }
  override async run(): Promise<unknown> {
    let failure: unknown
    const fail = (): never => {
      calls++
      throw new (this.inputs.passes ? Passing : Fatal)('declined', { cause: new RangeError('of the card') })
    }
    await this.effect('charge', fail, { recordFailure: true }).catch((error: unknown) => (failure = error))
    await this.sleep('a while', '1h', { evict: true })
    thrown.push(failure)
    throw failure
  }
}

const thrown: unknown[] = []

overEachStore((over) => {
  test.each([
    ['is not retried', false, 1],
    ['is retried', true, 3],
  ])(
    'a recorded failure that the retry rule knows by its class %s after it was saved',
    async (_, passes, attempts) => {
      calls = 0
      thrown.length = 0
      const warned: string[] = []
      const nothing = (): void => {}
      const warn = (_details: object, message: string): void => void warned.push(message)
      const engine = await over().engine([Charges], {
        logger: { debug: nothing, info: nothing, warn, error: nothing },
      })
      const handle = await engine.launch(Charges, { passes })
      await untilWaiting(over().store, handle.pid)
      await over().clock.advance('2h')
      expect(await handle.wait()).toMatchObject({ label: 'excepted', message: 'declined' })
      expect([calls, thrown.length]).toEqual([1, attempts])
      expect(thrown[0]).toMatchObject({
        name: 'Fatal',
        code: 'DECLINED',
        cause: new RangeError('of the card'),
      })
      expect(warned.filter((message) => !message.startsWith('a commit failed'))).toEqual([
        expect.stringMatching(/of class (Fatal|Passing) is thrown as Error when its step runs again/),
      ])
    },
  )

  test('C6: a failure that is to be recorded and cannot be saved as it is, is recorded by its message', async () => {
    calls = 0
    const engine = await over().engine([Refused])
    const handle = await engine.launch(Refused)
    await over().clock.advance(1)
    expect(await handle.wait()).toMatchObject({ label: 'excepted', message: 'the card was refused' })
    expect(calls).toBe(1)
    expect((await handle.history()).filter(({ name }) => name === 'failed')).toHaveLength(1)
  })
})
