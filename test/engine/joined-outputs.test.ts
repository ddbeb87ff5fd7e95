import { expect, test } from 'vitest'
import {
  allowFailure,
  append,
  Process,
  ProcessUnsuccessful,
  type ProcessSpec,
  type Settled,
  toContext,
  UpstreamFailed,
  WorkChain,
  type WorkChainSpec,
} from '../../src/index.ts'
import { overEachStore, untilWaiting } from './over-stores.ts'

/** Emits an output and returns something else, once it gets a signal. */
class Half extends Process<typeof Half> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('of', { schema: { type: 'number' } })
      .output('half', { schema: { type: 'number' } })
      .exitCode(300, 'ERROR_ODD', '{of} is odd')
      .signal('go')
  }
  override async run() {
    await this.receive('go', { evict: true })
    if (this.inputs.of % 2 === 1) return this.exitCodes.ERROR_ODD({ of: this.inputs.of })
    this.out('half', this.inputs.of / 2)
    return 'something else'
  }
}

class Halves extends Process<typeof Halves> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('numbers', { schema: { type: 'array', items: { type: 'number' } } })
      .output('halves', { schema: { type: 'array', items: { type: 'number' } } })
  }
  override async run() {
    const children = []
    for (const of of this.inputs.numbers)
      children.push(await this.launch(Half, { of }, { pid: `half ${of}` }))
    const outputs = await this.join('halves', children, { outputs: true, evict: true })
    this.out(
      'halves',
      outputs.map(({ half }) => half),
    )
  }
}

/** Puts outputs of its children into its context, and the result of one. */
class Chain extends WorkChain<typeof Chain> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec
      .input('numbers', { schema: { type: 'array', items: { type: 'number' } } })
      .input('careful', { schema: { type: 'boolean' }, default: false })
      .outline(Chain.prototype.begin, Chain.prototype.end)
  }
  declare ctx: {
    all: { half: number }[]
    ends: Settled<{ half: number }>[]
    last: { half: number }
    text: unknown
  }
  async begin() {
    for (const of of this.inputs.numbers) {
      const half = await this.launch(Half, { of }, { pid: `half ${of}` })
      if (this.inputs.careful) this.toContext({ ends: append(allowFailure(half)) }, { outputs: true })
      else this.toContext({ all: append(half) }, { outputs: true })
    }
    if (this.inputs.careful) return undefined
    const last = await this.launch(Half, { of: 8 }, { pid: 'half 8' })
    this.toContext({ text: last })
    return toContext({ last }, { outputs: true })
  }
  end() {
    return this.ctx
  }
}

overEachStore((over) => {
  test('a join for outputs gives what the processes emitted, through a change of engines', async () => {
    const first = await over().engine([Halves, Half])
    const { pid } = await first.launch(Halves, { numbers: [2, 6] })
    for (const child of ['half 2', 'half 6']) await untilWaiting(over().store, child)
    await untilWaiting(over().store, pid)
    await first.close()
    const second = await over().engine([Halves, Half])
    for (const child of ['half 2', 'half 6']) await second.handle(Half, child).signal('go')
    expect(await second.handle(Halves, pid).outputs.all()).toEqual({ halves: [1, 3] })
  })

  test('a join for outputs throws for a process that finished without success', async () => {
    const engine = await over().engine([Halves, Half])
    const handle = await engine.launch(Halves, { numbers: [3] })
    await untilWaiting(over().store, 'half 3')
    await engine.handle(Half, 'half 3').signal('go')
    const outcome = await handle.outcome()
    expect(outcome).toMatchObject({ status: 'rejected', reason: { cause: expect.any(ProcessUnsuccessful) } })
    expect(await engine.handle('half 3').result()).toEqual({})
  })

  test('outputs come into the context where the chain asks for them, through a change of engines', async () => {
    const children = ['half 2', 'half 6', 'half 8']
    const first = await over().engine([Chain, Half])
    const { pid } = await first.launch(Chain, { numbers: [2, 6] })
    for (const child of [...children, pid]) await untilWaiting(over().store, child)
    await first.close()
    const second = await over().engine([Chain, Half])
    for (const child of children) await second.handle(Half, child).signal('go')
    expect(await second.handle(Chain, pid).result()).toEqual({
      all: [{ half: 1 }, { half: 3 }],
      last: { half: 4 },
      text: 'something else',
    })
  })

  test('a process that finished without success has no outputs for the context, and fails the chain', async () => {
    const engine = await over().engine([Chain, Half])
    const handle = await engine.launch(Chain, { numbers: [3] })
    for (const child of ['half 3', 'half 8']) {
      await untilWaiting(over().store, child)
      await engine.handle(Half, child).signal('go')
    }
    expect(await handle.outcome()).toMatchObject({
      reason: { cause: expect.any(UpstreamFailed) },
    })
    expect((await handle.outcome()) as unknown).toMatchObject({
      reason: { cause: { message: expect.stringMatching(/failed: .*ERROR_ODD \(300\): 3 is odd/) } },
    })
  })

  test('an allowed failure to give outputs is in the context as an error', async () => {
    const engine = await over().engine([Chain, Half])
    const handle = await engine.launch(Chain, { numbers: [4, 3], careful: true })
    for (const child of ['half 4', 'half 3']) {
      await untilWaiting(over().store, child)
      await engine.handle(Half, child).signal('go')
    }
    expect(await handle.result()).toMatchObject({
      ends: [
        { status: 'fulfilled', value: { half: 2 } },
        { status: 'rejected', reason: expect.any(ProcessUnsuccessful), state: { label: 'finished' } },
      ],
    })
  })
})
