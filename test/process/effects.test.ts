import { describe, expect, test } from 'vitest'
import {
  Bundle,
  Continue,
  type EffectContext,
  type EffectOptions,
  InvalidStateError,
  Process,
  type ProcessSpec,
  SpecError,
} from 'damson'
import { SimulatedClock } from 'damson/testing'
import { calm, Latch, reload, until } from './helpers.ts'

type Step = (process: Does) => unknown

/** Runs a step that the test gives, up to five times, one second after each other. */
class Does extends Process {
  static override define(spec: ProcessSpec): void {
    spec.retry({ attempts: 5, backoff: { initial: '1s', factor: 1, jitter: 0 } })
    spec.outputs.dynamic = true
  }
  static step: Step
  keys: string[] = []

  override run(): unknown {
    return Does.step(this)
  }
  next(): unknown {
    return Does.step(this)
  }
  act<T>(name: string, give: (context: EffectContext) => T, options?: EffectOptions): Promise<Awaited<T>> {
    return this.effect(
      name,
      (context) => {
        this.keys.push(context.idempotencyKey)
        return give(context)
      },
      options,
    )
  }
  sleeps(name: string): Promise<void> {
    return this.sleep(name, '1s')
  }
}

function doing(step: Step): { readonly process: Does; readonly clock: SimulatedClock } {
  Does.step = step
  const clock = new SimulatedClock()
  return { process: new Does(undefined, { pid: 'p', clock }), clock }
}

/** Runs it to its end, with as much time as it needs. */
async function toTheEnd(process: Does, clock: SimulatedClock): Promise<unknown> {
  const run = process.execute()
  run.catch(() => {})
  for (let second = 0; second < 20 && !process.hasTerminated(); second++) {
    await calm()
    await clock.advance(1_000)
  }
  await run
  return process.result()
}

const failing = (process: Process, attempts: number): void => {
  if (process.attempt < attempts) throw new Error('once more')
}

test('C6: an effect is done once, and each further attempt of its step gets what it gave', async () => {
  const { process, clock } = doing(async (does) => {
    const value = await does.act('charge', () => ({ receipt: 7 }))
    failing(does, 3)
    return value
  })
  expect(await toTheEnd(process, clock)).toEqual({ receipt: 7 })
  expect([process.keys, process.attempt]).toEqual([['p/1/charge'], 1])
})

test('what an attempt does to the result of an effect is not seen by the next', async () => {
  const { process, clock } = doing(async (does) => {
    const value = await does.act('list', () => [1])
    value.push(2)
    failing(does, 3)
    return value
  })
  expect(await toTheEnd(process, clock)).toEqual([1, 2])
})

test('in memory an effect may give what cannot be saved', async () => {
  const { process, clock } = doing(async (does) => {
    const value = await does.act('open', () => () => 'called')
    failing(does, 2)
    return value()
  })
  expect(await toTheEnd(process, clock)).toBe('called')
  expect(process.keys).toHaveLength(1)
})

test('an effect may give nothing, and is not done again for that', async () => {
  const { process, clock } = doing(async (does) => {
    const value: unknown = await does.act('note', () => undefined)
    failing(does, 2)
    return [value]
  })
  expect(await toTheEnd(process, clock)).toEqual([undefined])
  expect(process.keys).toEqual(['p/1/note'])
})

test('an effect that fails is tried again by the next attempt, with the same idempotency key', async () => {
  const { process, clock } = doing((does) =>
    does.act('charge', () => {
      failing(does, 3)
      return 'paid'
    }),
  )
  expect(await toTheEnd(process, clock)).toBe('paid')
  expect(process.keys).toEqual(['p/1/charge', 'p/1/charge', 'p/1/charge'])
})

test('recordFailure: the failure is recorded, and each further attempt gets the same error', async () => {
  const seen: unknown[] = []
  const { process, clock } = doing(async (does) => {
    try {
      await does.act(
        'charge',
        () => {
          throw new RangeError('refused')
        },
        { recordFailure: true },
      )
    } catch (error) {
      seen.push(error)
    }
    failing(does, 3)
    return 'went on'
  })
  expect(await toTheEnd(process, clock)).toBe('went on')
  expect(process.keys).toEqual(['p/1/charge'])
  expect(seen).toEqual([new RangeError('refused'), new RangeError('refused'), new RangeError('refused')])
})

test('a name that comes again in a step counts on, in each attempt alike', async () => {
  const { process, clock } = doing(async (does) => {
    const values: number[] = []
    for (const each of [1, 2, 3]) values.push(await does.act('send', () => each * 10))
    failing(does, 2)
    return values
  })
  expect(await toTheEnd(process, clock)).toEqual([10, 20, 30])
  expect(process.keys).toEqual(['p/1/send', 'p/1/send#2', 'p/1/send#3'])
})

test('a loop that an error ended goes on where it was', async () => {
  const { process, clock } = doing(async (does) => {
    const values: number[] = []
    for (const each of [1, 2, 3]) {
      values.push(
        await does.act('send', () => {
          if (each === 2) failing(does, 2)
          return each
        }),
      )
    }
    return values
  })
  expect(await toTheEnd(process, clock)).toEqual([1, 2, 3])
  expect(process.keys).toEqual(['p/1/send', 'p/1/send#2', 'p/1/send#2', 'p/1/send#3'])
})

test('two at once, also of one name, are two effects', async () => {
  const { process, clock } = doing(async (does) => {
    const values = await Promise.all([
      does.act('a', async () => calm().then(() => 1)),
      does.act('b', () => 2),
      does.act('b', () => 3),
    ])
    failing(does, 2)
    return values
  })
  expect(await toTheEnd(process, clock)).toEqual([1, 2, 3])
  expect(process.keys).toEqual(['p/1/a', 'p/1/b', 'p/1/b#2'])
})

test('the next step does its effects anew: the key has the number of the step in it', async () => {
  const { process, clock } = doing(async (does) => {
    await does.act('send', () => 1)
    failing(does, 2)
    return does.keys.length === 1 ? new Continue('next') : undefined
  })
  await toTheEnd(process, clock)
  expect(process.keys).toEqual(['p/1/send', 'p/4/send'])
})

test('the record is in the bundle while its step has not ended, and goes with it', async () => {
  const { process } = doing(async (does) => {
    if (does.keys.length > 0) return undefined
    await does.act('send', () => new Date(0))
    expect(Bundle.from(does).toJSON()['record']).toEqual({
      'effect:send': { value: { $: 'Date', value: '1970-01-01T00:00:00.000Z' } },
    })
    return new Continue('next')
  })
  await process.step()
  await process.step()
  expect(process.keys).toEqual(['p/1/send'])
  expect(Bundle.from(process).recordNames).toEqual([])
})

test('a process that is made anew from what was saved within a step does not do its effects again', async () => {
  const { process } = doing(async (does) => {
    const value = await does.act('send', () => ({ n: 1n }))
    await does.act('hang', () => new Promise(() => {}))
    return value
  })
  void process.stepUntilTerminated()
  await until(() => process.keys.length === 2)
  const again = reload(Does, process)
  Does.step = async (does) => {
    const value = await does.act('send', () => ({ n: 2n }))
    return [value, await does.act('hang', () => 'not this time')]
  }
  await again.execute()
  expect(again.result()).toEqual([{ n: 1n }, 'not this time'])
  expect(again.keys).toEqual(['p/1/hang'])
  await process.kill('', { force: true })
})

test('the pause that a step is saved with does not change its keys', async () => {
  const { process, clock } = doing((does) => does.act('send', () => 1))
  await process.step()
  await process.pause()
  const again = reload(Does, process, clock)
  await again.play()
  await again.execute()
  expect(again.keys).toEqual(['p/1/send'])
})

test('the signal of an effect reports a kill', async () => {
  const latch = new Latch()
  const { process } = doing((does) =>
    does.act('long', async ({ signal }) => {
      latch.open()
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    }),
  )
  const run = process.execute()
  await latch.opened
  await process.kill('enough')
  await expect(run).rejects.toThrow('enough')
})

describe('an effect is refused', () => {
  test.each([
    ['without a name', ''],
    ["with a '#' in its name", 'send#2'],
    ['with what is no text for a name', 7 as never],
  ])('%s', async (_, name) => {
    const { process, clock } = doing((does) => does.act(name, () => 1))
    await expect(toTheEnd(process, clock)).rejects.toMatchObject({ cause: expect.any(SpecError) })
    expect(process.keys).toEqual([])
  })

  test('outside a step', async () => {
    const { process } = doing(() => undefined)
    await expect(process.act('send', () => 1)).rejects.toThrow(InvalidStateError)
    await expect(process.act('send', () => 1)).rejects.toThrow(/`effect` is for the steps of a process/)
    await process.execute()
    await expect(process.act('send', () => 1)).rejects.toThrow(/has ended/)
  })
})

describe('a step that does another thing under a name than it did before', () => {
  async function changed(): Promise<{
    readonly process: Does
    readonly clock: SimulatedClock
    readonly run: Promise<unknown>
  }> {
    const { process, clock } = doing(async (does) => {
      does.ctx['kept'] = 1
      await does.act('x', () => 'paid')
      throw new Error('once more')
    })
    const run = process.execute()
    run.catch(() => {})
    await until(() => process.state === 'waiting')
    Does.step = async (does) => {
      does.ctx['kept'] = 2
      await does.sleeps('x').catch(() => {})
      return 'whatever'
    }
    await clock.advance(1_000)
    await until(() => process.paused)
    return { process, clock, run }
  }

  test('is paused with a message that names both, and nothing is lost', async () => {
    const { process, run } = await changed()
    expect(process.status).toMatch(/the step has done the effect 'x' before and now does the sleep 'x'/)
    expect([process.state, process.ctx, process.attempt]).toEqual(['running', {}, 2])
    expect(Bundle.from(process).toJSON()).toMatchObject({
      state: { label: 'running', step: 'run', number: 1, attempt: 2 },
      record: { 'effect:x': { value: 'paid' } },
    })
    Does.step = async (does) => does.act('x', () => 'paid twice')
    await process.play()
    await run
    expect(process.result()).toBe('paid')
  })

  test('is paused again while its code is not mended', async () => {
    const { process } = await changed()
    await process.play()
    await until(() => process.paused)
    expect(process.status).toMatch(/effect 'x' before and now does the sleep 'x'/)
    await process.kill()
    expect(process.state).toBe('killed')
  })

  test('may be lifted by upgrade, which takes the entry out', async () => {
    const { process, clock } = await changed()
    const text = JSON.stringify(Bundle.from(process))
    class Lifted extends Does {
      static override get processName(): string {
        return 'Does'
      }
      static override readonly version = 2
      static override upgrade(form: Parameters<NonNullable<typeof Process.upgrade>>[0]): void {
        delete form.record['effect:x']
        form.version = 2
      }
    }
    const again = Lifted.recreateFrom(Bundle.parse(text), { processes: [Lifted], clock })
    await again.play()
    const run = again.execute()
    await calm()
    await clock.advance(1_000)
    await run
    expect(again.result()).toBe('whatever')
  })

  test('may do both in one run, which are two things', async () => {
    const { process, clock } = doing(async (does) => {
      const value = await does.act('x', () => 1)
      await does.sleeps('x')
      failing(does, 2)
      return value
    })
    expect(await toTheEnd(process, clock)).toBe(1)
  })
})
