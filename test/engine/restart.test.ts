import { describe, expect, test } from 'vitest'
import {
  CheckpointNotFound,
  Continue,
  InvalidStateError,
  Process,
  ProcessLost,
  Wait,
  WorkChain,
  type ProcessHandle,
  type ProcessSpec,
  type Settled,
  type WorkChainSpec,
} from '../../src/index.ts'
import { overEachStore, untilRow, untilWaiting } from './over-stores.ts'
import { Add } from './processes.ts'

/** The outside world; it fails the given number of times. */
interface World {
  failures: number
  paid: string[]
  asked: number
}
const worlds = new Map<string, World>()
let made = 0
function aWorld(failures: number): string {
  const name = `world ${++made}`
  worlds.set(name, { failures, paid: [], asked: 0 })
  return name
}
const worldOf = (name: string): World => worlds.get(name) as World

class Order extends Process<typeof Order> {
  declare ctx: { prepared?: number; shipped?: boolean }
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('world', { schema: { type: 'string' } })
      .input('amount', { schema: { type: 'number' }, default: 3 })
      .output('price', { schema: { type: 'number' } })
      .output('receipt', { schema: { type: 'string' } })
  }
  override run(): unknown {
    worldOf(this.inputs.world).asked++
    this.ctx.prepared = (this.ctx.prepared ?? 0) + 1
    this.out('price', this.inputs.amount * 2)
    return new Continue(this.ship)
  }
  async ship(): Promise<unknown> {
    const world = worldOf(this.inputs.world)
    const receipt = await this.effect('pay', ({ idempotencyKey }) => {
      world.paid.push(idempotencyKey)
      return `receipt ${world.paid.length}`
    })
    await this.checkpoint('paid')
    this.ctx.shipped = true
    if (world.failures-- > 0) throw new Error('the lorry broke down')
    await this.effect('ship', ({ idempotencyKey }) => world.paid.push(idempotencyKey))
    this.out('receipt', receipt)
    return this.ctx.prepared
  }
}

class Moody extends Process<typeof Moody> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('world', { schema: { type: 'string' } })
  }
  override run(): unknown {
    const world = worldOf(this.inputs.world)
    world.asked++
    if (world.failures-- > 0) throw new Error('moody')
    return 'well'
  }
}

class Asleep extends Process<typeof Asleep> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.signal('wake')
  }
  override run(): unknown {
    return new Wait(this.end, { receive: 'wake', for: '3d', message: 'asleep' })
  }
  end(value: unknown): unknown {
    return value
  }
}

overEachStore((over) => {
  const ended = async (handle: ProcessHandle): Promise<ProcessHandle> => {
    await handle.wait()
    return handle
  }

  test('a restart goes on from the step that failed, with what it had, and pays nothing twice', async () => {
    const world = aWorld(1)
    const engine = await over().engine([Order])
    const failed = await ended(
      await engine.launch(Order, { world, amount: 4 }, { key: 'one', label: 'urgent' }),
    )
    expect(failed.state.label).toBe('excepted')
    const again = await engine.restart(failed.pid)
    expect(again.pid).not.toBe(failed.pid)
    expect(await again.result()).toBe(1)
    expect(await again.outputs.all()).toEqual({ price: 8, receipt: 'receipt 1' })
    expect(worldOf(world)).toMatchObject({ asked: 1 })
    // Its effects have the keys that they would have had.
    expect(worldOf(world).paid.map((key) => key.split('/')[0])).toEqual([failed.pid, failed.pid])
    const [shown] = (await engine.list({ text: again.pid })).processes
    expect(shown).toMatchObject({
      origin: { pid: failed.pid, kind: 'restart' },
      label: 'urgent',
      key: null,
      parent: null,
    })
    expect((await again.history())[0]).toMatchObject({ name: 'created', data: { restarted: failed.pid } })
    expect(await again.explain()).toContain(`it was restarted from ${failed.pid}`)
    // The old failure is kept as it was.
    expect(await failed.refresh()).toMatchObject({ label: 'excepted', message: 'the lorry broke down' })
  })

  test('a restarted process that fails again is restarted again, from the first step of all', async () => {
    const world = aWorld(2)
    const engine = await over().engine([Order])
    const first = await ended(await engine.launch(Order, { world }))
    const second = await ended(await engine.restart(first.pid))
    expect(second.state.label).toBe('excepted')
    const third = await engine.restart(second.pid)
    expect(await third.result()).toBe(1)
    expect(worldOf(world).paid.map((key) => key.split('/')[0])).toEqual([first.pid, first.pid])
    // Restarting twice makes two processes.
    expect((await engine.restart(second.pid)).pid).not.toBe(third.pid)
  })

  test('retry restarts what ended unsuccessfully', async () => {
    const engine = await over().engine([Order])
    const failed = await ended(await engine.launch(Order, { world: aWorld(1) }))
    const again = await engine.retry(failed.pid)
    expect(again).not.toBe(failed)
    expect(await again.result()).toBe(1)
    const other = await ended(await engine.launch(Order, { world: aWorld(1) }))
    expect(await other.retry()).toBe(true)
    const rows = (await over().store.list({ className: 'Order' })).rows
    expect(rows.find(({ origin }) => origin?.pid === other.pid)).toBeDefined()
  })

  test('a client restarts with no engine alive, and an engine goes on', async () => {
    const world = aWorld(1)
    const engine = await over().engine([Order])
    const { pid } = await ended(await engine.launch(Order, { world }))
    await engine.close()
    const client = await over().client()
    const again = await client.restart(pid)
    expect(await again.refresh()).toMatchObject({ label: 'running', reason: 'queued' })
    await over().engine([Order])
    expect(await again.result()).toBe(1)
    expect(worldOf(world).paid).toHaveLength(2)
  })

  test('a restart from a tagged checkpoint has what was there then, also of a process that did well', async () => {
    const world = aWorld(0)
    const engine = await over().engine([Order])
    const well = await ended(await engine.launch(Order, { world }))
    expect(await engine.checkpoints(well.pid)).toContainEqual({ pid: well.pid, tag: 'paid' })
    const again = await engine.restart(well.pid, { from: 'paid' })
    expect(await again.outputs.all()).toEqual({ price: 6, receipt: 'receipt 1' })
    // What it had paid by then it has not paid again; what came later it has done again, with the same key.
    const { paid } = worldOf(world)
    expect(paid).toHaveLength(3)
    expect(new Set(paid).size).toBe(2)
  })

  test('what cannot be restarted says why', async () => {
    const engine = await over().engine([Order, Asleep])
    const well = await ended(await engine.launch(Order, { world: aWorld(0) }))
    const alive = await engine.launch(Asleep)
    await untilWaiting(over().store, alive.pid)
    await expect(engine.restart(alive.pid)).rejects.toBeInstanceOf(InvalidStateError)
    await expect(engine.resubmit(alive.pid)).rejects.toBeInstanceOf(InvalidStateError)
    await expect(engine.restart('nobody')).rejects.toBeInstanceOf(ProcessLost)
    const none = await engine.restart(well.pid).catch((error: unknown) => error)
    expect(none).toBeInstanceOf(CheckpointNotFound)
    expect((none as Error).message).toContain('finished successfully, and keeps no checkpoint')
    const unknown = await engine.restart(well.pid, { from: 'shipped' }).catch((error: unknown) => error)
    expect(unknown).toBeInstanceOf(CheckpointNotFound)
    expect((unknown as Error).message).toContain('it has kept paid')
  })

  test('a process that was killed while it waited waits again for the same', async () => {
    const { clock } = over()
    const engine = await over().engine([Asleep])
    const handles = [await engine.launch(Asleep), await engine.launch(Asleep)]
    for (const { pid } of handles) {
      await untilWaiting(over().store, pid)
      await engine.handle(pid).kill()
    }
    const [one, other] = await Promise.all(handles.map(({ pid }) => engine.restart(pid)))
    expect(await one?.refresh()).toMatchObject({ label: 'waiting', reason: 'signal' })
    await one?.signal('wake', 'up')
    expect(await one?.result()).toBe('up')
    await clock.advance('3d')
    expect((await other?.wait())?.label).toBe('finished')
  })

  test('a process that never ran is restarted as it was, and one that backs off runs at once', async () => {
    const client = await over().client([Add])
    const unborn = await client.launch(Add, { a: 1 }, { delay: '1d' })
    const unchecked = await client.launch('Moody', { world: aWorld(0) })
    const failing = await client.launch('Moody', { world: aWorld(1) }, { retry: 3 })
    await unborn.kill()
    await unchecked.kill()
    const engine = await over().engine([Add, Moody])
    await untilRow(over().store, failing.pid, ({ state }) => state === 'waiting')
    await failing.kill()
    expect(await (await engine.restart(unborn.pid)).result()).toEqual({ sum: 2 })
    expect(await (await engine.restart(unchecked.pid)).result()).toBe('well')
    expect(await (await engine.restart(failing.pid)).result()).toBe('well')
  })

  test('a restarted step finds the children that did well, and launches anew those that did not', async () => {
    class Family extends Process<typeof Family> {
      static override define(spec: ProcessSpec) {
        super.define(spec)
        return spec.input('world', { schema: { type: 'string' } })
      }
      override async run(): Promise<unknown> {
        const add = await this.launch(Add, { a: 1 })
        const moody = await this.launch(Moody, { world: this.inputs.world })
        return [await add.result(), await moody.result(), add.pid]
      }
    }
    const world = aWorld(2)
    const engine = await over().engine([Family, Moody, Add])
    const failed = await ended(await engine.launch(Family, { world }))
    expect(failed.state.label).toBe('excepted')
    const second = await ended(await engine.restart(failed.pid))
    expect(second.state.label).toBe('excepted')
    const third = await engine.restart(second.pid)
    const [sum, mood, add] = (await third.result()) as readonly unknown[]
    expect([sum, mood]).toEqual([{ sum: 2 }, 'well'])
    expect((await over().store.read(add as string))?.parent).toBe(failed.pid)
    expect((await over().store.list({ className: 'Add' })).rows).toHaveLength(1)
    expect((await over().store.list({ className: 'Moody' })).rows).toHaveLength(3)
  })

  describe('a restarted step that does not launch again what it launched before', () => {
    class Chooser extends Process<typeof Chooser> {
      static override define(spec: ProcessSpec) {
        super.define(spec)
        return spec.input('world', { schema: { type: 'string' } })
      }
      override async run(): Promise<unknown> {
        const world = worldOf(this.inputs.world)
        const add = await this.launch(Add, { a: 7 })
        if (world.asked++ !== 1) await this.launch(Asleep)
        await this.checkpoint('launched')
        if (world.failures-- > 0) throw new Error('on purpose')
        return (await add.outputs.all()).sum
      }
    }

    test.each([undefined, 'launched'])(
      'is paused, and names the child that lives; from: %s',
      async (from) => {
        const engine = await over().engine([Chooser, Add, Asleep])
        const failed = await ended(await engine.launch(Chooser, { world: aWorld(1) }))
        const [child] = (await over().store.list({ parent: failed.pid, className: 'Asleep' })).rows
        const again = await engine.restart(failed.pid, { from })
        const { paused } = await untilRow(
          over().store,
          again.pid,
          (row) => row.paused !== null || row.endedAt !== null,
        )
        expect(paused?.message ?? 'it is not paused').toMatch(
          new RegExp(
            `the step Chooser\\.run has launched Asleep ${child?.pid} before, and has not launched it`,
          ),
        )
        expect((await over().store.read(child?.pid as string))?.endedAt).toBeNull()
        // It launches the same children again.
        expect(await again.play()).toBe(true)
        expect(await again.result()).toBe(8)
        expect((await over().store.list({ className: 'Asleep' })).rows).toHaveLength(1)
        expect((await over().store.list({ className: 'Add' })).rows).toHaveLength(1)
      },
    )

    test('goes on without a child that was killed or pruned', async () => {
      const engine = await over().engine([Chooser, Add, Asleep])
      for (const prunes of [false, true]) {
        const failed = await ended(await engine.launch(Chooser, { world: aWorld(1) }))
        const [child] = (await over().store.list({ parent: failed.pid, className: 'Asleep' })).rows
        await engine.handle(child?.pid as string).kill()
        if (prunes) await engine.prune({ className: 'Asleep' })
        expect(await (await engine.restart(failed.pid)).result()).toBe(8)
      }
    })
  })

  test('the children that a process waited for and that failed are restarted with it', async () => {
    class Waiting extends Process<typeof Waiting> {
      static override define(spec: ProcessSpec) {
        super.define(spec)
        return spec.input('world', { schema: { type: 'string' } })
      }
      override async run(): Promise<unknown> {
        const add = await this.launch(Add, { a: 1 })
        const moody = await this.launch(Moody, { world: this.inputs.world })
        return new Wait(this.end, { on: { add, moody } })
      }
      async end(ends: Readonly<Record<'add' | 'moody', Settled<unknown>>>): Promise<unknown> {
        await this.effect('once', ({ idempotencyKey }) =>
          worldOf(this.inputs.world).paid.push(idempotencyKey),
        )
        if (ends.moody.status === 'rejected') throw ends.moody.reason
        return ends.moody.value
      }
    }
    const world = aWorld(1)
    const engine = await over().engine([Waiting, Moody, Add], { concurrency: 1 })
    const failed = await ended(await engine.launch(Waiting, { world }))
    expect(failed.state.label).toBe('excepted')
    const again = await engine.restart(failed.pid)
    expect(await again.result()).toBe('well')
    const children = (await over().store.list({ parent: again.pid })).rows
    expect(children.map(({ className, origin }) => [className, origin?.kind])).toEqual([['Moody', 'restart']])
    expect(worldOf(world).paid).toHaveLength(1)
  })

  test('a tree that was killed while its parent waited is restarted as a tree', async () => {
    class Above extends Process<typeof Above> {
      override async run(): Promise<unknown> {
        return new Wait(this.end, { on: await this.launch(Asleep) })
      }
      end(end: Settled<unknown>): unknown {
        return end.status === 'fulfilled' ? end.value : end.reason.name
      }
    }
    const engine = await over().engine([Above, Asleep])
    const handle = await engine.launch(Above)
    await untilWaiting(over().store, handle.pid)
    const child = (await over().store.list({ parent: handle.pid })).rows[0]?.pid as string
    await untilWaiting(over().store, child)
    await handle.kill('by mistake')
    const again = await engine.restart(handle.pid)
    const fresh = (await over().store.list({ parent: again.pid })).rows[0]
    expect(fresh).toMatchObject({ state: 'waiting', origin: { pid: child, kind: 'restart' } })
    expect(again.done).toBe(false)
    await engine.handle(fresh?.pid as string).signal('wake', 'awake')
    expect(await again.result()).toBe('awake')
  })

  test('a work chain is restarted at its position, with the results that it had', async () => {
    class Chain extends WorkChain<typeof Chain> {
      declare ctx: { add?: { sum: number }; mood?: string; begun?: number }
      static override define(spec: WorkChainSpec) {
        super.define(spec)
        return spec
          .input('world', { schema: { type: 'string' } })
          .output('sum', { schema: { type: 'number' } })
          .outline(this.prototype.begin, this.prototype.ask, this.prototype.end)
      }
      async begin(): Promise<unknown> {
        this.ctx.begun = (this.ctx.begun ?? 0) + 1
        return this.toContext({ add: await this.launch(Add, { a: 1 }) })
      }
      async ask(): Promise<unknown> {
        return this.toContext({ mood: await this.launch(Moody, { world: this.inputs.world }) })
      }
      end(): void {
        this.out('sum', (this.ctx.add?.sum ?? 0) * 10 + (this.ctx.begun ?? 0))
      }
    }
    const world = aWorld(1)
    const engine = await over().engine([Chain, Moody, Add], { concurrency: 1 })
    const failed = await ended(await engine.launch(Chain, { world }))
    expect(failed.state.label).toBe('excepted')
    const again = await engine.restart(failed.pid)
    expect(await again.outputs.all()).toEqual({ sum: 21 })
    expect((await over().store.list({ className: 'Add' })).rows).toHaveLength(1)
  })

  test('a restarted child stays with its parent as long as that lives', async () => {
    class Keeper extends Process<typeof Keeper> {
      static override define(spec: ProcessSpec) {
        super.define(spec)
        return spec.input('world', { schema: { type: 'string' } })
      }
      override async run(): Promise<unknown> {
        await this.launch(Moody, { world: this.inputs.world })
        return new Wait()
      }
    }
    const engine = await over().engine([Keeper, Moody])
    const keeper = await engine.launch(Keeper, { world: aWorld(1) })
    await untilWaiting(over().store, keeper.pid)
    const child = (await over().store.list({ parent: keeper.pid })).rows[0]?.pid as string
    await engine.handle(child).wait()
    expect((await over().store.read((await engine.restart(child)).pid))?.parent).toBe(keeper.pid)
    await keeper.kill()
    expect((await over().store.read((await engine.restart(child)).pid))?.parent).toBeNull()
  })

  describe('of two restarts from one process', () => {
    /** Launches a child before its checkpoint and one after it, and fails as often as its world says. */
    class Forked extends Process<typeof Forked> {
      static override define(spec: ProcessSpec) {
        super.define(spec)
        return spec.input('world', { schema: { type: 'string' } })
      }
      override async run(): Promise<unknown> {
        const world = worldOf(this.inputs.world)
        const early = await this.launch(Add, { a: 100 })
        await early.result()
        await this.checkpoint('early')
        const rolled = await this.effect('roll', () => ++world.asked)
        const late = await this.launch(Add, { a: rolled })
        return [early.pid, late.pid, await late.result()]
      }
    }

    /** Goes on only with its child, which goes on without it. */
    class Guard extends Process<typeof Guard> {
      static override define(spec: ProcessSpec) {
        super.define(spec)
        return spec.input('world', { schema: { type: 'string' } })
      }
      override async run(): Promise<unknown> {
        const child = await this.launch(Asleep)
        const world = worldOf(this.inputs.world)
        if (world.failures-- > 0) throw new Error('no guard')
        return child.result()
      }
    }

    class Above extends Process {
      override async run(): Promise<unknown> {
        return new Wait(this.end, { on: await this.launch(Asleep) })
      }
      end(end: Settled<unknown>): unknown {
        return end.status === 'fulfilled' ? end.value : end.reason.name
      }
    }

    const livingChild = async (parent: string): Promise<string> => {
      const [child] = (await over().store.list({ parent, state: 'waiting' })).rows
      return child?.pid as string
    }

    test('each does anew what came after the checkpoint, and shares what was done before it', async () => {
      const engine = await over().engine([Forked, Add])
      const first = await engine.launch(Forked, { world: aWorld(0) })
      const results = [(await first.result()) as unknown[]]
      for (let time = 0; time < 2; time++) {
        const again = await engine.restart(first.pid, { from: 'early' })
        results.push((await again.result()) as unknown[])
      }
      expect(results.map(([, , late]) => late)).toEqual([{ sum: 2 }, { sum: 3 }, { sum: 4 }])
      expect(new Set(results.map(([early]) => early)).size).toBe(1)
      expect(new Set(results.map(([, late]) => late)).size).toBe(3)
    })

    test('the first takes over the child that lives: pauses and kills reach it (C7)', async () => {
      const engine = await over().engine([Guard, Asleep])
      const failed = await ended(await engine.launch(Guard, { world: aWorld(1) }))
      const child = (await over().store.list({ parent: failed.pid })).rows[0]?.pid as string
      await untilWaiting(over().store, child)
      const again = await engine.restart(failed.pid)
      await untilWaiting(over().store, again.pid)
      expect((await over().store.list({ parent: again.pid })).rows.map(({ pid }) => pid)).toEqual([child])
      expect((await over().store.list({ parent: failed.pid })).rows).toEqual([])
      expect((await engine.history(child)).at(-1)).toMatchObject({
        name: 'adopted',
        data: { parent: again.pid },
      })
      await again.pause('a moment')
      expect(await engine.handle(child).refresh()).toMatchObject({ paused: true, message: 'a moment' })
      await again.play()
      await again.kill('enough')
      expect((await engine.handle(child).wait())?.label).toBe('killed')
    })

    test('the second launches a child of its own', async () => {
      const engine = await over().engine([Guard, Asleep])
      const failed = await ended(await engine.launch(Guard, { world: aWorld(1) }))
      const handles = [await engine.restart(failed.pid), await engine.restart(failed.pid)]
      const children: string[] = []
      for (const [index, { pid }] of handles.entries()) {
        await untilRow(over().store, pid, ({ state, inStep }) => state === 'waiting' && inStep)
        children.push(await livingChild(pid))
        await engine.handle(children.at(-1) as string).signal('wake', index)
      }
      expect(new Set(children).size).toBe(2)
      expect(await Promise.all(handles.map((handle) => handle.result()))).toEqual([0, 1])
    })

    test('the second waits for a child of its own where the state waits for one', async () => {
      const engine = await over().engine([Above, Asleep])
      const { pid } = await engine.launch(Above)
      await untilWaiting(over().store, pid)
      const child = await livingChild(pid)
      await engine.handle(pid).kill('by mistake', { tree: false })
      const handles = [await engine.restart(pid), await engine.restart(pid)]
      expect(await livingChild(handles[0]?.pid as string)).toBe(child)
      const own = (await over().store.list({ parent: handles[1]?.pid as string })).rows[0]
      expect(own).toMatchObject({ className: 'Asleep', origin: { pid: child, kind: 'resubmit' } })
      await untilWaiting(over().store, own?.pid as string)
      await engine.handle(child).signal('wake', 'one')
      await engine.handle(own?.pid as string).signal('wake', 'two')
      expect(await Promise.all(handles.map((handle) => handle.result()))).toEqual(['one', 'two'])
    })

    test('both may be made at the same time: the child goes to one of them', async () => {
      const engine = await over().engine([Guard, Asleep])
      const failed = await ended(await engine.launch(Guard, { world: aWorld(1) }))
      const handles = await Promise.all([engine.restart(failed.pid), engine.restart(failed.pid)])
      for (const { pid } of handles) {
        await untilRow(over().store, pid, ({ state, inStep }) => state === 'waiting' && inStep)
        expect((await over().store.list({ parent: pid })).rows).toHaveLength(1)
      }
    })
  })

  test('a process is resubmitted from its inputs, which are checked anew', async () => {
    const world = aWorld(1)
    const engine = await over().engine([Order])
    const failed = await ended(await engine.launch(Order, { world, amount: 5 }, { key: 'paid' }))
    const again = await engine.resubmit(failed.pid)
    expect(await again.outputs.all()).toEqual({ price: 10, receipt: 'receipt 2' })
    expect(worldOf(world).asked).toBe(2)
    expect((await over().store.read(again.pid))?.origin).toEqual({ pid: failed.pid, kind: 'resubmit' })
    expect((await again.history())[0]).toMatchObject({ data: { resubmitted: failed.pid } })
    const third = await engine.resubmit(again.pid)
    expect((await third.outputs.all()).price).toBe(10)
  })
})
