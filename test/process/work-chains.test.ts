import { describe, expect, test } from 'vitest'
import {
  Bundle,
  Continue,
  if_,
  IncompatibleBundle,
  Kill,
  type OutlinePart,
  Process,
  ProcessKilled,
  return_,
  SpecError,
  Stop,
  TransitionError,
  UnsuccessfulResult,
  Wait,
  while_,
  WorkChain,
  type WorkChainSpec,
} from 'damson'
import { calm, reload, until } from './helpers.ts'

/** Notes which of its methods ran. */
class Noting extends WorkChain {
  override ctx: { ran: string[]; left: number } = { ran: [], left: 0 }

  note(name: string): void {
    this.ctx.ran.push(name)
  }
}

/** Goes through a loop with a choice in it. */
class Loops extends Noting {
  static override define(spec: WorkChainSpec): void {
    super.define(spec)
    const { prototype: own } = Loops
    spec.input('rounds', { default: 2 })
    spec.exitCode(300, 'ERROR_STUCK', 'no way on')
    spec.outline(
      own.setup,
      while_(own.more)(own.relax, if_(own.isLast)(own.refine).else_(own.coarse)),
      if_(own.isStuck)(return_('ERROR_STUCK')),
      own.finish,
    )
  }
  setup(): void {
    this.note('setup')
    this.ctx.left = this.inputs['rounds'] as number
  }
  more(): boolean {
    return this.ctx.left > 0
  }
  async isLast(): Promise<boolean> {
    await Promise.resolve()
    return this.ctx.left === 1
  }
  isStuck(): boolean {
    return this.ctx.left < 0
  }
  async relax(): Promise<void> {
    await Promise.resolve()
    this.note('relax')
  }
  refine(): void {
    this.note('refine')
    this.ctx.left -= 1
  }
  coarse(): void {
    this.note('coarse')
    this.ctx.left -= 1
  }
  finish(): void {
    this.note('finish')
  }
}

test('a work chain runs the steps of its outline in their order, and its predicates choose and repeat', async () => {
  const chain = new Loops()
  await chain.execute()
  expect(chain.ctx.ran).toEqual(['setup', 'relax', 'coarse', 'relax', 'refine', 'finish'])
  expect(chain.successful()).toBe(true)
})

test('return_ with an exit code ends it there, unsuccessfully', async () => {
  const chain = new Loops({ rounds: -1 })
  await chain.execute({ raiseOnFailure: false })
  expect(chain.ctx.ran).toEqual(['setup'])
  expect([chain.isSuccessful, chain.exitCode]).toEqual([
    false,
    { code: 300, label: 'ERROR_STUCK', message: 'no way on' },
  ])
})

test('where it is shows in its status and in its bundle, in a form that a person reads', async () => {
  const chain = new Loops()
  const seen: unknown[] = []
  chain.addProcessListener({
    onProcessRunning: () => {
      const { state } = Bundle.from(chain).toJSON() as { state: { at: string } }
      expect(chain.status).toBe(state.at)
      seen.push(state.at)
    },
  })
  await chain.execute()
  expect(seen).toEqual([
    '1.setup',
    '2.while(more)#1.relax',
    '2.while(more)#1.else.coarse',
    '2.while(more)#2.relax',
    '2.while(more)#2.if(isLast).refine',
    '4.finish',
  ])
})

test('setStatus stands before the position, and a pause before both', async () => {
  const chain = new Loops()
  await chain.step()
  expect(chain.status).toBe('1.setup')
  chain.setStatus('setting up')
  expect(chain.status).toBe('setting up')
  await chain.pause('lunch')
  expect(chain.status).toBe('lunch')
})

test('a chain that is saved and made anew at each of its transitions comes to the same end', async () => {
  let chain = new Loops()
  while (!chain.hasTerminated()) {
    chain = reload(Loops, chain)
    await chain.step()
  }
  expect(chain.ctx.ran).toEqual(['setup', 'relax', 'coarse', 'relax', 'refine', 'finish'])
})

/** A chain with this outline, whose steps may be overridden. */
function chainOf(...outline: readonly OutlinePart[]) {
  return class Chain extends Noting {
    static override define(spec: WorkChainSpec): void {
      super.define(spec)
      spec.exitCode(310, 'ERROR_LIMIT', 'above {limit}')
      spec.outline(...outline)
    }
    override ctx = { ran: [] as string[], left: 2 }
    a(): unknown {
      return this.note('a')
    }
    b(): unknown {
      return this.note('b')
    }
    c(): unknown {
      return this.note('c')
    }
    yes(): unknown {
      this.note('yes')
      return true
    }
    no(): unknown {
      this.note('no')
      return false
    }
    countsDown(): unknown {
      return this.ctx.left-- > 0
    }
  }
}

describe('an outline', () => {
  test.each([
    ['that begins with a choice', [if_('no')('a').elif_('yes')('b').else_('c')], ['no', 'yes', 'b']],
    ['that begins with a loop', [while_('countsDown')('a'), 'b'], ['a', 'a', 'b']],
    ['that comes to no step at all', [if_('no')('a')], ['no']],
    ['that ends with a choice', ['a', if_('no')('b')], ['a', 'no']],
    ['with a plain return_ in it', ['a', if_('yes')(return_), 'b'], ['a', 'yes']],
    ['with loops within loops', [while_('countsDown')(while_('countsDown')('a'), 'b')], ['a', 'b']],
  ] as const)('%s', async (_, outline, ran) => {
    const chain = new (chainOf(...outline))()
    await chain.execute()
    expect([chain.ctx.ran, chain.isSuccessful]).toEqual([ran, true])
  })

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['text', 'true'],
    ['a number', 1],
    ['an object', {}],
    ['a promise of text', Promise.resolve('yes')],
  ])('whose predicate gives %s except the chain, naming it', async (_, given) => {
    class Chain extends chainOf('a', if_('yes')('b')) {
      override yes(): unknown {
        return given
      }
    }
    const chain = new Chain()
    await expect(chain.execute()).rejects.toThrow(/predicate yes gave .*: it has to give true or false/)
    expect(chain.exception()).toBeInstanceOf(TransitionError)
    expect(chain.ctx.ran).toEqual(['a'])
  })

  test('whose predicate throws excepts the chain with that', async () => {
    class Chain extends chainOf(while_('yes')('a')) {
      override yes(): unknown {
        throw new RangeError('who knows')
      }
    }
    const chain = new Chain()
    await expect(chain.execute()).rejects.toMatchObject({ cause: new RangeError('who knows') })
  })

  test('may name a step run, which is a step like any other', async () => {
    class Chain extends chainOf('a', 'run', 'b') {
      override run(): unknown {
        this.note('run')
        return new Wait()
      }
    }
    const chain = new Chain()
    const run = chain.execute()
    await until(() => chain.state === 'waiting')
    expect(chain.status).toBe('2.run')
    await chain.resume()
    await run
    expect(chain.ctx.ran).toEqual(['a', 'run', 'b'])
  })

  test('leaves no method run beside it that nothing would call', () => {
    class Chain extends chainOf('a') {
      override run(): unknown {
        return 'never'
      }
    }
    expect(() => new Chain()).toThrow(SpecError)
    expect(() => new Chain()).toThrow(/Chain has an outline, and a method run that is no step of it/)
  })

  test('is what a work chain needs', () => {
    class Chain extends WorkChain {}
    expect(() => new Chain()).toThrow(SpecError)
    expect(() => new Chain()).toThrow(/Chain\.define declares no outline/)
  })

  test('names only steps and predicates that the class has', () => {
    expect(() => new (chainOf('a', 'missing'))()).toThrow(/names missing, which is no step/)
    expect(() => new (chainOf(if_('perhaps')('a')))()).toThrow(/names perhaps, which is no step/)
  })
})

describe('what a step of a chain returns decides', () => {
  /** Runs a, which returns this, and then b. */
  function returning(given: (chain: Noting) => unknown): Noting {
    class Chain extends chainOf('a', 'b') {
      override a(): unknown {
        this.note('a')
        return given(this)
      }
      last(value: unknown): unknown {
        this.note(`last ${String(value)}`)
        return undefined
      }
    }
    return new Chain()
  }

  test.each([
    ['a result', 'early', ['a'], true, 'early'],
    ['0, which is a result too', 0, ['a'], true, 0],
    ['an unsuccessful result', new UnsuccessfulResult('no'), ['a'], false, 'no'],
    ['Stop', new Stop({ n: 1 }), ['a'], true, { n: 1 }],
    [
      'Continue: then the outline goes on from the same position',
      new Continue('last', 1),
      ['a', 'last 1', 'b'],
      true,
      {},
    ],
    ['an object without handles, a result', { n: 1 }, ['a'], true, { n: 1 }],
    ['an object without anything: there is no process to wait for', {}, ['a', 'b'], true, {}],
    ['an object with an empty list, a list of no handles', { all: [] }, ['a', 'b'], true, {}],
  ] as const)('%s', async (_, given, ran, successful, result) => {
    const chain = returning(() => given)
    await chain.execute({ raiseOnFailure: false })
    expect([chain.ctx.ran, chain.successful(), chain.result()]).toEqual([ran, successful, result])
  })

  test('an exit code, whose message is filled in', async () => {
    const chain: Noting = returning(({ exitCodes }: Noting): unknown =>
      exitCodes['ERROR_LIMIT']?.({ limit: 3 }),
    )
    await chain.execute({ raiseOnFailure: false })
    expect([chain.ctx.ran, chain.isSuccessful, chain.exitCode]).toEqual([
      ['a'],
      false,
      { code: 310, label: 'ERROR_LIMIT', message: 'above 3' },
    ])
  })

  test('Kill', async () => {
    const chain = returning(() => new Kill('enough'))
    await expect(chain.execute()).rejects.toThrow(new ProcessKilled(chain.pid, 'enough'))
    expect(chain.ctx.ran).toEqual(['a'])
  })

  test('Wait with a step: the outline goes on after that', async () => {
    const chain = returning(() => new Wait('last'))
    const run = chain.execute()
    await until(() => chain.state === 'waiting')
    expect(chain.status).toBe('1.a')
    await chain.resume('woken')
    await run
    expect(chain.ctx.ran).toEqual(['a', 'last woken', 'b'])
  })

  test('Wait without a step: the outline goes on when it is woken', async () => {
    const chain = returning(() => new Wait(undefined, { message: 'for a word' }))
    const run = chain.execute()
    await until(() => chain.state === 'waiting')
    await chain.resume('woken')
    await run
    expect([chain.ctx.ran, chain.result()]).toEqual([['a', 'b'], {}])
  })
})

test('a chain that waits is saved, made anew elsewhere, and goes on from there', async () => {
  class Chain extends Noting {
    static override define(spec: WorkChainSpec): void {
      super.define(spec)
      spec.outline('ask', while_('more')('use', 'ask'), 'end')
    }
    ask(): Wait {
      this.note('ask')
      return new Wait('answered')
    }
    answered(value: unknown): void {
      this.note(String(value))
    }
    more(): boolean {
      return this.ctx.ran.length < 5
    }
    use(): void {
      this.note('use')
    }
    end(): void {
      this.note('end')
    }
  }
  const first = new Chain()
  void first.stepUntilTerminated()
  await until(() => first.state === 'waiting')
  await first.resume('one')
  await until(() => first.state === 'waiting' && first.ctx.ran.length === 4)
  const second = reload(Chain, first)
  expect([second.state, second.status]).toEqual(['waiting', '2.while(more)#1.ask'])
  const run = second.execute()
  await second.resume('two')
  await run
  expect(second.ctx.ran).toEqual(['ask', 'one', 'use', 'ask', 'two', 'end'])
  await first.kill()
})

describe('a saved position', () => {
  class Before extends Noting {
    static override get processName(): string {
      return 'Chain'
    }
    static override define(spec: WorkChainSpec): void {
      super.define(spec)
      spec.outline('a', while_('more')('b'))
    }
    a(): void {
      this.note('a')
    }
    b(): void {
      this.note('b')
    }
    more(): boolean {
      return this.ctx.ran.length < 3
    }
  }
  async function inTheLoop(): Promise<Before> {
    const chain = new Before()
    while (chain.status !== '2.while(more)#1.b') await chain.step()
    return chain
  }

  test('survives steps that are added after it, which then run', async () => {
    class After extends Before {
      static override get processName(): string {
        return 'Chain'
      }
      static override define(spec: WorkChainSpec): void {
        super.define(spec)
        spec.outline('a', while_('more')('b', 'c'), 'd')
      }
      c(): void {
        this.note('c')
      }
      d(): void {
        this.note('d')
      }
    }
    const chain = reload(After, await inTheLoop())
    await chain.execute()
    expect(chain.ctx.ran).toEqual(['a', 'b', 'c', 'd'])
  })

  test('that the outline does not have any more is refused, with the position', async () => {
    class After extends Before {
      static override get processName(): string {
        return 'Chain'
      }
      static override define(spec: WorkChainSpec): void {
        super.define(spec)
        spec.outline('a', 'b')
      }
    }
    const chain = await inTheLoop()
    expect(() => reload(After, chain)).toThrow(IncompatibleBundle)
    expect(() => reload(After, chain)).toThrow(/'2\.while\(more\)#1\.b'/)
  })

  test('is refused by a class without an outline', async () => {
    class Chain extends Process {
      b(): void {}
    }
    const chain = await inTheLoop()
    expect(() => reload(Chain, chain)).toThrow(IncompatibleBundle)
    expect(() => reload(Chain, chain)).toThrow(/has no outline/)
  })
})

test('a chain is paused between its steps, and goes on when it is played', async () => {
  class Chain extends chainOf('a', 'b') {
    override async a(): Promise<unknown> {
      this.note('a')
      await this.pause('look at it')
      return undefined
    }
  }
  const chain = new Chain()
  const run = chain.execute()
  await until(() => chain.paused)
  await calm()
  expect([chain.state, chain.ctx.ran]).toEqual(['running', ['a']])
  await chain.play()
  await run
  expect(chain.ctx.ran).toEqual(['a', 'b'])
})

test('a chain that waits is killed at once', async () => {
  class Chain extends chainOf('a', 'b') {
    override a(): unknown {
      return new Wait()
    }
  }
  const chain = new Chain()
  const run = chain.execute()
  await until(() => chain.state === 'waiting')
  await chain.kill('no more')
  await expect(run).rejects.toThrow('no more')
  expect(chain.ctx.ran).toEqual([])
})

test('an error in a step excepts the chain, and the steps after it do not run', async () => {
  class Chain extends chainOf('a', 'b', 'c') {
    override b(): unknown {
      throw new RangeError('b')
    }
  }
  const chain = new Chain()
  await expect(chain.execute()).rejects.toThrow(/RangeError: b/)
  expect([chain.exception(), chain.ctx.ran]).toEqual([new RangeError('b'), ['a']])
})
