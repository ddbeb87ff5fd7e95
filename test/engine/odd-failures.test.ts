import { expect, test } from 'vitest'
import { Process, ProcessExcepted, type ProcessSpec } from 'damson'
import { overEachStore } from './over-stores.ts'

class HttpError extends Error {
  override name = 'HttpError'
  code = 'ECONNRESET'
  config = { transform: (value: unknown) => value }
}

/** What a step may throw that can hardly be looked at. */
const odd: Readonly<Record<string, () => unknown>> = {
  'an error whose message getter throws': () =>
    Object.defineProperty(new Error('x'), 'message', {
      get: () => {
        throw new Error('no message')
      },
    }),
  'a revoked proxy': () => {
    const { proxy, revoke } = Proxy.revocable(new Error('x'), {})
    revoke()
    return proxy
  },
  'a revoked proxy of a function': () => {
    const { proxy, revoke } = Proxy.revocable(() => {}, {})
    revoke()
    return proxy
  },
  'an object without a text': () => Object.create(null) as unknown,
  'an error whose message is an object': () => Object.assign(new Error('x'), { message: { a: 1 } }),
  'a symbol': () => Symbol('x'),
}

class Throws extends Process {
  static override define(spec: ProcessSpec): void {
    spec.input('what').retry({ attempts: 1 })
  }
  override run(): never {
    throw odd[this.inputs['what'] as string]?.()
  }
}

class Calls extends Process {
  override run(): never {
    throw new HttpError('no answer', { cause: new TypeError('socket hang up') })
  }
}

overEachStore((over) => {
  test.each(Object.keys(odd))('a step that throws %s excepts its process', async (what) => {
    const engine = await over().engine([Throws])
    const handle = await engine.launch(Throws, { what })
    expect(await handle.wait()).toMatchObject({ label: 'excepted' })
    await expect(handle.result()).rejects.toThrow(ProcessExcepted)
    const process = new Throws({ what })
    await expect(process.execute()).rejects.toThrow(ProcessExcepted)
  })

  test('an error that carries a function is saved with its name, code and cause, and notes what is missing', async () => {
    const engine = await over().engine([Calls])
    const { pid } = await engine.launch(Calls)
    await engine.handle(pid).wait()
    const client = await over().client()
    const error = (await client.handle(pid).result({ raiseOnFailure: false })) as Error
    expect(error.cause).toMatchObject({
      name: 'HttpError',
      code: 'ECONNRESET',
      message: 'no answer',
      cause: { name: 'TypeError', message: 'socket hang up' },
      notSaved: [expect.stringMatching(/^config\.transform: the function transform/)],
    })
  })
})
