import { describe, expect, test } from 'vitest'
import {
  Bundle,
  Continue,
  if_,
  NonRetryableError,
  Process,
  ProcessExcepted,
  type ProcessHandle,
  type ProcessSpec,
  type RetryOptions,
  SerializationError,
  SpecError,
  type SpecRetryOptions,
  Wait,
  WorkChain,
  type WorkChainSpec,
} from 'damson'
import { SimulatedClock } from 'damson/testing'
import { begin, calm, pass, reload, until } from './helpers.ts'

const backoff = { initial: '1s', factor: 1, jitter: 0 }

/** A process that fails so many times before it succeeds, with these retries. */
function failing(times: number, retry?: SpecRetryOptions, error: () => unknown = () => new Error('no')) {
  return class Fails extends Process {
    static override define(spec: ProcessSpec): void {
      spec.outputs.dynamic = true
      if (retry !== undefined) spec.retry(retry)
    }
    static override readonly persisted: readonly string[] = ['count', 'list']
    override ctx: Record<string, unknown> = {}
    count = 0
    list: number[] = []
    /** Not persisted, so it stays. */
    readonly begun: number[] = []

    override run(): unknown {
      return new Continue(this.work, 'given')
    }
    work(argument: unknown): unknown {
      this.begun.push(this.attempt)
      if (this.begun.length <= times) throw error()
      return [argument, this.begun]
    }
  }
}

describe('a step that fails', () => {
  test('excepts the process where no retries were declared', async () => {
    const { process, run } = begin(failing(1))
    await expect(run).rejects.toThrow(ProcessExcepted)
    expect(process.begun).toEqual([1])
  })

  test('is tried again after its back-off, with the same arguments, and knows which attempt it is', async () => {
    const { process, clock, run } = begin(failing(2, { attempts: 3, backoff }))
    await pass(clock, 999)
    expect([process.state, process.begun, process.attempt]).toEqual(['waiting', [1], 2])
    await pass(clock, 1)
    expect(process.begun).toEqual([1, 2])
    await pass(clock, 1_000)
    await run
    expect(process.result()).toEqual(['given', [1, 2, 3]])
  })

  test('is called again with the value and the wake-up of the wait before it, also after a reload', async () => {
    class Woken extends failing(1, { attempts: 3, backoff }) {
      override run(): unknown {
        return new Wait('woken')
      }
      woken(...given: unknown[]): unknown {
        this.work(undefined)
        return given
      }
    }
    const { process, clock, run } = begin(Woken)
    await until(() => process.state === 'waiting')
    await process.resume('yes')
    await until(() => process.attempt === 2)
    const reloaded = reload(Woken, process, clock)
    const rerun = reloaded.execute()
    await pass(clock, 1_000)
    await pass(clock, 1_000)
    await Promise.all([run, rerun])
    const given = ['yes', { by: 'resume', value: 'yes' }]
    expect([process.result(), reloaded.result()]).toEqual([given, given])
  })

  test('waits longer each time, up to a limit', async () => {
    const { process, clock } = begin(
      failing(9, { attempts: 9, backoff: { initial: 100, factor: 10, max: 5_000, jitter: 0 } }),
    )
    const times: number[] = []
    process.addProcessListener({ onProcessRunning: () => times.push(clock.now()) })
    const start = clock.now()
    await pass(clock, 60_000)
    expect(times.slice(0, 6).map((time) => time - start)).toEqual([0, 100, 1_100, 6_100, 11_100, 16_100])
  })

  test('says so while it backs off, in its state and bundle', async () => {
    const { process, clock } = begin(failing(1, { attempts: 3, backoff }))
    await calm()
    expect(Bundle.from(process).toJSON()['state']).toEqual({
      label: 'waiting',
      step: 'work',
      message: 'work failed 1 of 3 (no), next try 2026-01-01T00:00:01.000Z',
      until: clock.now() + 1_000,
      retry: { args: ['given'], number: 2, attempt: 2, failure: 'no' },
    })
    await process.kill()
  })

  test('excepts the process with the last error when its attempts have run out', async () => {
    let count = 0
    const { process, clock, run } = begin(
      failing(9, { attempts: 2, backoff }, () => new RangeError(`no ${++count}`)),
    )
    await pass(clock, 1_000)
    await expect(run).rejects.toThrow(/RangeError: no 2/)
    expect([process.begun, process.exception()]).toEqual([[1, 2], new RangeError('no 2')])
  })

  test('is not tried again for a NonRetryableError', async () => {
    class Broken extends NonRetryableError {}
    const { process, run } = begin(failing(9, { attempts: 3, backoff }, () => new Broken('for good')))
    await expect(run).rejects.toThrow(/for good/)
    expect(process.begun).toEqual([1])
  })

  test('is not tried again for what an effect gave that cannot be saved', async () => {
    const { process, run } = begin(
      failing(9, { attempts: 3, backoff }, () => new SerializationError('effect:x', 'it is a function')),
    )
    await expect(run).rejects.toThrow(SerializationError.name)
    expect(process.begun).toEqual([1])
  })

  test.each<[string, SpecRetryOptions['on'], unknown, number]>([
    ['of the class that was declared', RangeError, new RangeError('no'), 2],
    ['of one of those classes', [TypeError, RangeError], new RangeError('no'), 2],
    ['of another class', [TypeError], new RangeError('no'), 1],
    ['for which a function says yes', (error) => String(error).includes('no'), new Error('no'), 2],
    ['for which a function says no', () => false, new Error('no'), 1],
    ['that is no error at all', undefined, 'text', 2],
  ])('with an error %s', async (_, on, error, attempts) => {
    const { process, clock } = begin(failing(9, { attempts: 2, backoff, on }, () => error))
    await pass(clock, 1_000)
    expect(process.begun).toHaveLength(attempts)
    expect(process.exception()).toBe(error)
  })

  test('whose `on` throws, or says neither yes nor no, excepts with that', async () => {
    const throwing = begin(
      failing(9, {
        attempts: 2,
        on: () => {
          throw new TypeError('broken')
        },
      }),
    )
    await expect(throwing.run).rejects.toThrow(/TypeError: broken/)
    const vague = begin(failing(9, { attempts: 2, on: (() => 'yes') as never }))
    await expect(vague.run).rejects.toThrow(/retry\.on returned "yes"/)
  })
})

describe('retries', () => {
  class Several extends Process {
    static override define(spec: ProcessSpec): void {
      const { prototype: own } = Several
      spec.retry({ attempts: 2, backoff }).retry(own.second, { attempts: 4, backoff })
      spec.timeout(own.third, '1h')
    }
    readonly begun: string[] = []
    override run(): unknown {
      this.begun.push(`run ${this.attempt}`)
      if (this.attempt < 2) throw new Error('no')
      return new Continue(this.second)
    }
    second(): unknown {
      this.begun.push(`second ${this.attempt}`)
      if (this.attempt < 4) throw new Error('no')
      return new Continue(this.third)
    }
    async third(): Promise<unknown> {
      this.begun.push(`third ${this.attempt}`)
      await Promise.resolve()
      throw new Error('no')
    }
  }
  const seconds = ['second 1', 'second 2', 'second 3', 'second 4']

  test('are counted anew for each step, and those of one step stand for it in place of those of all', async () => {
    const { process, clock, run } = begin(Several)
    await pass(clock, 10_000)
    await expect(run).rejects.toThrow(ProcessExcepted)
    expect(process.begun).toEqual(['run 1', 'run 2', ...seconds, 'third 1', 'third 2'])
  })

  test.each<[string, number | RetryOptions, number]>([
    ['as a number', 3, 3],
    ['as options', { attempts: 5, backoff }, 5],
  ])('of a launch stand in place of those of all steps, %s', async (_, retry, attempts) => {
    class Launched extends Several {
      static last: Launched
      protected override onCreate(): void {
        Launched.last = this
      }
    }
    class Parent extends Process {
      override async run(): Promise<unknown> {
        return this.launch(Launched, undefined, { retry })
      }
    }
    const clock = new SimulatedClock()
    const parent = new Parent(undefined, { clock })
    await parent.execute()
    const handle = parent.result() as ProcessHandle
    for (let minute = 0; minute < 10 && !handle.done; minute++) await pass(clock, 60_000)
    const third = Array.from({ length: attempts }, (__, index) => `third ${index + 1}`)
    expect(Launched.last.begun).toEqual(['run 1', 'run 2', ...seconds, ...third])
  })

  test('of a launch are checked when it is launched', async () => {
    class Parent extends Process {
      override async run(): Promise<unknown> {
        return this.launch(Several, undefined, { retry: { attempts: 0 } })
      }
    }
    const parent = new Parent()
    await expect(parent.execute()).rejects.toThrow(/retry\.attempts is a whole number/)
    expect(parent.exception()).toBeInstanceOf(SpecError)
  })

  test('of a work chain are those of its steps, and a predicate that fails is tried with the step before it', async () => {
    class Chain extends WorkChain {
      static override define(spec: WorkChainSpec): void {
        super.define(spec)
        spec.outline(if_('first')('a'), if_('second')('b'))
        spec.retry({ attempts: 2, backoff })
      }
      readonly ran: string[] = []
      fails(name: string): true {
        this.ran.push(`${name} ${this.attempt}`)
        if (this.attempt === 1) throw new Error(name)
        return true
      }
      first(): boolean {
        return this.fails('first')
      }
      second(): boolean {
        return this.fails('second')
      }
      a(): void {
        this.ran.push('a')
      }
      b(): void {
        this.ran.push('b')
      }
    }
    const { process, clock, run } = begin(Chain)
    await pass(clock, 1_000)
    await pass(clock, 1_000)
    await run
    expect(process.ran).toEqual(['first 1', 'first 2', 'a', 'second 1', 'a', 'second 2', 'b'])
  })

  test('of a step that a wait led to are given the same value', async () => {
    class Waits extends failing(1, { attempts: 2, backoff }) {
      override run(): unknown {
        return new Wait('work')
      }
    }
    const { process, clock, run } = begin(Waits)
    await process.resume('value')
    await pass(clock, 1_000)
    await run
    expect(process.result()).toEqual(['value', [1, 2]])
  })
})

describe('a failed attempt leaves nothing:', () => {
  test('ctx, persisted members and outputs are as they were when the step began', async () => {
    class Changes extends failing(1, { attempts: 2, backoff }) {
      override run(): unknown {
        this.ctx['list'] = [1]
        this.list.push(1)
        this.out('one', { n: 1 })
        this.out('deep.one', 1)
        return new Continue(this.work)
      }
      override work(): unknown {
        expect([this.ctx, this.list, this.count]).toEqual([{ list: [1] }, [1], 0])
        expect(this.outputs).toEqual({ one: { n: 1 }, deep: { one: 1 } })
        this.begun.push(this.attempt)
        ;(this.ctx['list'] as number[]).push(2)
        this.ctx['more'] = true
        this.list.push(2)
        this.count = 7
        this.out('one', 'changed')
        this.out('deep.two', 2)
        this.out('two', 2)
        if (this.begun.length === 1) throw new Error('no')
        return undefined
      }
    }
    const { process, clock, run } = begin(Changes)
    await pass(clock, 0)
    expect([process.ctx, process.list, process.count]).toEqual([{ list: [1] }, [1], 0])
    expect(process.outputs).toEqual({ one: { n: 1 }, deep: { one: 1 } })
    await pass(clock, 1_000)
    await run
    expect([process.ctx, process.list, process.count]).toEqual([{ list: [1, 2], more: true }, [1, 2], 7])
    expect(process.outputs).toEqual({ one: 'changed', deep: { one: 1, two: 2 }, two: 2 })
  })

  test('what the last one changed stays with the process that it excepted', async () => {
    class Changes extends failing(9, { attempts: 2, backoff }) {
      override work(): unknown {
        this.ctx['attempt'] = this.attempt
        throw new Error('no')
      }
    }
    const { process, clock } = begin(Changes)
    await pass(clock, 1_000)
    expect([process.state, process.ctx]).toEqual(['excepted', { attempt: 2 }])
  })

  test('what the process keeps has to be such as can be saved, else it excepts with the path', async () => {
    class Keeps extends failing(1, { attempts: 2, backoff }) {
      override run(): unknown {
        this.ctx['callback'] = () => 1
        return new Continue(this.work, 'given')
      }
    }
    const { process, run } = begin(Keeps)
    await expect(run).rejects.toThrow(/ctx\.callback/)
    expect([process.state, process.begun]).toEqual(['excepted', []])
  })
})

describe('a step that backs off', () => {
  test('is killed at once', async () => {
    const { process, run } = begin(failing(9, { attempts: 9, backoff }))
    await until(() => process.state === 'waiting')
    await process.kill('enough')
    await expect(run).rejects.toThrow('enough')
    expect(process.begun).toEqual([1])
  })

  test('is paused at once, and tried again at play where its time has passed', async () => {
    const { process, clock, run } = begin(failing(1, { attempts: 2, backoff }))
    await until(() => process.state === 'waiting')
    await process.pause('look at it')
    await pass(clock, 5_000)
    expect([process.begun, process.status]).toEqual([[1], 'look at it'])
    await process.play()
    await run
    expect(process.begun).toEqual([1, 2])
  })

  test('is not resumed: the resume is kept for a wait', async () => {
    class Waits extends failing(1, { attempts: 2, backoff }) {
      override work(): unknown {
        super.work(undefined)
        return new Wait('last')
      }
      last(value: unknown): unknown {
        return value
      }
    }
    const { process, clock, run } = begin(Waits)
    await until(() => process.state === 'waiting')
    await process.resume('kept')
    await calm()
    expect([process.state, process.begun]).toEqual(['waiting', [1]])
    await pass(clock, 1_000)
    await run
    expect(process.result()).toBe('kept')
  })

  test('is made anew from what was saved and tried at its time', async () => {
    const made = failing(1, { attempts: 2, backoff })
    const { process, clock } = begin(made)
    await until(() => process.state === 'waiting')
    const again = reload(made, process, clock)
    expect([again.state, again.attempt]).toEqual(['waiting', 2])
    again.begun.push(1)
    const run = again.execute()
    await pass(clock, 999)
    expect(again.begun).toEqual([1])
    await pass(clock, 1)
    await run
    expect(again.result()).toEqual(['given', [1, 2]])
  })

  test('keeps the retries that it was launched with when it is made anew', async () => {
    class Launched extends failing(9) {
      static last: Launched
      protected override onCreate(): void {
        Launched.last = this
      }
    }
    class Parent extends Process {
      override async run(): Promise<unknown> {
        return this.launch(Launched, undefined, { retry: { attempts: 7, backoff } })
      }
    }
    const clock = new SimulatedClock()
    await new Parent(undefined, { clock }).execute()
    await until(() => Launched.last.state === 'waiting')
    const again = reload(Launched, Launched.last, clock)
    expect(Bundle.from(again).text).toBe(Bundle.from(Launched.last).text)
    const run = again.execute()
    run.catch(() => {})
    await pass(clock, 60_000)
    expect([again.state, again.begun]).toEqual(['excepted', [2, 3, 4, 5, 6, 7]])
  })

  test('is tried at once by the retry of its handle', async () => {
    const made = failing(1, { attempts: 2, backoff: { initial: '1h' } })
    class Parent extends Process {
      override async run(): Promise<unknown> {
        return this.launch(made)
      }
    }
    const parent = new Parent(undefined, { clock: new SimulatedClock() })
    await parent.execute()
    const handle = parent.result() as ProcessHandle
    expect(await handle.retry()).toBe(false)
    await until(() => handle.state.label === 'waiting')
    expect(await handle.retry()).toBe(true)
    expect(await handle.result()).toEqual(['given', [1, 2]])
    expect(await handle.retry()).toBe(false)
  })
})

describe('whenExhausted: pause', () => {
  const retry = { attempts: 2, backoff, whenExhausted: 'pause' } as const

  test('the process is paused with what happened, and nothing is lost; play tries with a fresh budget', async () => {
    const { process, clock, run } = begin(failing(3, retry))
    await pass(clock, 1_000)
    expect([process.state, process.paused, process.begun]).toEqual(['running', true, [1, 2]])
    expect(process.status).toBe('work failed 2 of 2 times (no); play tries it 2 times more')
    expect(Bundle.from(process).toJSON()['state']).toEqual({
      label: 'running',
      step: 'work',
      args: ['given'],
      number: 2,
      failure: 'no',
    })
    await process.play()
    await pass(clock, 1_000)
    await run
    expect(process.result()).toEqual(['given', [1, 2, 1, 2]])
  })

  test('so it is again and again', async () => {
    const { process, clock } = begin(failing(9, { ...retry, attempts: 1 }))
    for (let round = 1; round < 4; round++) {
      await until(() => process.paused)
      expect(process.status).toBe('work failed 1 of 1 times (no); play tries it once more')
      expect(process.begun).toHaveLength(round)
      await process.play()
      await pass(clock, 0)
    }
    await process.kill('enough')
    expect(process.state).toBe('killed')
  })

  test('effects that were done are not done again', async () => {
    let paid = 0
    class Pays extends failing(0, retry) {
      override async work(): Promise<unknown> {
        this.begun.push(this.attempt)
        const receipt = await this.effect('pay', ({ idempotencyKey }) => {
          paid++
          return idempotencyKey
        })
        if (this.begun.length < 3) throw new Error('no')
        return receipt
      }
    }
    const { process, clock, run } = begin(Pays)
    await pass(clock, 1_000)
    await process.play()
    await run
    expect([paid, process.result()]).toEqual([1, `${process.pid}/2/pay`])
  })

  test('the retry of its handle plays it', async () => {
    const made = failing(1, { attempts: 1, whenExhausted: 'pause' })
    class Parent extends Process {
      override async run(): Promise<unknown> {
        return this.launch(made)
      }
    }
    const parent = new Parent()
    await parent.execute()
    const handle = parent.result() as ProcessHandle
    await until(() => handle.state.paused)
    expect(await handle.retry()).toBe(true)
    expect(await handle.result()).toEqual(['given', [1, 1]])
  })
})
