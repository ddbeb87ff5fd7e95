import { describe, expect, test } from 'vitest'
import {
  Bundle,
  if_,
  MemoryStore,
  Process,
  ProcessExcepted,
  type ProcessSpec,
  return_,
  SpecError,
  toContext,
  UpstreamFailed,
  while_,
  WorkChain,
  WorkChainSpec,
} from 'damson'
import { settle } from './example-processes.ts'

const integer = { type: 'integer' } as const

/** A choice by its input `value`, and a loop of `n` rounds; notes what ran. */
class Choices extends WorkChain<typeof Choices> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    const { prototype: own } = Choices
    return spec
      .input('value', { default: 'A' })
      .input('n', { schema: integer, default: 3 })
      .outline(
        own.first,
        if_(own.isA)(own.forA).elif_(own.isB)(own.forB).else_(own.forOthers),
        own.countFromZero,
        while_(own.isBelow)(own.count),
      )
  }
  declare ctx: { ran: string[]; counter: number }

  first(): void {
    this.ctx = { ran: ['first'], counter: -1 }
  }
  isA(): boolean {
    this.ctx.ran.push('isA')
    return this.inputs.value === 'A'
  }
  isB(): boolean {
    this.ctx.ran.push('isB')
    return this.inputs.value === 'B'
  }
  isBelow(): boolean {
    return this.ctx.counter < this.inputs.n
  }
  forA(): void {
    this.ctx.ran.push('forA')
  }
  forB(): void {
    this.ctx.ran.push('forB')
  }
  forOthers(): void {
    this.ctx.ran.push('forOthers')
  }
  countFromZero(): void {
    this.ctx.counter = 0
  }
  count(): void {
    this.ctx.counter += 1
  }
}

const choices: [value: string, ran: string[]][] = [
  ['A', ['first', 'isA', 'forA']],
  ['B', ['first', 'isA', 'isB', 'forB']],
  ['C', ['first', 'isA', 'isB', 'forOthers']],
]

/** Emits 'a' or 'b'. */
class Emits extends Process<typeof Emits> {
  static override define(spec: ProcessSpec) {
    return spec.input('value').output('res')
  }
  override run(): void {
    this.out('res', this.inputs.value)
  }
}

test('what is kept in the context is there until it is taken out', () => {
  class Nothing extends WorkChain {
    static override define(spec: WorkChainSpec): void {
      super.define(spec)
      spec.outline(Nothing.prototype.nothing)
    }
    nothing(): void {}
  }
  const chain = new Nothing()
  chain.ctx['kept'] = 5
  expect(chain.ctx['kept']).toBe(5)
  delete chain.ctx['kept']
  expect('kept' in chain.ctx).toBe(false)
})

test.each(choices)('the steps that the predicates choose run, and no others: %s', async (value, ran) => {
  const chain = new Choices({ value, n: 3 })
  await chain.execute()
  expect(chain.ctx).toEqual({ ran, counter: 3 })
})

test('an outline of something other than steps and instructions is refused when the spec is made', () => {
  class Wrong extends WorkChain {
    static override define(spec: WorkChainSpec): void {
      super.define(spec)
      spec.outline(5 as never)
    }
  }
  expect(() => Wrong.spec()).toThrow(SpecError)
})

test('the same value may be given for two inputs', async () => {
  class Checks extends WorkChain<typeof Checks> {
    static override define(spec: WorkChainSpec) {
      super.define(spec)
      return spec
        .input('a', { schema: integer })
        .input('b', { schema: integer })
        .output('both')
        .outline(Checks.prototype.check)
    }
    check(): void {
      this.out('both', [this.inputs.a, this.inputs.b])
    }
  }
  const same = 1
  expect(await new Checks({ a: same, b: same }).execute()).toEqual({ both: [1, 1] })
})

test('results of children are in the context of the next step, and later ones replace them', async () => {
  class Launches extends WorkChain {
    static override define(spec: WorkChainSpec): void {
      super.define(spec)
      const { prototype: own } = Launches
      spec.outline(own.both, own.again, own.look)
    }
    readonly seen: unknown[] = []
    async both(): Promise<unknown> {
      return toContext({
        r1: await this.launch(Emits, { value: 'a' }),
        r2: await this.launch(Emits, { value: 'b' }),
      })
    }
    async again(): Promise<unknown> {
      this.seen.push(structuredClone(this.ctx))
      return toContext({ r1: await this.launch(Emits, { value: 'b' }) })
    }
    look(): void {
      this.seen.push(structuredClone(this.ctx))
    }
  }
  const chain = new Launches()
  await chain.execute()
  expect(chain.seen).toEqual([
    { r1: { res: 'a' }, r2: { res: 'b' } },
    { r1: { res: 'b' }, r2: { res: 'b' } },
  ])
})

test('a spec with an outline is described in text', () => {
  expect(Choices.getDescription().spec.outline).toEqual([
    'first',
    'if(isA)',
    '  forA',
    'elif(isB)',
    '  forB',
    'else',
    '  forOthers',
    'countFromZero',
    'while(isBelow)',
    '  count',
  ])
})

test('an outline takes methods and instructions, and no other functions', () => {
  const spec = new WorkChainSpec()
  expect(() => spec.outline(5 as never)).toThrow(SpecError)
  expect(() => spec.outline(() => 5)).toThrow(/a function without a name/)
  class Elsewhere extends WorkChain {
    static override define(own: WorkChainSpec): void {
      super.define(own)
      own.outline(function elsewhere() {})
    }
  }
  expect(() => new Elsewhere()).toThrow(/names elsewhere, which is no step/)
})

test.each(choices)('saved and made anew at every point, it runs the same steps: %s', async (value, ran) => {
  let chain = new Choices({ value, n: 3 })
  while (!chain.hasTerminated()) {
    await chain.step()
    chain = Choices.recreateFrom(Bundle.parse(JSON.stringify(Bundle.from(chain))))
  }
  expect(chain.ctx).toEqual({ ran, counter: 3 })
})

test('a chain made anew from a checkpoint runs to its end; who listened to the first is added again', async () => {
  const store = new MemoryStore()
  class Saves extends WorkChain {
    static override define(spec: WorkChainSpec): void {
      super.define(spec)
      const { prototype: own } = Saves
      spec.outline(own.one, own.two)
    }
    async one(): Promise<void> {
      await store.saveCheckpoint(Bundle.from(this), 'one')
    }
    async two(): Promise<void> {
      await store.saveCheckpoint(Bundle.from(this), 'two')
    }
  }
  let finished = 0
  const listener = {
    onProcessFinished(): void {
      finished++
    },
  }
  const first = new Saves()
  first.addProcessListener(listener)
  await first.execute()
  const second = (await store.loadCheckpoint(first.pid, 'one')).unbundle<Saves>({ processes: [Saves] })
  second.addProcessListener(listener)
  await second.execute()
  expect(finished).toBe(2)
})

test('return_ ends the chain, with success or with an exit code', async () => {
  class Returns extends WorkChain {
    static override define(spec: WorkChainSpec): void {
      super.define(spec)
      const { prototype: own } = Returns
      spec.input('success', { required: false })
      spec.outline(own.begin, if_(own.succeeds)(return_).elif_(own.fails)(return_(1)).else_(own.unexpected))
    }
    begin(): void {}
    succeeds(): boolean {
      return this.inputs['success'] === true
    }
    fails(): boolean {
      return this.inputs['success'] === false
    }
    unexpected(): never {
      throw new RangeError('it should have returned')
    }
  }
  const good = new Returns({ success: true })
  await good.execute()
  expect([good.isSuccessful, good.exitCode]).toEqual([true, undefined])
  const bad = new Returns({ success: false })
  await bad.execute({ raiseOnFailure: false })
  expect([bad.isSuccessful, bad.exitCode?.code]).toEqual([false, 1])
  await expect(new Returns().execute()).rejects.toThrow(/it should have returned/)
})

test('a value that a step returns ends the chain, be it 0', async () => {
  class Returns extends WorkChain {
    static override define(spec: WorkChainSpec): void {
      super.define(spec)
      const { prototype: own } = Returns
      spec.input('value', { required: false }).outline(own.begin, own.after)
    }
    begin(): unknown {
      return this.inputs['value']
    }
    after(): never {
      throw new RangeError('it should have returned')
    }
  }
  for (const value of [0, 1]) {
    const chain = new Returns({ value })
    await chain.execute()
    expect(chain.result()).toBe(value)
  }
  await expect(new Returns().execute()).rejects.toThrow(/it should have returned/)
})

test('a chain launches a chain and has its outputs; its steps may be named run', async () => {
  class Inner extends WorkChain {
    static override define(spec: WorkChainSpec): void {
      super.define(spec)
      spec.output('value').outline(Inner.prototype.run)
    }
    override run(): void {
      this.out('value', 5)
    }
  }
  class Outer extends WorkChain {
    static override define(spec: WorkChainSpec): void {
      super.define(spec)
      const { prototype: own } = Outer
      spec.outline(own.run, own.check)
    }
    override async run(): Promise<unknown> {
      return toContext({ inner: await this.launch(Inner) })
    }
    check(): unknown {
      return this.ctx['inner']
    }
  }
  const chain = new Outer()
  await chain.execute()
  expect(chain.result()).toEqual({ value: 5 })
})

test('a chain that was paused in a block is saved there, and goes on in it', async () => {
  class Pauses extends WorkChain {
    static override define(spec: WorkChainSpec): void {
      super.define(spec)
      const { prototype: own } = Pauses
      spec.outline(if_(own.always)(own.one, own.two))
    }
    always(): boolean {
      return true
    }
    async one(): Promise<void> {
      this.ctx['one'] = true
      await this.pause()
    }
    two(): void {
      this.ctx['two'] = true
    }
  }
  const chain = new Pauses()
  const run = chain.execute()
  while (!chain.paused) await settle()
  expect(chain.ctx).toEqual({ one: true })
  const bundle = Bundle.from(chain)
  const again = Pauses.recreateFrom(bundle)
  expect(again.ctx).toEqual({ one: true })
  expect(Bundle.from(again).text).toBe(bundle.text)
  for (const one of [chain, again]) await one.play()
  await Promise.all([run, again.execute()])
  for (const one of [chain, again]) expect(one.ctx).toEqual({ one: true, two: true })
})

test('the context is given to within a step and by what it returns', async () => {
  class Both extends WorkChain {
    static override define(spec: WorkChainSpec): void {
      super.define(spec)
      const { prototype: own } = Both
      spec.outline(own.begin, own.end)
    }
    async begin(): Promise<unknown> {
      this.toContext({ within: await this.launch(Emits, { value: 5 }) })
      return toContext({ returned: await this.launch(Emits, { value: 5 }) })
    }
    end(): unknown {
      return this.ctx
    }
  }
  const chain = new Both()
  await chain.execute()
  expect(chain.result()).toEqual({ within: { res: 5 }, returned: { res: 5 } })
})

test('an output with a dotted name is emitted by a step', async () => {
  class Nested extends WorkChain {
    static override define(spec: WorkChainSpec): void {
      super.define(spec)
      spec.output('x.y').outline(Nested.prototype.emit)
    }
    emit(): void {
      this.out('x.y', 5)
    }
  }
  expect(await new Nested().execute()).toEqual({ x: { y: 5 } })
})

test('a child that excepts fails the chain before the next step', async () => {
  class Fails extends Process {
    override run(): never {
      throw new RangeError('no')
    }
  }
  class Launches extends WorkChain {
    static override define(spec: WorkChainSpec): void {
      super.define(spec)
      const { prototype: own } = Launches
      spec.outline(own.begin, own.check)
    }
    async begin(): Promise<void> {
      this.toContext({ child: await this.launch(Fails) })
    }
    check(): never {
      throw new RangeError('this should not be reached')
    }
  }
  const chain = new Launches()
  await expect(chain.execute()).rejects.toThrow(ProcessExcepted)
  expect(chain.exception()).toBeInstanceOf(UpstreamFailed)
})

test('where a chain is shows in its status at each step', async () => {
  class Chills extends WorkChain<typeof Chills> {
    static override define(spec: WorkChainSpec) {
      super.define(spec)
      const { prototype: own } = Chills
      return spec
        .input('n', { schema: integer })
        .outline(
          own.begin,
          while_(own.goesOn)(own.chill, own.chill),
          if_(own.goesOn)(own.chill).elif_(own.goesOn)(own.chill).else_(own.chill),
        )
    }
    declare ctx: { asked: number }
    begin(): void {
      this.ctx.asked = 0
    }
    chill(): void {}
    goesOn(): boolean {
      return ++this.ctx.asked < this.inputs.n
    }
  }
  const chain = new Chills({ n: 4 })
  const seen: unknown[] = []
  chain.addProcessListener({ onProcessRunning: ({ status }) => seen.push(status) })
  await chain.execute()
  const rounds = [1, 2, 3].flatMap((round) => [
    `2.while(goesOn)#${round}.1.chill`,
    `2.while(goesOn)#${round}.2.chill`,
  ])
  expect(seen).toEqual(['1.begin', ...rounds, '3.else.chill'])
})

describe('immutable inputs', () => {
  test('inputs cannot be changed by a step', async () => {
    class Tries extends WorkChain {
      static override define(spec: WorkChainSpec): void {
        super.define(spec)
        const { prototype: own } = Tries
        spec.input('a').input('b').outline(own.change, own.look)
      }
      change(): void {
        const inputs = this.inputs as Record<string, unknown>
        expect(() => (inputs['a'] = 3)).toThrow(TypeError)
        expect(() => delete inputs['b']).toThrow(TypeError)
        expect(() => (inputs['c'] = 4)).toThrow(TypeError)
      }
      look(): unknown {
        return this.inputs
      }
    }
    const chain = new Tries({ a: 1, b: 2 })
    await chain.execute()
    expect(chain.result()).toEqual({ a: 1, b: 2 })
  })

  test('nor can inputs in a namespace', async () => {
    class Tries extends WorkChain {
      static override define(spec: WorkChainSpec): void {
        super.define(spec)
        const { prototype: own } = Tries
        spec.inputNamespace('subspace', { dynamic: true }).outline(own.change, own.look)
      }
      change(): void {
        const subspace = this.inputs['subspace'] as Record<string, unknown>
        expect(() => (subspace['one'] = 3)).toThrow(TypeError)
        expect(() => delete subspace['two']).toThrow(TypeError)
        expect(() => (subspace['four'] = 4)).toThrow(TypeError)
      }
      look(): unknown {
        return this.inputs['subspace']
      }
    }
    const chain = new Tries({ subspace: { one: 1, two: 2 } })
    await chain.execute()
    expect(chain.result()).toEqual({ one: 1, two: 2 })
  })
})

test('a predicate gives a boolean and nothing else', async () => {
  class Asks extends WorkChain {
    static override define(spec: WorkChainSpec): void {
      super.define(spec)
      const { prototype: own } = Asks
      spec.input('answer').input('loops', { default: false })
      spec.outline(if_(own.choice)(own.work), while_(own.loop)(own.work))
    }
    choice(): unknown {
      return this.inputs['loops'] === true ? false : this.inputs['answer']
    }
    loop(): unknown {
      return this.inputs['answer']
    }
    work(): unknown {
      return 'came here'
    }
  }
  for (const loops of [false, true]) {
    const chain = new Asks({ answer: true, loops })
    await chain.execute()
    expect(chain.result()).toBe('came here')
    for (const answer of ['true', null, 1]) {
      await expect(new Asks({ answer, loops }).execute()).rejects.toThrow(/it has to give true or false/)
    }
  }
})
