import { describe, expect, test } from 'vitest'
import {
  allowFailure,
  append,
  Bundle,
  type ContextOptions,
  if_,
  Process,
  ProcessExcepted,
  type ProcessHandle,
  ProcessKilled,
  ProcessLost,
  type ProcessSpec,
  type Settled,
  SpecError,
  TransitionError,
  toContext,
  UpstreamFailed,
  Wait,
  WorkChain,
  type WorkChainSpec,
} from 'damson'
import { MemoryHandle } from '../../src/process/handle/memory-handle.ts'
import { calm, reload, until } from './helpers.ts'

/** Ends as its input says; a late one waits for a signal first. */
class Child extends Process {
  static override define(spec: ProcessSpec): void {
    spec.input('as').output('out', { required: false })
    spec.exitCode(300, 'ERROR_BAD', 'it is {how}').signal('go')
  }
  override async run(): Promise<unknown> {
    const as = this.inputs['as'] as string
    if (as.startsWith('late ')) await this.receive('go')
    this.out('out', as)
    switch (as) {
      case 'excepted':
        throw new RangeError('no')
      case 'killed':
        await this.kill('asked to')
        return undefined
      case 'unsuccessful':
        return this.exitCodes['ERROR_BAD']?.({ how: 'bad' })
      case 'paused':
        return new Wait()
      case 'outputs':
        return undefined
      default:
        return as
    }
  }
}

type Begin = (chain: Chain) => unknown

/** Calls the function in its input as its first step, and then records that it has ended. */
class Chain extends WorkChain {
  static override define(spec: WorkChainSpec): void {
    super.define(spec)
    const { prototype: own } = Chain
    spec.outline(own.begin, own.end)
    spec.input('begin').retry({ attempts: 2, backoff: { initial: 0, jitter: 0 } })
  }
  readonly children: ProcessHandle[] = []
  ended = false

  async child(as: string): Promise<ProcessHandle> {
    const handle = await this.launch(Child, { as })
    this.children.push(handle)
    return handle
  }
  gives(values: Record<string, unknown>, options?: ContextOptions): void {
    this.toContext(values, options)
  }
  begin(): unknown {
    return (this.inputs['begin'] as Begin)(this)
  }
  end(): void {
    this.ended = true
  }
}

/** The context after that step. */
async function contextAfter(begin: Begin): Promise<Record<string, unknown>> {
  const chain = new Chain({ begin })
  await chain.execute()
  expect(chain.ended).toBe(true)
  return chain.ctx
}

/** How a chain fails whose step does that. */
async function failureOf(begin: Begin): Promise<unknown> {
  const chain = new Chain({ begin })
  await expect(chain.execute()).rejects.toThrow(ProcessExcepted)
  expect(chain.ended).toBe(false)
  return chain.exception()
}

describe('results come into the context', () => {
  test('by toContext within the step', async () => {
    const ctx = await contextAfter(async (chain) => {
      chain.gives({ one: await chain.child('1') })
      chain.gives({ two: await chain.child('2'), three: await chain.child('3') })
    })
    expect(ctx).toEqual({ one: '1', two: '2', three: '3' })
  })

  test('by what the step returns: toContext, or an object of handles', async () => {
    expect(await contextAfter(async (chain) => toContext({ one: await chain.child('1') }))).toEqual({
      one: '1',
    })
    expect(await contextAfter(async (chain) => ({ one: await chain.child('1') }))).toEqual({ one: '1' })
  })

  test('and the chain goes on where there was nothing to launch', async () => {
    expect(await contextAfter(() => Object.fromEntries([]))).toEqual({})
    expect(await contextAfter(() => ({ 'by.name': [], all: [] }))).toEqual({ by: { name: [] }, all: [] })
    expect(
      await contextAfter((chain) => {
        chain.gives({ one: 1 })
        return {}
      }),
    ).toEqual({ one: 1 })
  })

  test('by both ways at once', async () => {
    const ctx = await contextAfter(async (chain) => {
      chain.gives({ one: await chain.child('1') })
      return { two: await chain.child('2') }
    })
    expect(ctx).toEqual({ one: '1', two: '2' })
  })

  test('as the outputs of a process that returns nothing', async () => {
    expect(await contextAfter(async (chain) => ({ one: await chain.child('outputs') }))).toEqual({
      one: { out: 'outputs' },
    })
  })

  test('as outputs where the call asks for them, beside results of other calls', async () => {
    const ctx = await contextAfter(async (chain) => {
      chain.gives({ one: await chain.child('1'), all: [await chain.child('2')] }, { outputs: true })
      chain.gives({ two: await chain.child('3') }, { outputs: false })
      return toContext({ three: append(await chain.child('4')) }, { outputs: true })
    })
    expect(ctx).toEqual({ one: { out: '1' }, all: [{ out: '2' }], two: '3', three: [{ out: '4' }] })
  })

  test('under dotted keys, beside what is there', async () => {
    const ctx = await contextAfter(async (chain) => {
      chain.ctx = { volumes: { kept: true } }
      return { 'volumes.small.energy': await chain.child('1'), 'volumes.large': await chain.child('2') }
    })
    expect(ctx).toEqual({ volumes: { kept: true, small: { energy: '1' }, large: '2' } })
  })

  test('as a list by append, in the order of the calls and not of the ends', async () => {
    const ctx = await contextAfter(async (chain) => {
      const late = await chain.child('late 1')
      chain.gives({ all: append(late) })
      chain.gives({ all: append(await chain.child('2')), 'by.name': append(await chain.child('3')) })
      setImmediate(() => void late.signal('go'))
    })
    expect(ctx).toEqual({ all: ['late 1', '2'], by: { name: ['3'] } })
  })

  test('as a list of a list of handles, in place of the list that was there; also returned, and beside plain values', async () => {
    const ctx = await contextAfter(async (chain) => {
      chain.ctx = { all: ['before'] }
      chain.gives({ all: [await chain.child('late 1'), await chain.child('2')] })
      setImmediate(() => void chain.children[0]?.signal('go'))
    })
    expect(ctx).toEqual({ all: ['late 1', '2'] })
    const returned = await contextAfter(async (chain) => ({ all: [await chain.child('1')], n: 5 }))
    expect(returned).toEqual({ all: ['1'], n: 5 })
  })

  test('replacing what was there under that key', async () => {
    const ctx = await contextAfter(async (chain) => {
      chain.ctx = { one: 'old', all: ['old'] }
      return { one: await chain.child('new'), all: append(await chain.child('new')) }
    })
    expect(ctx).toEqual({ one: 'new', all: ['old', 'new'] })
  })

  test('before the next step, for which plain values are set at once', async () => {
    const ctx = await contextAfter((chain) => chain.gives({ plain: 1, 'nested.list': [1, 2] }))
    expect(ctx).toEqual({ plain: 1, nested: { list: [1, 2] } })
  })

  test('of children of children', async () => {
    class Grand extends WorkChain {
      static override define(spec: WorkChainSpec): void {
        super.define(spec)
        spec.outline('begin', 'end').output('sum')
      }
      async begin(): Promise<unknown> {
        return { one: await this.launch(Child, { as: '1' }), two: await this.launch(Child, { as: '2' }) }
      }
      end(): void {
        this.out('sum', `${this.ctx['one']}${this.ctx['two']}`)
      }
    }
    class Great extends Grand {
      override async begin(): Promise<unknown> {
        return { one: await this.launch(Grand), two: await this.launch(Child, { as: '!' }) }
      }
      override end(): void {
        this.out('sum', `${this.ctx['one'].sum}${this.ctx['two']}`)
      }
    }
    expect(await new Great().execute()).toEqual({ sum: '12!' })
  })
})

describe('a child that', () => {
  test.each([
    ['excepts', 'excepted', /which was to give ctx\.one, failed: .*RangeError: no/],
    ['is killed', 'killed', /which was to give ctx\.one, failed: asked to/],
    ['is unsuccessful', 'unsuccessful', /failed: it finished unsuccessfully, ERROR_BAD \(300\): it is bad/],
  ])('%s fails the chain, which is not tried again for it', async (_, as, message) => {
    let begun = 0
    let child: ProcessHandle | undefined
    const error = await failureOf(async (chain) => {
      begun++
      return { one: (child = await chain.child(as)) }
    })
    expect(error).toBeInstanceOf(UpstreamFailed)
    expect(error).toMatchObject({ message: expect.stringMatching(message), upstream: child?.pid })
    expect(begun).toBe(1)
  })

  test.each([
    ['excepts', 'excepted', { status: 'rejected', reason: expect.any(ProcessExcepted) }],
    ['is killed', 'killed', { status: 'rejected', reason: expect.any(ProcessKilled) }],
    [
      'is unsuccessful',
      'unsuccessful',
      { status: 'fulfilled', state: { successful: false, exitCode: { code: 300 } } },
    ],
    ['succeeds', 'fine', { status: 'fulfilled', value: 'fine', state: { successful: true } }],
  ])('%s is in the context with its outcome, where its failure was allowed', async (_, as, outcome) => {
    const ctx = await contextAfter(async (chain) => ({ one: allowFailure(await chain.child(as)) }))
    expect(ctx['one']).toMatchObject(outcome)
  })

  test('fails is in the list with its outcome, where that was allowed', async () => {
    const ctx = await contextAfter(async (chain) => {
      chain.gives({ all: append(allowFailure(await chain.child('excepted'))) })
      chain.gives({ all: append(allowFailure(await chain.child('1'))) })
    })
    expect((ctx['all'] as Settled<unknown>[]).map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
  })

  test('is paused keeps the chain waiting until it is played', async () => {
    const chain = new Chain({
      begin: async (begun: Chain) => {
        const child = await begun.child('late 1')
        await child.pause('look at it')
        await child.signal('go')
        return { one: child }
      },
    })
    const run = chain.execute()
    await until(() => chain.state === 'waiting')
    await calm()
    const [child] = chain.children
    expect([chain.state, child?.state.paused]).toEqual(['waiting', true])
    await child?.play()
    await run
    expect(chain.ctx).toEqual({ one: 'late 1' })
  })
})

test('a resume is kept while a chain waits for its context, and counts for the wait after that', async () => {
  class Resumed extends Chain {
    static override define(spec: WorkChainSpec): void {
      super.define(spec)
      spec.outline('begin', 'ask')
    }
    ask(): Wait {
      return new Wait('report')
    }
    report(value: unknown): unknown {
      return [value, this.ctx]
    }
  }
  const chain = new Resumed({ begin: async (begun: Chain) => ({ one: await begun.child('late 1') }) })
  const run = chain.execute()
  await until(() => chain.state === 'waiting')
  await chain.resume('early')
  await calm()
  expect([chain.state, chain.ctx]).toEqual(['waiting', {}])
  await chain.children[0]?.signal('go')
  await run
  expect(chain.result()).toEqual(['early', { one: 'late 1' }])
})

test('what a failed attempt gave does not count', async () => {
  let attempts = 0
  const ctx = await contextAfter(async (chain) => {
    attempts++
    chain.gives({ all: append(await chain.child('1')), plain: attempts })
    if (attempts === 1) throw new Error('once more')
  })
  expect(ctx).toEqual({ all: ['1'], plain: 2 })
})

describe('toContext refuses', () => {
  test.each<[string, Begin, RegExp]>([
    [
      'a promise',
      (chain) => chain.gives({ one: chain.child('1') }),
      /one was given a promise where.*`await`/,
    ],
    [
      'append of no handle',
      (chain) => chain.gives({ one: append(1 as never) }),
      /one was given number where it takes a handle/,
    ],
    [
      'allowFailure of no handle',
      (chain) => chain.gives({ one: allowFailure(Promise.resolve() as never) }),
      /one was given a promise where.*await/,
    ],
    [
      'a list that has something beside handles in it',
      async (chain) => chain.gives({ one: [await chain.child('1'), 2] }),
      /one was given number where it takes a handle/,
    ],
    [
      'a wait besides, for which what it gave would be lost',
      (chain) => {
        chain.gives({ one: 1 })
        return new Wait()
      },
      /has called toContext and returned a Wait/,
    ],
  ])('%s', async (_, begin, message) => {
    const error = await failureOf(begin)
    expect(error).toBeInstanceOf(TransitionError)
    expect((error as Error).message).toMatch(message)
  })

  test('a key within what is no object, and to add to what is no list', async () => {
    expect(
      await failureOf((chain) => {
        chain.ctx = { one: 1 }
        chain.gives({ 'one.two': 2 })
      }),
    ).toEqual(new SpecError("ctx.one.two can't be set: ctx.one is not an object, but number"))
    expect(
      await failureOf(async (chain) => {
        chain.ctx = { one: 1 }
        return { one: append(await chain.child('1')) }
      }),
    ).toEqual(new SpecError('ctx.one is no list that could be added to, but number'))
  })

  test('to be called outside a step', () => {
    expect(() => new Chain({ begin: () => {} }).gives({ one: 1 })).toThrow(
      /`toContext` is for the steps of a process/,
    )
  })

  test('to be returned where there is no outline', async () => {
    class Plain extends Process {
      override run(): unknown {
        return toContext({ one: 1 })
      }
    }
    await expect(new Plain().execute()).rejects.toThrow(/Plain has no outline/)
  })

  test('to be called by a predicate', async () => {
    class Asks extends WorkChain {
      static override define(spec: WorkChainSpec): void {
        super.define(spec)
        spec.outline('begin', if_('asked')('begin'))
      }
      begin(): void {}
      asked(): boolean {
        this.toContext({ one: 1 })
        return true
      }
    }
    await expect(new Asks().execute()).rejects.toThrow(/a predicate of the outline has called toContext/)
  })
})

class Saved extends WorkChain {
  static override define(spec: WorkChainSpec): void {
    super.define(spec)
    const { prototype: own } = Saved
    spec.outline(own.begin, own.end)
  }
  async begin(): Promise<unknown> {
    return {
      'by.one': await this.launch(Child, { as: '1' }),
      all: append(await this.launch(Child, { as: 'late 2' })),
      failed: allowFailure(await this.launch(Child, { as: 'excepted' })),
    }
  }
  end(): unknown {
    return [this.ctx['by'], this.ctx['all'], (this.ctx['failed'] as Settled<unknown>).status]
  }
}

test('a chain that waits for its context is made anew from what was saved, and finds children that live and that have ended', async () => {
  const chain = new Saved()
  const run = chain.execute()
  await until(() => chain.state === 'waiting')
  await calm()
  const again = reload(Saved, chain)
  expect([again.state, again.status]).toEqual(['waiting', '1.begin'])
  const rerun = again.execute()
  await calm()
  const { on } = Bundle.from(again).toJSON()['state'] as { on: { pids: string[] } }
  const late = MemoryHandle.find(on.pids[1] as string)
  await late?.signal('go')
  await Promise.all([run, rerun])
  expect(again.result()).toEqual([{ one: '1' }, ['late 2'], 'rejected'])
  expect(again.result()).toEqual(chain.result())
})

test('a child that is gone from memory counts as failed', async () => {
  const chain = new Saved()
  void chain.stepUntilTerminated()
  await until(() => chain.state === 'waiting')
  const text = JSON.stringify(Bundle.from(chain)).replaceAll(/"pids":\["[^"]*"/g, '"pids":["gone"')
  const again = Saved.recreateFrom(Bundle.parse(text))
  const rerun = again.execute()
  await chain.kill()
  await expect(rerun).rejects.toThrow(ProcessExcepted)
  expect(again.exception()).toBeInstanceOf(UpstreamFailed)
  expect((again.exception() as UpstreamFailed).cause).toBeInstanceOf(ProcessLost)
})
