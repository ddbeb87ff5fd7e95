import { expect, it } from 'vitest'
import { NotReady, Process, ProcessExcepted, ProcessLost, WaitTimeout } from '../../src/index.ts'
import { overEachStore } from '../engine/over-stores.ts'
import { Add, Failing, Gated, gate } from '../engine/processes.ts'

overEachStore((over) => {
  it('the metadata of a process has its times, its engine and its end', async () => {
    const { clock } = over()
    const client = await over().client([Gated])
    const launchedAt = clock.now()
    const handle = await client.launch(Gated, { gate: 'meta' }, { label: 'mine' })
    expect(await handle.metadata()).toMatchObject({
      pid: handle.pid,
      name: 'Gated',
      label: 'mine',
      worker: null,
      attempt: 1,
      error: null,
      submitted: new Date(launchedAt),
      started: null,
      completed: null,
      received: null,
      state: { label: 'created' },
    })
    await clock.advance('2s')
    expect(handle.elapsed()).toBe(2_000)
    expect(() => handle.wallTime()).toThrow(NotReady)
    const engine = await over().engine([Gated])
    await gate('meta').reached
    await clock.advance('3s')
    gate('meta').open()
    await handle.wait()
    expect(() => client.handle('p').elapsed()).toThrow(
      'the times of p were not read yet: await metadata() first',
    )
    const metadata = await handle.metadata()
    expect(metadata).toMatchObject({ worker: engine.id, error: null, state: { label: 'finished' } })
    const [started, completed] = [metadata.started as Date, metadata.completed as Date]
    expect(started.getTime()).toBe(launchedAt + 2_000)
    expect(completed.getTime()).toBeGreaterThanOrEqual(launchedAt + 5_000)
    expect(handle.timing).toMatchObject({ submitted: new Date(launchedAt), started, completed })
    expect(metadata.received?.getTime()).toBeGreaterThanOrEqual(completed.getTime())
    await clock.advance('1h')
    expect(handle.elapsed()).toBe(completed.getTime() - launchedAt)
    expect(handle.wallTime()).toBe(completed.getTime() - launchedAt)
    expect(handle.serialTime()).toBe(completed.getTime() - started.getTime())
    await expect(client.handle('gone').metadata()).rejects.toThrow(ProcessLost)
  })

  it('the times of a group go from the first launch to the last end', async () => {
    const { clock } = over()
    const engine = await over().engine([Gated])
    const group = engine.group([
      await engine.launch(Gated, { gate: 'one' }),
      await engine.launch(Gated, { gate: 'two' }),
    ])
    const start = clock.now()
    await clock.advance('1s')
    gate('one').open()
    await group.at(0)?.wait()
    expect(group.elapsed()).toBe(clock.now() - start)
    expect(() => group.wallTime()).toThrow('1 (of 2) had not ended')
    await clock.advance('1s')
    gate('two').open()
    await group.wait()
    expect(() => group.serialTime()).toThrow('were not read yet: await metadata() first')
    const [one, two] = await group.field('completed')
    const starts = (await group.field('started')) as Date[]
    const ends = [one as Date, two as Date]
    expect(group.wallTime()).toBe((two as Date).getTime() - start)
    expect(group.elapsed()).toBe(group.wallTime())
    await clock.advance('1h')
    const elsewhere = (await over().client()).group(group.pids)
    const metadata = await elsewhere.metadata()
    expect(metadata.map(({ completed }) => completed)).toEqual([one, two])
    expect(elsewhere.wallTime()).toBe(group.wallTime())
    expect(group.serialTime()).toBe(
      group.timedelta(starts[0] as Date, one as Date) + group.timedelta(starts[1] as Date, two as Date),
    )
    expect(group.timedelta(starts, ends)).toBe((two as Date).getTime() - start)
    expect(group.timedelta(starts, ends, { endKey: ([first]) => first as Date })).toBe(
      (one as Date).getTime() - start,
    )
    expect(() => group.timedelta([], ends)).toThrow(RangeError)
    expect(await group.field('name')).toEqual(['Gated', 'Gated'])
    // @ts-expect-error no such field
    await expect(group.field('colour')).rejects.toThrow('there is no field colour; there are pid, name')
    expect([engine.group([]).elapsed(), engine.group([]).serialTime()]).toEqual([0, 0])
  })

  it('results by engine, where each engine ran one process', async () => {
    const [one, other] = [await over().engine([Add]), await over().engine([Gated])]
    const first = await one.launch(Add, { a: 1 })
    const second = await other.launch(Gated, { gate: 'there' })
    gate('there').open()
    const group = one.group([first.pid, second.pid])
    expect(await group.byWorker()).toEqual(
      new Map([
        [one.id, { sum: 2 }],
        [other.id, { steps: 2 }],
      ]),
    )
    await expect(one.group([first.pid, first.pid]).byWorker()).rejects.toThrow('has run several processes')
  })

  it('results by engine are not waited for beyond the timeout', async () => {
    const engine = await over().engine([Add, Gated])
    const add = await engine.launch(Add, { a: 1 })
    const gated = await engine.launch(Gated, { gate: 'shut' })
    await gate('shut').reached
    await expect(engine.group([gated]).byWorker({ timeout: 0 })).rejects.toThrow(WaitTimeout)
    await add.wait()
    expect(await engine.group([add]).byWorker({ timeout: 0 })).toEqual(new Map([[engine.id, { sum: 2 }]]))
    gate('shut').open()
    await gated.wait()
  })

  it('the metadata of a failed process has its error, and its inputs stay', async () => {
    const engine = await over().engine([Failing])
    const handle = await engine.launch(Failing, { message: 'no' })
    await handle.wait()
    const { error } = await handle.metadata()
    expect(error).toBeInstanceOf(ProcessExcepted)
    expect(error).toBe(handle.exception())
    expect(await handle.inputs()).toEqual({ message: 'no' })
    // With the defaults, in a program that has not launched it.
    const defaults = await engine.launch(Failing)
    await defaults.wait()
    const client = await over().client()
    expect(await client.handle(defaults.pid).inputs()).toEqual({ message: 'on purpose' })
    await expect(engine.handle('gone').inputs()).rejects.toThrow(ProcessLost)
  })

  it('the size of a process is what the store holds of its result and outputs', async () => {
    const engine = await over().engine([Add])
    const client = await over().client()
    const handle = await engine.launch(Add, { a: 1 })
    await handle.wait()
    const large = await client.launch('Nobody', { text: 'ä'.repeat(10_000) })
    const size = await handle.size()
    expect(size).toBeGreaterThan(2)
    expect(size).toBeLessThan(500)
    expect(await large.size()).toBeLessThan(500)
    expect(await handle.size({ remoteOnly: true })).toBe(0)
    const far = client.handle(handle.pid)
    expect(await far.size({ remoteOnly: true })).toBe(size)
    await far.wait()
    expect(await far.size({ remoteOnly: true })).toBe(0)
    await expect(client.handle('gone').size()).rejects.toThrow(ProcessLost)
  })

  it('a handle answers whether its process is stored and whether it has ended', async () => {
    const client = await over().client()
    const handle = await client.launch('Nobody', {})
    await handle.submitted()
    expect(await handle.isReady()).toBe(false)
    await handle.kill()
    expect(await handle.isReady()).toBe(true)
    await expect(client.handle('gone').submitted()).rejects.toThrow(ProcessLost)
    await expect(client.handle('gone').isReady()).rejects.toThrow(ProcessLost)
    await expect(handle.isReady({ timeout: -1 })).rejects.toThrow(RangeError)
  })
})

it('a process in memory has metadata too', async () => {
  const seen: unknown[] = []
  class Parent extends Process {
    override async run() {
      const child = await this.launch(Add, { a: 1 })
      await child.submitted()
      await child.wait()
      seen.push(await child.metadata(), await child.inputs(), await child.size(), child.wallTime() >= 0)
      seen.push(child.serialTime() >= 0, child.elapsed() >= 0, await child.isReady())
    }
  }
  await new Parent().execute()
  expect(seen).toEqual([
    expect.objectContaining({ name: 'Add', worker: null, attempt: 1, started: expect.any(Date) }),
    { a: 1, b: 1 },
    0,
    true,
    true,
    true,
    true,
  ])
})
