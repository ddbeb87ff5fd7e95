import { expect, it, onTestFinished } from 'vitest'
import {
  AlreadyDone,
  Client,
  Continue,
  type EditChanges,
  InvalidStateError,
  PortValidationError,
  Process,
  ProcessLost,
  type ProcessSpec,
  SerializationError,
  Wait,
} from '../../src/index.ts'
import { overEachStore, untilRow, untilWaiting } from './over-stores.ts'
import { Add, gate, Gated } from './processes.ts'

interface Ctx {
  limit: number
  jobs: { host: string; when?: Date }[]
  both?: { n: number }
  again?: { n: number }
  table: Map<string, number>
  free?: { deep: { er: number } }
}

/** Waits with a context, and gives back what it finds in it afterwards. */
class Plan extends Process<typeof Plan> {
  declare ctx: Ctx
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.output('ctx')
  }
  override run(): unknown {
    const shared = { n: 1 }
    this.ctx = {
      limit: 10,
      jobs: [{ host: 'a', when: new Date(0) }],
      both: shared,
      again: shared,
      table: new Map(),
    }
    return new Wait(this.report, { message: 'for a planner' })
  }
  report(): void {
    const { ctx } = this
    this.out('ctx', { ...ctx, shared: ctx.both === ctx.again })
  }
}

/** Fails until its argument is right. */
class Pay extends Process<typeof Pay> {
  declare ctx: { fee: number }
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.retry({ attempts: 1, whenExhausted: 'pause' }).output('paid')
  }
  override run(): unknown {
    this.ctx.fee = 1
    return new Continue(this.pay, 'no card', 5)
  }
  pay(card: string, amount: number): void {
    if (card === 'no card') throw new Error('declined')
    this.out('paid', `${amount + this.ctx.fee} by ${card}`)
  }
}

/** Waits within its step, in memory. */
class Held extends Process<typeof Held> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.signal('go').output('n')
  }
  override async run(): Promise<void> {
    await this.receive('go')
    this.out('n', Reflect.get(this.ctx, 'n'))
  }
}

interface ReadyCtx {
  limit: number
  host: { name: string; port: number }
  jobs: string[]
  note?: string
}

/** Has a context before its first step, and gives it back. */
class Ready extends Process<typeof Ready> {
  declare ctx: ReadyCtx
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('limit', { schema: { type: 'number' }, default: 1 }).output('ctx')
  }
  protected override onCreate(): void {
    this.ctx = { limit: this.inputs.limit, host: { name: 'a', port: 1 }, jobs: ['one', 'two'] }
  }
  override run(): void {
    this.out('ctx', { ...this.ctx })
  }
}

class Counter {
  n = 0
  add(more: number): void {
    this.n += more
  }
}

const CLASSES = [Plan, Pay, Held, Gated, Add, Ready]

overEachStore((over) => {
  it('gives a waiting process other values, which it goes on with', async () => {
    const engine = await over().engine(CLASSES)
    const handle = await engine.launch(Plan)
    await untilWaiting(over().store, handle.pid)
    const client = await over().client()
    const edited = await client.edit(handle.pid, {
      'ctx.limit': 20,
      'ctx.jobs[0].host': 'b',
      'ctx.jobs[1]': { host: 'c', when: new Date(86_400_000) },
      'ctx.free.deep.er': 7,
      'ctx.again.n': 2,
    })
    expect(edited.slice(0, 2)).toEqual([
      { path: 'ctx.limit', before: 10, after: 20 },
      { path: 'ctx.jobs[0].host', before: 'a', after: 'b' },
    ])
    // The values are these already, so nothing is written.
    expect(await client.edit(handle.pid, { 'ctx.limit': 20 })).toEqual([])
    const history = (await client.history(handle.pid)).filter(({ name }) => name === 'edited')
    expect(history).toHaveLength(5)
    expect(history[0]).toMatchObject({ data: { path: 'ctx.limit', before: '10', after: '20' } })
    expect(history[0]?.worker).toMatch(/^client/)
    await handle.resume()
    expect(await handle.outputs.all()).toEqual({
      ctx: {
        limit: 20,
        jobs: [
          { host: 'b', when: new Date(0) },
          { host: 'c', when: new Date(86_400_000) },
        ],
        both: { n: 2 },
        again: { n: 2 },
        table: new Map(),
        free: { deep: { er: 7 } },
        shared: true,
      },
    })
  })

  it('keeps apart the objects of a new value and those that occur twice already (C10)', async () => {
    const engine = await over().engine(CLASSES)
    const handle = await engine.launch(Plan)
    await untilWaiting(over().store, handle.pid)
    const pair = { n: 3 }
    await engine.edit(handle.pid, { 'ctx.both.pair': [pair, pair] })
    const { values } = await engine.inspect(handle.pid)
    expect(values.ctx).toEqual(expect.objectContaining({ both: { n: 1, pair: [pair, pair] } }))
    const { both, again } = values.ctx as { both: { pair: unknown[] }; again: unknown }
    expect(again).toBe(both)
    expect(both.pair[0]).toBe(both.pair[1])
  })

  it('gives a process that is paused by exhausted retries other arguments', async () => {
    const engine = await over().engine(CLASSES)
    const handle = await engine.launch(Pay)
    await untilRow(over().store, handle.pid, ({ paused }) => paused !== null)
    expect(await engine.edit(handle.pid, { 'args[0]': 'visa', 'ctx.fee': 2 })).toEqual([
      { path: 'args[0]', before: 'no card', after: 'visa' },
      { path: 'ctx.fee', before: 1, after: 2 },
    ])
    await handle.play()
    expect(await handle.outputs.all()).toEqual({ paid: '7 by visa' })
  })

  it('changes a launch that still waits for a slot of the engine that has it in memory', async () => {
    const engine = await over().engine(CLASSES, { concurrency: 1 })
    const first = await engine.launch(Gated, { gate: 'slot' })
    await gate('slot').reached
    const handle = await engine.launch(Held)
    await engine.edit(handle.pid, { 'ctx.n': 3 })
    gate('slot').open()
    await first.wait()
    await handle.signal('go')
    expect(await handle.outputs.all()).toEqual({ n: 3 })
  })

  it('refuses what runs, what an engine holds in memory, and what has ended', async () => {
    const engine = await over().engine(CLASSES)
    const running = await engine.launch(Gated, { gate: 'hold' })
    await gate('hold').reached
    await expect(engine.edit(running.pid, { 'ctx.n': 1 })).rejects.toThrow(/runs step run: pause it first/)
    gate('hold').open()
    await running.wait()
    const edit = engine.edit(running.pid, { 'ctx.n': 1 })
    await expect(edit).rejects.toBeInstanceOf(InvalidStateError)
    await expect(edit).rejects.toThrow(/is finished, and what has ended never changes: restart or resubmit/)
    const held = await engine.launch(Held)
    await untilWaiting(over().store, held.pid)
    await expect(engine.edit(held.pid, { 'ctx.n': 1 })).rejects.toThrow(/holds in memory/)
    await expect(engine.edit('nobody', { 'ctx.n': 1 })).rejects.toBeInstanceOf(ProcessLost)
    expect(AlreadyDone.prototype).toBeInstanceOf(InvalidStateError)
  })

  it('is lost by neither an edit nor an engine that claims the process at that moment', async () => {
    const engine = await over().engine(CLASSES)
    const handles = await Promise.all(Array.from({ length: 20 }, () => engine.launch(Plan)))
    for (const { pid } of handles) await untilWaiting(over().store, pid)
    const client = await over().client()
    const outcomes = await Promise.all(
      handles.flatMap((handle) => [
        client.edit(handle.pid, { 'ctx.limit': 77 }).then(
          () => 77,
          () => 10,
        ),
        handle.resume(),
      ]),
    )
    for (const [index, handle] of handles.entries()) {
      const { ctx } = (await handle.outputs.all()) as { ctx: Ctx }
      expect(ctx.limit).toBe(outcomes[index * 2])
    }
  })

  it('refuses values and paths that do not fit, and changes nothing then', async () => {
    const engine = await over().engine(CLASSES)
    const { pid } = await engine.launch(Plan)
    await untilWaiting(over().store, pid)
    const refused = async (changes: Record<string, unknown>, words: RegExp): Promise<void> => {
      await expect(engine.edit(pid, changes as EditChanges)).rejects.toThrow(words)
    }
    await refused({ 'ctx.f': () => {} }, /ctx\.f: .* can't be saved/)
    await refused({ 'ctx.limit': 1, 'ctx.limit.x': 1 }, /leads into 1, which has no parts/)
    await refused({ 'ctx.jobs[5]': 1 }, /leaves a gap: the list has 1 items/)
    await refused({ 'ctx.jobs.x': 1 }, /a list is there/)
    await refused({ 'ctx.table.x': 1 }, /inside a "Map": give the whole value/)
    await refused({ 'ctx.both': 1 }, /occurs elsewhere too/)
    await refused({ 'ctx["\\q"]': 1 }, /is not a path: it begins with ctx or args/)
    await refused({ 'inputs.x': 1 }, /is not a path: it begins with ctx or args/)
    await refused({ ctx: {} }, /name a value in it/)
    await refused({ 'args[0]': 1 }, /the process is waiting, so no step has arguments/)
    await refused({}, /nothing to change/)
    expect((await engine.history(pid)).map(({ name }) => name)).not.toContain('edited')
  })

  it('keeps a bounded part of long values in the history', async () => {
    const engine = await over().engine(CLASSES)
    const { pid } = await engine.launch(Plan)
    await untilWaiting(over().store, pid)
    await engine.edit(pid, { 'ctx.text': 'x'.repeat(100_000) })
    const { data } = (await engine.history(pid)).at(-1) ?? {}
    expect(JSON.stringify(data).length).toBeLessThan(1_200)
    expect(data).toMatchObject({ after: expect.stringMatching(/… \(100002 characters\)$/) })
  })

  it('restarts with other values, and leaves the old process as it was (C5)', async () => {
    const engine = await over().engine(CLASSES)
    const old = await engine.launch(Pay)
    await untilRow(over().store, old.pid, ({ paused }) => paused !== null)
    await old.kill()
    const before = await engine.inspect(old.pid)
    const again = await engine.restart(old.pid, { set: { 'args[0]': 'visa', 'ctx.fee': 0 } })
    expect(await again.outputs.all()).toEqual({ paid: '5 by visa' })
    expect((await engine.history(again.pid)).slice(0, 3)).toMatchObject([
      { name: 'created', data: { restarted: old.pid } },
      { name: 'edited', data: { path: 'args[0]', after: '"visa"' } },
      { name: 'edited', data: { path: 'ctx.fee' } },
    ])
    const { successors, ...after } = await engine.inspect(old.pid)
    expect(successors).toMatchObject([{ pid: again.pid }])
    expect({ ...after, successors: [] }).toEqual(before)
    await expect(engine.restart(old.pid, { set: { 'args[9]': 1 } })).rejects.toBeInstanceOf(
      SerializationError,
    )
  })

  it('resubmits with other inputs, which are checked where they are given', async () => {
    const engine = await over().engine(CLASSES)
    const old = await engine.launch(Add, { a: 1 })
    await old.wait()
    const again = await engine.resubmit(old.pid, { set: { 'inputs.a': 5, 'inputs.b': 6 } })
    expect(await again.outputs.all()).toEqual({ sum: 11 })
    for (const client of [engine, await over().client()]) {
      await expect(client.resubmit(old.pid, { set: { 'inputs.a': 'five' } })).rejects.toBeInstanceOf(
        PortValidationError,
      )
    }
    expect(await engine.count()).toMatchObject({ finished: 2, created: 0 })
  })

  it('sets a context that an engine has yet to make, and the engine keeps the rest of it', async () => {
    const client = await over().client()
    const upstream = await client.launch('Add', { a: 1, b: 2 })
    const pids = [
      (await client.launch('Ready', {})).pid,
      (await client.launch('Ready', { limit: upstream.outputs.ref('sum') })).pid,
    ]
    const old = await client.launch('Ready', { limit: 5 })
    await client.edit(old.pid, { 'ctx.note': 'early' })
    await old.kill()
    const [restarted, resubmitted] = [await client.restart(old.pid), await client.resubmit(old)]
    pids.push(restarted.pid, resubmitted.pid)
    for (const pid of pids) {
      expect(
        await client.edit(pid, { 'ctx.host.port': 2, 'ctx.jobs': ['three'], 'ctx.when': new Date(0) }),
      ).toEqual([
        { path: 'ctx.host.port', before: undefined, after: 2 },
        { path: 'ctx.jobs', before: undefined, after: ['three'] },
        { path: 'ctx.when', before: undefined, after: { $: 'Date', value: new Date(0).toISOString() } },
      ])
      expect(await client.edit(pid, { 'ctx.host.port': 3 })).toMatchObject([{ before: 2, after: 3 }])
      await expect(client.edit(pid, { 'args[0]': 3 })).rejects.toThrow('Its first step takes none')
      expect((await client.inspect(pid)).values.ctx).toMatchObject({ host: { port: 3 }, jobs: ['three'] })
    }
    const engine = await over().engine(CLASSES)
    const found: unknown[] = []
    for (const pid of pids) found.push(((await engine.handle(pid).outputs.all()) as { ctx: unknown }).ctx)
    const edited = { host: { name: 'a', port: 3 }, jobs: ['three'], when: new Date(0) }
    expect(found).toEqual([
      { ...edited, limit: 1 },
      { ...edited, limit: 3 },
      { ...edited, limit: 5, note: 'early' },
      // A resubmitted process takes over nothing but the inputs.
      { ...edited, limit: 5 },
    ])
  })

  it('refuses actors and calls, which have no context', async () => {
    const client = await Client.open({ store: over().store, actors: [Counter] })
    onTestFinished(() => client.close())
    const counter = await client.actor(Counter, [])
    const call = counter.call.add(2)
    await call.submitted()
    await expect(client.edit(counter.id, { 'ctx.n': 1 })).rejects.toThrow(/is an actor, which has no context/)
    await expect(client.edit(call.pid, { 'ctx.n': 1 })).rejects.toThrow(/is a call of the actor/)
    await expect(client.edit(call.pid, { 'args[0]': 1 })).rejects.toThrow(
      /abort it, and call the actor again/,
    )
  })
})
