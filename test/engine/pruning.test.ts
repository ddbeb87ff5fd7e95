import { describe, expect, test } from 'vitest'
import { Engine, Process, type ProcessSpec, type PruneOptions } from '../../src/index.ts'
import { overEachStore } from './over-stores.ts'

class Plain extends Process<typeof Plain> {
  static override define(spec: ProcessSpec) {
    return spec.input('n', { schema: { type: 'number' } })
  }
}

class Monthly extends Process {
  static override readonly prune = { after: '30d' }
}

class Few extends Process<typeof Few> {
  static override readonly prune = { keep: 2 }
  static override define(spec: ProcessSpec) {
    return spec.input('n', { schema: { type: 'number' } })
  }
}

class Unending extends Process {
  static override define(spec: ProcessSpec) {
    return spec.signal('stop')
  }
  override async run() {
    const child = await this.launch(Monthly)
    await this.receive('stop')
    return child.pid
  }
}

overEachStore((over) => {
  async function pids(engine: Engine): Promise<string[]> {
    const { processes } = await engine.list({ limit: 1000 })
    return processes.map(({ pid }) => pid).toReversed()
  }

  async function ended(engine: Engine, count: number, launch: (n: number) => ReturnType<Engine['launch']>) {
    const handles = []
    for (let n = 0; n < count; n++) {
      const handle = await launch(n)
      await handle.wait()
      handles.push(handle.pid)
    }
    return handles
  }

  test('an engine deletes processes as long after their end as their class says', async () => {
    const { clock: time } = over()
    const engine = await over().engine([Monthly, Plain])
    const [old, plain] = [await engine.launch(Monthly), await engine.launch(Plain, { n: 1 })]
    await Promise.all([old.wait(), plain.wait()])
    await time.advance('29d')
    const young = await engine.launch(Monthly)
    await young.wait()
    expect(await pids(engine)).toEqual([old.pid, plain.pid, young.pid])
    await time.advance('2d')
    expect(await pids(engine)).toEqual([plain.pid, young.pid])
  })

  test('an engine keeps as many ended processes of a class as it says, those that were created last', async () => {
    const { clock: time } = over()
    const engine = await over().engine([Few, Plain])
    const few = await ended(engine, 5, (n) => engine.launch(Few, { n }))
    const plain = await ended(engine, 3, (n) => engine.launch(Plain, { n }))
    await time.advance('2m')
    expect(await pids(engine)).toEqual([...few.slice(3), ...plain])
  })

  test('the option of the engine counts for classes that say nothing', async () => {
    const { clock: time } = over()
    const engine = await over().engine([Few, Plain], { prune: { after: '1h', keep: 3 } })
    const few = await ended(engine, 3, (n) => engine.launch(Few, { n }))
    const plain = await ended(engine, 5, (n) => engine.launch(Plain, { n }))
    await time.advance('2m')
    expect(await pids(engine)).toEqual([...few.slice(1), ...plain.slice(2)])
    await time.advance('1h')
    expect(await pids(engine)).toEqual(few.slice(1))
  })

  test('an engine deletes more than one batch, and nothing that has not ended', async () => {
    const { clock: time } = over()
    const engine = await over().engine([Few])
    const delayed = await engine.launch(Few, { n: -1 }, { delay: '1d' })
    await Promise.all(Array.from({ length: 350 }, async (_, n) => (await engine.launch(Few, { n })).wait()))
    await time.advance('2m')
    expect(await engine.count()).toMatchObject({ created: 1, finished: 2 })
    expect((await delayed.refresh()).label).toBe('created')
  })

  test('a child is kept until its parent has ended, since a step of the parent may need it again (C2)', async () => {
    const { clock: time } = over()
    const engine = await over().engine([Unending, Monthly])
    const parent = await engine.launch(Unending)
    await expect.poll(() => engine.count({ className: 'Monthly' })).toMatchObject({ finished: 1 })
    const [, child] = await pids(engine)
    await time.advance('40d')
    expect(await pids(engine)).toEqual([parent.pid, child])
    expect(await engine.prune({ className: 'Monthly' })).toBe(0)
    await parent.signal('stop')
    expect(await parent.result()).toBe(child)
    await time.advance('2m')
    expect(await pids(engine)).toEqual([parent.pid])
  })
})

describe('a wrong policy is refused', () => {
  test.each([
    [{}, 'names no limit'],
    [{ after: 'soon' }, 'is not a duration'],
    [{ keep: -1 }, 'takes a whole number from 0'],
    [{ keep: 1.5 }, 'takes a whole number from 0'],
    [{ older: '30d' }, 'unknown option "older"'],
  ])('%o, of the engine and of a class', async (prune, message) => {
    await expect(
      Engine.open({ store: ':memory:', processes: [Plain], prune: prune as PruneOptions }),
    ).rejects.toThrow(message)
    class Wrong extends Process {
      static override readonly prune = prune as PruneOptions
    }
    await expect(Engine.open({ store: ':memory:', processes: [Wrong] })).rejects.toThrow(message)
  })
})
