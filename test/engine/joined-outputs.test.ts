import { expect, test } from 'vitest'
import { Process, ProcessUnsuccessful, type ProcessSpec } from '../../src/index.ts'
import { overEachStore, untilWaiting } from './over-stores.ts'

/** Emits an output and returns something else, when it is told to. */
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
})
