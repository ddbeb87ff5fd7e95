import { describe, expect, test } from 'vitest'
import {
  type AnyProcessClass,
  DeadlineExceeded,
  Kill,
  type LaunchOptions,
  Process,
  ProcessExcepted,
  type ProcessHandle,
  ProcessKilled,
  type ProcessSpec,
  Wait,
} from 'damson'
import { SimulatedClock } from 'damson/testing'
import { begin, calm, Latch, pass, reload, until } from './helpers.ts'

type Step = (process: Parent) => unknown

/** Its first step is what the test gives; then it waits to be resumed. */
class Parent extends Process {
  static step: Step = () => undefined
  readonly children: ProcessHandle[] = []

  async child(options?: LaunchOptions, as: string = 'waits'): Promise<ProcessHandle> {
    const handle = await this.launch(Child, { as }, options)
    this.children.push(handle)
    return handle
  }
  override async run(): Promise<unknown> {
    return (await Parent.step(this)) ?? new Wait()
  }
}

/** Waits in its first step, or between two, or for a child of its own. */
class Child extends Process {
  static override define(spec: ProcessSpec): void {
    spec.input('as', { default: 'waits' }).signal('go')
  }
  readonly ran: string[] = []
  static last: Child
  protected override onCreate(): void {
    Child.last = this
  }
  override async run(): Promise<unknown> {
    const { as } = this.inputs
    if (as === 'fails') throw new RangeError('no')
    if (as === 'parent') await this.launch(Child, { as: 'waits' })
    return as === 'ends' ? 'ended' : new Wait('woken')
  }
  woken(value: unknown): unknown {
    return value
  }
}

function parent(step: Step): ReturnType<typeof begin<Parent>> {
  Parent.step = step
  return begin(Parent)
}

/** A parent that waits, with a child, a child with a child of its own, and one that it has abandoned. */
async function family(): Promise<{
  readonly process: Parent
  readonly all: Process[]
  readonly run: Promise<unknown>
}> {
  const all: Process[] = []
  class Listed extends Child {
    protected override onCreate(): void {
      all.push(this)
    }
    override async run(): Promise<unknown> {
      if (this.inputs['as'] === 'parent') await this.launch(Listed, { as: 'waits' })
      return new Wait('woken')
    }
  }
  class Root extends Parent {
    override async run(): Promise<unknown> {
      await this.launch(Listed)
      await this.launch(Listed, { as: 'parent' })
      await this.launch(Listed, { as: 'parent' }, { abandon: true })
      return new Wait()
    }
  }
  const { process, run } = begin(Root)
  await until(() => all.length === 5 && all.every(({ state }) => state === 'waiting'))
  return { process, all: [process, ...all], run }
}

const flags = (all: Process[]): boolean[] => all.map(({ paused }) => paused)
const states = (all: Process[]): string[] => all.map(({ state }) => state)

describe('what is asked of a process reaches all that it launched, save what it abandoned:', () => {
  test('C7: pause and play', async () => {
    const { process, all } = await family()
    await process.pause('all of you')
    await calm()
    expect(flags(all)).toEqual([true, true, true, false, true, false])
    expect(all.map(({ status }) => status).filter((status) => status !== undefined)).toEqual(
      Array.from({ length: 4 }, () => 'all of you'),
    )
    await process.play()
    await calm()
    expect(flags(all)).toEqual([false, false, false, false, false, false])
    await Promise.all(all.map(async (one) => one.kill()))
  })

  test('C7: kill', async () => {
    const { process, all, run } = await family()
    await process.kill('all of you')
    await expect(run).rejects.toThrow('all of you')
    await calm()
    expect(states(all)).toEqual(['killed', 'killed', 'killed', 'waiting', 'killed', 'waiting'])
    expect((all[4] as Process).killedMessage()).toBe('all of you')
    await Promise.all(all.map(async (one) => one.kill()))
  })

  test('C7: the kill that it returns', async () => {
    const { process } = parent(async (own) => {
      await own.child()
      return new Kill('from within')
    })
    await until(() => process.hasTerminated())
    await calm()
    expect(process.children[0]?.state.label).toBe('killed')
  })

  test('also where it is paused itself already, or plays already', async () => {
    const { process, run } = parent(async (own) => own.child().then(() => undefined))
    await until(() => process.children[0]?.state.label === 'waiting')
    const [child] = process.children as [ProcessHandle]
    await process.pause('first')
    await child.play()
    expect(child.state.paused).toBe(false)
    await process.pause('second')
    await calm()
    expect([child.state.paused, process.status]).toEqual([true, 'first'])
    await process.play()
    await child.pause()
    await process.play()
    await calm()
    expect(child.state.paused).toBe(false)
    await process.kill()
    await expect(run).rejects.toThrow(ProcessKilled)
  })

  test('but not with `tree: false`', async () => {
    const { process } = parent(async (own) => own.child(undefined, 'parent').then(() => undefined))
    await until(() => process.children[0]?.state.label === 'waiting')
    await calm()
    const grandchild = Child.last
    const [child] = process.children as [ProcessHandle]
    expect(await child.pause('it alone', { tree: false })).toBe(true)
    await calm()
    expect([child.state.paused, grandchild.paused]).toEqual([true, false])
    await grandchild.pause()
    expect(await child.play({ tree: false })).toBe(true)
    expect([child.state.paused, grandchild.paused]).toEqual([false, true])
    expect(await child.kill('it alone', { tree: false })).toBe(true)
    await child.wait()
    await calm()
    expect(grandchild.state).toBe('waiting')
    expect(await child.pause(undefined, { tree: false })).toBe(false)
    expect(await child.play({ tree: false })).toBe(false)
    expect(await child.kill(undefined, { tree: false })).toBe(false)
    await Promise.all([process.kill(), grandchild.kill()])
  })
})

describe('a child', () => {
  test('outlives a parent that ends otherwise', async () => {
    const { process, run } = parent(async (own) => {
      await own.child()
      throw new Error('no')
    })
    await expect(run).rejects.toThrow(ProcessExcepted)
    const [child] = process.children as [ProcessHandle]
    await until(() => child.state.label === 'waiting')
    await child.resume('still here')
    expect(await child.result()).toBe('still here')
  })

  test('that is launched while its parent is paused, or about to be, is paused too', async () => {
    const { process } = parent(async (own) => {
      void own.pause('later')
      await own.child()
      await own.child({ abandon: true })
    })
    await until(() => process.paused)
    await calm()
    const paused = process.children.map(({ state }) => [state.paused, state.label, state.message])
    expect(paused).toEqual([
      [true, 'created', 'later'],
      [false, 'waiting', undefined],
    ])
    await process.play()
    await until(() => process.children[0]?.state.label === 'waiting')
    await Promise.all([process.kill(), process.children[1]?.kill()])
  })

  test('is not launched by a process that is being killed', async () => {
    const latch = new Latch()
    const errors: unknown[] = []
    const { process, run } = parent(async (own) => {
      await latch.opened
      await own.child().catch((error: unknown) => errors.push(error))
    })
    await calm()
    await process.kill('enough')
    latch.open()
    await expect(run).rejects.toThrow('enough')
    expect(errors).toEqual([expect.any(ProcessKilled)])
    expect(process.children).toEqual([])
  })

  test('is killed by the signal that it was launched with', async () => {
    const aborter = new AbortController()
    const { process } = parent(async (own) => own.child({ signal: aborter.signal }).then(() => undefined))
    await until(() => process.children[0]?.state.label === 'waiting')
    aborter.abort('not needed')
    const [child] = process.children as [ProcessHandle]
    await child.wait()
    expect(child.exception()?.message).toBe('not needed')
    await process.kill()
  })

  test('with a delay begins after that, and can be paused and killed before', async () => {
    const { process, clock } = parent(async (own) => {
      for (let count = 0; count < 3; count++) await own.child({ delay: '1h' }, 'ends')
    })
    await calm()
    const [first, second, third] = process.children as [ProcessHandle, ProcessHandle, ProcessHandle]
    await second.pause()
    await third.kill('before it began')
    await pass(clock, 3_599_999)
    expect(process.children.map(({ state }) => state.label)).toEqual(['created', 'created', 'killed'])
    await pass(clock, 1)
    expect(process.children.map(({ state }) => state.label)).toEqual(['finished', 'created', 'killed'])
    await second.play()
    expect(await second.result()).toBe('ended')
    expect(await first.result()).toBe('ended')
    await process.kill()
  })

  test('of a wrong delay or deadline is not launched', async () => {
    for (const options of [{ delay: -1 }, { deadline: 'soon' }, { deadline: new Date(Number.NaN) }]) {
      const { process, run } = parent(async (own) => own.child(options))
      await expect(run).rejects.toThrow(/RangeError/)
      expect(process.children).toEqual([])
    }
  })
})

describe('a deadline', () => {
  class Sleeps extends Process {
    static readonly aborted: unknown[] = []
    override async run(): Promise<unknown> {
      this.signal.addEventListener('abort', () => Sleeps.aborted.push(this.signal.reason))
      return new Promise(() => {})
    }
  }
  class Launches extends Process {
    static options: LaunchOptions
    handle: ProcessHandle | undefined
    override async run(): Promise<unknown> {
      this.handle = await this.launch(Launches.child, undefined, Launches.options)
      return 'launched'
    }
    static child: AnyProcessClass = Sleeps
  }
  class Family extends Process {
    static kept: ProcessHandle
    static abandoned: ProcessHandle
    override async run(): Promise<unknown> {
      Family.kept = await this.launch(Child)
      Family.abandoned = await this.launch(Child, undefined, { abandon: true })
      return new Wait()
    }
  }
  async function launched(
    child: typeof Launches.child,
    options: LaunchOptions,
  ): Promise<{ readonly handle: ProcessHandle; readonly clock: SimulatedClock }> {
    Launches.child = child
    Launches.options = options
    const { process, clock, run } = begin(Launches)
    await run
    await calm()
    return { handle: process.handle as ProcessHandle, clock }
  }

  test.each<[string, LaunchOptions]>([
    ['a duration', { deadline: '1h' }],
    ['a date', { deadline: new Date(Date.UTC(2026, 0, 1, 1)) }],
  ])('as %s excepts the process, whatever its step does', async (_, options) => {
    const { handle, clock } = await launched(Sleeps, options)
    await pass(clock, 3_599_999)
    expect(handle.state.label).toBe('running')
    await pass(clock, 1)
    const error = handle.exception() as ProcessExcepted
    expect(error).toBeInstanceOf(ProcessExcepted)
    expect(error.cause).toBeInstanceOf(DeadlineExceeded)
    expect((error.cause as Error).message).toContain('2026-01-01T01:00:00.000Z')
    expect(Sleeps.aborted.at(-1)).toBe(error.cause)
  })

  test('kills the children too, save the abandoned', async () => {
    const { clock, handle } = await launched(Family, { deadline: '1h' })
    await pass(clock, '1h')
    expect([handle.state.label, Family.kept.state.label, Family.abandoned.state.label]).toEqual([
      'excepted',
      'killed',
      'waiting',
    ])
    await Family.abandoned.kill()
  })

  test('that passes while the process is paused, also in a step that only waits, is acted on when it is played', async () => {
    class Naps extends Process {
      override async run(): Promise<void> {
        await this.sleep('long', '1d')
      }
    }
    for (const child of [Family, Naps]) {
      const { handle, clock } = await launched(child, { deadline: '1h' })
      await handle.pause()
      await pass(clock, '2h')
      expect([handle.done, handle.state.paused]).toEqual([false, true])
      await handle.play()
      await handle.wait()
      expect(handle.exception()?.cause).toBeInstanceOf(DeadlineExceeded)
    }
    await Family.abandoned.kill()
  })

  test('does nothing to a process that has ended before', async () => {
    class Quick extends Launches {
      override async run(): Promise<unknown> {
        this.handle = await this.launch(Child, { as: 'ends' }, { deadline: '1h' })
        return this.handle.result()
      }
    }
    const { process, clock, run } = begin(Quick)
    await run
    await pass(clock, '2h')
    expect(process.handle?.state.label).toBe('finished')
  })

  test('of the class counts from the creation, for children and for what is run by itself; the earlier of two counts', async () => {
    class Limited extends Sleeps {
      static override define(spec: ProcessSpec): void {
        spec.deadline('2h')
      }
    }
    const { process, clock, run } = begin(Limited)
    await pass(clock, '2h')
    await expect(run).rejects.toThrow(/DeadlineExceeded/)
    expect(process.exception()).toBeInstanceOf(DeadlineExceeded)
    for (const [deadline, hours] of [
      [undefined, 2],
      ['1h', 1],
      ['3h', 2],
    ] as const) {
      const { handle, clock: time } = await launched(Limited, { deadline })
      await pass(time, hours * 3_600_000 - 1)
      expect(handle.done).toBe(false)
      await pass(time, 1)
      expect(handle.exception()?.cause).toBeInstanceOf(DeadlineExceeded)
    }
    expect(clock.now()).toBe(Date.UTC(2026, 0, 1, 2))
  })

  test('counts on for a process that is made anew from what was saved', async () => {
    class Limited extends Process {
      static override define(spec: ProcessSpec): void {
        spec.deadline('2h')
      }
      override run(): unknown {
        return new Wait()
      }
    }
    const { process, clock } = begin(Limited)
    await pass(clock, '1h')
    const again = reload(Limited, process, clock)
    const run = again.execute()
    run.catch(() => {})
    await pass(clock, '1h')
    await expect(run).rejects.toThrow(/DeadlineExceeded/)
  })
})

describe('a step that is tried again', () => {
  const retry = { attempts: 3, backoff: { initial: '1s', factor: 1, jitter: 0 } }
  class Retried extends Parent {
    static override define(spec: ProcessSpec): void {
      spec.retry(retry)
    }
  }
  function retried(step: Step): ReturnType<typeof begin<Parent>> {
    Parent.step = step
    return begin(Retried)
  }

  test('finds the children of the attempt before', async () => {
    const { process, clock, run } = retried(async (own) => {
      const [one, two] = [await own.child(undefined, 'ends'), await own.child()]
      if (own.attempt === 1) throw new Error('once more')
      return [await one.result(), two.state.label]
    })
    await pass(clock, '1s')
    await run
    expect(process.result()).toEqual(['ended', 'waiting'])
    const pids = process.children.map(({ pid }) => pid)
    expect(pids.slice(0, 2)).toEqual(pids.slice(2))
    expect(new Set(pids).size).toBe(2)
    await process.children[1]?.kill()
  })

  test('launches those anew that ended unsuccessfully', async () => {
    const { process, clock, run } = retried(async (own) =>
      (await own.child(undefined, own.attempt < 3 ? 'fails' : 'ends')).result(),
    )
    await pass(clock, '1s')
    await pass(clock, '1s')
    await run
    expect(process.result()).toBe('ended')
    expect(new Set(process.children.map(({ pid }) => pid)).size).toBe(3)
  })

  test('is paused where it does not launch a child again that lives, and goes on when that was killed', async () => {
    const { process, clock, run } = retried(async (own) => {
      await own.child(undefined, own.attempt === 1 ? 'waits' : 'ends')
      if (own.attempt === 1) throw new Error('once more')
      return 'done'
    })
    await pass(clock, '1s')
    const [child] = process.children
    expect([process.paused, process.status]).toEqual([
      true,
      expect.stringMatching(new RegExp(`has launched \\w+ ${child?.pid} before, and has not launched it`)),
    ])
    await child?.kill()
    await process.play()
    await run
    expect(process.hasTerminated()).toBe(true)
  })

  test('finds its children whatever the order', async () => {
    const { process, clock, run } = retried(async (own) => {
      const ways = own.attempt === 1 ? ['ends', 'waits', 'ends'] : ['waits', 'ends', 'ends']
      await Promise.all(ways.map((way) => own.child(undefined, way as 'ends')))
      if (own.attempt === 1) throw new Error('once more')
      return 'done'
    })
    await pass(clock, '1s')
    await run
    const pids = process.children.map(({ pid }) => pid)
    expect(new Set(pids).size).toBe(3)
    for (const child of process.children) await child.kill()
  })
})
