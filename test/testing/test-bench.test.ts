import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { Process, Wait, type AnyProcessClass } from '../../src/index.ts'
import { SimulatedClock, TestBench } from '../../src/testing/index.ts'
import { Child, Courier, Flaky, Joining, Order, Parent, Rounds, world } from './processes.ts'

const START = Date.UTC(2026, 0, 1)
const HOUR = 3_600_000

async function aPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'damson-bench-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return join(folder, 'test.db')
}

const stores: readonly (readonly [name: string, path: () => Promise<string>])[] = [
  ['memory', async () => ':memory:'],
  ['SQLite', aPath],
]

beforeEach(() => void world.splice(0))

describe.each(stores)('a bench over %s', (_name, path) => {
  test('shows a step that waits for its child, as long as that does not go on', async () => {
    const bench = await open(Joining, Child)
    const joining = await bench.launch(Joining)
    expect(await bench.untilWaiting(joining)).toMatchObject({ state: 'waiting', inStep: true })
    const { processes } = await bench.client.list({ parent: joining.pid })
    await bench.client.handle(processes[0]?.pid ?? '').resume('done')
    expect(await bench.untilWaiting(joining)).toMatchObject({ ended: true })
    expect(await joining.result()).toBe('done')
  })

  async function open(...processes: readonly AnyProcessClass[]): Promise<TestBench> {
    const bench = await TestBench.open({ store: await path(), processes })
    onTestFinished(() => bench.close())
    return bench
  }

  test('runs a process to its next wait, and shows it there', async () => {
    const bench = await open(Order)
    const order = await bench.launch(Order, { amount: 10 })
    const waiting = await bench.untilWaiting(order)
    expect(waiting).toEqual({
      pid: order.pid,
      state: 'waiting',
      ended: false,
      successful: null,
      paused: false,
      step: 'decide',
      inStep: false,
      attempt: 1,
      waitsFor: { resume: true, signal: 'approval', until: new Date(START + 72 * HOUR), processes: [] },
      ctx: { receipt: 'receipt for 10' },
      outputs: { receipt: 'receipt for 10' },
      signals: [],
      exitCode: null,
      message: 'for an approval',
    })
    // Looking changes nothing.
    expect(await bench.untilWaiting(order)).toEqual(waiting)
    expect(bench.clock.now()).toBe(START)
  })

  test('a signal lets it go on to its end', async () => {
    const bench = await open(Order)
    const order = await bench.launch(Order, { amount: 10 })
    await bench.untilWaiting(order)
    await bench.signal(order, 'approval', { by: 'Ada' })
    expect(await bench.untilWaiting(order)).toMatchObject({
      state: 'finished',
      ended: true,
      successful: true,
      waitsFor: null,
      outputs: { shipped: true },
    })
    expect(bench.clock.now()).toBe(START)
  })

  test('a signal that it does not wait for yet is shown as kept', async () => {
    const bench = await open(Courier)
    const courier = await bench.launch(Courier)
    await bench.signal(courier, 'address', 'here')
    expect(await bench.untilWaiting(courier)).toMatchObject({ inStep: true, signals: ['address'] })
  })

  test('skip moves to when it has waited enough', async () => {
    const bench = await open(Order)
    const order = await bench.launch(Order, { amount: 10 })
    expect(await bench.skip()).toBe(true)
    expect(bench.clock.now()).toBe(START + 72 * HOUR)
    expect((await bench.untilWaiting(order)).outputs).toEqual({ receipt: 'receipt for 10', shipped: false })
    expect(await bench.skip()).toBe(false)
  })

  test('waits in the flow of a step are stops too', async () => {
    const bench = await open(Courier)
    const courier = await bench.launch(Courier)
    const driving = await bench.untilWaiting(courier)
    expect(driving).toMatchObject({ state: 'waiting', step: 'run', inStep: true })
    expect(driving.waitsFor?.until).toEqual(new Date(START + 2 * HOUR))
    await bench.skip()
    expect((await bench.untilWaiting(courier)).waitsFor).toMatchObject({ signal: 'address', until: null })
    expect(await bench.skip()).toBe(false)
    await bench.signal(courier, 'address', 'there')
    expect((await bench.untilWaiting(courier)).waitsFor).toMatchObject({ signal: null })
    await bench.skip()
    expect((await bench.untilWaiting(courier)).outputs).toEqual({ delivered: 'there' })
  })

  test('advance does on the way what falls due, each at its time', async () => {
    const bench = await open(Rounds)
    const rounds = await bench.launch(Rounds)
    await bench.advance('90m')
    expect(await bench.untilWaiting(rounds)).toMatchObject({
      step: '1.while(goesOn)#2.round',
      waitsFor: { until: new Date(START + 2 * HOUR) },
      ctx: { round: 1 },
    })
    await bench.advance('60d')
    const ended = await bench.untilWaiting(rounds)
    expect(ended.ended).toBe(true)
    const changes = await bench.client.history(rounds.pid)
    expect(changes.at(-1)?.at).toEqual(new Date(START + 3 * HOUR))
  })

  test('a back-off is a stop that shows which attempt comes next', async () => {
    const bench = await open(Flaky)
    const flaky = await bench.launch(Flaky)
    const stops: (readonly [attempt: number, until: number | undefined])[] = []
    let stop = await bench.untilWaiting(flaky)
    for (; !stop.ended; stop = await bench.untilWaiting(flaky)) {
      stops.push([stop.attempt, stop.waitsFor?.until?.getTime()])
      await bench.skip()
    }
    expect(stop.outputs).toEqual({ attempt: 3 })
    expect(stops).toEqual([
      [2, START + 60_000],
      [3, START + 180_000],
    ])
  })

  test('a launch that is delayed is a stop', async () => {
    const bench = await open(Order)
    const order = await bench.launch(Order, { amount: 1 }, { delay: '1h' })
    expect(await bench.untilWaiting(order)).toMatchObject({
      state: 'created',
      waitsFor: { until: new Date(START + HOUR), signal: null, resume: false },
    })
    await bench.skip()
    expect((await bench.untilWaiting(order)).state).toBe('waiting')
  })

  test('a pause is a stop, whatever the process waits for', async () => {
    const bench = await open(Order)
    const order = await bench.launch(Order, { amount: 1 })
    await bench.untilWaiting(order)
    await order.pause('for the night')
    await bench.signal(order, 'approval', {})
    expect(await bench.untilWaiting(order)).toMatchObject({
      paused: true,
      message: 'for the night',
      signals: ['approval'],
    })
    await order.play()
    expect((await bench.untilWaiting(order)).ended).toBe(true)
  })

  test('one that waits for its child runs as long as that does', async () => {
    const bench = await open(Parent, Child)
    const parent = await bench.launch(Parent)
    const waiting = await bench.untilWaiting(parent)
    const [child] = (await bench.client.list({ parent: parent.pid })).processes
    expect(waiting.waitsFor).toMatchObject({ resume: true, processes: [child?.pid] })
    const handle = bench.client.handle(child?.pid ?? '')
    expect((await bench.untilWaiting(handle)).message).toBe('for somebody')
    await handle.resume('done')
    expect((await bench.untilWaiting(parent)).ended).toBe(true)
    expect(await parent.result()).toBe('gathered')
  })

  test('a step that takes its time is waited for, and no time passes', async () => {
    class Slow extends Process<typeof Slow> {
      override async run(): Promise<unknown> {
        await later(30)
        return new Wait('end')
      }
      async end(): Promise<string> {
        await later(30)
        return 'slow'
      }
    }
    const bench = await open(Slow)
    const slow = await bench.launch(Slow)
    expect((await bench.untilWaiting(slow)).state).toBe('waiting')
    await slow.resume()
    expect((await bench.untilWaiting(slow)).ended).toBe(true)
    expect(bench.clock.now()).toBe(START)
  })

  test('a program that is killed at a wait goes on from there, for the same handles', async () => {
    const bench = await open(Order)
    const order = await bench.launch(Order, { amount: 10 })
    const before = await bench.untilWaiting(order)
    const ended = order.result()
    await bench.restart()
    expect(await bench.untilWaiting(order)).toEqual(before)
    await bench.signal(order, 'approval', {})
    expect(await ended).toMatchObject({ shipped: true })
    expect(world).toHaveLength(1)
  })

  test('a program that is killed within a step runs that again', async () => {
    const bench = await open(Courier)
    const courier = await bench.launch(Courier)
    await bench.advance('30m')
    await bench.restart()
    const again = await bench.untilWaiting(courier)
    // The sleep ends when it was to end.
    expect(again.waitsFor?.until).toEqual(new Date(START + 2 * HOUR))
    const history = await bench.client.history(courier.pid)
    expect(history.map(({ name }) => name)).toContain('crashed')
    await bench.skip()
    await bench.signal(courier, 'address', 'home')
    await bench.untilWaiting(courier)
    await bench.skip()
    expect(await courier.outputs.all()).toEqual({ delivered: 'home' })
  })

  test('what a killed program was about to do does not happen', async () => {
    let goOn = (): void => {}
    const gate = new Promise<void>((resolve) => (goOn = resolve))
    let runs = 0
    class Gated extends Process<typeof Gated> {
      override async run(): Promise<unknown> {
        if (++runs === 1) await gate
        await this.effect('note', () => world.push(`run ${runs}`))
        return undefined
      }
    }
    const bench = await open(Gated)
    const gated = await bench.launch(Gated)
    await bench.clock.quiet()
    await bench.restart()
    await bench.untilWaiting(gated)
    goOn()
    await bench.clock.quiet()
    expect(await gated.result()).toBeDefined()
    const history = await bench.client.history(gated.pid)
    expect(history.filter(({ name }) => name === 'effect')).toHaveLength(1)
  })

  test('a restart with other classes is a deploy', async () => {
    class Longer extends Order {
      static override processName = 'Order'
      override ship(): void {
        super.ship()
        world.push('shipped by the new version')
      }
    }
    const bench = await open(Order)
    const order = await bench.launch(Order, { amount: 10 })
    await bench.untilWaiting(order)
    await bench.restart({ processes: [Longer] })
    await bench.signal(order, 'approval', {})
    expect((await bench.untilWaiting(order)).successful).toBe(true)
    expect(world.at(-1)).toBe('shipped by the new version')
  })

  test('what the engine has no class for is reported, and not waited for', async () => {
    const bench = await open(Order)
    const order = await bench.launch(Order, { amount: 10 })
    await bench.untilWaiting(order)
    await bench.restart({ processes: [Courier] })
    await bench.signal(order, 'approval', {})
    await expect(bench.untilWaiting(order)).rejects.toThrow('no running engine has class Order')
    await bench.restart({ processes: [Order] })
    expect((await bench.untilWaiting(order)).ended).toBe(true)
  })

  test('what cannot be loaded after a deploy is set aside, and that is a stop', async () => {
    class Without extends Process<typeof Without> {
      static override processName = 'Child'
    }
    const bench = await open(Parent, Child)
    const parent = await bench.launch(Parent)
    await bench.untilWaiting(parent)
    await bench.restart({ processes: [Parent, Without] })
    const child = bench.client.handle((await bench.untilWaiting(parent)).waitsFor?.processes[0] ?? '')
    await child.resume('too late')
    expect((await bench.untilWaiting(child)).message).toContain('goOn')
    expect((await bench.untilWaiting(parent)).waitsFor?.processes).toEqual([child.pid])
  })

  test('one that waits for what no engine can run stands still', async () => {
    const bench = await open(Parent, Child)
    const parent = await bench.launch(Parent)
    await bench.untilWaiting(parent)
    await bench.restart({ processes: [Parent] })
    const { processes = [] } = (await bench.untilWaiting(parent)).waitsFor ?? {}
    await bench.client.handle(processes[0] ?? '').resume('nobody hears it')
    expect((await bench.untilWaiting(parent)).waitsFor?.processes).toEqual(processes)
  })

  test('a killed step that does not end has its time, which advance lets pass', async () => {
    class Stubborn extends Process<typeof Stubborn> {
      override async run(): Promise<unknown> {
        return new Promise(() => {})
      }
    }
    const bench = await TestBench.open({ store: await path(), processes: [Stubborn], killGrace: '1h' })
    onTestFinished(() => bench.close())
    const stubborn = await bench.launch(Stubborn)
    await bench.clock.quiet()
    await stubborn.kill('enough')
    await bench.advance('59m')
    expect((await stubborn.refresh()).label).toBe('running')
    await bench.advance('1m')
    expect(await bench.untilWaiting(stubborn)).toMatchObject({ state: 'killed', message: 'enough' })
  })

  test.each(['before', 'after'] as const)(
    'a process ends as it should when its program crashes %s any of its commits',
    async (when) => {
      let commit = 1
      for (; ; commit++) {
        world.splice(0)
        const bench = await open(Order)
        bench.crashAt({ commit, when })
        const order = await bench.launch(Order, { amount: 10 })
        const waiting = await bench.untilWaiting(order)
        expect(waiting.ctx).toEqual({ receipt: 'receipt for 10' })
        await bench.signal(order, 'approval', {})
        const ended = await bench.untilWaiting(order)
        expect(ended.outputs).toEqual({ receipt: 'receipt for 10', shipped: true })
        // Twice only where it crashed between the charge and its record, and then with the same key.
        expect(new Set(world).size).toBe(1)
        if (!bench.crashed) break
        await bench.close()
      }
      expect(commit).toBeGreaterThan(4)
    },
  )

  test.each([
    ['before', 2],
    ['after', 1],
  ] as const)('a crash can be named by what is written: %s the record of a charge', async (when, charges) => {
    const bench = await open(Order)
    bench.crashAt({ write: 'record', entry: 'effect:charge', when })
    const order = await bench.launch(Order, { amount: 10 })
    expect(bench.crashed).toBe(false)
    await bench.untilWaiting(order)
    expect(bench.crashed).toBe(true)
    expect(world).toHaveLength(charges)
    expect(new Set(world).size).toBe(1)
  })

  test('a crash at the commit that goes to wait leaves the step before it, or the wait', async () => {
    for (const [when, crashes] of [
      ['before', 1],
      ['after', 0],
    ] as const) {
      const bench = await open(Order)
      bench.crashAt({ write: 'advance', state: 'waiting', when })
      const order = await bench.launch(Order, { amount: 10 })
      expect((await bench.untilWaiting(order)).state).toBe('waiting')
      const history = await bench.client.history(order.pid)
      expect(history.filter(({ name }) => name === 'crashed')).toHaveLength(crashes)
    }
  })

  test('a clock that skips by itself lets a process run to its end', async () => {
    const clock = new SimulatedClock({ skips: true })
    const bench = await TestBench.open({ store: await path(), processes: [Rounds, Flaky], clock })
    onTestFinished(() => bench.close())
    const [rounds, flaky] = [await bench.launch(Rounds), await bench.launch(Flaky)]
    await rounds.result()
    expect(await flaky.outputs.all()).toEqual({ attempt: 3 })
    expect(clock.now()).toBe(START + 3 * HOUR)
  })

  test('it opens and closes with nothing left behind', async () => {
    const bench = await TestBench.open({ store: await path(), processes: [Courier] })
    const courier = await bench.launch(Courier)
    await bench.untilWaiting(courier)
    const result = courier.result()
    await Promise.all([bench.close(), bench.close()])
    await expect(result).rejects.toThrow('closed')
    await expect(bench.launch(Courier)).rejects.toThrow('closed')
  })
})

test('a file that a bench has closed is gone on with by the next', async () => {
  const store = await aPath()
  const first = await TestBench.open({ store, processes: [Order] })
  const { pid } = await first.launch(Order, { amount: 10 })
  await first.untilWaiting(first.client.handle(pid))
  await first.close()
  const next = await TestBench.open({ store, processes: [Order], clock: first.clock })
  onTestFinished(() => next.close())
  await next.advance('4d')
  expect((await next.untilWaiting(next.client.handle(pid))).outputs).toMatchObject({ shipped: false })
})

test('a bench that cannot be opened says why, and leaves nothing open', async () => {
  class Wrong extends Process<typeof Wrong> {
    static override define(): never {
      throw new Error('a wrong spec')
    }
  }
  await expect(TestBench.open({ processes: [Wrong] })).rejects.toThrow('a wrong spec')
  const bench = await TestBench.open({ processes: [Order] })
  onTestFinished(() => bench.close())
  await expect(bench.restart({ processes: [Wrong] })).rejects.toThrow('a wrong spec')
  await expect(bench.skip()).rejects.toThrow('a wrong spec')
  await bench.restart({ processes: [Order] })
  expect(await bench.skip()).toBe(false)
})

test('a process that is not there is not waited for', async () => {
  const bench = await TestBench.open({ processes: [Order] })
  onTestFinished(() => bench.close())
  await expect(bench.untilWaiting(bench.client.handle('nobody'))).rejects.toThrow('no process nobody')
})
