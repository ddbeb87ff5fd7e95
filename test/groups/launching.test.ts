import { expect, it } from 'vitest'
import {
  GroupLaunchError,
  GroupNotFound,
  KeyConflictError,
  PortValidationError,
  Process,
  ProcessKilled,
  each,
  type Client,
  type ProcessSpec,
} from '../../src/index.ts'
import { overEachStore } from '../engine/over-stores.ts'
import { gate } from '../engine/processes.ts'

class Square extends Process<typeof Square> {
  static override define(spec: ProcessSpec) {
    return spec.input('n', { schema: { type: 'integer' } }).returns({ schema: { type: 'integer' } })
  }
  override run(): number {
    return this.inputs.n ** 2
  }
}

class Sum extends Process<typeof Sum> {
  static override define(spec: ProcessSpec) {
    return spec
      .input('a', { schema: { type: 'integer' } })
      .input('b', { schema: { type: 'string' } })
      .returns({ schema: { type: 'string' } })
  }
  override run(): string {
    return `${this.inputs.a}${this.inputs.b}`
  }
}

/** Passes a gate of its own. */
class Job extends Process<typeof Job> {
  static override define(spec: ProcessSpec) {
    return spec.input('n', { schema: { type: 'integer' } }).returns({ schema: { type: 'integer' } })
  }
  override async run(): Promise<number> {
    await gate(`job ${this.inputs.n}`).pass()
    return this.inputs.n
  }
}

/** Says that it has begun, and sleeps until it is killed. */
class Sleeps extends Process<typeof Sleeps> {
  static override define(spec: ProcessSpec) {
    return spec.input('n', { schema: { type: 'integer' } })
  }
  override async run(): Promise<void> {
    void gate(`sleeper ${this.inputs.n}`).pass()
    await this.sleep('long', '1d')
  }
}

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, n) => ({ n: from + n }))

/** Inputs without an end, which know whether they were closed. */
function endless(): { readonly inputs: Iterable<{ n: number }>; readonly closed: boolean } {
  const state = { closed: false }
  const inputs = function* () {
    try {
      for (let n = 0; ; n++) yield { n }
    } finally {
      state.closed = true
    }
  }
  return Object.assign(state, { inputs: inputs() })
}

async function* slowly<T>(values: Iterable<T>): AsyncGenerator<T> {
  for (const value of values) {
    await new Promise((resolve) => setImmediate(resolve))
    yield value
  }
}

async function total(client: Client): Promise<number> {
  return (await client.list({ limit: 1_000 })).processes.length
}

overEachStore((over) => {
  it('a group has a process for each of the inputs, in their order', async () => {
    const engine = await over().engine([Square], { concurrency: 2 })
    const group = await engine.launchAll(Square, numbers(5))
    expect(group.length).toBe(5)
    expect(await group.result()).toEqual([0, 1, 4, 9, 16])
    const generated = await engine.launchAll(
      Square,
      (function* () {
        yield* numbers(3)
      })(),
    )
    expect(await generated.result()).toEqual([0, 1, 4])
    const asynchronous = await engine.launchAll(Square, slowly(numbers(3, 2)))
    expect(await asynchronous.result()).toEqual([4, 9, 16])
  })

  it('one input in a list gives a list of one result, and a launch the result itself', async () => {
    const engine = await over().engine([Square])
    expect(await (await engine.launchAll(Square, [{ n: 3 }])).result()).toEqual([9])
    expect(await (await engine.launch(Square, { n: 3 })).result()).toBe(9)
  })

  it('without inputs, a group is empty and complete', async () => {
    const client = await over().client([Square])
    const group = await client.launchAll(Square, [], { group: 'none' })
    expect(await group.result()).toEqual([])
    expect(group.progress.fraction).toBe(1)
    expect((await client.openGroup({ name: 'none' })).length).toBe(0)
  })

  it('another program finds the group by its name, and reads the results', async () => {
    const launcher = await over().client([Square])
    const group = await launcher.launchAll(Square, numbers(3), { group: 'squares', ordered: false })
    await over().engine([Square])
    const opened = await (await over().client()).openGroup<number>({ name: 'squares' })
    expect(opened.pids).toEqual(group.pids)
    expect(opened).toMatchObject({ name: 'squares', ordered: false })
    expect(await opened.result()).toEqual([0, 1, 4])
    await expect(launcher.openGroup({ name: 'cubes' })).rejects.toThrow(GroupNotFound)
  })

  it('the same launch under the same name finds the same processes', async () => {
    const engine = await over().engine([Square, Sum])
    const group = await engine.launchAll(Square, numbers(3), { group: 'squares' })
    const again = await engine.launchAll(Square, slowly(numbers(3)), { group: 'squares' })
    expect(again.pids).toEqual(group.pids)
    expect(await total(engine)).toBe(3)
    const options = { group: 'squares' }
    const fewer = engine.launchAll(Square, numbers(2), options)
    await expect(fewer).rejects.toThrow('the group "squares" has 3 members, not 2; nothing was launched')
    const more = engine.launchAll(Square, numbers(4), options)
    await expect(more).rejects.toThrow('the group "squares" is complete with 3 members; nothing was launched')
    await expect(engine.launchAll(Sum, [{ a: 1, b: '' }], options)).rejects.toThrow(KeyConflictError)
    await expect(engine.launchAll(Square, numbers(3, 1), options)).rejects.toThrow(
      'position 0 of the group "squares" belongs to a process of class Square with other inputs; nothing was launched. ' +
        'A group is launched again with the same class and inputs in the same order; launch others under another name',
    )
    expect(await total(engine)).toBe(3)
  })

  it('inputs that do not fit are named by their position, and the same launch completes the group', async () => {
    const client = await over().client([Square])
    const wrong = [...numbers(2), { n: 'two' as unknown as number }, ...numbers(2, 3)]
    const error = await client
      .launchAll(Square, wrong, { group: 'squares' })
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(GroupLaunchError)
    expect(error).toMatchObject({
      group: 'squares',
      position: 2,
      launched: 2,
      cause: expect.any(PortValidationError) as unknown,
    })
    expect((error as Error).message).toMatch(
      /^launchAll: the inputs at position 2 of the group "squares" cannot be launched: inputs\.n: .*\. The group has the 2 processes launched before: openGroup\(\{ name: "squares" \}\) returns them, and the same launch under that name adds the others$/s,
    )
    const before = await client.openGroup({ name: 'squares' })
    expect(before.length).toBe(2)
    const whole = await client.launchAll(Square, numbers(5), { group: 'squares' })
    expect(whole.pids.slice(0, 2)).toEqual(before.pids)
    expect(whole.length).toBe(5)
    await expect(client.launchAll(Square, [{ n: 0.5 }])).rejects.toThrow(/Nothing was launched$/)
  })

  it('other inputs add nothing to a group whose launch was not completed', async () => {
    const client = await over().client([Square])
    const wrong = [...numbers(2), { n: 0.5 }]
    await expect(client.launchAll(Square, wrong, { group: 'squares' })).rejects.toThrow(GroupLaunchError)
    const others = [{ n: 0 }, ...numbers(50, 70)]
    await expect(client.launchAll(Square, others, { group: 'squares' })).rejects.toThrow(KeyConflictError)
    expect((await client.openGroup({ name: 'squares' })).length).toBe(2)
  })

  it('a source of inputs that throws leaves what was launched, and is not closed again', async () => {
    const client = await over().client([Square])
    let closed = 0
    const source = async function* () {
      try {
        yield* numbers(2)
        throw new Error('the file is damaged')
      } finally {
        closed++
      }
    }
    await expect(client.launchAll(Square, source(), { group: 'squares' })).rejects.toThrow(
      /^launchAll: the inputs at position 2 of the group "squares" could not be read: the file is damaged\. The group has the 2 processes/,
    )
    expect(closed).toBe(1)
    expect((await client.openGroup({ name: 'squares' })).length).toBe(2)
  })

  it('a launch that fails closes its source', async () => {
    const client = await over().client([Square])
    let closed = false
    const source = function* () {
      try {
        for (;;) yield { n: 0.5 }
      } finally {
        closed = true
      }
    }
    await expect(client.launchAll(Square, source())).rejects.toThrow(GroupLaunchError)
    expect(closed).toBe(true)
  })

  it('what is no sequence of inputs, and options of one process, are refused', async () => {
    const client = await over().client([Square])
    const launch = client.launchAll.bind(client) as (...args: unknown[]) => Promise<unknown>
    await expect(launch(Square, 'text')).rejects.toThrow(
      'launchAll takes an iterable of inputs, such as an array of objects or a generator, not "text"',
    )
    await expect(launch(Square, { n: 1 })).rejects.toThrow(TypeError)
    await expect(launch(Square, [], { key: 'k' })).rejects.toThrow(
      "launchAll: key is of one process; a group is found by its name, { group: '…' }",
    )
    await expect(launch(Square, [], { gruop: 'k' })).rejects.toThrow('did you mean "group"?')
    await expect(launch(Square, [], { group: '' })).rejects.toThrow('the name of the group must not be empty')
    await expect(launch(Square, [], { maxOutstanding: -1 })).rejects.toThrow(RangeError)
    await expect(launch(undefined, [])).rejects.toThrow(
      'launchAll takes a process class or its registered name',
    )
    await expect(launch(Square, [], null)).rejects.toThrow(TypeError)
    expect(await total(client)).toBe(0)
  })

  it('a class that is known by name is launched with the schema that an engine has registered', async () => {
    await over().engine([Square])
    const client = await over().client()
    const group = await client.launchAll('Square', numbers(3))
    expect(await group.result()).toEqual([0, 1, 4])
    await expect(client.launchAll('Square', [{ n: 1 }, { n: 'x' }])).rejects.toMatchObject({ position: 1 })
  })

  it('at most maxOutstanding processes are launched and have not ended', async () => {
    const engine = await over().engine([Job])
    const launching = engine.launchAll(Job, numbers(4), { maxOutstanding: 2 })
    await gate('job 0').reached
    await gate('job 1').reached
    expect(await total(engine)).toBe(2)
    gate('job 1').open()
    await gate('job 2').reached
    expect(await total(engine)).toBe(3)
    for (const n of [0, 2, 3]) gate(`job ${n}`).open()
    expect(await (await launching).result()).toEqual([0, 1, 2, 3])
  })

  it('a signal that aborts stops the launch and kills what was launched', async () => {
    const engine = await over().engine([Sleeps])
    const controller = new AbortController()
    const reason = new Error('enough')
    let closed = false
    const source = async function* () {
      try {
        yield* numbers(2)
        await gate('source').pass()
      } finally {
        closed = true
      }
    }
    const launching = engine.launchAll(Sleeps, source(), { group: 'jobs', signal: controller.signal })
    await gate('source').reached
    controller.abort(reason)
    await expect(launching).rejects.toBe(reason)
    const group = await engine.openGroup({ name: 'jobs' })
    const outcomes = await group.outcomes()
    expect(outcomes).toMatchObject([1, 2].map(() => ({ reason: expect.any(ProcessKilled) as unknown })))
    gate('source').open()
    await expect(engine.launchAll(Sleeps, [], { signal: controller.signal })).rejects.toBe(reason)
    expect(closed).toBe(true)
  })

  it('a signal that aborts later kills the group', async () => {
    const engine = await over().engine([Sleeps])
    const controller = new AbortController()
    const group = await engine.launchAll(Sleeps, numbers(2), { signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(group.result()).rejects.toThrow(ProcessKilled)
  })

  it('options of a launch hold for each process', async () => {
    const { clock } = over()
    const client = await over().client([Square])
    const group = await client.launchAll(Square, numbers(2), { label: 'small', delay: 5_000 })
    await over().engine([Square])
    expect((await client.list({ label: 'small' })).processes).toHaveLength(2)
    await clock.advance(6_000)
    expect(await group.result()).toEqual([0, 1])
  })

  it('the processes of a group are listed, counted and controlled by its name', async () => {
    const client = await over().client([Square])
    const group = await client.launchAll(Square, numbers(3), { group: 'squares' })
    await client.launch(Square, { n: 9 })
    expect((await client.list({ group: 'squares' })).processes.map(({ pid }) => pid).toReversed()).toEqual(
      group.pids,
    )
    expect(await client.killAll({ group: 'squares' })).toBe(3)
    expect(await client.store.count({ group: 'squares' })).toMatchObject({ killed: 3, created: 0 })
    expect(await client.prune({ group: 'squares' })).toBe(3)
    await expect(client.openGroup({ name: 'squares' })).rejects.toThrow(GroupNotFound)
  })

  it('map gives each process one value of each column, and the same of the others', async () => {
    const engine = await over().engine([Sum])
    const constant = await engine.map(Sum, { a: each([1, 2, 3]), b: 'xyz' })
    expect(await constant.result()).toEqual(['1xyz', '2xyz', '3xyz'])
    const two = await engine.map(Sum, { a: each(new Set([1, 2])), b: each(['x', 'y']) })
    expect(await two.result()).toEqual(['1x', '2y'])
    const empty = await engine.map(Sum, { a: each([]), b: 'x' })
    expect(empty.length).toBe(0)
  })

  it('a handle in the inputs of a group stands for the result of its process', async () => {
    const engine = await over().engine([Square, Sum], { concurrency: 1 })
    const three = await engine.launch(Square, { n: 3 })
    const group = await engine.launchAll(Square, [{ n: three }, { n: 2 }], { group: 'squares' })
    expect(await group.result()).toEqual([81, 4])
    const again = await engine.launchAll(Square, [{ n: three }, { n: 2 }], { group: 'squares' })
    expect(again.pids).toEqual(group.pids)
    const client = await over().client([Sum])
    const columns = await client.map(Sum, { a: three, b: each(['x', 'y']) })
    expect(await columns.result()).toEqual(['9x', '9y'])
    const column = await client.map(Sum, { a: each(group.handles), b: 'z' })
    expect(await column.result()).toEqual(['81z', '4z'])
    const lazy: string[] = []
    for await (const text of client.imap(Sum, [{ a: three, b: '' }])) lazy.push(text)
    expect(lazy).toEqual(['9'])
  })

  it('a group whose inputs refer to a failed process fails at once', async () => {
    const engine = await over().engine([Square, Sum])
    const killed = await engine.launch(Square, { n: 1 }, { delay: '1d' })
    const group = await engine.map(Sum, { a: killed, b: each(['x', 'y']) })
    await killed.kill('not needed')
    for (const { status, state } of await group.outcomes())
      expect({ status, reason: state.reason }).toEqual({ status: 'rejected', reason: 'upstream' })
  })

  it('map refuses columns of different lengths before it launches, unless the shortest one decides', async () => {
    const engine = await over().engine([Sum])
    let closed = 0
    const endless = function* () {
      try {
        for (let n = 0; ; n++) yield n
      } finally {
        closed++
      }
    }
    await expect(engine.map(Sum, { a: each(endless()), b: each(['x', 'y']) })).rejects.toThrow(
      'map: the columns have different lengths: a has at least 3, b has 2. Nothing was launched. ' +
        "With { lengths: 'shortest' }, the shortest column decides",
    )
    await expect(engine.map(Sum, { a: each([1, 2, 3]), b: each(['x']) })).rejects.toThrow(RangeError)
    expect(await total(engine)).toBe(0)
    const group = await engine.map(
      Sum,
      { a: each(endless()), b: each(['x', 'y']) },
      { lengths: 'shortest', group: 'pairs' },
    )
    expect(await group.result()).toEqual(['0x', '1y'])
    expect(closed).toBe(2)
  })

  it('map refuses what has no column, and each what is none', async () => {
    const client = await over().client([Sum])
    await expect(client.map(Sum, { a: 1, b: 'x' })).rejects.toThrow(
      'map: none of the inputs is a column: mark one with each(...), or use launch',
    )
    expect(() => each('abc' as never)).toThrow('each: a string is one value, not a column')
    expect(() => each(3 as never)).toThrow(
      'each takes an array or another iterable, or a handle whose result is a list, not 3',
    )
  })

  it('imap launches as the results are taken, from a source without an end', async () => {
    const engine = await over().engine([Square])
    let read = 0
    let closed = false
    const source = function* () {
      try {
        for (;;) yield { n: read++ }
      } finally {
        closed = true
      }
    }
    const results: number[] = []
    for await (const square of engine.imap(Square, source(), { maxOutstanding: 3 })) {
      results.push(square)
      expect(read - results.length).toBeLessThan(3)
      if (square === 16) break
    }
    expect(results).toEqual([0, 1, 4, 9, 16])
    expect(closed).toBe(true)
    const launched = read
    await over().clock.quiet()
    expect([read, await total(engine)]).toEqual([launched, launched])
  })

  it('imap without a limit takes results while it reads', async () => {
    const engine = await over().engine([Square])
    const results: number[] = []
    const source = (function* () {
      for (let n = 0; ; n++) yield { n }
    })()
    for await (const square of engine.imap(Square, source, { maxOutstanding: 0 })) {
      results.push(square)
      if (results.length === 5) break
    }
    expect(results).toEqual([0, 1, 4, 9, 16])
  })

  it('imap gives results as they come if they need not be in order', async () => {
    const engine = await over().engine([Job])
    const stream = engine.imap(Job, slowly(numbers(3)), { ordered: false })
    const first = stream.next()
    await gate('job 2').reached
    gate('job 2').open()
    expect(await first).toEqual({ done: false, value: 2 })
    gate('job 0').open()
    expect(await stream.next()).toEqual({ done: false, value: 0 })
    gate('job 1').open()
    expect(await stream.next()).toEqual({ done: false, value: 1 })
    expect(await stream.next()).toEqual({ done: true, value: undefined })
    expect(await stream.next()).toEqual({ done: true, value: undefined })
  })

  it('after cancel, imap reads no more and gives what is launched', async () => {
    const engine = await over().engine([Square])
    const source = endless()
    const stream = engine.imap(Square, source.inputs, { maxOutstanding: 4 })
    const results = []
    for await (const square of stream) {
      results.push(square)
      if (square === 1) stream.cancel()
    }
    expect(results).toEqual([0, 1, 4, 9, 16].slice(0, results.length))
    expect(results.length).toBe(await total(engine))
    expect(source.closed).toBe(true)
  })

  it('imap ends with the error of its source, or of wrong inputs, at its place', async () => {
    const engine = await over().engine([Square])
    const all = async (source: Iterable<{ n: number }>): Promise<unknown[]> => {
      const taken: unknown[] = []
      try {
        for await (const square of engine.imap(Square, source)) taken.push(square)
      } catch (error) {
        taken.push((error as Error).message)
      }
      return taken
    }
    const throwing = function* () {
      yield* numbers(2)
      throw new Error('the file is damaged')
    }
    expect(await all(throwing())).toEqual([
      0,
      1,
      'imap: the inputs at position 2 could not be read: the file is damaged',
    ])
    expect(await all([{ n: 3 }, { n: 0.5 }, { n: 4 }])).toEqual([
      9,
      expect.stringMatching(/^imap: the inputs at position 1 cannot be launched: inputs\.n/),
    ])
  })

  it('imap ends with the error of a process, and stops its source', async () => {
    const engine = await over().engine([Sleeps])
    const source = endless()
    const stream = engine.imap(Sleeps, source.inputs, { maxOutstanding: 2 })
    const next = stream.next()
    await gate('sleeper 1').reached
    expect(await engine.killAll()).toBe(2)
    await expect(next).rejects.toThrow(ProcessKilled)
    expect(source.closed).toBe(true)
    expect(await stream.next()).toEqual({ done: true, value: undefined })
  })

  it('imap under a name stores a group that continues where it was left', async () => {
    const engine = await over().engine([Square])
    for await (const square of engine.imap(Square, numbers(5), { group: 'squares', maxOutstanding: 2 }))
      if (square === 1) break
    const before = await engine.openGroup({ name: 'squares' })
    const results = []
    for await (const square of engine.imap(Square, numbers(5), { group: 'squares' })) results.push(square)
    expect(results).toEqual([0, 1, 4, 9, 16])
    const after = await engine.openGroup({ name: 'squares' })
    expect(after.pids.slice(0, before.length)).toEqual(before.pids)
    expect(await total(engine)).toBe(5)
    expect(await engine.store.group('squares')).toMatchObject({ length: 5 })
  })

  it('a signal ends imap, and kills what is in flight', async () => {
    const engine = await over().engine([Sleeps])
    const controller = new AbortController()
    const reason = new Error('enough')
    const stream = engine.imap(Sleeps, numbers(2), { signal: controller.signal })
    const next = stream.next()
    await gate('sleeper 1').reached
    controller.abort(reason)
    await expect(next).rejects.toBe(reason)
    expect(await stream.next()).toEqual({ done: true, value: undefined })
    const { processes } = await engine.list()
    for (const { pid } of processes)
      expect(await engine.handle(pid).wait()).toMatchObject({ label: 'killed' })
  })
})
