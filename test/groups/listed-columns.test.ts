import { expect, it } from 'vitest'
import {
  each,
  Process,
  ProcessExcepted,
  ProcessUnsuccessful,
  UnsuccessfulResult,
  type Client,
  type ProcessHandle,
  type ProcessSpec,
} from '../../src/index.ts'
import { overEachStore, untilWaiting } from '../engine/over-stores.ts'
import { gate } from '../engine/processes.ts'

/** Passes a gate and returns a list, which it also emits. */
class Lists extends Process<typeof Lists> {
  static override define(spec: ProcessSpec) {
    return spec
      .input('to', { schema: { type: 'integer' } })
      .output('numbers', { schema: { type: 'array', items: { type: 'integer' } } })
      .returns({ schema: { type: 'array', items: { type: 'integer' } } })
  }
  override async run() {
    const { to } = this.inputs
    await gate('list').pass()
    if (to < 0) throw new Error('no such list')
    const numbers = Array.from({ length: to }, (_, n) => n)
    this.out('numbers', numbers)
    return to === 0 ? (new UnsuccessfulResult([]) as never) : numbers
  }
}

class Add extends Process<typeof Add> {
  static override define(spec: ProcessSpec) {
    return spec
      .input('a', { schema: { type: 'integer' } })
      .input('b', { schema: { type: 'integer' } })
      .returns({ schema: { type: 'integer' } })
  }
  override run() {
    return this.inputs.a + this.inputs.b
  }
}

/** Launches a list and maps over it. */
class Maps extends Process<typeof Maps> {
  static override define(spec: ProcessSpec) {
    return spec.returns({})
  }
  override async run(): Promise<unknown> {
    const list = await this.launch(Lists, { to: 3 })
    const group = await this.map(Add, { a: each(list), b: 10 })
    return group.result()
  }
}

/** Returns its own input. */
class Gives extends Process<typeof Gives> {
  static override define(spec: ProcessSpec) {
    return spec.input('value').returns({})
  }
  override run(): unknown {
    return this.inputs.value
  }
}

async function namesOf(client: Client): Promise<readonly string[]> {
  return (await client.list()).processes.map(({ name }) => name).toSorted()
}

overEachStore((over) => {
  it('map over the result of a process waits for it, and launches nothing before', async () => {
    const engine = await over().engine([Lists, Add])
    const list = await engine.launch(Lists, { to: 3 })
    const mapping = engine.map(Add, { a: each(list), b: each(list.outputs.ref('numbers')) })
    await gate('list').reached
    expect(await namesOf(engine)).toEqual(['Lists'])
    gate('list').open()
    expect(await (await mapping).result()).toEqual([0, 2, 4])
    const inChunks = await engine.map(Add, { a: each(list), b: 1 }, { chunkSize: 2 })
    expect(await inChunks.result()).toEqual([1, 2, 3])
    expect(inChunks.pids).toHaveLength(2)
  })

  it('such a column counts for the lengths', async () => {
    const engine = await over().engine([Lists, Add])
    gate('list').open()
    const list = await engine.launch(Lists, { to: 3 })
    await expect(engine.map(Add, { a: each(list), b: each([1, 2]) })).rejects.toThrow(
      'the columns have different lengths: a has 3, b has 2. Nothing was launched',
    )
    const shortest = await engine.map(Add, { a: each(list), b: each([1, 2]) }, { lengths: 'shortest' })
    expect(await shortest.result()).toEqual([1, 3])
  })

  it('map rejects if that process fails, and launches nothing', async () => {
    const engine = await over().engine([Lists, Add, Gives])
    gate('list').open()
    const fails = await engine.launch(Lists, { to: -1 })
    await expect(engine.map(Add, { a: each(fails), b: 1 })).rejects.toThrow(ProcessExcepted)
    const unsuccessful = await engine.launch(Lists, { to: 0 })
    await expect(engine.map(Add, { a: each(unsuccessful), b: 1 })).rejects.toThrow(ProcessUnsuccessful)
    const five = (await engine.launch(Gives, { value: 5 })) as ProcessHandle as ProcessHandle<number[]>
    await expect(engine.map(Add, { a: each(five), b: 1 })).rejects.toThrow(
      `map: the column a takes a list, and the process ${five.pid} gives 5`,
    )
    expect(await namesOf(engine)).toEqual(['Gives', 'Lists', 'Lists'])
    expect(() => each(five.outputs.done as never)).toThrow('each takes an array')
  })

  it('a signal ends the wait for the list', async () => {
    const engine = await over().engine([Lists, Add])
    const list = await engine.launch(Lists, { to: 3 })
    const controller = new AbortController()
    const mapping = engine.map(Add, { a: each(list), b: 1 }, { signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(mapping).rejects.toThrow('enough')
    expect(list.state.terminal).toBe(false)
  })

  it('handles within the list stay handles', async () => {
    const engine = await over().engine([Gives])
    const inner = await engine.launch(Gives, { value: 1 })
    const list = (await engine.launch(Gives, {
      value: [{ pid: 'a' }, 'b'],
    })) as ProcessHandle as ProcessHandle<unknown[]>
    expect(await (await engine.map(Gives, { value: each(list) })).result()).toEqual([{ pid: 'a' }, 'b'])
    expect(await inner.result()).toBe(1)
  })

  it('a step that maps over a list waits without a slot, and goes on after a crash', async () => {
    const { store } = over()
    const first = await over().engine([Maps, Lists, Add], { concurrency: 1 })
    const { pid } = await first.launch(Maps)
    await gate('list').reached
    await untilWaiting(store, pid)
    await first.close({ drain: 0 })
    gate('list').open()
    const second = await over().engine([Maps, Lists, Add], { concurrency: 1 })
    expect(await second.handle(pid).result()).toEqual([10, 11, 12])
    expect(await namesOf(second)).toEqual(['Add', 'Add', 'Add', 'Lists', 'Maps'])
    const inMemory = new Maps()
    await inMemory.execute()
    expect(inMemory.result()).toEqual([10, 11, 12])
  })
})
