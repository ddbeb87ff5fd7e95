import { expect, test } from 'vitest'
import {
  allowFailure,
  Process,
  quote,
  UpstreamFailed,
  type ProcessHandle,
  type ProcessSpec,
  type Settled,
} from 'damson'

/* Launches within memory whose inputs refer to other processes. */

class Gives extends Process<typeof Gives> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('fails', { schema: { type: 'boolean' }, default: false })
      .output('out', { schema: { type: 'number' } })
      .returns({ schema: { type: 'string' } })
  }
  override async run(): Promise<string> {
    await Promise.resolve()
    if (this.inputs.fails) throw new Error('it had to')
    this.out('out', 7)
    return 'a value'
  }
}

class Takes extends Process<typeof Takes> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('given').returns({})
  }
  override run(): unknown {
    return this.inputs.given
  }
}

class Pipes extends Process<typeof Pipes> {
  static step: (process: Pipes) => Promise<unknown>
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.returns({})
  }
  override run(): Promise<unknown> {
    return Pipes.step(this)
  }
  gives(fails = false) {
    return this.launch(Gives, { fails })
  }
  takes(given: unknown, after?: readonly ProcessHandle[]) {
    return this.launch(Takes, { given }, { after })
  }
}

async function resultOf(step: (process: Pipes) => Promise<unknown>): Promise<unknown> {
  Pipes.step = step
  const pipes = new Pipes()
  await pipes.execute({ raiseOnFailure: false })
  return pipes.isExcepted ? pipes.exception() : pipes.result()
}

test('a handle in the inputs stands for the result of its process, and a quoted one for itself', async () => {
  const taken = await resultOf(async (process) => {
    const gives = await process.gives()
    const takes = await process.takes({ list: [gives, gives.outputs.ref('out')], quoted: quote(gives) })
    return takes.result()
  })
  expect(taken).toMatchObject({ list: ['a value', 7], quoted: { done: true } })
})

test('a failure makes the launch fail, unless it is allowed', async () => {
  const error = await resultOf(async (process) => process.takes(await process.gives(true)))
  expect(error).toBeInstanceOf(UpstreamFailed)
  const settled = await resultOf(async (process) =>
    (await process.takes(allowFailure(await process.gives(true)))).result(),
  )
  expect((settled as Settled<unknown>).status).toBe('rejected')
  const after = await resultOf(async (process) => process.takes(1, [await process.gives(true)]))
  expect(after).toBeInstanceOf(UpstreamFailed)
})

test('a launch after another process waits for its end', async () => {
  const seen = await resultOf(async (process) => {
    const gives = await process.gives()
    await process.takes(1, [gives])
    return gives.done
  })
  expect(seen).toBe(true)
})
