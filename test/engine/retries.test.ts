import { expect, test } from 'vitest'
import {
  Continue,
  DeadlineExceeded,
  NonRetryableError,
  Process,
  ProcessExcepted,
  ProcessKilled,
  Wait,
  type ProcessSpec,
} from '../../src/index.ts'
import { historyOf, overEachStore, untilRow, untilWaiting } from './over-stores.ts'
import { gate } from './processes.ts'

/** What the outside world is asked, and how often it fails still. */
const world = new Map<string, { asked: number; failures: number; paid: string[] }>()

function worldOf(name: string) {
  let found = world.get(name)
  if (found === undefined) world.set(name, (found = { asked: 0, failures: 0, paid: [] }))
  return found
}

/** Pays once and ships with retries: shipping fails as often as its world says. */
class Shipping extends Process<typeof Shipping> {
  declare ctx: { tries?: number }
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('world', { schema: { type: 'string' } })
      .output('paid', { schema: { type: 'string' }, required: false })
      .retry({ attempts: 3, backoff: { initial: '1m', factor: 2, jitter: 0 } })
  }
  override run(): unknown {
    return new Continue(this.ship)
  }
  async ship(): Promise<unknown> {
    const outside = worldOf(this.inputs.world)
    outside.asked++
    const paid = await this.effect('pay', ({ idempotencyKey }) => {
      outside.paid.push(idempotencyKey)
      return `receipt ${outside.paid.length}`
    })
    this.ctx.tries = (this.ctx.tries ?? 0) + 1
    if (outside.failures-- > 0) throw new Error(`no ship (${this.attempt})`)
    return [paid, this.attempt, this.ctx.tries]
  }
}

/** As `Shipping`, and is paused when its attempts have run out. */
class Patient extends Process<typeof Patient> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('world', { schema: { type: 'string' } })
      .retry({ attempts: 2, backoff: { initial: '1m', jitter: 0 }, whenExhausted: 'pause' })
  }
  override run(): unknown {
    if (worldOf(this.inputs.world).failures-- > 0) throw new Error('not yet')
    return this.attempt
  }
}

/** Holds a step until its gate opens, or for ever. */
class Held extends Process<typeof Held> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('gate', { schema: { type: 'string' }, required: false })
  }
  override async run(): Promise<unknown> {
    if (this.inputs.gate !== undefined) await gate(this.inputs.gate).pass()
    const child = await this.launch(Sleeper)
    return new Wait(undefined, { on: child })
  }
}

class Sleeper extends Process<typeof Sleeper> {
  override run(): unknown {
    return new Wait()
  }
}

class Bounded extends Process<typeof Bounded> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.deadline('1h')
  }
  override run(): unknown {
    return new Wait()
  }
}

let worlds = 0
function aWorld(failures: number): string {
  const name = `world ${++worlds}`
  worldOf(name).failures = failures
  return name
}

overEachStore((over) => {
  const backingOff = (pid: string, attempt: number) =>
    untilRow(over().store, pid, (row) => row.state === 'waiting' && row.attempt === attempt)

  test('a failing step is tried again after a back-off that grows, from its start, with what it did recorded', async () => {
    const { clock } = over()
    const name = aWorld(2)
    const engine = await over().engine([Shipping])
    const handle = await engine.launch(Shipping, { world: name })
    await backingOff(handle.pid, 2)
    expect(await handle.refresh()).toMatchObject({ label: 'waiting', reason: 'retry' })
    expect(await handle.explain()).toMatch(
      /ship failed 1 of 3 \(no ship \(1\)\), next try 2026-01-01T00:01:00.000Z, in 60.0 s/,
    )
    expect((await engine.list()).processes[0]).toMatchObject({ attempt: 2, step: 'ship' })
    await clock.advance('1m')
    await backingOff(handle.pid, 3)
    await clock.advance('2m')
    // Its context is as it was when the step began.
    expect(await handle.result()).toEqual(['receipt 1', 3, 1])
    expect(worldOf(name).paid).toHaveLength(1)
    expect(await historyOf(engine, handle.pid)).toEqual([
      'created',
      'running',
      'running',
      'effect',
      'failed',
      'running',
      'failed',
      'running',
      'finished',
    ])
    const failed = (await handle.history()).filter((event) => event.name === 'failed')
    expect(failed.map(({ data }) => data)).toMatchObject([
      { step: 'ship', attempt: 1, attempts: 3, message: 'no ship (1)' },
      { step: 'ship', attempt: 2, attempts: 3, message: 'no ship (2)' },
    ])
  })

  test('when its attempts have run out the process excepts with the last error', async () => {
    const { clock } = over()
    const engine = await over().engine([Shipping])
    const handle = await engine.launch(Shipping, { world: aWorld(9) })
    for (const attempt of [2, 3]) {
      await backingOff(handle.pid, attempt)
      await clock.advance(attempt === 2 ? '1m' : '2m')
    }
    const error = (await handle.result({ raiseOnFailure: false })) as ProcessExcepted
    expect(error.cause).toMatchObject({ message: 'no ship (3)' })
  })

  test('a back-off outlives its engine, and a crash spends no attempt', async () => {
    const { clock } = over()
    const name = aWorld(1)
    const first = await over().engine([Shipping])
    const { pid } = await first.launch(Shipping, { world: name })
    await backingOff(pid, 2)
    await first.close()
    await clock.advance('30s')
    const second = await over().engine([Shipping])
    expect((await over().store.read(pid))?.state).toBe('waiting')
    await clock.advance('30s')
    expect(await second.handle(pid).result()).toEqual(['receipt 1', 2, 1])
    expect(new Set(worldOf(name).paid).size).toBe(1)
  })

  test('C7: a back-off is paused, killed, and ended by a retry', async () => {
    const { clock } = over()
    const engine = await over().engine([Shipping])
    const launched = async () => {
      const handle = await engine.launch(Shipping, { world: aWorld(1) })
      await backingOff(handle.pid, 2)
      return handle
    }
    const [paused, killed, retried] = [await launched(), await launched(), await launched()]
    await paused.pause()
    await killed.kill('no more')
    await expect(killed.result()).rejects.toThrow('no more')
    expect(await retried.retry()).toBe(true)
    expect(await retried.result()).toEqual(['receipt 1', 2, 1])
    expect((await retried.history()).map(({ name, side }) => `${side} ${name}`)).toContain('caller retried')
    await clock.advance('1h')
    expect((await paused.refresh()).paused).toBe(true)
    await paused.play()
    expect(await paused.result()).toEqual(['receipt 1', 2, 1])
  })

  test('retries that ran out pause the process where that is declared, and a play or a retry has a fresh budget', async () => {
    const { clock } = over()
    const engine = await over().engine([Patient])
    const handle = await engine.launch(Patient, { world: aWorld(5) })
    await backingOff(handle.pid, 2)
    await clock.advance('1m')
    await untilRow(over().store, handle.pid, ({ paused }) => paused !== null)
    expect(await handle.explain()).toMatch(/it is paused \(.*failed 2 of 2.*not yet/)
    expect(await handle.retry()).toBe(true)
    await backingOff(handle.pid, 2)
    await clock.advance('1m')
    await untilRow(over().store, handle.pid, ({ paused }) => paused !== null)
    await handle.play()
    await backingOff(handle.pid, 2)
    await clock.advance('1m')
    expect(await handle.result()).toBe(2)
  })

  test('a launch has retries of its own, also by name', async () => {
    const { clock } = over()
    const client = await over().client()
    const retry = { attempts: 2, backoff: { initial: '1s', jitter: 0 } }
    const handle = await client.launch('Plain', { world: aWorld(1) }, { retry })
    class Plain extends Process<typeof Plain> {
      static override define(spec: ProcessSpec) {
        super.define(spec)
        return spec.input('world', { schema: { type: 'string' } })
      }
      override run(): unknown {
        if (worldOf(this.inputs.world).failures-- > 0) throw new Error('not yet')
        return this.attempt
      }
    }
    const engine = await over().engine([Plain])
    const other = await engine.launch(Plain, { world: aWorld(1) }, { retry: 2 })
    for (const { pid } of [handle, other]) await backingOff(pid, 2)
    await clock.advance('1m')
    expect(await handle.result()).toBe(2)
    expect(await other.result()).toBe(2)
    await expect(engine.launch(Plain, { world: 'x' }, { retry: 0 })).rejects.toThrow('retry.attempts')
  })

  test('an error that must not be retried is not, and there is nothing to retry in what goes well', async () => {
    class Final extends Process<typeof Final> {
      static override define(spec: ProcessSpec) {
        super.define(spec)
        return spec.retry({ attempts: 5 })
      }
      override run(): never {
        throw new NonRetryableError('never')
      }
    }
    const engine = await over().engine([Final, Sleeper])
    const error = (await (await engine.launch(Final)).result({ raiseOnFailure: false })) as ProcessExcepted
    expect(error.cause).toBeInstanceOf(NonRetryableError)
    const well = await engine.launch(Sleeper)
    await untilWaiting(over().store, well.pid)
    expect(await well.retry()).toBe(false)
    expect(await engine.retry(well.pid)).toBe(well)
    await well.resume()
    await well.result()
    expect(await well.retry()).toBe(false)
  })

  test('a child that failed in an earlier attempt is launched anew, and one that did well is found again', async () => {
    const { clock, store } = over()
    const name = aWorld(1)
    class Good extends Process<typeof Good> {
      override run(): string {
        return 'good'
      }
    }
    class Moody extends Process<typeof Moody> {
      static override define(spec: ProcessSpec) {
        super.define(spec)
        return spec.input('world', { schema: { type: 'string' } })
      }
      override run(): unknown {
        if (worldOf(this.inputs.world).failures-- > 0) throw new Error('moody')
        return 'well'
      }
    }
    class Twice extends Process<typeof Twice> {
      static override define(spec: ProcessSpec) {
        super.define(spec)
        return spec
          .input('world', { schema: { type: 'string' } })
          .retry({ attempts: 2, backoff: { initial: '1s', jitter: 0 } })
      }
      override async run(): Promise<unknown> {
        const good = await this.launch(Good)
        const moody = await this.launch(Moody, { world: this.inputs.world })
        return this.join('both', { good, moody })
      }
    }
    const engine = await over().engine([Good, Moody, Twice])
    const handle = await engine.launch(Twice, { world: name })
    await backingOff(handle.pid, 2)
    await clock.advance('1s')
    expect(await handle.result()).toEqual({ good: 'good', moody: 'well' })
    const rows = (await store.list({ parent: handle.pid })).rows
    expect(rows.map(({ className, state }) => `${className} ${state}`).toSorted()).toEqual([
      'Good finished',
      'Moody excepted',
      'Moody finished',
    ])
  })

  test('a deadline excepts the process whatever it does, and kills its children', async () => {
    const { clock, store } = over()
    const engine = await over().engine([Held, Sleeper])
    const deadline = new Date(clock.now() + 60_000)
    const running = await engine.launch(Held, { gate: 'held' }, { deadline })
    const waiting = await engine.launch(Held, {}, { deadline: '1m' })
    await gate('held').reached
    const row = await untilWaiting(store, waiting.pid)
    expect(row.deadline).toBe(deadline.getTime())
    expect(await waiting.explain()).toMatch(
      /its deadline is 2026-01-01T00:01:00.000Z, in 60.0 s; after that it is excepted/,
    )
    const child = (await store.list({ parent: waiting.pid })).rows[0]?.pid as string
    await clock.advance('59s')
    expect([running.done, waiting.done]).toEqual([false, false])
    await clock.advance('1s')
    for (const handle of [running, waiting]) {
      const error = (await handle.result({ raiseOnFailure: false })) as ProcessExcepted
      expect(error.cause).toBeInstanceOf(DeadlineExceeded)
    }
    await expect(engine.handle(child).result()).rejects.toBeInstanceOf(ProcessKilled)
  })

  test('a deadline that passed while no engine ran is acted on before any step runs', async () => {
    const { clock } = over()
    const client = await over().client([Held])
    const handle = await client.launch(Held, { gate: 'never' }, { deadline: '1m', delay: '30s' })
    await clock.advance('2m')
    const engine = await over().engine([Held, Sleeper])
    const error = (await engine.handle(handle.pid).result({ raiseOnFailure: false })) as ProcessExcepted
    expect(error.cause).toBeInstanceOf(DeadlineExceeded)
    expect(gate('never').visits).toBe(0)
  })

  test('of the deadlines of a class and of a launch the earlier one counts', async () => {
    const { clock, store } = over()
    const engine = await over().engine([Bounded])
    const plain = await engine.launch(Bounded)
    const sooner = await engine.launch(Bounded, {}, { deadline: '1m' })
    const later = await engine.launch(Bounded, {}, { deadline: '2h' })
    const hour = clock.now() + 3_600_000
    const deadlines = await Promise.all(
      [plain, sooner, later].map(async ({ pid }) => (await store.read(pid))?.deadline),
    )
    expect(deadlines).toEqual([hour, clock.now() + 60_000, hour])
    await clock.advance('1h')
    for (const handle of [plain, sooner, later]) expect((await handle.wait())?.label).toBe('excepted')
  })
})
