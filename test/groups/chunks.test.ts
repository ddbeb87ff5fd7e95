import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import {
  each,
  GroupError,
  GroupLaunchError,
  KeyConflictError,
  joinGroups,
  Process,
  ProcessExcepted,
  ProcessKilled,
  SpecError,
  UnsuccessfulResult,
  type ProcessSpec,
} from '../../src/index.ts'
import { overEachStore, untilRow } from '../engine/over-stores.ts'
import { gate } from '../engine/processes.ts'

class Square extends Process<typeof Square> {
  static override define(spec: ProcessSpec) {
    return spec
      .input('n', { schema: { type: 'integer' } })
      .input('by', { schema: { type: 'integer' }, default: 1 })
      .returns({ schema: { type: 'integer' } })
  }
  override run() {
    const { n, by } = this.inputs
    if (n === 7) throw new Error('seven')
    if (n < 0) return new UnsuccessfulResult(n)
    this.print(`square of ${n}`)
    return n ** 2 * by
  }
}

/** Has no result but outputs, and passes a gate. */
class Emits extends Process<typeof Emits> {
  static override define(spec: ProcessSpec) {
    return spec.input('n').output('n')
  }
  override async run(): Promise<void> {
    await gate(`item ${String(this.inputs.n)}`).pass()
    await this.effect('once', ({ idempotencyKey }) => keys.push(idempotencyKey))
    this.out('n', this.inputs.n)
  }
}
const keys: string[] = []

class Asks extends Process<typeof Asks> {
  static override define(spec: ProcessSpec) {
    return spec.input('n').signal('answer')
  }
}

/** Launches a group in chunks, and gives what is known of it. */
class Parent extends Process<typeof Parent> {
  static override define(spec: ProcessSpec) {
    return spec.returns({})
  }
  override async run(): Promise<unknown> {
    const group = await this.map(Square, { n: each([1, 2, 3]) }, { chunkSize: 2 })
    const results = await group.result()
    return [results, group.length, group.pids.length, group.split().map(({ length }) => length)]
  }
}

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, n) => ({ n: from + n }))

overEachStore((over) => {
  it('a chunk of inputs runs as one process, and the group counts items', async () => {
    const engine = await over().engine([Square], { concurrency: 2 })
    const group = await engine.launchAll(Square, numbers(5), { chunkSize: 2 })
    expect(await group.result()).toEqual([0, 1, 4, 9, 16])
    expect(group.length).toBe(5)
    expect(group.pids).toHaveLength(3)
    expect(group.progress).toMatchObject({ completed: 5, total: 5, byState: { finished: 5 } })
    expect(group.statuses).toHaveLength(3)
    expect(group.statuses[2]).toMatchObject({ successful: true, progress: { done: 1, total: 1 } })
    expect(
      (await group.outcomes()).map((outcome) => outcome.status === 'fulfilled' && outcome.value),
    ).toEqual([0, 1, 4, 9, 16])
    expect(group.results()).toEqual([0, 1, 4, 9, 16])
    const values: number[] = []
    for await (const value of group) values.push(value)
    expect(values).toEqual([0, 1, 4, 9, 16])
    expect(await (await engine.launchAll(Square, [], { chunkSize: 3 })).result()).toEqual([])
    const texts: string[] = []
    for await (const { text } of group.logs()) texts.push(text)
    expect(texts).toEqual([0, 1, 2, 3, 4].map((n) => `square of ${n}\n`))
    const { processes } = await engine.list()
    expect(processes.map(({ name }) => name)).toEqual(['Square[]', 'Square[]', 'Square[]'])
    expect((await engine.engines())[0]?.classes).toEqual(['Square'])
  })

  it('map in chunks takes columns, constants and handles', async () => {
    const engine = await over().engine([Square])
    const three = await engine.launch(Square, { n: 3 })
    const group = await engine.map(Square, { n: each([1, three, 2]), by: 10 }, { chunkSize: 2 })
    expect(await group.result()).toEqual([10, 810, 40])
    const next = await engine.map(Square, { n: each(group) }, { chunkSize: 2 })
    expect(await next.result()).toEqual([100, 656_100, 1600])
  })

  it('split gives the chunks, and parts are whole chunks', async () => {
    const engine = await over().engine([Square])
    const group = await engine.launchAll(Square, numbers(5), { chunkSize: 2 })
    const [first, , last] = group.split()
    expect(await first?.result()).toEqual([0, 1])
    expect(await last?.result()).toEqual([16])
    expect(last).toHaveLength(1)
    expect(await group.slice(2).result()).toEqual([4, 9, 16])
    expect(await group.slice(-1).result()).toEqual([16])
    expect(group.slice(1, 1)).toHaveLength(0)
    expect(() => group.slice(1)).toThrow('item 1 is within a chunk, which is one process: slice at 0 or 2')
    expect(group.at(-1)?.pid).toBe(group.pids[2])
    expect(group.at(3)?.pid).toBe(group.pids[1])
    expect(group.at(5)).toBeUndefined()
    const plain = await engine.launchAll(Square, numbers(2, 10))
    const joined = joinGroups(plain, group)
    expect(joined).toHaveLength(7)
    expect(await joined.result()).toEqual([100, 121, 0, 1, 4, 9, 16])
  })

  it('a chunk that fails gives one error', async () => {
    const engine = await over().engine([Square])
    const group = await engine.launchAll(Square, numbers(6, 4), { chunkSize: 2 })
    const results = await group.result({ raiseOnFailure: false })
    expect(results).toEqual([16, 25, expect.any(ProcessExcepted), 64, 81])
    const error = results[2] as ProcessExcepted
    expect(error.message).toContain('seven')
    expect(error.pid).toBe(group.pids[1])
    expect(group.statuses[1]).toMatchObject({ progress: { done: 1, total: 2 } })
    expect(group.results()).toEqual([16, 25, null, null, 64, 81])
    expect(await group.outcomes()).toHaveLength(5)
    const all = await group.result({ returnWhen: 'all' }).catch((thrown: unknown) => thrown)
    expect((all as GroupError).errors).toHaveLength(1)
    const values: unknown[] = []
    for await (const value of group.values({ raiseOnFailure: false })) values.push(value)
    expect(values).toEqual(results)
  })

  it('an item without success makes its chunk unsuccessful, and gives its result', async () => {
    const engine = await over().engine([Square])
    const group = await engine.launchAll(Square, [{ n: 2 }, { n: -1 }], { chunkSize: 2 })
    expect(await group.result()).toEqual([4, -1])
    expect(group.successful()).toBe(false)
  })

  it('another program finds a group of chunks by its name and by its file', async () => {
    const client = await over().client([Square])
    const group = await client.launchAll(Square, numbers(5), { group: 'squares', chunkSize: 2 })
    const engine = await over().engine([Square])
    const opened = await engine.openGroup<number>({ name: 'squares' })
    expect(opened).toHaveLength(5)
    expect(await opened.result()).toEqual([0, 1, 4, 9, 16])
    const again = await client.launchAll(Square, numbers(5), { group: 'squares', chunkSize: 2 })
    expect(again.pids).toEqual(group.pids)
    expect(again).toHaveLength(5)
    const other = client.launchAll(Square, numbers(5), { group: 'squares', chunkSize: 3 })
    await expect(other).rejects.toThrow(KeyConflictError)
    const folder = await mkdtemp(join(tmpdir(), 'damson-chunks-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const path = await group.save(join(folder, 'squares.json'))
    const fromFile = await engine.openGroup<number>(path)
    expect(fromFile).toHaveLength(5)
    expect(await fromFile.result()).toEqual([0, 1, 4, 9, 16])
  })

  it('a launch by name is checked, and runs in chunks', async () => {
    await over().engine([Square, Asks])
    const client = await over().client()
    const group = await client.map('Square', { n: each([1, 2, 3]) }, { chunkSize: 2 })
    expect(await group.result()).toEqual([1, 4, 9])
    const wrong = client.launchAll('Square', [{ n: 1 }, { n: 'two' }], { chunkSize: 2 })
    await expect(wrong).rejects.toThrow('inputs.items[1].n')
    await expect(client.launchAll('Asks', numbers(2), { chunkSize: 2 })).rejects.toThrow(
      "processes of the class Asks can't run in chunks, since it declares the signal answer",
    )
  })

  it('what does not fit is refused before it is launched', async () => {
    const client = await over().client([Square, Asks])
    const wrong = [...numbers(3), { n: 'four' as unknown as number }]
    const error = await client
      .launchAll(Square, wrong, { group: 'wrong', chunkSize: 2 })
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(GroupLaunchError)
    expect(error).toMatchObject({ position: 2, launched: 1 })
    expect((error as Error).message).toContain('the inputs from position 2 of the group "wrong"')
    expect((error as Error).message).toContain('the inputs at position 1 of the chunk do not fit')
    await expect(client.launchAll(Asks, numbers(2), { chunkSize: 2 })).rejects.toThrow(SpecError)
    for (const chunkSize of [0, 1.5, Number.NaN, -1])
      await expect(client.launchAll(Square, numbers(2), { chunkSize })).rejects.toThrow(RangeError)
    const options = { chunkSize: 2 } as object
    expect(() => client.imap(Square, numbers(2), options)).toThrow('imap launches as results are taken')
  })

  it('an item has its outputs as its result, and its effects have the same keys when the chunk runs again', async () => {
    keys.length = 0
    const first = await over().engine([Emits])
    const group = await first.launchAll(Emits, numbers(2), { chunkSize: 2 })
    gate('item 0').open()
    await gate('item 1').reached
    await first.close({ drain: 0 })
    gate('item 1').open()
    const second = await over().engine([Emits])
    expect(await second.group(group.pids).result()).toEqual([[{ n: 0 }, { n: 1 }]])
    expect(keys).toHaveLength(3)
    expect(keys[1]).toBe(keys[0])
    expect(keys[2]).not.toBe(keys[0])
  })

  it('a kill reaches the item that runs', async () => {
    const { store } = over()
    const engine = await over().engine([Emits])
    const group = await engine.launchAll(Emits, numbers(2), { chunkSize: 2 })
    await gate('item 0').reached
    await group.kill('enough', { force: true })
    await expect(group.result()).rejects.toThrow(ProcessKilled)
    await untilRow(store, group.pids[0] as string, ({ state }) => state === 'killed')
  })

  it('a step launches chunks, in an engine as in memory', async () => {
    const engine = await over().engine([Parent, Square])
    const expected = [[1, 4, 9], 3, 2, [2, 1]]
    expect(await (await engine.launch(Parent)).result()).toEqual(expected)
    const inMemory = new Parent()
    await inMemory.execute()
    expect(inMemory.result()).toEqual(expected)
  })
})
