import { describe, expect, test } from 'vitest'
import {
  Bundle,
  type Duration,
  Process,
  ProcessExcepted,
  type ProcessHandle,
  type ProcessSpec,
  type Settled,
  SpecError,
  TransitionError,
  Wait,
  type WaitDetails,
} from 'damson'
import { SimulatedClock } from 'damson/testing'
import { calm, pass, reload } from './helpers.ts'

/** Ends with what it is sent; fails for 'no'. */
class Child extends Process {
  static override define(spec: ProcessSpec): void {
    spec.signal('end')
  }
  override async run(): Promise<unknown> {
    const value = await this.receive('end')
    if (value === 'no') throw new RangeError('no')
    return value
  }
}

type Details = WaitDetails | ((children: ProcessHandle[]) => WaitDetails)

/** Launches two children and waits in the given way; its result is what woke it. */
class Waits extends Process {
  static override define(spec: ProcessSpec): void {
    spec.signal('approval', { schema: { type: 'string' } }).signal('cancel')
  }
  static details: Details
  static withStep = true
  children: ProcessHandle[] = []

  override async run(): Promise<unknown> {
    const { details, withStep } = Waits
    if (typeof details === 'function') this.children = [await this.launch(Child), await this.launch(Child)]
    const given = typeof details === 'function' ? details(this.children) : details
    return withStep ? new Wait(this.woken, given) : new Wait(undefined, given)
  }
  woken(...args: unknown[]): unknown {
    return args
  }
}

interface Waiting {
  readonly process: Waits
  readonly clock: SimulatedClock
  readonly run: Promise<unknown>
}

async function waiting(details: Details, withStep = true): Promise<Waiting> {
  Waits.details = details
  Waits.withStep = withStep
  const clock = new SimulatedClock()
  const process = new Waits(undefined, { clock })
  const run = process.execute()
  run.catch(() => {})
  await calm()
  expect(process.state).toBe('waiting')
  return { process, clock, run }
}

/** What the step after the wait was called with. */
async function wokenBy({ process, run }: Waiting): Promise<unknown> {
  await calm()
  await run
  return process.result()
}

/** The arguments of a step after a wait. The wake-up has the value too. */
const woken = (value: unknown, wake: object): unknown => [value, { ...wake, value }]
const settled = (value: unknown): unknown => expect.objectContaining({ status: 'fulfilled', value })

describe('the step after a Wait is called with the value and with what woke it:', () => {
  test('a resume', async () => {
    const wait = await waiting({ message: 'for a word' })
    await wait.process.resume('now')
    expect(await wokenBy(wait)).toEqual(woken('now', { by: 'resume' }))
  })

  test('a signal', async () => {
    const wait = await waiting({ receive: 'approval' })
    await wait.process.sendSignal('cancel')
    await wait.process.sendSignal('approval', 'yes')
    expect(await wokenBy(wait)).toEqual(woken('yes', { by: 'signal', signal: 'approval' }))
  })

  test.each<[string, Duration, number]>([
    ['milliseconds', 1_500, 1_500],
    ['a duration', '90s', 90_000],
    ['more than the longest timer of the machine', '60d', 60 * 86_400_000],
  ])('a timer, for %s', async (_, duration, milliseconds) => {
    const wait = await waiting({ for: duration })
    await pass(wait.clock, milliseconds - 1)
    expect(wait.process.state).toBe('waiting')
    await pass(wait.clock, 1)
    expect(await wokenBy(wait)).toEqual(woken(undefined, { by: 'timer' }))
  })

  test('a timer, until a date, also one that has passed', async () => {
    const wait = await waiting({ until: new Date(Date.UTC(2026, 0, 1, 0, 0, 5)) })
    await pass(wait.clock, 4_999)
    expect(wait.process.state).toBe('waiting')
    await pass(wait.clock, 1)
    expect(await wokenBy(wait)).toEqual(woken(undefined, { by: 'timer' }))
    const late = await waiting({ until: new Date(0) })
    await pass(late.clock, 0)
    expect(await wokenBy(late)).toEqual(woken(undefined, { by: 'timer' }))
  })

  test('the end of processes, in the shape of their handles', async () => {
    for (const [details, value] of [
      [([one]) => ({ on: one }), settled('1')],
      [(handles) => ({ on: handles }), [settled('1'), settled('2')]],
      [([one, two]) => ({ on: { one, two } }), { one: settled('1'), two: settled('2') }],
    ] as [(handles: ProcessHandle[]) => WaitDetails, unknown][]) {
      const wait = await waiting(details)
      await wait.process.children[1]?.signal('end', '2')
      await wait.process.children[0]?.signal('end', '1')
      expect(await wokenBy(wait)).toEqual(woken(value, { by: 'handles' }))
    }
  })

  test('the end of processes, however they end', async () => {
    const wait = await waiting((on) => ({ on }))
    await wait.process.children[0]?.signal('end', 'no')
    await wait.process.children[1]?.kill('no more')
    const [outcomes] = (await wokenBy(wait)) as [Settled<unknown>[]]
    expect(outcomes).toMatchObject([
      { status: 'rejected', reason: expect.any(ProcessExcepted) },
      { status: 'rejected', reason: { message: 'no more' } },
    ])
  })

  test('the first of them, where any is enough', async () => {
    const wait = await waiting((on) => ({ on, any: true }))
    await wait.process.children[1]?.signal('end', 'first')
    expect(await wokenBy(wait)).toEqual(woken([undefined, settled('first')], { by: 'handles' }))
  })
})

describe('of several things the first that comes counts', () => {
  const all = (on: ProcessHandle[]): WaitDetails => ({ on, receive: 'approval', for: '1h' })

  test.each<[string, (wait: Waiting) => Promise<unknown>, string]>([
    ['the signal', async ({ process }) => process.sendSignal('approval', 'yes'), 'signal'],
    ['the time', async ({ clock }) => pass(clock, 3_600_000), 'timer'],
    ['the resume', async ({ process }) => process.resume('yes'), 'resume'],
    [
      'the children',
      async ({ process }) => Promise.all(process.children.map(async (child) => child.signal('end', 1))),
      'handles',
    ],
  ])('%s', async (_, come, by) => {
    const wait = await waiting(all)
    await come(wait)
    const [, wake] = (await wokenBy(wait)) as [unknown, { by: string }]
    expect(wake.by).toBe(by)
  })

  test('of those that came while it was paused: a resume, then children, then a signal, then the time', async () => {
    const come: [string, (wait: Waiting) => Promise<unknown>][] = [
      ['timer', async ({ clock }) => pass(clock, 3_600_000)],
      ['signal', async ({ process }) => process.sendSignal('approval', 'yes')],
      [
        'handles',
        async ({ process }) => Promise.all(process.children.map(async (child) => child.signal('end', 1))),
      ],
      ['resume', async ({ process }) => process.resume('yes')],
    ]
    for (let count = 1; count <= come.length; count++) {
      const wait = await waiting(all)
      await wait.process.pause()
      for (const child of wait.process.children) await child.play()
      for (const [, happens] of come.slice(0, count)) {
        await happens(wait)
        await calm()
      }
      expect(wait.process.state).toBe('waiting')
      await wait.process.play()
      const [, wake] = (await wokenBy(wait)) as [unknown, { by: string }]
      expect(wake.by).toBe(come[count - 1]?.[0])
    }
  })

  test('what did not count is kept, if it is a signal or a resume, and else is gone', async () => {
    class Twice extends Waits {
      second = false
      override woken(...args: unknown[]): unknown {
        if (this.second) return args
        this.second = true
        return new Wait('woken', { receive: 'approval', for: '2h' })
      }
    }
    const clock = new SimulatedClock()
    Waits.details = { receive: 'approval', for: '1h' }
    const process = new Twice(undefined, { clock })
    const run = process.execute()
    await calm()
    await process.pause()
    await process.sendSignal('approval', 'first')
    await process.sendSignal('approval', 'second')
    await pass(clock, 3_600_000)
    await process.play()
    await run
    expect(process.result()).toEqual(woken('second', { by: 'signal', signal: 'approval' }))
  })
})

test('what came before the wait counts', async () => {
  Waits.details = { receive: 'approval' }
  for (const [come, args] of [
    [
      async (process) => process.sendSignal('approval', 'early'),
      woken('early', { by: 'signal', signal: 'approval' }),
    ],
    [async (process) => process.resume('early'), woken('early', { by: 'resume' })],
  ] as [(process: Waits) => Promise<unknown>, unknown][]) {
    const process = new Waits()
    await come(process)
    await process.execute()
    expect(process.result()).toEqual(args)
  }
})

test('processes that had ended before the wait count', async () => {
  class Late extends Waits {
    override async run(): Promise<unknown> {
      const child = await this.launch(Child)
      await child.signal('end', 'long ago')
      await child.wait()
      return new Wait(this.woken, { on: [child] })
    }
  }
  const process = new Late()
  await process.execute()
  expect(process.result()).toEqual(woken([settled('long ago')], { by: 'handles' }))
})

test('all of no processes have ended already', async () => {
  Waits.withStep = true
  Waits.details = { on: [], receive: 'approval' }
  const process = new Waits()
  await process.execute()
  expect(process.result()).toEqual(woken([], { by: 'handles' }))
  Waits.withStep = false
  const other = new Waits()
  await other.execute()
  expect(other.result()).toEqual([])
})

test('without a step the process finishes with the value that woke it', async () => {
  const signalled = await waiting({ receive: 'approval' }, false)
  await signalled.process.sendSignal('approval', 'yes')
  expect(await wokenBy(signalled)).toBe('yes')
  const joined = await waiting(([one]) => ({ on: one }), false)
  await joined.process.children[0]?.signal('end', 1)
  expect(await wokenBy(joined)).toEqual(settled(1))
})

test('a wait is saved and made anew, and waits for the same', async () => {
  const ways: [(again: Waits, wait: Waiting) => Promise<unknown>, unknown][] = [
    [async (again) => again.resume('on'), woken('on', { by: 'resume' })],
    [
      async (again) => again.sendSignal('approval', 'yes'),
      woken('yes', { by: 'signal', signal: 'approval' }),
    ],
    [async (_, { clock }) => pass(clock, 3_600_000), woken(undefined, { by: 'timer' })],
    [
      async (_, { process }) => Promise.all(process.children.map(async (child) => child.signal('end', 1))),
      woken([settled(1), settled(1)], { by: 'handles' }),
    ],
  ]
  for (const [come, args] of ways) {
    const wait = await waiting((on) => ({ on, receive: 'approval', for: '1h', message: 'for anything' }))
    const again = reload(Waits, wait.process, wait.clock)
    expect(Bundle.from(again).text).toBe(Bundle.from(wait.process).text)
    const run = again.execute()
    await calm()
    await come(again, wait)
    await run
    expect(again.result()).toEqual(args)
  }
})

test('a signal that was kept when a wait for it was saved wakes it', async () => {
  const wait = await waiting({ receive: 'approval' })
  await wait.process.pause()
  await wait.process.sendSignal('approval', 'kept')
  const again = reload(Waits, wait.process)
  await again.play()
  await again.execute()
  expect(again.result()).toEqual(woken('kept', { by: 'signal', signal: 'approval' }))
  expect(Bundle.from(again).text).not.toContain('signals')
})

test('a closed process that waited keeps no timer', async () => {
  let timers = 0
  class Counting extends SimulatedClock {
    override at(time: number, callback: () => void): () => void {
      const cancel = super.at(time, callback)
      timers++
      return () => {
        timers--
        cancel()
      }
    }
  }
  Waits.details = { for: '1h' }
  const process = new Waits(undefined, { clock: new Counting() })
  process.execute().catch(() => {})
  await calm()
  expect([process.state, timers]).toEqual(['waiting', 1])
  await process.close()
  expect(timers).toBe(0)
})

describe('a Wait is refused', () => {
  test('for a signal that is not declared, when it is returned', async () => {
    Waits.details = { receive: 'aproval' }
    const process = new Waits()
    await expect(process.execute()).rejects.toThrow(/Waits declares no signal "aproval".*approval/)
    expect(process.exception()).toBeInstanceOf(SpecError)
  })

  test.each<[string, WaitDetails, RegExp | ErrorConstructor]>([
    ['with both a date and a duration', { for: 1, until: new Date() }, TransitionError as never],
    ['with an invalid date', { until: new Date(Number.NaN) }, RangeError],
    ['with a negative duration', { for: -1 }, RangeError],
    [
      'with a promise among its handles',
      { on: [Promise.resolve()] as never },
      /Has an `await` been forgotten/,
    ],
    ['for the first of no processes', { on: [], any: true }, /the first of no processes/],
  ])('%s', (_, details, error) => {
    expect(() => new Wait('woken', details)).toThrow(error)
  })
})
