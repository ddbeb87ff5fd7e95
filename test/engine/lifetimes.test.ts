import { expect, it, vi } from 'vitest'
import {
  allowFailure,
  type Client,
  Continue,
  MissingResult,
  NotReady,
  Process,
  quote,
  resolveHandles,
  UpstreamFailed,
  WorkChain,
  type ProcessHandle,
  type ProcessSpec,
  type WorkChainSpec,
} from '../../src/index.ts'
import { gate, Gated } from './processes.ts'
import { historyOf, overEachStore, untilRow, type Over } from './over-stores.ts'

/* How long results are kept, and who keeps them. */

class Square extends Process<typeof Square> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('n', { schema: { type: 'number' } })
      .output('square', { schema: { type: 'number' } })
      .returns({ schema: { type: 'string' } })
  }
  override async run() {
    this.out('square', this.inputs.n ** 2)
    await this.checkpoint('squared')
    return `the square of ${this.inputs.n}`
  }
}

class Breaks extends Process<typeof Breaks> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.output('half', { required: false })
  }
  override run() {
    this.out('half', 'a part')
    return new Continue(this.second)
  }
  second(): void {
    throw new Error('it broke')
  }
}

class Takes extends Process<typeof Takes> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('given').signal('go').returns({})
  }
  override run(): unknown {
    return this.inputs.given
  }
}

/** Launches a square, has its result, and waits for a signal. */
class Parent extends Process<typeof Parent> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.signal('go').returns({})
  }
  override async run(): Promise<unknown> {
    const child = await this.launch(Square, { n: 5 }, { retention: 'refs' })
    await child.result()
    await this.receive('go')
    return child.result()
  }
}

class Chain extends WorkChain<typeof Chain> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec.input('of').outline('waits', 'has').returns({})
  }
  waits(): void {
    this.toContext({ value: this.inputs.of as ProcessHandle })
  }
  has(): unknown {
    return this.ctx['value']
  }
}

const PROCESSES = [Square, Breaks, Takes, Parent, Chain, Gated]

/** A round of what an engine does now and then. */
async function collects({ store }: Over): Promise<number> {
  const { pids } = await store.dueResults(100)
  const outcomes = await store.commit(pids.map((pid) => ({ kind: 'drop', pid, by: 'a test' })))
  return outcomes.filter((outcome) => outcome.status === 'done' && outcome.applied === true).length
}

async function square(client: Client, options = {}): Promise<ProcessHandle> {
  const handle = await client.launch('Square', { n: 3 }, options)
  await handle.wait()
  return handle
}

async function isKept(client: Client, pid: string): Promise<boolean> {
  return (await client.inspect(pid)).dropped === null
}

overEachStore((over) => {
  it('a purged result is gone everywhere, and the record stays', async () => {
    const engine = await over().engine(PROCESSES)
    const client = await over().client()
    const handle = await square(engine)
    expect(await handle.result()).toBe('the square of 3')
    expect(await handle.size()).toBeGreaterThan(0)
    await handle.purge()
    const missing = {
      pid: handle.pid,
      code: 'MISSING_RESULT',
      message: expect.stringContaining('it was purged'),
    }
    for (const one of [handle, client.handle(handle.pid)]) {
      await expect(one.result()).rejects.toMatchObject(missing)
      await expect(one.result()).rejects.toThrow(MissingResult)
      expect(await one.result({ raiseOnFailure: false })).toBeInstanceOf(MissingResult)
      await expect(one.outputs.all()).rejects.toMatchObject(missing)
      await expect(one.outputs.all({ raiseOnFailure: false })).rejects.toMatchObject(missing)
      await expect(one.outputs.snapshot()).rejects.toMatchObject(missing)
      await expect(one.outputs.ref('square').result()).rejects.toMatchObject(missing)
      await expect(one.outputs.ref('square').size()).rejects.toMatchObject(missing)
      await expect(resolveHandles({ one })).rejects.toMatchObject(missing)
      await expect(client.group([one.pid]).result()).rejects.toMatchObject(missing)
      expect(await client.group([one.pid]).outcomes()).toMatchObject([
        { status: 'rejected', reason: missing },
      ])
      expect(await one.size()).toBe(0)
      expect(await one.outputs.done.result()).toBe(true)
      expect([one.successful(), one.exception(), one.state.label]).toEqual([true, null, 'finished'])
      expect(await one.inputs()).toEqual({ n: 3 })
    }
    expect(await historyOf(client, handle.pid)).toContain('result dropped')
    const details = await client.inspect(handle.pid)
    expect(details).toMatchObject({ dropped: { why: 'it was purged' }, values: { inputs: { n: 3 } } })
    expect([details.values.result, details.values.outputs]).toEqual([undefined, undefined])
    expect(await over().store.getProcessCheckpoints(handle.pid)).toEqual([])
    const bundle = (await over().store.load(handle.pid))?.bundle()
    expect(JSON.stringify(bundle)).not.toContain('the square')
    const loaded = bundle?.unbundle<Square>({ processes: [Square] })
    expect(() => loaded?.result()).toThrow(MissingResult)
    await expect(loaded?.future()).rejects.toThrow(MissingResult)
    await expect(engine.restart(handle.pid)).rejects.toThrow(MissingResult)
  })

  it('what is purged twice, or needs its end, is answered', async () => {
    const engine = await over().engine(PROCESSES)
    const handle = await square(engine)
    await handle.purge()
    await handle.purge()
    const runs = await engine.launch(Gated, { gate: 'purge' })
    await gate('purge').reached
    await expect(runs.purge()).rejects.toThrow(NotReady)
    await expect(engine.group([handle, runs]).purge()).rejects.toThrow('1 (of 2) processes')
    const others = engine.group([await square(engine), await square(engine)])
    await others.purge()
    expect(await Promise.all(others.pids.map((pid) => isKept(engine, pid)))).toEqual([false, false])
    await expect(engine.handle('nobody').purge()).rejects.toMatchObject({ code: 'PROCESS_LOST' })
    gate('purge').open()
  })

  it('refs: the result goes with the last session that retains it', async () => {
    const engine = await over().engine(PROCESSES)
    const [client, other] = [await over().client(), await over().client()]
    const handle = await square(client, { retention: 'refs' })
    await handle.refresh()
    expect(handle.collectable).toBe(false)
    const again = other.handle(handle.pid)
    again.retain()
    again.retain()
    await again.release()
    await again.refresh()
    await handle.release()
    await handle.release()
    expect(await collects(over())).toBe(0)
    expect(await handle.result()).toBe('the square of 3')
    await again.release()
    await expect(other.handle(handle.pid).result()).rejects.toThrow('no session retains it any more')
    expect(await isKept(engine, handle.pid)).toBe(false)
  })

  it('refs: a result is dropped after the end if its session has ended before', async () => {
    const engine = await over().engine(PROCESSES)
    const client = await over().client()
    const runs = await client.launch('Gated', { gate: 'refs' }, { retention: 'refs' })
    await gate('refs').reached
    await client.close()
    expect(await collects(over())).toBe(0)
    gate('refs').open()
    await untilRow(over().store, runs.pid, ({ endedAt }) => endedAt !== null)
    await over().clock.advance('1s')
    expect(await isKept(engine, runs.pid)).toBe(false)
  })

  it('the end of a block releases, and execute does', async () => {
    const engine = await over().engine(PROCESSES)
    let pid = ''
    {
      await using handle = await engine.launch(Square, { n: 4 }, { retention: 'refs' })
      pid = handle.pid
      expect((await handle.outputs.all()).square).toBe(16)
    }
    expect(await isKept(engine, pid)).toBe(false)
    await engine.execute(Square, { n: 4 }, { retention: 'refs', pid: 'executed' })
    expect(await isKept(engine, 'executed')).toBe(false)
  })

  it('until-fetched: reading drops nothing, the release of the group does', async () => {
    const engine = await over().engine(PROCESSES)
    const client = await over().client()
    const inputs = [{ n: 1 }, { n: 2 }]
    const group = await client.launchAll('Square', inputs, { retention: 'until-fetched', group: 'squares' })
    const [first] = group.handles
    await group.result()
    await first?.release()
    expect(await collects(over())).toBe(0)
    expect(await isKept(engine, first?.pid ?? '')).toBe(true)
    const other = await engine.openGroup({ name: 'squares' })
    first?.retain()
    await first?.refresh()
    await other.release()
    await expect(other.at(1)?.result()).rejects.toThrow("its retention is 'until-fetched'")
    // A session still retains the other one.
    expect(await isKept(engine, first?.pid ?? '')).toBe(true)
    await first?.release()
    expect(await isKept(engine, first?.pid ?? '')).toBe(false)
  })

  it('ttl: the result is dropped so long after the end, by an engine', async () => {
    const engine = await over().engine(PROCESSES)
    const handle = await square(engine, { retention: { ttl: '1h' } })
    handle.retain()
    await over().clock.advance('59m')
    expect(await isKept(engine, handle.pid)).toBe(true)
    await over().clock.advance('2m')
    expect(await isKept(engine, handle.pid)).toBe(true)
    await handle.release()
    await expect(engine.handle(handle.pid).result()).rejects.toThrow('the time of its retention is over')
    const other = await square(engine, { retention: { ttl: 1_000 } })
    await over().clock.advance('10s')
    expect(await isKept(engine, other.pid)).toBe(false)
  })

  it('ttl: a handle that has read the result keeps it, and a new handle gives MissingResult', async () => {
    const engine = await over().engine(PROCESSES)
    const client = await over().client()
    const { pid } = await square(engine, { retention: { ttl: '1h' } })
    const reader = client.handle(pid)
    expect(await reader.result()).toBe('the square of 3')
    await over().clock.advance('2h')
    await vi.waitUntil(async () => !(await isKept(engine, pid)))
    expect(await reader.result()).toBe('the square of 3')
    const other = await over().client()
    await expect(other.handle(pid).result()).rejects.toThrow(MissingResult)
    expect(await other.handle(pid).wait()).toMatchObject({ label: 'finished', successful: true })
    await expect(other.group([pid]).result()).rejects.toThrow(MissingResult)
    await reader.refresh()
    await expect(reader.result()).rejects.toThrow(MissingResult)
  })

  it('keep: no release drops it', async () => {
    const engine = await over().engine(PROCESSES)
    const handle = await square(engine)
    handle.retain()
    await handle.release()
    await engine.group([handle]).release()
    await handle.refresh()
    expect(handle.collectable).toBe(true)
    expect(await collects(over())).toBe(0)
    expect(await handle.result()).toBe('the square of 3')
  })

  it('a value that a process waits to take is dropped once it has it', async () => {
    const engine = await over().engine(PROCESSES)
    const client = await over().client()
    const handle = await square(engine, { retention: 'refs' })
    const takes = await client.launch('Takes', { given: [handle] }, { delay: '1h' })
    await handle.release()
    await handle.purge()
    await handle.refresh()
    expect([handle.collectable, await collects(over())]).toEqual([false, 0])
    expect(await isKept(engine, handle.pid)).toBe(true)
    await over().clock.advance('1h')
    expect(await takes.result()).toEqual(['the square of 3'])
    await over().clock.advance('1h')
    expect(await isKept(engine, handle.pid)).toBe(false)
    await handle.refresh()
    expect(handle.collectable).toBe(true)
  })

  it('a child is kept until its parent has ended, whose step may run again', async () => {
    const engine = await over().engine(PROCESSES)
    const parent = await engine.launch(Parent)
    await untilRow(over().store, parent.pid, ({ state }) => state === 'waiting')
    const { processes } = await engine.list({ parent: parent.pid })
    const child = engine.handle(processes[0]?.pid ?? '')
    await child.purge()
    await over().clock.advance('1m')
    expect(await isKept(engine, child.pid)).toBe(true)
    await parent.signal('go')
    expect(await parent.result()).toBe('the square of 5')
    await over().clock.advance('2m')
    expect(await isKept(engine, child.pid)).toBe(false)
  })

  it('a process that awaits another one has its value, whenever that is to be dropped', async () => {
    const engine = await over().engine(PROCESSES)
    const gated = await engine.launch(Gated, { gate: 'awaited' }, { retention: 'refs' })
    const chain = await engine.launch(Chain, { of: quote(gated) })
    await untilRow(over().store, chain.pid, ({ state }) => state === 'waiting')
    await chain.pause()
    gate('awaited').open()
    await gated.wait()
    await gated.release()
    await gated.purge()
    expect(await isKept(engine, gated.pid)).toBe(true)
    await chain.play()
    expect(await chain.result()).toEqual({ steps: 2 })
    await over().clock.advance('1h')
    expect(await isKept(engine, gated.pid)).toBe(false)
  })

  it('a launch that refers to a dropped result fails with that cause, unless it allows the failure', async () => {
    const engine = await over().engine(PROCESSES)
    const handle = await square(engine)
    await handle.purge()
    const takes = await engine.launch(Takes, { given: handle })
    const error = await takes.result({ raiseOnFailure: false })
    expect(error).toBeInstanceOf(UpstreamFailed)
    expect(error).toMatchObject({ upstream: handle.pid, cause: { code: 'MISSING_RESULT' } })
    const allows = await engine.launch(Takes, { given: allowFailure(handle) })
    expect(await allows.result()).toMatchObject({ status: 'rejected', reason: { code: 'MISSING_RESULT' } })
    const after = await engine.launch(Takes, { given: 1 }, { after: [handle.outputs.done] })
    expect(await after.result()).toBe(1)
  })

  it('a failed process keeps its error; what it emitted goes, and with it the restart', async () => {
    const engine = await over().engine(PROCESSES)
    const handle = await engine.launch(Breaks, {}, { retention: 'refs' })
    await handle.wait()
    await handle.release()
    const other = engine.handle(handle.pid)
    await expect(other.result()).rejects.toThrow('it broke')
    await expect(other.outputs.all({ raiseOnFailure: false })).rejects.toThrow(MissingResult)
    await expect(engine.restart(handle.pid)).rejects.toThrow(MissingResult)
    const again = await engine.resubmit(handle)
    await expect(again.result()).rejects.toThrow('it broke')
    // It has the retention of the first one, and this session retains it.
    await again.refresh()
    expect(again.collectable).toBe(false)
    await again.release()
    expect(await isKept(engine, again.pid)).toBe(false)
  })

  it('a step that runs again after a restart launches a dropped child again', async () => {
    const engine = await over().engine(PROCESSES)
    const parent = await engine.launch(Parent)
    await untilRow(over().store, parent.pid, ({ state }) => state === 'waiting')
    await parent.kill()
    await parent.wait()
    const { processes } = await engine.list({ parent: parent.pid })
    await engine.handle(processes[0]?.pid ?? '').purge()
    const again = await engine.restart(parent.pid)
    await untilRow(over().store, again.pid, ({ state }) => state === 'waiting')
    await again.signal('go')
    expect(await again.result()).toBe('the square of 5')
  })

  it('a restarted process keeps the children that it takes over from being dropped', async () => {
    const engine = await over().engine(PROCESSES)
    const parent = await engine.launch(Parent)
    await untilRow(over().store, parent.pid, ({ state }) => state === 'waiting')
    await parent.kill()
    await parent.wait()
    const { processes } = await engine.list({ parent: parent.pid })
    const again = await engine.restart(parent.pid)
    await engine.handle(processes[0]?.pid ?? '').purge()
    await untilRow(over().store, again.pid, ({ state }) => state === 'waiting')
    await again.signal('go')
    expect(await again.result()).toBe('the square of 5')
    expect((await engine.list({ parent: again.pid })).processes).toHaveLength(0)
    await over().clock.advance('1h')
    expect(await isKept(engine, processes[0]?.pid ?? '')).toBe(false)
  })

  it('values({ release: true }) purges what the loop is done with', async () => {
    const engine = await over().engine(PROCESSES)
    const one = await engine.launch(Square, { n: 1 })
    const two = await engine.launch(Square, { n: 2 })
    const group = engine.group([one, two, one])
    const seen: string[] = []
    for await (const value of group.values({ release: true })) {
      seen.push(value)
      const kept = [await isKept(engine, one.pid), await isKept(engine, two.pid)]
      expect(kept).toEqual(
        [
          [true, true],
          [true, true],
          [true, false],
        ][seen.length - 1],
      )
    }
    expect(seen).toEqual(['the square of 1', 'the square of 2', 'the square of 1'])
    expect(await isKept(engine, one.pid)).toBe(false)
    await expect(group.result({ returnWhen: 'all' })).rejects.toMatchObject({
      code: 'GROUP',
      errors: [{}, {}],
    })
    expect(group.results()).toEqual([null, null, null])
    expect(group.successful()).toBe(true)
    for await (const value of engine.group([await square(engine)]).values({ release: true })) {
      expect(value).toBe('the square of 3')
      break
    }
  })

  it('a lazy launch releases what was taken from it', async () => {
    const client = await over().client()
    const engine = await over().engine(PROCESSES)
    const results = client.imap('Square', [{ n: 1 }, { n: 2 }], { retention: 'refs', group: 'lazy' })
    await results.next()
    const [first] = (await engine.openGroup({ name: 'lazy' })).pids
    expect(await isKept(engine, first ?? '')).toBe(true)
    await results.next()
    expect(await isKept(engine, first ?? '')).toBe(false)
    await results.next()
    expect(await collects(over())).toBe(0)
  })

  it('sizes are those of what is stored, or not here yet', async () => {
    const engine = await over().engine(PROCESSES)
    const client = await over().client()
    const handle = await square(engine)
    const there = client.handle(handle.pid)
    expect(await there.size({ remoteOnly: true })).toBe(await handle.size())
    expect(await there.outputs.ref('square').size()).toBe(1)
    expect(await there.outputs.ref(0).size({ remoteOnly: true })).toBe(0)
    expect(await handle.outputs.ref(0).size()).toBe('"the square of 3"'.length)
    expect(await there.size({ remoteOnly: true })).toBe(0)
    expect(await there.outputs.done.size()).toBe(0)
    await expect(there.outputs.ref('none').size()).rejects.toThrow(MissingResult)
    const runs = await engine.launch(Gated, { gate: 'size' })
    await expect(runs.outputs.ref('steps').size({ timeout: 0 })).rejects.toMatchObject({
      code: 'WAIT_TIMEOUT',
    })
    gate('size').open()
  })

  it('a wrong retention is refused, and nothing is launched', async () => {
    const client = await over().client()
    const bad = [
      ['none', TypeError, "is 'keep', 'until-fetched', 'refs' or { ttl: '30d' }, not \"none\""],
      [{}, TypeError, 'not an object'],
      [{ ttl: 'soon' }, RangeError, 'ttl'],
      [{ ttl: -1 }, RangeError, 'ttl'],
      [{ ttl: Number.POSITIVE_INFINITY }, RangeError, "write 'keep' instead"],
      [{ ttl: 1, refs: true }, TypeError, 'refs'],
    ] as const
    for (const [retention, type, text] of bad) {
      const launch = client.launch('Square', { n: 1 }, { retention: retention as never })
      const error: unknown = await launch.catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(type)
      expect(error).toMatchObject({ message: expect.stringContaining(text) })
    }
    expect((await client.list()).processes).toEqual([])
    await client.close()
    expect(() => client.handle('x').retain()).toThrow('its session has ended')
  })
})

it('a process in memory forgets its result too', async () => {
  class Parent extends Process {
    override async run() {
      const handle = await this.launch(Square, { n: 2 }, { retention: 'refs' })
      expect([handle.collectable, await handle.size()]).toEqual([false, 0])
      await expect(handle.purge()).rejects.toThrow(NotReady)
      expect(await handle.result()).toBe('the square of 2')
      handle.retain()
      await handle.release()
      expect([handle.collectable, await handle.outputs.ref('square').size()]).toEqual([true, 0])
      await handle.purge()
      await expect(handle.result()).rejects.toThrow(MissingResult)
      await expect(handle.outputs.all()).rejects.toThrow(MissingResult)
      expect(handle.successful()).toBe(true)
    }
  }
  expect(await new Parent().execute()).toEqual({})
})
