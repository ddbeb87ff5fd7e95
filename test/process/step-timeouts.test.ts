import { describe, expect, test } from 'vitest'
import { Continue, if_, Process, type ProcessSpec, while_, WorkChain, type WorkChainSpec } from 'damson'
import { SimulatedClock } from 'damson/testing'
import { begin, calm, Latch, pass } from './helpers.ts'

describe('a step that takes longer than it may', () => {
  /** Its first attempt never ends by itself; its signals are kept. */
  class Slow extends Process {
    static override define(spec: ProcessSpec): void {
      spec.outputs.dynamic = true
      spec.retry({ attempts: 2, backoff: { initial: '1s', jitter: 0 } }).timeout(Slow.prototype.work, '10s')
    }
    readonly signals: AbortSignal[] = []
    readonly left: unknown[] = []
    readonly latch = new Latch()
    override run(): unknown {
      return new Continue(this.work)
    }
    async work(): Promise<unknown> {
      this.signals.push(this.signal)
      if (this.signals.length > 1) return 'done'
      return this.hang()
    }
    async hang(): Promise<unknown> {
      return new Promise(() => {})
    }
  }

  test('fails with StepTimeout, which is retried; its signal is aborted with that, and the next one is fresh', async () => {
    const { process, clock, run } = begin(Slow)
    await pass(clock, 9_999)
    expect(process.state).toBe('running')
    await pass(clock, 1)
    expect([process.state, process.attempt]).toEqual(['waiting', 2])
    await pass(clock, 1_000)
    await run
    expect(process.result()).toBe('done')
    expect(process.signals.map(({ aborted }) => aborted)).toEqual([true, false])
    expect(process.signals[0]?.reason).toMatchObject({ code: 'STEP_TIMEOUT', message: /work .* 10000 ms/ })
  })

  test('excepts the process where there are no retries', async () => {
    class Once extends Process {
      static override define(spec: ProcessSpec): void {
        spec.timeout(1_000)
      }
      override async run(): Promise<unknown> {
        return new Promise(() => {})
      }
    }
    const { clock, process, run } = begin(Once)
    await pass(clock, 1_000)
    await expect(run).rejects.toThrow(/the step run of process .* took longer than 1000 ms/)
    expect(process.exception()).toMatchObject({ code: 'STEP_TIMEOUT' })
  })

  test('gets the error from what it waits for, and may do something at its end', async () => {
    class Notified extends Slow {
      override async hang(): Promise<unknown> {
        return this.sleep('long', '1h').catch((error: unknown) => this.left.push(error))
      }
    }
    const { process, clock, run } = begin(Notified)
    await pass(clock, 10_000)
    expect(process.left).toMatchObject([{ code: 'STEP_TIMEOUT' }])
    await pass(clock, 1_000)
    await run
  })

  test('and goes on all the same does nothing for the process any more: no effect, output or child is its', async () => {
    let paid = 0
    class GoesOn extends Slow {
      override async work(): Promise<unknown> {
        this.signals.push(this.signal)
        if (this.signals.length === 1) {
          const child = await this.launch(Slow)
          await this.latch.opened
          for (const tries of [
            () => this.effect('pay', () => ++paid),
            () => this.launch(Slow),
            () => this.sleep('a', 0),
            () => child.result(),
            async () => this.out('late', 1),
          ]) {
            await tries().catch((error: unknown) => this.left.push(error))
          }
          return 'late'
        }
        await this.launch(Slow)
        this.latch.open()
        await calm()
        return this.effect('pay', ({ idempotencyKey }) => [++paid, idempotencyKey])
      }
    }
    const { process, clock, run } = begin(GoesOn)
    await pass(clock, 10_000)
    await pass(clock, 1_000)
    await run
    expect(process.left).toMatchObject([1, 2, 3, 4, 5].map(() => ({ code: 'STEP_TIMEOUT' })))
    expect([process.result(), process.outputs]).toEqual([[1, `${process.pid}/2/pay`], {}])
  })

  test('and ends an effect later leaves no record of it, and the next attempt does it with the same key', async () => {
    const keys: string[] = []
    class Late extends Slow {
      override async work(): Promise<unknown> {
        const value = this.effect('pay', async ({ idempotencyKey }) => {
          keys.push(idempotencyKey)
          if (keys.length === 1) await this.latch.opened
          return keys.length
        })
        return value
      }
    }
    const { process, clock, run } = begin(Late)
    await pass(clock, 10_000)
    process.latch.open()
    await pass(clock, 1_000)
    await run
    expect(process.result()).toBe(2)
    expect(keys).toEqual([`${process.pid}/2/pay`, `${process.pid}/2/pay`])
  })

  test('and receives a signal later does not take it from the next attempt', async () => {
    class Receives extends Slow {
      static override define(spec: ProcessSpec): void {
        super.define(spec)
        spec.signal('go')
      }
      override async work(): Promise<unknown> {
        this.signals.push(this.signal)
        if (this.signals.length === 1) await this.receive('go').catch(() => this.hang())
        return this.receive('go')
      }
    }
    const { process, clock, run } = begin(Receives)
    await pass(clock, 11_000)
    await process.sendSignal('go', 'for the second')
    await run
    expect(process.result()).toBe('for the second')
  })

  test('while it is paused gets the error at play', async () => {
    class Notified extends Slow {
      override async hang(): Promise<unknown> {
        return this.sleep('long', '1h')
      }
    }
    const { process, clock, run } = begin(Notified)
    await calm()
    await process.pause()
    await pass(clock, 60_000)
    expect([process.state, process.signals[0]?.aborted]).toEqual(['running', false])
    await process.play()
    await pass(clock, 1_000)
    await run
    expect(process.signals[0]?.aborted).toBe(true)
  })

  test('when it is being killed is not waited for any longer', async () => {
    const { process, clock, run } = begin(Slow)
    await calm()
    await process.kill('enough')
    await pass(clock, 9_999)
    expect(process.state).toBe('running')
    await pass(clock, 1)
    await expect(run).rejects.toThrow('enough')
  })

  test('is not looked for in a synchronous one: it has ended before anybody could', async () => {
    class Sync extends Process {
      static override define(spec: ProcessSpec): void {
        spec.timeout(1_000)
      }
      override run(): unknown {
        void clock.advance(60_000)
        return 'done'
      }
    }
    const clock = new SimulatedClock()
    const process = new Sync(undefined, { clock })
    await process.execute()
    expect(process.result()).toBe('done')
  })

  test('may also be a step of a work chain that ended in time, whose children take longer', async () => {
    class Chain extends WorkChain {
      static override define(spec: WorkChainSpec): void {
        super.define(spec)
        spec.outline('begin', 'end').timeout('begin', 1_000)
      }
      async begin(): Promise<unknown> {
        return { late: await this.launch(Late) }
      }
      end(): unknown {
        return this.ctx['late']
      }
    }
    class Late extends Process {
      override async run(): Promise<unknown> {
        await this.sleep('long', '1h')
        return 'late'
      }
    }
    const { process, clock, run } = begin(Chain)
    await pass(clock, 3_600_000)
    await run
    expect(process.result()).toBe('late')
  })
})

describe('a predicate that takes longer than it may', () => {
  class Asks extends WorkChain {
    static override define(spec: WorkChainSpec): void {
      super.define(spec)
      spec.outline(if_('isReady')('go'), 'end').timeout('10s')
      spec.retry({ attempts: 2, backoff: { initial: '1s', jitter: 0 } })
    }
    readonly signals: AbortSignal[] = []
    hangs = 1
    late: unknown
    readonly latch = new Latch()
    async isReady(): Promise<boolean> {
      this.signals.push(this.signal)
      if (this.signals.length > this.hangs) return true
      await this.latch.opened
      this.late = await this.launch(Asks).catch((error: unknown) => error)
      return true
    }
    go(): void {}
    end(): unknown {
      return 'done'
    }
  }

  test('fails with StepTimeout, which is retried; what it does later does not count', async () => {
    const { process, clock, run } = begin(Asks)
    await pass(clock, 9_999)
    expect(process.state).toBe('running')
    await pass(clock, 1)
    expect([process.state, process.attempt]).toEqual(['waiting', 2])
    expect(process.signals[0]?.reason).toMatchObject({
      code: 'STEP_TIMEOUT',
      message: expect.stringMatching(/the predicate isReady of process .* took longer than 10000 ms/),
    })
    process.latch.open()
    await calm()
    expect(process.late).toMatchObject({ code: 'STEP_TIMEOUT' })
    await pass(clock, 1_000)
    await run
    expect(process.result()).toBe('done')
    expect(process.signals.map(({ aborted }) => aborted)).toEqual([true, false])
  })

  test('excepts the chain where there are no retries, also after a step that ended in time', async () => {
    class Once extends Asks {
      static override define(spec: WorkChainSpec): void {
        super.define(spec)
        spec.outline('go', while_('isReady')('go')).timeout('isReady', '3s').retry({ attempts: 1 })
      }
    }
    const { process, clock, run } = begin(Once)
    await pass(clock, 3_000)
    await expect(run).rejects.toThrow(/the predicate isReady of process .* took longer than 3000 ms/)
    expect(process.exception()).toMatchObject({ code: 'STEP_TIMEOUT' })
  })
})
