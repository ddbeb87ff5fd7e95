import { afterEach, expect, onTestFinished, test } from 'vitest'
import { Engine, Process, type AnyProcessClass, type ProcessSpec, type Store } from '../../src/index.ts'
import { SimulatedClock } from '../../src/testing/index.ts'
import { overBackEnds } from './stores.ts'

/* What is done by name is done once, however often the step is begun (C6). */

/** The keys under which something was done outside, in order. */
let done: string[] = []
/** Whether the bank takes the payment. */
let takes = true
afterEach(() => {
  done = []
  takes = true
})

class Pays extends Process<typeof Pays> {
  declare ctx: { begun?: number }
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('recordFailure', { schema: { type: 'boolean' }, default: false })
      .input('fails', { schema: { type: 'integer' }, default: 0 })
  }
  override async run(): Promise<unknown> {
    await this.effect('book', ({ idempotencyKey }) => done.push(idempotencyKey))
    const { recordFailure } = this.inputs
    const paid = await this.effect(
      'pay',
      ({ idempotencyKey }) => {
        done.push(idempotencyKey)
        if (!takes) throw new RangeError('not enough money')
        return 'paid'
      },
      { recordFailure },
    ).catch((error: unknown) => {
      if (recordFailure) return error
      throw error
    })
    if (this.attempt <= this.inputs.fails) throw new Error(`attempt ${this.attempt} fails`)
    return [paid, this.attempt]
  }
}

class Retries extends Pays {
  static override define(spec: ProcessSpec) {
    return super.define(spec).retry({ attempts: 3, backoff: { initial: '1h', jitter: 0 } })
  }
}

async function open(
  store: Store,
  clock: SimulatedClock,
  processes: readonly AnyProcessClass[],
): Promise<Engine> {
  const engine = await Engine.open({ store, clock, processes, handleSignals: false })
  onTestFinished(() => engine.close({ drain: 0 }))
  return engine
}

overBackEnds((_name, openStore) => {
  test('C6: a retry takes from the record what the attempts before have done', async () => {
    const clock = new SimulatedClock()
    const engine = await open(await openStore(clock), clock, [Retries])
    const handle = await engine.launch(Retries, { fails: 2 }, { pid: 'p' })
    for (const wait of ['1h', '2h']) {
      await clock.quiet()
      await clock.advance(wait)
    }
    expect(await handle.result()).toEqual(['paid', 3])
    expect(done).toEqual(['p/1/book', 'p/1/pay'])
  })

  test('C6: a failure that is not recorded is tried again, with the same key; one that is recorded is not', async () => {
    const clock = new SimulatedClock()
    const engine = await open(await openStore(clock), clock, [Retries])
    takes = false
    const again = await engine.launch(Retries, {}, { pid: 'again' })
    const kept = await engine.launch(Retries, { recordFailure: true, fails: 1 }, { pid: 'kept' })
    await clock.quiet()
    takes = true
    await clock.advance('1h')
    expect(await again.result()).toEqual(['paid', 2])
    expect(done.filter((key) => key === 'again/1/pay')).toHaveLength(2)
    const [error] = (await kept.result()) as readonly unknown[]
    expect(error).toBeInstanceOf(RangeError)
    expect(error).toMatchObject({ message: 'not enough money' })
    expect(done.filter((key) => key === 'kept/1/pay')).toHaveLength(1)
  })

  test('C6, USERS 17: a restart does again only what failed, with the same key, and keeps the old failure', async () => {
    const clock = new SimulatedClock()
    const store = await openStore(clock)
    const engine = await open(store, clock, [Pays])
    takes = false
    const failed = await engine.launch(Pays, {}, { pid: 'p' })
    await expect(failed.result()).rejects.toMatchObject({ cause: { message: 'not enough money' } })
    takes = true
    const again = await engine.restart('p')
    expect(await again.result()).toEqual(['paid', 1])
    expect(done).toEqual(['p/1/book', 'p/1/pay', 'p/1/pay'])
    expect(await store.read('p')).toMatchObject({ state: 'excepted', message: 'not enough money' })
    expect(await store.read(again.pid)).toMatchObject({
      origin: { pid: 'p', kind: 'restart' },
      state: 'finished',
    })
    expect(await again.explain()).toMatch(/it was restarted from p/)
  })
})
