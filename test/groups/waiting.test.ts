import { expect, it } from 'vitest'
import {
  GroupError,
  NotReady,
  Process,
  ProcessExcepted,
  ProcessKilled,
  ProcessLost,
  WaitTimeout,
  type Client,
  type ProcessGroup,
  type ProcessHandle,
  type ProcessSpec,
} from '../../src/index.ts'
import { overEachStore } from '../engine/over-stores.ts'
import { gate } from '../engine/processes.ts'

/** Passes a gate of its own, and then returns its number in a list, or fails. */
class Job extends Process<typeof Job> {
  static override define(spec: ProcessSpec) {
    return spec
      .input('n', { schema: { type: 'integer' } })
      .input('fails', { schema: { type: 'boolean' }, default: false })
      .returns({ schema: { type: 'array', items: { type: 'integer' } } })
  }
  override async run(): Promise<number[]> {
    await gate(`job ${this.inputs.n}`).pass()
    if (this.inputs.fails) throw new TypeError(`no ${this.inputs.n}`)
    return [this.inputs.n]
  }
}

/** A group of jobs; those of these numbers fail. */
async function jobs(
  client: Client,
  count: number,
  failing: readonly number[] = [],
): Promise<ProcessGroup<number[]>> {
  const handles: ProcessHandle<number[]>[] = []
  for (let n = 0; n < count; n++) handles.push(await client.launch(Job, { n, fails: failing.includes(n) }))
  return client.group(handles, { name: 'jobs' })
}

function open(...numbers: readonly number[]): void {
  for (const n of numbers) gate(`job ${n}`).open()
}

/** The jobs end in the order of these numbers. */
async function end(group: ProcessGroup, ...numbers: readonly number[]): Promise<void> {
  for (const n of numbers) {
    open(n)
    await group.at(n)?.wait()
  }
}

overEachStore((over) => {
  it('the results are in the order of the group, and a process may be in it twice', async () => {
    const engine = await over().engine([Job])
    const three = await jobs(engine, 3)
    const group = engine.group([...three, three.pids[0] as string])
    const result = group.result()
    await end(group, 2, 0, 1)
    expect(await result).toEqual([[0], [1], [2], [0]])
    const [first, , , again] = await group.result()
    expect(first).not.toBe(again)
    expect(group.results()).toEqual([[0], [1], [2], [0]])
    expect(group.successful()).toBe(true)
    expect(group.progress).toMatchObject({ completed: 4, total: 4, fraction: 1, byState: { finished: 4 } })
  })

  it('another program waits for a group by its pids', async () => {
    const engine = await over().engine([Job])
    const launched = await jobs(engine, 2)
    const client = await over().client()
    const group = client.group<number[]>(launched.pids)
    const result = group.result()
    expect(group.results()).toEqual([null, null])
    await end(launched, 1, 0)
    expect(await result).toEqual([[0], [1]])
    expect(group.results()).toEqual([[0], [1]])
    expect(await client.handle<number[]>(launched.pids[1] as string).result()).toEqual([1])
  })

  it('the state of a group is what is known here, until it is read', async () => {
    const engine = await over().engine([Job])
    const launched = await jobs(engine, 3)
    const group = (await over().client()).group<number[]>(launched.pids)
    await end(launched, 1)
    await group.refresh()
    expect(group.statuses.map(({ label }) => label === 'finished')).toEqual([false, true, false])
    expect(await group.at(1)?.result()).toEqual([1])
    expect(group.results()).toEqual([null, [1], null])
    expect(group.progress).toMatchObject({
      completed: 1,
      total: 3,
      fraction: 1 / 3,
      byState: { finished: 1 },
    })
    expect(await group.isReady()).toBe(false)
    expect(() => group.successful()).toThrow(NotReady)
    await end(launched, 0, 2)
    expect(await group.isReady()).toBe(true)
    expect(group.successful()).toBe(true)
    expect(group.progress).toMatchObject({ completed: 3, fraction: 1 })
  })

  it('the result of a group rejects with the first failure, and the others continue', async () => {
    const engine = await over().engine([Job])
    const group = await jobs(engine, 3, [1, 2])
    const result = group.result()
    open(2)
    await expect(result).rejects.toThrow(ProcessExcepted)
    await expect(result).rejects.toMatchObject({ pid: group.pids[2] })
    expect(await group.at(0)?.wait({ timeout: 0 })).toBeNull()
    expect(group.results()).toEqual([null, null, null])
    open(0, 1)
    expect(await group.result({ raiseOnFailure: false })).toEqual([
      [0],
      expect.objectContaining({ pid: group.pids[1] }),
      expect.objectContaining({ pid: group.pids[2] }),
    ])
    expect(group.results()).toEqual([[0], null, null])
    expect(group.successful()).toBe(false)
  })

  it('with returnWhen "all" one error names the first four failures and counts the rest', async () => {
    const engine = await over().engine([Job])
    const group = await jobs(engine, 7, [0, 1, 2, 4, 5, 6])
    const result = group.result({ returnWhen: 'all' })
    await end(group, 6, 5, 4, 3, 2, 1, 0)
    const error = (await result.catch((thrown: unknown) => thrown)) as GroupError
    expect(error).toBeInstanceOf(GroupError)
    expect(error.errors.map(({ pid }) => pid)).toEqual(group.pids.filter((_, n) => n !== 3))
    expect(error.message.split('\n')).toHaveLength(6)
    expect(error.message).toContain(`6 failed\n${group.pids[0]}: `)
    expect(error.message).toContain(`\n${group.pids[4]}: `)
    expect(error.message).not.toContain(group.pids[5])
    expect(error.message).toMatch(/\nand 2 more$/)
  })

  it('the outcomes of a group tell each end', async () => {
    const engine = await over().engine([Job])
    const group = await jobs(engine, 3, [1])
    const outcomes = group.outcomes()
    open(0, 1)
    await group.at(2)?.kill('not needed')
    open(2)
    expect(await outcomes).toMatchObject([
      { status: 'fulfilled', value: [0], state: { label: 'finished' } },
      { status: 'rejected', reason: expect.any(ProcessExcepted), state: { label: 'excepted' } },
      { status: 'rejected', reason: expect.any(ProcessKilled), state: { label: 'killed' } },
    ])
  })

  it('a wait is over when one, so many or all have ended, or when one has failed', async () => {
    const engine = await over().engine([Job])
    const group = await jobs(engine, 5, [3])
    const waits = {
      one: group.wait({ returnWhen: 'first-completed' }),
      three: group.wait({ returnWhen: 3 }),
      failure: group.wait({ returnWhen: 'first-failure' }),
      all: group.wait(),
    }
    const pidsOf = (handles: readonly ProcessHandle[]): readonly number[] =>
      handles.map(({ pid }) => group.pids.indexOf(pid))
    const { clock } = over()
    await end(group, 4)
    expect(pidsOf((await waits.one).done)).toEqual([4])
    expect(pidsOf((await waits.one).pending)).toEqual([0, 1, 2, 3])
    await end(group, 0, 1)
    expect(pidsOf((await waits.three).done)).toEqual([0, 1, 4])
    await end(group, 3)
    expect(pidsOf((await waits.failure).done)).toEqual([0, 1, 3, 4])
    expect(pidsOf((await waits.failure).pending)).toEqual([2])
    expect(pidsOf((await group.wait({ returnWhen: 'first-failure' })).done)).toEqual([0, 1, 3, 4])
    await end(group, 2)
    expect(pidsOf((await waits.all).done)).toEqual([0, 1, 2, 3, 4])
    void clock
  })

  it('a wait that times out says what has ended, and a result that times out says how much is left', async () => {
    const engine = await over().engine([Job])
    const group = await jobs(engine, 3)
    await end(group, 1)
    const { clock } = over()
    const wait = group.wait({ timeout: '5s' })
    const result = group.result({ timeout: '5s' })
    const outcomes = group.outcomes({ timeout: '5s' })
    const rejections = Promise.allSettled([result, outcomes])
    await clock.advance('5s')
    const { done, pending } = await wait
    expect(done.map(({ pid }) => pid)).toEqual([group.pids[1]])
    expect(pending.map(({ pid }) => pid)).toEqual([group.pids[0], group.pids[2]])
    for (const rejection of await rejections) {
      const { reason } = rejection as PromiseRejectedResult
      expect(reason).toBeInstanceOf(WaitTimeout)
      expect(reason).toMatchObject({ pending: [group.pids[0], group.pids[2]], total: 3 })
      expect((reason as Error).message).toContain('2 (of 3) processes of the group jobs had not ended')
    }
    expect((await group.wait({ timeout: 0 })).done).toHaveLength(1)
    await expect(group.result({ timeout: 0 })).rejects.toThrow('2 (of 3)')
    open(0, 2)
    expect(await group.result()).toEqual([[0], [1], [2]])
    expect(await group.result({ timeout: 0 })).toEqual([[0], [1], [2]])
  })

  it('a signal ends a wait with its reason, and the processes continue', async () => {
    const engine = await over().engine([Job])
    const group = await jobs(engine, 2)
    const aborting = new AbortController()
    const { signal } = aborting
    const ends = [group.wait({ signal }), group.result({ signal }), group.asCompleted({ signal }).next()]
    const settled = Promise.allSettled(ends)
    await end(group, 0)
    aborting.abort(new RangeError('enough'))
    expect(await settled).toMatchObject([
      { reason: { message: 'enough' } },
      { reason: { message: 'enough' } },
      { value: { value: { pid: group.pids[0] } } },
    ])
    await expect(group.wait({ signal })).rejects.toThrow('enough')
    expect(() => group.asCompleted({ signal })).toThrow('enough')
    open(1)
    expect(await group.result()).toEqual([[0], [1]])
  })

  it('a signal that aborts in the body of a loop ends the loop, although more have ended', async () => {
    const engine = await over().engine([Job])
    const two = await jobs(engine, 2)
    open(0, 1)
    await two.wait()
    const group = engine.group([...two.pids, ...two.pids])
    for (const loop of [
      (signal: AbortSignal) => group.asCompleted({ signal }),
      (signal: AbortSignal) => group.values({ signal }),
      (signal: AbortSignal) => group.values({ signal, ordered: false }),
    ]) {
      const aborting = new AbortController()
      let rounds = 0
      const left = (async () => {
        for await (const _ of loop(aborting.signal)) {
          rounds++
          aborting.abort(new RangeError('enough'))
        }
      })()
      await expect(left).rejects.toThrow('enough')
      expect(rounds).toBe(1)
    }
  })

  it('asCompleted gives each process once, as they end, and again when it is called again', async () => {
    const engine = await over().engine([Job])
    const three = await jobs(engine, 3, [1])
    const group = engine.group([...three, ...three])
    const seen: string[] = []
    const loop = (async () => {
      for await (const handle of group.asCompleted()) seen.push(handle.pid)
    })()
    await end(three, 2, 1, 0)
    await loop
    expect(seen).toEqual([three.pids[2], three.pids[1], three.pids[0]])
    const again: string[] = []
    for await (const handle of group.asCompleted()) again.push(handle.pid)
    expect(again).toEqual(three.pids)
  })

  it('the time limit of asCompleted also counts while the body of the loop runs', async () => {
    const engine = await over().engine([Job])
    const group = await jobs(engine, 6)
    await end(group, 0, 1, 2)
    const seen: string[] = []
    const loop = (async () => {
      for await (const handle of group.asCompleted({ timeout: '10s' })) {
        seen.push(handle.pid)
        if (seen.length === 1) await end(group, 3)
        await over().clock.advance('3s')
      }
    })()
    await expect(loop).rejects.toThrow('2 (of 6) processes of the group jobs had not ended')
    await expect(loop).rejects.toThrow(WaitTimeout)
    expect(seen).toEqual(group.pids.slice(0, 4))
    open(4, 5)
  })

  it('values come in the order of the group, or as the processes end', async () => {
    const engine = await over().engine([Job])
    const group = await jobs(engine, 3)
    const twice = engine.group([...group, group.pids[2] as string], { ordered: false })
    const read = async (values: AsyncIterable<number[]>): Promise<readonly number[]> => {
      const seen: number[] = []
      for await (const [n] of values) seen.push(n as number)
      return seen
    }
    const reads = [
      read(group),
      read(group.values({ ordered: false })),
      read(twice),
      read(twice.values({ ordered: true })),
    ]
    await end(group, 2, 0, 1)
    expect(await Promise.all(reads)).toEqual([
      [0, 1, 2],
      [2, 0, 1],
      [2, 2, 0, 1],
      [0, 1, 2, 2],
    ])
    expect(await read(group)).toEqual([0, 1, 2])
  })

  it('a failure ends the loop over the values in its place, or is one of them', async () => {
    const engine = await over().engine([Job])
    const group = await jobs(engine, 3, [1])
    const seen: unknown[] = []
    const loop = (async () => {
      for await (const value of group) seen.push(value)
    })()
    const all = (async () => {
      const values: unknown[] = []
      for await (const value of group.values({ raiseOnFailure: false })) values.push(value)
      return values
    })()
    await end(group, 1, 2, 0)
    await expect(loop).rejects.toMatchObject({ pid: group.pids[1] })
    expect(seen).toEqual([[0]])
    expect(await all).toEqual([[0], expect.any(ProcessExcepted), [2]])
  })

  it('an empty group is ready at once', async () => {
    const client = await over().client()
    const group = client.group<number>([])
    expect(await group.result()).toEqual([])
    expect(await group.result({ timeout: 0 })).toEqual([])
    expect(await group.wait()).toEqual({ done: [], pending: [] })
    expect(await group.wait({ returnWhen: 'first-completed', timeout: 0 })).toEqual({ done: [], pending: [] })
    expect(group.progress).toMatchObject({ completed: 0, total: 0, fraction: 1 })
    expect([await group.isReady(), group.successful()]).toEqual([true, true])
    for await (const value of group) expect.unreachable(String(value))
    for await (const handle of group.asCompleted()) expect.unreachable(handle.pid)
  })

  it('a process that the store does not have counts as failed', async () => {
    const client = await over().client()
    const group = client.group(['gone'])
    await expect(group.result()).rejects.toThrow(ProcessLost)
    expect((await client.group(['gone']).wait()).done).toHaveLength(1)
    expect(await client.group(['gone']).outcomes()).toMatchObject([
      { status: 'rejected', reason: expect.any(ProcessLost) },
    ])
    await client.group(['gone']).refresh()
    expect(await client.group(['gone']).isReady()).toBe(true)
    await expect(client.group(['gone']).submitted()).rejects.toThrow(ProcessLost)
    expect(await client.group(['gone']).kill()).toEqual([false])
  })

  it('a group pauses, plays and kills each of its processes', async () => {
    const client = await over().client()
    const handles = [await client.launch('Nobody', {}), await client.launch('Nobody', {})]
    const group = client.group([...handles, handles[0] as ProcessHandle])
    await group.submitted()
    expect(await group.pause('a moment')).toEqual([true, true, true])
    expect(group.statuses).toMatchObject(group.pids.map(() => ({ paused: true, message: 'a moment' })))
    expect(await group.play()).toEqual([true, true, true])
    expect(group.statuses).toMatchObject(group.pids.map(() => ({ paused: false })))
    expect(await group.isReady()).toBe(false)
    expect(() => group.successful()).toThrow('has not ended')
    expect(await group.slice(0, 1).kill()).toEqual([true])
    expect(await group.kill('not needed')).toEqual([false, true, false])
    expect(await group.isReady()).toBe(true)
    expect(group.progress).toMatchObject({ completed: 3, byState: { killed: 3 } })
    expect(group.split().map(({ pids }) => pids)).toEqual(group.pids.map((pid) => [pid]))
  })

  it('a wait rejects when the client is closed', async () => {
    const client = await over().client()
    const group = client.group([await client.launch('Nobody', {})])
    const waits = Promise.allSettled([group.wait(), group.result(), group.asCompleted().next()])
    await client.close()
    for (const wait of await waits)
      expect(wait).toMatchObject({ status: 'rejected', reason: { code: 'CLOSED' } })
  })

  it('wrong options are refused', async () => {
    const client = await over().client()
    const group = client.group(['a', 'b', 'a'])
    await expect(group.wait({ returnWhen: 3 })).rejects.toThrow(
      'returnWhen is 3, but the group has 2 different processes',
    )
    await expect(group.wait({ returnWhen: 0 })).rejects.toThrow(RangeError)
    // @ts-expect-error no such text
    await expect(group.wait({ returnWhen: 'any' })).rejects.toThrow('"any"')
    await expect(group.wait({ timeout: -1 })).rejects.toThrow(RangeError)
    // @ts-expect-error a result is not a number of results
    await expect(group.result({ returnWhen: 2 })).rejects.toThrow("'all' or 'first-failure'")
    // @ts-expect-error no such option
    await expect(group.result({ timout: 2 })).rejects.toThrow('did you mean "timeout"?')
    // @ts-expect-error no such option
    expect(() => group.values({ orderd: true })).toThrow('did you mean "ordered"?')
    expect(() => group.asCompleted({ timeout: Number.NaN })).toThrow(RangeError)
  })
})
