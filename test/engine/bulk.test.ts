import { expect, it, vi } from 'vitest'
import {
  type Client,
  PortValidationError,
  Process,
  type ProcessHandle,
  type ProcessSpec,
  silentLogger,
  Wait,
} from '../../src/index.ts'
import { overEachStore, untilRow, untilWaiting } from './over-stores.ts'

/** Whether the outside world lets the steps below succeed. */
const world = { works: false }

/** Pauses when its one attempt fails. */
class Careful extends Process<typeof Careful> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.retry({ attempts: 1, whenExhausted: 'pause' })
  }
  override run(): void {
    if (!world.works) throw new Error('the world is closed')
  }
}

/** Backs off for an hour when an attempt fails. */
class Patient extends Process<typeof Patient> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.retry({ attempts: 5, backoff: { initial: '1h', jitter: 0 } })
  }
  override run(): void {
    if (!world.works) throw new Error('the world is closed')
  }
}

class Hasty extends Process {
  override run(): void {
    if (!world.works) throw new Error('the world is closed')
  }
}

/** Fails with its child. */
class Above extends Process {
  override async run(): Promise<unknown> {
    return this.join('child', await this.launch(Hasty))
  }
}

/** Succeeds though its child fails. */
class Tolerant extends Process {
  override async run(): Promise<void> {
    await (await this.launch(Hasty)).wait()
  }
}

/** Fails after its child, which itself has one. */
class Top extends Process<typeof Top> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('over', { schema: { enum: ['Above', 'Tolerant'] } })
  }
  override async run(): Promise<void> {
    const child = await this.launch(this.inputs.over === 'Above' ? Above : Tolerant)
    await child.wait()
    if (!world.works) throw new Error('the world is closed')
  }
}

class Asks extends Process<typeof Asks> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.signal('answer', { schema: { type: 'number' } })
  }
  override run(): Wait {
    return new Wait(undefined, { receive: 'answer' })
  }
}

const CLASSES = [Careful, Patient, Hasty, Above, Tolerant, Top, Asks]

async function states(client: Client, handles: readonly ProcessHandle[]): Promise<readonly string[]> {
  const found = await Promise.all(handles.map(({ pid }) => client.find(pid)))
  return found.map((one) => (one?.state.paused === true ? 'paused' : (one?.state.label ?? 'none')))
}

overEachStore((over) => {
  it('plays all, counts those, and leaves deliberate pauses if an option asks for it', async () => {
    world.works = false
    const engine = await over().engine(CLASSES)
    const { store } = over()
    const failed = await engine.launch(Careful)
    const held = await engine.launch(Asks)
    const waits = await engine.launch(Asks)
    await untilRow(store, failed.pid, ({ paused }) => paused?.cause === 'failure')
    await untilWaiting(store, held.pid)
    await untilWaiting(store, waits.pid)
    await held.pause('audit')
    expect((await engine.inspect(held.pid)).paused).toEqual({ message: 'audit', cause: 'request' })
    world.works = true
    expect(await engine.playAll({}, { deliberate: false })).toBe(1)
    await failed.wait()
    expect(await states(engine, [failed, held, waits])).toEqual(['finished', 'paused', 'waiting'])
    expect(await engine.playAll()).toBe(1)
    expect(await states(engine, [held, waits])).toEqual(['waiting', 'waiting'])
    expect(await engine.playAll()).toBe(0)
  })

  it('counts a pause as deliberate once someone has asked for it too', async () => {
    world.works = false
    const engine = await over().engine(CLASSES)
    const failed = await engine.launch(Careful)
    await untilRow(over().store, failed.pid, ({ paused }) => paused !== null)
    await failed.pause()
    expect(await engine.playAll({}, { deliberate: false })).toBe(0)
    expect((await engine.inspect(failed.pid)).paused?.message).toMatch(/the world is closed/)
  })

  it('retries what failed and has not ended, and what has ended where the filter names it', async () => {
    world.works = false
    const engine = await over().engine(CLASSES)
    const { store } = over()
    const handles = await Promise.all([engine.launch(Careful), engine.launch(Patient)])
    const held = await engine.launch(Asks)
    const ended = await engine.launch(Hasty)
    await untilRow(store, handles[0].pid, ({ paused }) => paused !== null)
    await untilWaiting(store, handles[1].pid)
    await untilWaiting(store, held.pid)
    await held.pause('audit')
    await ended.wait()
    world.works = true
    expect(await engine.retryAll()).toBe(2)
    for (const handle of handles) expect((await handle.wait())?.successful).toBe(true)
    expect(await states(engine, [held, ended])).toEqual(['paused', 'excepted'])
    expect(await engine.retryAll({ state: ['excepted', 'waiting'] })).toBe(1)
    expect(await engine.retryAll({ state: 'excepted' })).toBe(0)
  })

  it('restarts all that failed, once each, and children with their parents', async () => {
    world.works = false
    const engine = await over().engine(CLASSES)
    const [alone, above] = [await engine.launch(Hasty), await engine.launch(Above)]
    const killed = await engine.launch(Asks)
    for (const handle of [alone, above]) await handle.wait()
    await killed.kill()
    world.works = true
    expect(await engine.restartAll({ className: 'Asks' })).toBe(0)
    expect(await engine.restartAll()).toBe(2)
    expect(await engine.restartAll()).toBe(0)
    for (const { pid } of [alone, above]) {
      const { processes } = await engine.list({ origin: pid })
      expect(processes).toHaveLength(1)
      await engine.handle(processes[0]?.pid ?? '').wait()
    }
    // The two, the child of the new parent, and none twice.
    expect(await engine.count()).toMatchObject({ excepted: 3, finished: 3, killed: 1 })
  })

  it.each(['restartAll', 'resubmitAll'] as const)(
    '%s begins nothing twice, however deep below a process that it begins again',
    async (bulk) => {
      for (const middle of ['Above', 'Tolerant'] as const) {
        world.works = false
        const engine = await over().engine(CLASSES)
        const label = `over ${middle}`
        const top = await engine.launch(Top, { over: middle }, { label })
        await top.wait()
        const reached = async () => (await engine.preview('restart')).map(({ pid }) => pid)
        expect(await reached()).toEqual([top.pid])
        world.works = true
        await engine[bulk]()
        expect(await reached()).toEqual([])
        const { processes } = await engine.list({ label })
        expect(processes.map(({ origin }) => origin?.pid)).toEqual([top.pid, undefined])
        await engine.handle(processes[0]?.pid ?? '').wait()
        const ended = await engine.count()
        await engine[bulk]()
        expect(await engine.count()).toEqual(ended)
        expect((await engine.status()).attention).toEqual([])
        await engine.close()
      }
    },
  )

  it('resubmits all that failed, each once, and then the newest of each', async () => {
    world.works = false
    const engine = await over().engine(CLASSES)
    const first = await engine.launchAll(Hasty, [{}, {}, {}])
    await first.wait()
    const second = await engine.resubmitAll()
    expect(second.length).toBe(3)
    // Whether the new processes have ended or not, the old ones are not resubmitted again.
    await second.handles[0]?.wait()
    await second.wait()
    expect((await engine.preview('resubmit')).map(({ pid }) => pid)).toEqual(second.pids.toReversed())
    world.works = true
    const third = await engine.resubmitAll({ className: 'Hasty' })
    expect((await engine.inspect(third.pids[0] ?? '')).origin?.pid).toBe(second.pids.at(-1))
    await third.result()
    expect((await engine.resubmitAll()).length).toBe(0)
    expect(await engine.count()).toMatchObject({ excepted: 6, finished: 3 })
  })

  it('several clients that resubmit the same at the same time resubmit each process once', async () => {
    const client = await over().client()
    const old = await client.launchAll('Hasty', [{}, {}, {}, {}])
    await old.kill()
    const others = [await over().client(), await over().client()]
    const groups = await Promise.all(
      [client, ...others].map((one, at) =>
        one.resubmitAll({ state: 'killed' }, at === 2 ? { set: { 'inputs.a': 1 } } : {}),
      ),
    )
    expect(new Set(groups.flatMap(({ pids }) => pids)).size).toBe(4)
    expect(await client.count()).toMatchObject({ killed: 4, created: 4 })
  })

  it.each(['restart', 'resubmit'] as const)(
    'warns where a failed process is begun again that was before: %s',
    async (begin) => {
      world.works = false
      const warn = vi.fn<(about: object, text: string) => void>()
      const engine = await over().engine(CLASSES, { logger: { ...silentLogger, warn } })
      const old = await engine.launch(Hasty)
      await old.wait()
      const first = await engine[begin](old.pid)
      const said = (): unknown[] => warn.mock.calls.filter(([, text]) => /restarted/.test(text))
      expect(said()).toEqual([])
      await engine[begin](old.pid)
      expect(said()).toEqual([[{ pid: old.pid, again: [first.pid] }, expect.any(String)]])
    },
  )

  it('warns of no successful process that is resubmitted', async () => {
    world.works = true
    const warn = vi.fn<(about: object, text: string) => void>()
    const engine = await over().engine(CLASSES, { logger: { ...silentLogger, warn } })
    const old = await engine.launch(Hasty)
    await old.wait()
    for (let count = 0; count < 2; count++) await (await engine.resubmit(old)).wait()
    expect(warn.mock.calls.filter(([, text]) => /restarted/.test(text))).toEqual([])
  })

  it('sends a signal to all, or to none where a class does not take it', async () => {
    world.works = false
    const engine = await over().engine(CLASSES)
    const handles = await Promise.all([1, 2, 3].map(() => engine.launch(Asks)))
    const other = await engine.launch(Patient)
    for (const { pid } of [...handles, other]) await untilWaiting(over().store, pid)
    const client = await over().client()
    const refused = client.signalAll({}, 'answer', 42)
    await expect(refused).rejects.toBeInstanceOf(PortValidationError)
    await expect(refused).rejects.toThrow(/Patient: there is no signal 'answer'/)
    await expect(client.signalAll({ className: 'Asks' }, 'answer', 'no')).rejects.toThrow(/must be number/)
    expect(await client.signalAll({ className: 'Asks' }, 'answer', 42)).toBe(3)
    for (const handle of handles) expect(await handle.result()).toBe(42)
  })

  it('resumes a wait for a signal only with what the signal may give', async () => {
    const engine = await over().engine(CLASSES)
    const handle = await engine.launch(Asks)
    await untilWaiting(over().store, handle.pid)
    const client = await over().client()
    for (const one of [handle, client.handle(handle.pid)]) {
      await expect(one.resume('no')).rejects.toBeInstanceOf(PortValidationError)
      await expect(one.resume('no')).rejects.toThrow(/must be number.*\(the wait is for this signal/)
    }
    await client.handle(handle.pid).resume(7)
    expect(await handle.result()).toBe(7)
    // A resume that came before the wait is checked where it ends it.
    const early = await client.launch('Asks', {}, { delay: '1h' })
    await early.resume('too early')
    await over().clock.advance('1h')
    expect(await early.wait()).toMatchObject({
      label: 'excepted',
      message: expect.stringMatching(/must be number/),
    })
  })
})

it('a process in memory is resumed for a signal only with what the signal may give', async () => {
  const process = new Asks()
  await process.step()
  await process.step()
  await expect(process.resume('no')).rejects.toThrow(/must be number/)
  await process.resume(3)
  await process.stepUntilTerminated()
  expect(process.result()).toBe(3)
})
