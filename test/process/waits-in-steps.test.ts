import { describe, expect, test } from 'vitest'
import {
  Bundle,
  type Duration,
  InvalidStateError,
  type Joined,
  PortValidationError,
  Process,
  ProcessExcepted,
  type ProcessHandle,
  ProcessKilled,
  type ProcessSpec,
  type ReceiveOptions,
  SpecError,
  WaitTimeout,
} from 'damson'
import { SimulatedClock } from 'damson/testing'
import { calm, pass, reload, until } from './helpers.ts'

type Step = (process: Does) => unknown

/** Runs a step that the test gives; three attempts, one second after each other. */
class Does extends Process {
  static override define(spec: ProcessSpec): void {
    spec.retry({ attempts: 3, backoff: { initial: '1s', factor: 1, jitter: 0 } })
    spec.signal('approval', { schema: { type: 'string' } }).signal('cancel')
  }
  static step: Step
  readonly seen: unknown[] = []

  override run(): unknown {
    return Does.step(this)
  }
  sleeps(name: string, duration: Duration): Promise<void> {
    return this.sleep(name, duration)
  }
  receives(signal: string, options?: ReceiveOptions): Promise<unknown> {
    return this.receive(signal, options)
  }
  once(name: string, action: () => void): Promise<unknown> {
    return this.effect(name, action)
  }
  joins(name: string, handles: Joined): Promise<unknown> {
    return this.join(name, handles as ProcessHandle[])
  }
  child(as: unknown): Promise<ProcessHandle> {
    return this.launch(Child, { as })
  }
}

/** Ends with what it is given, or as that says. */
class Child extends Process {
  static override define(spec: ProcessSpec): void {
    spec.input('as').signal('go')
  }
  override async run(): Promise<unknown> {
    const { as } = this.inputs
    if (as === 'late') return this.receive('go')
    if (as === 'kill') await this.kill('asked to')
    if (as instanceof Error) throw as
    return as
  }
}

interface Doing {
  readonly process: Does
  readonly clock: SimulatedClock
  readonly run: Promise<unknown>
}

/** Runs a step until nothing happens any more of itself. */
async function doing(step: Step): Promise<Doing> {
  Does.step = step
  const clock = new SimulatedClock()
  const process = new Does(undefined, { clock })
  const run = process.execute()
  run.catch(() => {})
  await calm()
  return { process, clock, run }
}

/** The same process as another program would make it of what was saved; the first one goes. */
async function crash({ process, clock }: Doing): Promise<Doing> {
  const again = reload(Does, process, clock)
  await process.close()
  const run = again.execute()
  run.catch(() => {})
  await calm()
  return { process: again, clock, run }
}

const failing = (process: Process, attempts: number): void => {
  if (process.attempt < attempts) throw new Error('once more')
}

describe('sleep', () => {
  test('ends at its time, to the millisecond', async () => {
    const { process, clock, run } = await doing(async (does) => {
      await does.sleeps('cool down', '3d')
      return clock.now()
    })
    const start = clock.now()
    await pass(clock, 3 * 86_400_000 - 1)
    expect(process.hasTerminated()).toBe(false)
    await pass(clock, 1)
    await run
    expect(process.result()).toBe(start + 3 * 86_400_000)
  })

  test('may be longer than the longest timer of the machine', async () => {
    const { process, clock, run } = await doing((does) => does.sleeps('long', '60d'))
    for (let day = 0; day < 59; day++) await clock.advance(86_400_000)
    await calm()
    expect(process.hasTerminated()).toBe(false)
    await pass(clock, 86_400_000)
    await run
  })

  test('goes on after a crash with the time that is left, and ends at once when that has passed', async () => {
    const step: Step = async (does) => {
      await does.sleeps('a', 10_000)
      does.seen.push(clockOf(first).now())
      await does.sleeps('b', 10_000)
      return clockOf(first).now()
    }
    const first = await doing(step)
    const start = first.clock.now()
    await pass(first.clock, 4_000)
    const second = await crash(first)
    await pass(first.clock, 6_000)
    expect(second.process.seen).toEqual([start + 10_000])
    await first.clock.advance(1_000)
    const bundle = Bundle.from(second.process)
    await second.process.close()
    await first.clock.advance(50_000)
    const third = Does.recreateFrom(bundle, { processes: [Does], clock: first.clock })
    await third.execute()
    expect(third.result()).toBe(start + 61_000)
  })

  test('that has ended is not slept again by the next attempt', async () => {
    const { process, clock, run } = await doing(async (does) => {
      await does.sleeps('a', 10_000)
      does.seen.push(clock.now())
      failing(does, 2)
    })
    const start = clock.now()
    await pass(clock, 11_000)
    await run
    expect(process.seen).toEqual([start + 10_000, start + 11_000])
  })

  test('several at once end each at its own time', async () => {
    const { process, clock, run } = await doing(async (does) => {
      const note = (name: string) => (): void => void does.seen.push(name)
      await Promise.all([
        does.sleeps('long', 3_000).then(note('long')),
        does.sleeps('short', 1_000).then(note('short')),
        does.sleeps('long', 2_000).then(note('long#2')),
      ])
    })
    await pass(clock, 3_000)
    await run
    expect(process.seen).toEqual(['short', 'long#2', 'long'])
  })

  test('takes only a duration that ends, and only within a step', async () => {
    for (const duration of [-1, Number.NaN, 'soon', Infinity, 1e18]) {
      const { process, clock } = await doing((does) => does.sleeps('a', duration))
      await pass(clock, 2_000)
      expect(process.exception()).toBeInstanceOf(RangeError)
      expect(String(process.exception())).toMatch(/is not a duration|would never end/)
    }
    await expect(new Does().sleeps('a', 1)).rejects.toThrow(InvalidStateError)
  })
})

function clockOf({ clock }: Doing): SimulatedClock {
  return clock
}

describe('receive', () => {
  test('gives a signal that came before the step', async () => {
    Does.step = (does) => does.receives('approval')
    const process = new Does()
    await process.sendSignal('approval', 'early')
    await process.execute()
    expect(process.result()).toBe('early')
  })

  test('gives one that comes while it waits, and one that came between', async () => {
    const { process, run } = await doing(async (does) => {
      const one = await does.receives('approval')
      await calm()
      return [one, await does.receives('approval')]
    })
    await process.sendSignal('approval', 'one')
    await process.sendSignal('approval', 'two')
    await run
    expect(process.result()).toEqual(['one', 'two'])
  })

  test('gives the oldest first, to each receiver one, and those of other names to others', async () => {
    const { process, run } = await doing((does) =>
      Promise.all([
        does.receives('approval'),
        does.receives('cancel'),
        does.receives('approval'),
        does.receives('approval', { as: 'third' }),
      ]),
    )
    for (const payload of ['1', '2', '3']) await process.sendSignal('approval', payload)
    await process.sendSignal('cancel', { why: 'no' })
    await run
    expect(process.result()).toEqual(['1', { why: 'no' }, '2', '3'])
  })

  test('keeps what nobody has received for a later step or wait', async () => {
    const { process, run } = await doing((does) => does.receives('cancel'))
    await process.sendSignal('approval', 'kept')
    expect(Bundle.from(process).toJSON()['state']).toMatchObject({
      signals: [{ name: 'approval', value: 'kept' }],
    })
    await process.sendSignal('cancel')
    await run
    expect(process.result()).toEqual({})
  })

  test('is recorded: the next attempt gets the same signal, and the next signal goes to the next receiver', async () => {
    const { process, clock, run } = await doing(async (does) => {
      const one = await does.receives('approval')
      failing(does, 3)
      return [one, await does.receives('approval')]
    })
    await process.sendSignal('approval', 'one')
    await process.sendSignal('approval', 'two')
    await pass(clock, 2_000)
    await run
    expect(process.result()).toEqual(['one', 'two'])
  })

  test('is recorded through a crash, also what came and was not received', async () => {
    const first = await doing(async (does) => {
      const one = await does.receives('approval')
      await does.sleeps('a', 1_000)
      return [one, await does.receives('approval'), await does.receives('approval')]
    })
    await first.process.sendSignal('approval', 'one')
    await first.process.sendSignal('approval', 'two')
    await calm()
    const { process, run } = await crash(first)
    await process.sendSignal('approval', 'three')
    await pass(first.clock, 1_000)
    await run
    expect(process.result()).toEqual(['one', 'two', 'three'])
  })

  test('rejects with WaitTimeout at its time, and again in the next attempt', async () => {
    const { process, clock, run } = await doing(async (does) => {
      const approval = await does.receives('approval', { timeout: '3s' }).catch((error: unknown) => error)
      does.seen.push(approval)
      failing(does, 2)
    })
    await pass(clock, 2_999)
    expect(process.seen).toEqual([])
    await pass(clock, 1)
    await process.sendSignal('approval', 'too late')
    await pass(clock, 1_000)
    await run
    expect(process.seen).toEqual([expect.any(WaitTimeout), expect.any(WaitTimeout)])
  })

  test('counts its timeout from the first time, through a crash', async () => {
    const first = await doing((does) => does.receives('approval', { timeout: 10_000 }))
    await pass(first.clock, 6_000)
    const second = await crash(first)
    await pass(second.clock, 3_999)
    expect(second.process.attempt).toBe(1)
    await pass(second.clock, 1)
    expect([second.process.state, second.process.attempt]).toEqual(['waiting', 2])
  })

  test('prefers a signal that has come to a time that has passed', async () => {
    const first = await doing((does) => does.receives('approval', { timeout: 1_000 }))
    const again = reload(Does, first.process, first.clock)
    await first.process.close()
    await again.sendSignal('approval', 'in time')
    await first.clock.advance(5_000)
    await again.execute()
    expect(again.result()).toBe('in time')
  })

  test('without a limit waits as long as it takes', async () => {
    const { process, clock, run } = await doing((does) => does.receives('approval', { timeout: Infinity }))
    await pass(clock, 365 * 86_400_000)
    await process.sendSignal('approval', 'after a year')
    await run
    expect(process.result()).toBe('after a year')
  })

  test('takes only signals that the class declares', async () => {
    const { process, clock } = await doing((does) => does.receives('aproval'))
    await pass(clock, 2_000)
    expect(process.exception()).toBeInstanceOf(SpecError)
    expect(String(process.exception())).toMatch(/Does declares no signal "aproval".*approval/)
  })

  test('is not for a signal of another kind: it is refused where it is sent', async () => {
    const process = new Does()
    await expect(process.sendSignal('approval', 7)).rejects.toThrow(PortValidationError)
    await expect(process.sendSignal('aproval', 'x')).rejects.toThrow(/did you mean 'approval'/)
    await process.kill()
    await expect(process.sendSignal('approval', 'x')).rejects.toMatchObject({ code: 'ALREADY_DONE' })
  })
})

describe('join', () => {
  test.each<[string, (handles: ProcessHandle[]) => Joined, unknown]>([
    ['one handle', ([one]) => one as ProcessHandle, 1],
    ['a list', (handles) => handles, [1, 2]],
    ['an empty list', () => [], []],
    ['named ones', ([one, two]) => ({ one, two }) as Record<string, ProcessHandle>, { one: 1, two: 2 }],
  ])('gives the results in the shape of the handles: %s', async (_, shape, result) => {
    const { process, run } = await doing(async (does) => {
      const handles = [await does.child(1), await does.child(2)]
      return [await does.joins('children', shape(handles))]
    })
    await run
    expect(process.result()).toEqual([result])
  })

  test('waits for the last of them', async () => {
    const { process, run } = await doing(async (does) => {
      const late = await does.child('late')
      does.seen.push(late)
      return does.joins('children', [late, await does.child(2)])
    })
    expect(process.hasTerminated()).toBe(false)
    await (process.seen[0] as ProcessHandle).signal('go', 'then')
    await run
    expect(process.result()).toEqual(['then', 2])
  })

  test('rejects with the first that failed, while others go on', async () => {
    const { process, run } = await doing(async (does) => {
      const late = await does.child('late')
      const failed = await does.child(new RangeError('no'))
      return does.joins('children', [late, failed]).catch((error: unknown) => [error, late.done])
    })
    await run
    expect(process.result()).toEqual([expect.any(ProcessExcepted), false])
    const { process: other, run: otherRun } = await doing(async (does) =>
      does.joins('child', await does.child('kill')).catch((error: unknown) => error),
    )
    await otherRun
    expect(other.result()).toBeInstanceOf(ProcessKilled)
  })

  test('of the next attempt finds the children of the one before', async () => {
    const { process, clock, run } = await doing(async (does) => {
      const handles = [await does.child(1), await does.child(2)]
      does.seen.push(handles.map(({ pid }) => pid))
      const results = await does.joins('children', handles)
      failing(does, 3)
      return results
    })
    await pass(clock, 2_000)
    await run
    expect(process.result()).toEqual([1, 2])
    expect(process.seen).toHaveLength(3)
    expect(new Set(process.seen.map((pids) => JSON.stringify(pids))).size).toBe(1)
  })
})

describe('a step that only waits', () => {
  const waits: Record<string, Step> = {
    sleep: (does) => does.sleeps('a', 10_000),
    receive: (does) => does.receives('approval', { timeout: 10_000 }).catch(() => {}),
    join: async (does) => {
      const child = await does.child('late')
      does.seen.push(child)
      await does.joins('child', child)
    },
    'the result of a handle': async (does) => {
      const child = await does.child('late')
      does.seen.push(child)
      await child.result()
    },
  }
  async function come({ process, clock }: Doing): Promise<void> {
    await (process.seen[0] as ProcessHandle | undefined)?.signal('go')
    await pass(clock, 10_000)
  }

  test.each(Object.keys(waits))(
    'is paused at once, and what comes meanwhile goes on at play: %s',
    async (name) => {
      const does = await doing(waits[name] as Step)
      const { process, run } = does
      const child = process.seen[0] as ProcessHandle | undefined
      expect(await process.pause('look at it')).toBe(true)
      expect([process.paused, process.status, process.state]).toEqual([true, 'look at it', 'running'])
      await child?.play({ tree: false })
      await come(does)
      expect([process.hasTerminated(), child?.done ?? true]).toEqual([false, true])
      await process.play()
      await run
      expect(process.successful()).toBe(true)
    },
  )

  test.each(Object.keys(waits))('is killed at once, also while it is paused: %s', async (name) => {
    for (const paused of [false, true]) {
      const { process, run } = await doing(waits[name] as Step)
      if (paused) await process.pause()
      await process.kill('enough')
      await expect(run).rejects.toThrow('enough')
    }
  })

  test.each(Object.keys(waits))('shows as waiting in its handle: %s', async (name) => {
    Does.step = waits[name] as Step
    class Parent extends Process {
      child: ProcessHandle | undefined
      override async run(): Promise<void> {
        this.child = await this.launch(Does)
      }
    }
    const parent = new Parent(undefined, { clock: new SimulatedClock() })
    await parent.execute()
    await until(() => parent.child?.state.label === 'waiting')
    expect(parent.child?.state.terminal).toBe(false)
    await parent.child?.kill()
  })

  test('that is paused begins no effect beside its wait, and does not end, before it is played (C7)', async () => {
    let goOn = (): void => {}
    const gate = new Promise<void>((resolve) => (goOn = resolve))
    const done: string[] = []
    const { process, run } = await doing(async (does) => {
      const beside = async (): Promise<void> => {
        await gate
        await does.once('beside', () => void done.push('effect'))
      }
      await Promise.race([does.sleeps('nap', '1h'), beside()])
      return 'ended'
    })
    expect(await process.pause()).toBe(true)
    goOn()
    await calm()
    expect([done, process.state, process.paused]).toEqual([[], 'running', true])
    await process.play()
    await run
    expect([done, process.state]).toEqual([['effect'], 'finished'])
  })

  test('that ends beside its wait while it is paused has ended once it is played, or is killed (C7, C5)', async () => {
    for (const end of ['play', 'kill'] as const) {
      let goOn = (): void => {}
      const gate = new Promise<void>((resolve) => (goOn = resolve))
      const { process, run } = await doing(async (does) => {
        await Promise.race([does.sleeps('nap', '1h'), gate])
        return 'ended'
      })
      await process.pause()
      goOn()
      await calm()
      expect([process.state, process.paused]).toEqual(['running', true])
      expect(await process[end]()).toBe(true)
      await run.catch(() => {})
      expect(process.state).toBe(end === 'play' ? 'finished' : 'killed')
    }
  })

  test('that was asked to pause while it did something is paused when it begins to wait', async () => {
    const { process, clock, run } = await doing(async (does) => {
      does.seen.push(await does.pause('in between'))
      expect(does.paused).toBe(false)
      await does.sleeps('a', 1_000)
      does.seen.push('went on')
    })
    expect([process.paused, process.status]).toEqual([true, 'in between'])
    await pass(clock, 5_000)
    expect(process.seen).toEqual([true])
    await process.play()
    await run
    expect(process.seen).toEqual([true, 'went on'])
  })

  test('fires the hooks of pausing and playing, and none of waiting', async () => {
    const fired: string[] = []
    class Hooked extends Does {
      protected override async onPausing(message: string | undefined): Promise<void> {
        await calm()
        fired.push(`pausing ${message}`)
      }
      protected override onPaused(message: string | undefined): void {
        fired.push(`paused ${message}`)
      }
      protected override async onPlaying(): Promise<void> {
        await calm()
        fired.push('playing')
      }
      protected override onWait(): void {
        fired.push('wait')
      }
      protected override onWaiting(): void {
        fired.push('waiting')
      }
    }
    Does.step = async (does) => {
      await does.sleeps('a', 1_000)
      fired.push('went on')
    }
    const clock = new SimulatedClock()
    const process = new Hooked(undefined, { clock })
    process.addProcessListener({
      onProcessPaused: () => fired.push('heard of the pause'),
      onProcessPlayed: () => fired.push('heard of the play'),
    })
    const run = process.execute()
    await calm()
    await process.pause('a while')
    await until(() => fired.length === 3)
    await pass(clock, 1_000)
    await process.play()
    await run
    expect(fired).toEqual([
      'pausing a while',
      'paused a while',
      'heard of the pause',
      'playing',
      'heard of the play',
      'went on',
    ])
  })

  test('whose pause is called off by play while its hook runs is not paused', async () => {
    class Hooked extends Does {
      protected override onPausing(): Promise<void> {
        return calm()
      }
    }
    Does.step = (does) => does.sleeps('a', 1_000)
    const clock = new SimulatedClock()
    const process = new Hooked(undefined, { clock })
    const run = process.execute()
    await calm()
    const paused = process.pause()
    await process.play()
    expect(await paused).toBe(false)
    await calm()
    expect(process.paused).toBe(false)
    await pass(clock, 1_000)
    await run
  })

  test('that goes on while the hook of its pause runs is paused at its next wait, or at its end', async () => {
    class Hooked extends Does {
      protected override onPausing(): Promise<void> {
        return calm()
      }
    }
    Does.step = async (does) => {
      await does.receives('approval')
      does.seen.push(does.paused)
      await does.sleeps('a', 1_000)
      does.seen.push('went on')
    }
    const clock = new SimulatedClock()
    const process = new Hooked(undefined, { clock })
    const run = process.execute()
    await calm()
    const paused = process.pause()
    await process.sendSignal('approval', 'x')
    expect(await paused).toBe(true)
    await pass(clock, 2_000)
    expect(process.seen).toEqual([false])
    await process.play()
    await run
    expect(process.seen).toEqual([false, 'went on'])
  })

  test('and hangs after its signal reported a kill is given up by a forced one, also while a hook runs', async () => {
    class Hooked extends Does {
      protected override onPausing(): Promise<void> {
        return calm()
      }
    }
    Does.step = async (does) => {
      await does.sleeps('a', 1_000).catch(() => {})
      await new Promise(() => {})
    }
    const process = new Hooked(undefined, { clock: new SimulatedClock() })
    const run = process.execute()
    await calm()
    void process.pause()
    await calm()
    await process.kill('now')
    await calm()
    expect(process.state).toBe('running')
    await process.kill('now', { force: true })
    await expect(run).rejects.toThrow('now')
  })
})

test('evict makes no difference in memory', async () => {
  class Evicts extends Process {
    static override define(spec: ProcessSpec): void {
      spec.signal('go')
    }
    override async run(): Promise<unknown> {
      await this.sleep('a', 1_000, { evict: true })
      const child = await this.launch(Child, { as: 3 })
      return [await this.receive('go', { evict: true }), await this.join('child', child, { evict: true })]
    }
  }
  const clock = new SimulatedClock()
  const process = new Evicts(undefined, { clock })
  const run = process.execute()
  await calm()
  await pass(clock, 1_000)
  await process.sendSignal('go', 'on')
  await run
  expect(process.result()).toEqual(['on', 3])
})
