import { expect, it, describe } from 'vitest'
import { Process, each, type ProcessSpec } from '../../src/index.ts'
import { overEachStore, untilWaiting } from '../engine/over-stores.ts'
import { gate } from '../engine/processes.ts'

class Square extends Process<typeof Square> {
  static override define(spec: ProcessSpec) {
    return spec.input('n', { schema: { type: 'integer' } }).returns({ schema: { type: 'integer' } })
  }
  override run(): number {
    return this.inputs.n ** 2
  }
}

/** Adds up the squares that its children compute. */
class Squares extends Process<typeof Squares> {
  static override define(spec: ProcessSpec) {
    return spec
      .input('count', { schema: { type: 'integer' } })
      .input('group', { schema: { type: 'string' }, required: false })
      .returns({ schema: { type: 'integer' } })
  }
  override async run(): Promise<number> {
    const inputs = Array.from({ length: this.inputs.count }, (_, n) => ({ n }))
    const { group } = this.inputs
    const launched = await this.launchAll(Square, inputs, group === undefined ? {} : { group })
    const squares = await launched.result()
    return squares.reduce((sum, square) => sum + square, 0)
  }
}

let attempts = 0
/** Fails in its first attempt for an odd number. */
class Fails extends Process<typeof Fails> {
  static override define(spec: ProcessSpec) {
    return spec.input('n', { schema: { type: 'integer' } }).returns({ schema: { type: 'integer' } })
  }
  override run(): number {
    if (this.inputs.n % 2 === 1 && attempts === 1) throw new Error('a storm')
    return this.inputs.n
  }
}

/** Tries again when its children have failed. */
class TriesAgain extends Process<typeof TriesAgain> {
  static override define(spec: ProcessSpec) {
    return spec
      .retry({ attempts: 2, backoff: { initial: '1s', jitter: 0 } })
      .returns({ schema: { type: 'array', items: { type: 'integer' } } })
  }
  override async run(): Promise<number[]> {
    attempts++
    const group = await this.map(Fails, { n: each([0, 1, 2]) })
    return group.result({ returnWhen: 'all' })
  }
}

/** Launches by two groups in branches, and one child more. */
class Branches extends Process<typeof Branches> {
  override async run(): Promise<unknown> {
    const [a, b] = await Promise.all([
      this.branch('a', () => this.map(Square, { n: each([1, 2]) })),
      this.branch('b', () => this.map(Square, { n: each([1, 2]) })),
    ])
    const c = await this.launch(Square, { n: 3 })
    return [await a.result(), await b.result(), await c.result(), new Set([...a.pids, ...b.pids, c.pid]).size]
  }
}

/** Launches a group from the results of another one. */
class Chained extends Process<typeof Chained> {
  override async run(): Promise<unknown> {
    const squares = await this.map(Square, { n: each([1, 2]) })
    const fourth = await this.launchAll(
      Square,
      [...squares].map((square) => ({ n: square })),
    )
    return fourth.result()
  }
}

class Wrong extends Process<typeof Wrong> {
  override async run(): Promise<void> {
    await this.launchAll(Square, [{ n: 1 }, { n: 0.5 }, { n: 2 }])
  }
}

/** Waits for its children with at most one that has not ended. */
class OneByOne extends Process<typeof OneByOne> {
  override async run(): Promise<unknown> {
    const group = await this.launchAll(Square, [{ n: 1 }, { n: 2 }, { n: 3 }], { maxOutstanding: 1 })
    return group.result()
  }
}

class Holds extends Process<typeof Holds> {
  override async run(): Promise<unknown> {
    const group = await this.launchAll(Square, [{ n: 1 }, { n: 2 }])
    await gate('holds').pass()
    return group.result()
  }
}

overEachStore((over) => {
  it('a step launches a group and waits for it without a slot', async () => {
    const engine = await over().engine([Square, Squares], { concurrency: 1 })
    const handle = await engine.launch(Squares, { count: 5 })
    expect(await handle.result()).toBe(30)
    const { rows } = await engine.store.groups()
    expect(rows).toMatchObject([{ parent: handle.pid, length: 5, launched: 5 }])
    const children = await engine.list({ parent: handle.pid })
    expect(children.processes).toHaveLength(5)
  })

  it('a step launches a group from the results of another one, which it does not wait for', async () => {
    const engine = await over().engine([Square, Chained], { concurrency: 1 })
    const handle = await engine.launch(Chained)
    expect(await handle.result()).toEqual([1, 16])
  })

  it('a step that is tried again keeps the children that succeeded, and replaces the others', async () => {
    attempts = 0
    const engine = await over().engine([Fails, TriesAgain])
    const handle = await engine.launch(TriesAgain)
    await over().clock.quiet()
    await over().clock.advance(2_000)
    expect(await handle.result()).toEqual([0, 1, 2])
    const { rows } = await engine.store.groups()
    expect(rows).toMatchObject([{ length: 3, launched: 3 }])
    expect(await engine.store.count({ group: rows[0]?.name as string })).toMatchObject({
      finished: 3,
      excepted: 0,
    })
    expect(await engine.store.count({ parent: handle.pid })).toMatchObject({ finished: 3, excepted: 1 })
  })

  it('groups in branches, with the same inputs, have children of their own', async () => {
    const engine = await over().engine([Square, Branches])
    const handle = await engine.launch(Branches)
    expect(await handle.result()).toEqual([[1, 4], [1, 4], 9, 5])
    expect((await engine.store.groups()).rows).toHaveLength(2)
  })

  it('a group of a given name is the same for every process that launches it', async () => {
    const engine = await over().engine([Square, Squares])
    const results = [1, 2].map(() => engine.execute(Squares, { count: 3, group: 'shared' }))
    await Promise.all(results)
    expect((await engine.list({ className: 'Square' })).processes).toHaveLength(3)
    const other = await engine.launch(Squares, { count: 2, group: 'shared' })
    await expect(other.result()).rejects.toThrow('the group "shared" has 3 members, not 2')
  })

  it('inputs that do not fit fail the step by their position, and nothing after them is launched', async () => {
    const engine = await over().engine([Square, Wrong])
    const handle = await engine.launch(Wrong)
    await expect(handle.result()).rejects.toThrow(/launchAll: the inputs at position 1 of the group/)
    expect((await engine.list({ parent: handle.pid })).processes).toHaveLength(1)
  })

  it('a step that may have one child at a time lends its slot meanwhile', async () => {
    const engine = await over().engine([Square, OneByOne], { concurrency: 1 })
    expect(await (await engine.launch(OneByOne)).result()).toEqual([1, 4, 9])
  })

  it('after a crash the step finds its group again', async () => {
    const first = await over().engine([Squares], { concurrency: 1 })
    const handle = await first.launch(Squares, { count: 4 })
    await untilWaiting(over().store, handle.pid)
    const [before] = (await over().store.groups()).rows
    const pids = (await over().store.members(before?.name as string, 0)).map(({ pid }) => pid)
    await first.close({ drain: 0 })
    const second = await over().engine([Square, Squares])
    expect(await second.handle(handle.pid).result()).toBe(14)
    expect((await over().store.groups()).rows).toMatchObject([{ name: before?.name, length: 4 }])
    expect((await second.openGroup({ name: before?.name as string })).pids).toEqual(pids)
  })

  it('a kill of the process reaches the children of its group', async () => {
    const engine = await over().engine([Holds], { concurrency: 1 })
    const handle = await engine.launch(Holds)
    await gate('holds').reached
    await handle.kill()
    const counts = await engine.store.count({ className: 'Square' })
    expect(counts).toMatchObject({ killed: 2, created: 0 })
    gate('holds').open()
  })
})

describe('in memory', () => {
  it('a step launches a group from the results of another one', async () => {
    const process = new Chained()
    await process.execute()
    expect(process.result()).toEqual([1, 16])
  })

  it('a step launches a group and waits for it', async () => {
    const process = new Squares({ count: 4 })
    await process.execute()
    expect(process.result()).toBe(14)
  })

  it('a step that is tried again keeps the children that succeeded', async () => {
    attempts = 0
    const process = new TriesAgain()
    await process.execute()
    expect(process.result()).toEqual([0, 1, 2])
  })

  it('a group of a given name is found again within the process', async () => {
    class Twice extends Process<typeof Twice> {
      override async run(): Promise<unknown> {
        const a = await this.launchAll(Square, [{ n: 1 }, { n: 2 }], { group: 'g' })
        const b = await this.launchAll(Square, [{ n: 1 }, { n: 2 }], { group: 'g' })
        return [a.pids.join(' ') === b.pids.join(' '), await b.result()]
      }
    }
    const process = new Twice()
    await process.execute()
    expect(process.result()).toEqual([true, [1, 4]])
  })

  it('at most maxOutstanding children have not ended', async () => {
    const process = new OneByOne()
    await process.execute()
    expect(process.result()).toEqual([1, 4, 9])
  })
})
