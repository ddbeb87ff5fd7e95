import { expect, test } from 'vitest'
import {
  Continue,
  Process,
  ProcessKilled,
  ProcessLost,
  quote,
  Wait,
  type ProcessHandle,
  type ProcessSpec,
  type Settled,
  type Wake,
} from '../../src/index.ts'
import { formerChildPid } from '../../src/client/launch/child-pid.ts'
import { overEachStore, untilRow, untilWaiting } from './over-stores.ts'
import { Add, Failing, gate, Gated } from './processes.ts'

/** Waits for a resume. */
class Leaf extends Process<typeof Leaf> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.returns({})
  }
  override run(): unknown {
    return new Wait(this.end)
  }
  end(value: unknown): unknown {
    return value
  }
}

/** Launches leaves and waits for them, by a command or within its step. */
class Branch extends Process<typeof Branch> {
  declare ctx: { leaves: ProcessHandle[] }
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('leaves', { schema: { type: 'integer' }, default: 2 })
      .input('any', { schema: { type: 'boolean' }, default: false })
      .input('within', { schema: { type: 'boolean' }, default: false })
      .input('gate', { schema: { type: 'string' }, required: false })
      .input('abandon', { schema: { type: 'boolean' }, default: false })
  }
  override async run(): Promise<unknown> {
    const { leaves, gate: name, within, any, abandon } = this.inputs
    this.ctx.leaves = []
    for (let index = 0; index < leaves; index++) {
      if (index === 1 && name !== undefined) await gate(name).pass()
      this.ctx.leaves.push(await this.launch(Leaf, {}, { abandon, label: `leaf ${index}` }))
    }
    if (within) return this.join('leaves', this.ctx.leaves)
    return new Wait(this.gather, { on: this.ctx.leaves, any, message: 'waiting for the leaves' })
  }
  gather(ends: readonly (Settled<unknown> | undefined)[], wake: Wake): unknown {
    return {
      by: wake.by,
      ends: ends.map((end) => end && (end.status === 'fulfilled' ? end.value : end.reason.name)),
    }
  }
}

/** Launches the next level, down to the last one, and waits for it in one of several ways. */
class Level extends Process<typeof Level> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('left', { schema: { type: 'integer' } })
      .input('how', { schema: { enum: ['command', 'join', 'handle'] } })
  }
  override async run(): Promise<unknown> {
    const { left, how } = this.inputs
    if (left === 0) return 0
    const below = await this.launch(Level, { left: left - 1, how })
    if (how === 'command') return new Wait(this.up, { on: below })
    const result = how === 'join' ? await this.join('below', below) : await below.result()
    return (result as number) + 1
  }
  up(end: Settled<number>): unknown {
    if (end.status === 'rejected') throw end.reason
    return end.value + 1
  }
}

overEachStore((over) => {
  const leavesOf = async (branch: ProcessHandle): Promise<readonly string[]> =>
    (await over().store.list({ parent: branch.pid })).rows
      .toSorted((one, other) => String(one.label).localeCompare(String(other.label)))
      .map(({ pid }) => pid)

  const grown = async (inputs: object, leaves = 2) => {
    const engine = await over().engine([Branch, Leaf])
    const branch = await engine.launch(Branch, inputs)
    await untilWaiting(over().store, branch.pid)
    const pids = await leavesOf(branch)
    expect(pids).toHaveLength(leaves)
    for (const pid of pids) await untilWaiting(over().store, pid)
    return { engine, branch, pids }
  }

  test('a parent waits for all its children without a slot, and is given how they ended', async () => {
    const { engine, branch, pids } = await grown({ leaves: 3 }, 3)
    expect(await branch.refresh()).toMatchObject({ label: 'waiting', reason: 'children' })
    const words = await branch.explain()
    expect(words).toContain('it waits for these to end (waiting for the leaves)')
    for (const pid of pids) expect(words).toContain(`it waits for Leaf ${pid}, which is waiting`)
    await engine.handle(pids[2] as string).resume('c')
    await engine.handle(pids[0] as string).resume('a')
    await engine.handle(pids[1] as string).kill('cut')
    expect(await branch.result()).toEqual({ by: 'handles', ends: ['a', 'ProcessKilled', 'c'] })
  })

  test('the first child that ends is enough where that is said', async () => {
    const { engine, branch, pids } = await grown({ any: true })
    await engine.handle(pids[1] as string).resume('first')
    expect(await branch.result()).toEqual({ by: 'handles', ends: [undefined, 'first'] })
  })

  test('C8: children that ended while no engine ran have ended all the same', async () => {
    const { engine, branch, pids } = await grown({})
    await engine.close()
    const client = await over().client()
    for (const pid of pids) await client.handle(pid).kill()
    await over().engine([Branch, Leaf])
    expect(await client.handle(branch.pid).result()).toMatchObject({
      ends: ['ProcessKilled', 'ProcessKilled'],
    })
  })

  test('C8: a child that ended before it is waited for has ended, and one that is gone counts as lost', async () => {
    class Late extends Process<typeof Late> {
      override async run(): Promise<unknown> {
        const child = await this.launch(Add, { a: 1 })
        await child.wait()
        return new Continue(this.wait, child)
      }
      wait(child: ProcessHandle): unknown {
        return new Wait(this.end, { on: { child, gone: engine.handle('gone') } })
      }
      end(ends: { child: Settled<unknown>; gone: Settled<unknown> }): unknown {
        return [ends.child.status, ends.gone.status === 'rejected' && ends.gone.reason instanceof ProcessLost]
      }
    }
    const engine = await over().engine([Late, Add])
    expect(await (await engine.launch(Late)).result()).toEqual(['fulfilled', true])
  })

  test('a join within a step gives the results, and fails as the first child that failed', async () => {
    const well = await grown({ within: true })
    expect(await well.branch.refresh()).toMatchObject({
      reason: 'children',
      message: expect.stringContaining('leaves'),
    })
    for (const pid of well.pids) await well.engine.handle(pid).resume(pid)
    expect(await well.branch.result()).toEqual(well.pids)
    const ill = await well.engine.launch(Branch, { within: true })
    await untilWaiting(over().store, ill.pid)
    await well.engine.handle((await leavesOf(ill))[1] as string).kill('cut')
    const error = await ill.result({ raiseOnFailure: false })
    expect((error as Error).cause).toBeInstanceOf(ProcessKilled)
  })

  test('a paused child keeps its parent waiting, and explain says so', async () => {
    const { engine, branch, pids } = await grown({})
    await engine.handle(pids[0] as string).pause('out for lunch')
    expect(await branch.explain()).toContain(
      `it waits for Leaf ${pids[0]}, which is paused (out for lunch): play it`,
    )
    for (const pid of pids) await engine.handle(pid).resume(1)
    await over().clock.quiet()
    expect(branch.done).toBe(false)
    await engine.handle(pids[0] as string).play()
    expect(await branch.result()).toMatchObject({ ends: [1, 1] })
  })

  test.each(['command', 'join', 'handle'])('with one slot five levels finish: %s', async (how) => {
    const engine = await over().engine([Level], { concurrency: 1 })
    const handle = await engine.launch(Level, { left: 5, how: how as 'join' })
    expect(await handle.result()).toBe(5)
  })

  test('C7: a kill reaches the whole tree, also where no engine runs', async () => {
    const { engine, branch, pids } = await grown({})
    await engine.close()
    const client = await over().client()
    expect(await client.handle(branch.pid).kill('felled')).toBe(true)
    for (const pid of [branch.pid, ...pids])
      expect(await over().store.read(pid)).toMatchObject({ state: 'killed', message: 'felled' })
  })

  test('C7: a kill reaches steps that run below', async () => {
    class Root extends Process<typeof Root> {
      override async run(): Promise<unknown> {
        return new Wait(undefined, { on: await this.launch(Gated, { gate: 'below' }) })
      }
    }
    const engine = await over().engine([Root, Gated], { killGrace: '10s' })
    const root = await engine.launch(Root)
    await gate('below').reached
    await untilWaiting(over().store, root.pid)
    await root.kill('all of it')
    const child = (await leavesOf(root))[0] as string
    expect(await over().store.read(child)).toMatchObject({
      state: 'running',
      killRequested: { message: 'all of it' },
    })
    await over().clock.advance('10s')
    await expect(engine.handle(child).result()).rejects.toBeInstanceOf(ProcessKilled)
  })

  test('C7: pause and play reach the whole tree, and `tree: false` one process alone', async () => {
    const { branch, pids } = await grown({})
    const paused = async (): Promise<readonly boolean[]> =>
      Promise.all([branch.pid, ...pids].map(async (pid) => (await over().store.read(pid))?.paused !== null))
    await branch.pause('night')
    expect(await paused()).toEqual([true, true, true])
    await branch.play({ tree: false })
    expect(await paused()).toEqual([false, true, true])
    await branch.pause()
    await branch.play()
    expect(await paused()).toEqual([false, false, false])
    await branch.pause('alone', { tree: false })
    expect(await paused()).toEqual([true, false, false])
  })

  test('C7: with `tree: false` a kill is of one process alone, also of one whose step runs', async () => {
    const { engine, branch, pids } = await grown({ within: true })
    await untilWaiting(over().store, branch.pid)
    await branch.kill('it alone', { tree: false })
    await expect(branch.result()).rejects.toBeInstanceOf(ProcessKilled)
    for (const pid of pids) {
      await engine.handle(pid).resume('on')
      expect(await engine.handle(pid).result()).toBe('on')
    }
  })

  test('C7: a child that is born under a paused parent is born paused', async () => {
    const engine = await over().engine([Branch, Leaf])
    const branch = await engine.launch(Branch, { gate: 'born' })
    await gate('born').reached
    await branch.pause('hold')
    gate('born').open()
    const row = await untilRow(over().store, branch.pid, ({ paused }) => paused !== null)
    expect(row).toMatchObject({ state: 'waiting' })
    const rows = (await over().store.list({ parent: branch.pid })).rows
    expect(rows.map(({ paused }) => paused)).toEqual([
      { cause: 'request', message: 'hold' },
      { cause: 'request', message: 'hold' },
    ])
    await branch.play()
    for (const { pid } of rows) await engine.handle(pid).resume('x')
    expect(await branch.result()).toMatchObject({ ends: ['x', 'x'] })
  })

  test('what is abandoned is not reached, and outlives its parent', async () => {
    const { engine, branch, pids } = await grown({ abandon: true })
    expect((await engine.list({ parent: branch.pid })).processes.map(({ abandoned }) => abandoned)).toEqual([
      true,
      true,
    ])
    await branch.pause()
    await branch.kill()
    for (const pid of pids) {
      expect(await over().store.read(pid)).toMatchObject({ state: 'waiting', paused: null })
      await engine.handle(pid).resume('alive')
      expect(await engine.handle(pid).result()).toBe('alive')
    }
  })

  test('a process that kills or pauses itself does so with its children', async () => {
    class Selfish extends Process<typeof Selfish> {
      override async run(): Promise<unknown> {
        const child = await this.launch(Leaf)
        await child.refresh()
        await this.kill('by itself')
        return new Wait()
      }
    }
    const engine = await over().engine([Selfish, Leaf])
    const handle = await engine.launch(Selfish)
    await expect(handle.result()).rejects.toBeInstanceOf(ProcessKilled)
    const child = (await leavesOf(handle))[0] as string
    await expect(engine.handle(child).result()).rejects.toThrow('by itself')
  })

  test('handles are kept in ctx and given as inputs: they come back as handles of the engine that runs', async () => {
    class Watching extends Process<typeof Watching> {
      static override define(spec: ProcessSpec) {
        super.define(spec)
        return spec.input('of').output('sum')
      }
      override async run(): Promise<void> {
        const of = this.inputs.of as { readonly deep: readonly ProcessHandle<unknown, typeof Add>[] }
        this.out('sum', (await of.deep[0]?.outputs.all())?.sum)
      }
    }
    const client = await over().client([Watching, Add])
    const adding = await client.launch(Add, { a: 4 })
    const watching = await client.launch(Watching, { of: { deep: [quote(adding)] } })
    const engine = await over().engine([Watching, Add], { concurrency: 1 })
    expect(await engine.handle(watching.pid).outputs.all()).toEqual({ sum: 5 })
  })

  test('a step that runs again finds the children that it launched', async () => {
    const first = await over().engine([Branch, Leaf])
    const { pid } = await first.launch(Branch, { gate: 'again' })
    await gate('again').reached
    await first.close({ drain: 0 })
    gate('again').open()
    const second = await over().engine([Branch, Leaf])
    await untilWaiting(over().store, pid)
    const leaves = await leavesOf(second.handle(pid))
    expect(leaves).toHaveLength(2)
    for (const leaf of leaves) await second.handle(leaf).resume(0)
    expect(await second.handle(pid).result()).toMatchObject({ ends: [0, 0] })
  })

  test('the failure of a child is reported to its parent with its own error', async () => {
    class Caring extends Process<typeof Caring> {
      override async run(): Promise<unknown> {
        return new Wait(this.look, { on: await this.launch(Failing) })
      }
      look(end: Settled<unknown>): unknown {
        return end.status === 'rejected' && (end.reason.cause as Error).message
      }
    }
    const engine = await over().engine([Caring, Failing])
    expect(await (await engine.launch(Caring)).result()).toBe('on purpose')
  })

  test('children are found again whatever the order, and only equal launches are counted', async () => {
    const pids: string[][] = []
    class Orders extends Process {
      override async run(): Promise<unknown> {
        const items = pids.length === 0 ? [1, 2, 3, 3] : [3, 2, 3, 1]
        const children = await Promise.all(items.map((item) => this.launch(Add, { a: item })))
        pids.push(children.map(({ pid }) => pid).toSorted())
        if (pids.length === 1) await gate('order').pass()
        return this.join('all', children)
      }
    }
    const first = await over().engine([Orders, Add])
    const { pid } = await first.launch(Orders)
    await gate('order').reached
    await first.close({ drain: 0 })
    const second = await over().engine([Orders, Add])
    expect(await second.handle(pid).wait()).toMatchObject({ label: 'finished' })
    expect(pids).toHaveLength(2)
    expect(pids[0]).toEqual(pids[1])
    expect(new Set(pids[0]).size).toBe(4)
    expect(await over().store.list({ parent: pid })).toMatchObject({ rows: { length: 4 } })
  })

  test('branches launch children of their own', async () => {
    class Parts extends Process {
      override async run(): Promise<unknown> {
        const launch = (): Promise<ProcessHandle> => this.launch(Add, { a: 1 })
        const children = await Promise.all([launch(), this.branch('one', launch), this.branch('two', launch)])
        await this.join('all', children)
        return children.map(({ pid }) => pid)
      }
    }
    const engine = await over().engine([Parts, Add])
    const parts = await engine.launch(Parts)
    expect(new Set((await parts.result()) as string[]).size).toBe(3)
  })

  test('a step that does not launch a child again is paused with an error that names both, until that is killed', async () => {
    let runs = 0
    class Changes extends Process {
      override async run(): Promise<unknown> {
        const child = await this.launch(Gated, { gate: runs++ === 0 ? 'first' : 'other' })
        if (runs === 1) await gate('changes').pass()
        return child.pid
      }
    }
    const first = await over().engine([Changes, Gated])
    const { pid } = await first.launch(Changes)
    await gate('changes').reached
    const [before] = await leavesOf(first.handle(pid))
    await first.close({ drain: 0 })
    const second = await over().engine([Changes, Gated])
    const row = await untilRow(over().store, pid, ({ paused }) => paused !== null)
    expect(row.paused?.message).toMatch(
      new RegExp(
        `the step Changes\\.run has launched Gated ${before} before, and has not launched it when it ran again`,
      ),
    )
    await second.handle(before as string).kill()
    await second.handle(pid).play()
    expect(await second.handle(pid).result()).not.toBe(before)
  })

  test('children that a version before has launched are found again by their inputs', async () => {
    let runs = 0
    class Orders extends Process {
      override async run(): Promise<unknown> {
        runs++
        const step = { pid: this.pid, number: 1 }
        const formerly = (count: number): string =>
          formerChildPid({ parent: this.pid, step, className: 'Add', count, generation: 0 })
        const children = await Promise.all(
          (runs === 1 ? [1, 2] : [2, 1]).map((item) =>
            this.launch(Add, { a: item }, runs === 1 ? { pid: formerly(item) } : {}),
          ),
        )
        if (runs === 1) await gate('formerly').pass()
        return children.map(({ pid }) => pid)
      }
    }
    const first = await over().engine([Orders, Add])
    const { pid } = await first.launch(Orders)
    await gate('formerly').reached
    const rows = (await over().store.list({ parent: pid })).rows
    await first.close({ drain: 0 })
    const second = await over().engine([Orders, Add])
    expect(((await second.handle(pid).result()) as string[]).toSorted()).toEqual(
      rows.map((row) => row.pid).toSorted(),
    )
  })
})
