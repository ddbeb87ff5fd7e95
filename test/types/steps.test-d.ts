import {
  append,
  allowFailure,
  type Command,
  Continue,
  Engine,
  if_,
  Process,
  type ProcessHandle,
  type ProcessSpec,
  type Settled,
  type Step,
  toContext,
  Wait,
  type WaitDetails,
  type Wake,
  while_,
  WorkChain,
  type WorkChainSpec,
} from 'damson'

type Equal<A, B> = (<G>() => G extends A ? 1 : 2) extends <G>() => G extends B ? 1 : 2 ? true : false
function expectType<_T extends true>(): void {}

class Child extends Process<typeof Child> {
  static override define(spec: ProcessSpec) {
    return spec.output('sum', { schema: { type: 'number' } }).returns({ schema: { type: 'string' } })
  }
}
/** Emits outputs, and does not declare what it returns. */
class Emits extends Process<typeof Emits> {
  static override define(spec: ProcessSpec) {
    return spec.output('sum', { schema: { type: 'number' } })
  }
}

export class Order extends Process<typeof Order> {
  static override define(spec: ProcessSpec) {
    return spec
      .input('amount', { schema: { type: 'number' } })
      .signal('paid', { schema: { type: 'number' } })
      .signal('refused', { schema: { type: 'string' } })
  }
  override run(round = 0, name?: string) {
    if (name !== undefined) return new Continue(this.run, round + 1, name)
    if (round === 2) return new Continue(this.run)
    return new Continue(this.charge, 3, 'note')
  }
  charge(amount: number, note: string) {
    void [amount, note]
    return new Wait(this.decide, { receive: 'paid', for: '3d' })
  }
  decide(value: number | undefined, wake: Wake<typeof Order>) {
    if (wake.by === 'timer') expectType<Equal<typeof wake.value, undefined>>()
    if (wake.by === 'resume') expectType<Equal<typeof wake.value, unknown>>()
    if (wake.by === 'signal') expectType<Equal<typeof wake.value, number | string>>()
    if (wake.signal === 'paid') expectType<Equal<typeof wake.value, number>>()
    if (wake.by === 'handles') expectType<Equal<typeof wake.value, unknown>>()
    return value
  }
  async gather(ends: readonly Settled<string>[], wake: Wake<typeof Order, readonly Settled<string>[]>) {
    if (wake.by === 'handles') expectType<Equal<typeof wake.value, readonly Settled<string>[]>>()
    return Promise.resolve(ends.length)
  }
  first(end: Settled<string> | undefined) {
    return end
  }
  needsNumber(value: number) {
    return value
  }
  protected hidden() {}

  wrongArguments(step: Step, command: Command) {
    // @ts-expect-error charge takes a number first
    new Continue(this.charge, 'three', 'note')
    // @ts-expect-error charge takes a note
    new Continue(this.charge, 3)
    // @ts-expect-error charge takes two arguments
    new Continue(this.charge, 3, 'note', 'more')
    // @ts-expect-error a round is a number
    new Continue(this.run, 'first')
    // @ts-expect-error there is no such step
    new Continue(this.chrage, 3, 'note')
    // @ts-expect-error this is no step
    new Continue(3)
    new Continue(this.hidden)
    // A step that is known at run time only is not checked.
    new Continue(step, 'anything')
    new Wait(step, { for: '1h' })
    return command
  }

  byName() {
    // Without the class any name goes.
    new Continue('anything', 1)
    new Wait('anything')
    new Continue<Order>('charge', 3, 'note')
    new Continue<Order>('run')
    new Wait<Order>('decide', { receive: 'paid' })
    // @ts-expect-error there is no such step
    new Continue<Order>('chrage', 3, 'note')
    // @ts-expect-error charge takes a number first
    new Continue<Order>('charge', 'three', 'note')
    // @ts-expect-error there is no such step
    new Wait<Order>('decied')
    // @ts-expect-error there is no such signal
    new Wait<Order>('decide', { receive: 'payed' })
    // @ts-expect-error there is no such option
    new Wait('decide', { untill: new Date() })
  }

  waits(details: WaitDetails, child: ProcessHandle<string, typeof Child>, untyped: ProcessHandle) {
    // A resume may give any value, and the payload of a signal is known only with the class.
    new Wait(this.needsNumber)
    new Wait(this.needsNumber, { receive: 'paid', message: 'for money', data: [1] })
    new Wait(this.decide, { until: new Date() })
    // @ts-expect-error after the time the value is undefined
    new Wait(this.needsNumber, { for: '1h' })
    // @ts-expect-error after the time the value is undefined
    new Wait(this.needsNumber, { receive: 'paid', until: new Date() })
    // @ts-expect-error the second argument of a step after a wait is the wake-up
    new Wait(this.charge)
    // @ts-expect-error the second argument of a step after a wait is the wake-up
    new Wait(this.run, { for: '1h' })
    // @ts-expect-error there is no such option
    new Wait(this.decide, { untill: new Date() })
    new Wait(this.gather, { on: [child, child] })
    new Wait(this.first, { on: child })
    new Wait(this.gather, { on: [untyped] })
    new Wait(this.needsNumber, details)
    // @ts-expect-error with any the value has undefined for those that go on
    new Wait(this.gather, { on: [child, child], any: true })
    // @ts-expect-error the value is a list
    new Wait(this.first, { on: [child] })
    // @ts-expect-error the value is how the child ended
    new Wait(this.needsNumber, { on: child })
  }

  async joins(child: ProcessHandle<string, typeof Child>, emits: ProcessHandle<unknown, typeof Emits>) {
    const result = await this.join('result', child)
    expectType<Equal<typeof result, string>>()
    const unknown = await this.join('unknown', emits)
    expectType<Equal<typeof unknown, unknown>>()
    const outputs = await this.join('outputs', emits, { outputs: true })
    expectType<Equal<typeof outputs, { readonly sum: number }>>()
    const named = await this.join('named', { child, emits }, { outputs: true, evict: true })
    expectType<Equal<(typeof named)['child'], { readonly sum: number }>>()
    // @ts-expect-error there is no such output
    void named.emits.smu
    const list = await this.join('list', [emits, emits], { outputs: false })
    expectType<Equal<typeof list, [unknown, unknown]>>()
    // @ts-expect-error there is no such option
    await this.join('wrong', emits, { output: true })
  }
}
/** Declares no signals. */
export class Silent extends Process<typeof Silent> {
  static override define(spec: ProcessSpec) {
    return spec.input('a')
  }
  override run() {
    return new Wait(this.woken, { for: '1h' })
  }
  woken(_value: undefined, wake: Wake<typeof Silent>) {
    // @ts-expect-error a signal would wake it
    return wake.by === 'timer' ? new Wait(this.woken, { receive: 'go', for: '1h' }) : undefined
  }
}
// A subclass may go on to other steps than its base.
export class Express extends Order {
  override run(round = 0) {
    return round === 0 ? new Continue(this.needsNumber, 3) : new Continue('charge', 3, 'note')
  }
}

// ---------- the context of a work chain ----------

export class Chain extends WorkChain<typeof Chain> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec.outline(Chain.prototype.begin, while_(Chain.prototype.more)('again'), if_('more')('begin'))
  }
  declare ctx: {
    text?: string
    all: string[]
    kind: 'a' | 'b'
    tags: string[]
    ends: Settled<string>[]
    byName: Record<string, string>
    deep: { text: string; any: unknown } | undefined
    count: number
    emitted: { readonly sum: number }
    lists: { sum: number }[]
    ways: Settled<{ readonly sum: number }>[]
  }
  async begin(child: ProcessHandle<string, typeof Child>, untyped: ProcessHandle, name: string) {
    this.toContext({ text: child, 'deep.text': child, all: [child, child], [`byName.${name}`]: child })
    this.toContext({ all: append(child), ends: append(allowFailure(child)), 'byName.one': child })
    this.toContext({ ends: [allowFailure(child), allowFailure(child)], all: [], 'deep.any': child })
    this.toContext({ kind: 'a', tags: ['x', 'y'], deep: { text: 't', any: [1] }, count: 3 })
    // What a class returns that does not declare it fits any type.
    this.toContext({ count: untyped, all: [untyped], 'deep.text': untyped })
    // @ts-expect-error there is nothing of that name in the context
    this.toContext({ txet: child })
    // @ts-expect-error there is nothing of that name in the context
    this.toContext({ 'deep.txet': child })
    // @ts-expect-error the child returns a text
    this.toContext({ count: child })
    // @ts-expect-error the children return texts
    this.toContext({ count: [child] })
    // @ts-expect-error this is no list
    this.toContext({ text: append(child) })
    // @ts-expect-error a failure that is allowed gives how the child ended
    this.toContext({ text: allowFailure(child) })
    // @ts-expect-error neither of the two
    this.toContext({ kind: 'c' })
    // @ts-expect-error a promise of a handle is no handle
    this.toContext({ text: this.launch(Child) })
    return toContext({ text: child })
  }
  gives(child: ProcessHandle<string, typeof Child>, untyped: ProcessHandle, isAsked: boolean) {
    this.toContext({ emitted: child, lists: [child, child], 'deep.any': child }, { outputs: true })
    this.toContext({ lists: append(child), ways: append(allowFailure(child)), kind: 'a' }, { outputs: true })
    this.toContext({ text: child, kind: 'b' }, { outputs: false })
    // The outputs of a class that is not known fit any type.
    this.toContext({ emitted: untyped, count: untyped }, { outputs: true })
    // @ts-expect-error without the option it is the result
    this.toContext({ emitted: child })
    // @ts-expect-error with the option it is no text any more
    this.toContext({ text: child }, { outputs: true })
    // @ts-expect-error it may be either
    this.toContext({ text: child }, { outputs: isAsked })
    // @ts-expect-error the outputs are no number
    this.toContext({ count: child }, { outputs: true })
    // @ts-expect-error the outputs are no texts
    this.toContext({ all: append(child) }, { outputs: true })
    // @ts-expect-error nor are those of a failure that is allowed
    this.toContext({ ends: append(allowFailure(child)) }, { outputs: true })
    // @ts-expect-error there is no such option
    this.toContext({ emitted: child }, { output: true })
    // @ts-expect-error nor here
    void toContext({ emitted: child }, { output: true })
  }
  more() {
    return this.ctx.count > 0
  }
  async again(child: ProcessHandle<string, typeof Child>) {
    return Promise.resolve({ text: child, all: append(child) })
  }
}
/** Declares no context: everything goes into it. */
export class Loose extends WorkChain {
  begin(child: ProcessHandle<string, typeof Child>): void {
    this.toContext({ anything: child, 'else.where': 1 })
  }
}

// ---------- what is checked where a class is registered ----------

class Misspelled extends WorkChain<typeof Misspelled> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec.input('a').outline('begin', 'ennd').output('b')
  }
  begin() {}
  end() {}
}
class Retries extends Process<typeof Retries> {
  static override define(spec: ProcessSpec) {
    return spec.retry('chrage', { attempts: 2 }).timeout('run', '1h').input('a')
  }
}
class Hidden extends WorkChain<typeof Hidden> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec.outline('begin', while_('more')('again')).retry('again', { attempts: 3 })
  }
  protected begin() {}
  protected more() {
    return false
  }
  private again() {}
}
class Predicate extends WorkChain<typeof Predicate> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec.outline(if_(Predicate.prototype.count)('end'))
  }
  async count() {
    return Promise.resolve(3)
  }
  end() {}
}
class NamedPredicate extends WorkChain<typeof NamedPredicate> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec.outline('end', if_('end')('end').elif_('isAny')('end').else_('isUnknown'))
  }
  end(): string {
    return 'end'
  }
  // oxlint-disable-next-line typescript/no-explicit-any
  isAny(): any {
    return true
  }
  isUnknown(): unknown {
    return true
  }
}
class Returns extends WorkChain<typeof Returns> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec.outline(Returns.prototype.begin)
  }
  declare ctx: { one?: number }
  async begin() {
    return { one: await this.launch(Child) }
  }
}
class ReturnsToContext extends WorkChain<typeof ReturnsToContext> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec.outline('begin')
  }
  declare ctx: { one?: string }
  async begin() {
    if (this.attempt > 1) return undefined
    return toContext({ won: await this.launch(Child) })
  }
}
class ReturnsOutputs extends WorkChain<typeof ReturnsOutputs> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec.outline('begin')
  }
  declare ctx: { one?: { sum: number } }
  async begin() {
    return toContext({ one: await this.launch(Child) }, { outputs: true })
  }
}
class ReturnsNoOutputs extends WorkChain<typeof ReturnsNoOutputs> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec.outline('begin')
  }
  declare ctx: { one?: string }
  async begin() {
    return toContext({ one: await this.launch(Child) }, { outputs: true })
  }
}
/** Its steps return results, not values for the context. */
class Results extends WorkChain<typeof Results> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec.outline(Results.prototype.begin, 'empty', 'end')
  }
  declare ctx: { one?: number }
  async begin() {
    return this.ctx.one === 1 ? {} : undefined
  }
  empty() {
    return { jobs: [] }
  }
  end() {
    return { anything: [1], else: 'x' }
  }
}

export async function registering(): Promise<void> {
  await Engine.open({
    store: ':memory:',
    processes: [Order, Express, Chain, Loose, Hidden, Results, ReturnsOutputs, Child],
  })
  // @ts-expect-error there is no method ennd
  await Engine.open({ store: ':memory:', processes: [Misspelled] })
  // @ts-expect-error there is no method chrage
  await Engine.open({ store: ':memory:', processes: [Retries] })
  // @ts-expect-error a number is neither true nor false
  await Engine.open({ store: ':memory:', processes: [Predicate] })
  // @ts-expect-error a text is neither true nor false
  await Engine.open({ store: ':memory:', processes: [NamedPredicate] })
  // @ts-expect-error ctx.one is a number, and the child returns a text
  await Engine.open({ store: ':memory:', processes: [Order, Returns] })
  // @ts-expect-error there is no ctx.won
  await Engine.open({ store: ':memory:', processes: [ReturnsToContext] })
  // @ts-expect-error ctx.one is a text, and the step gives outputs
  await Engine.open({ store: ':memory:', processes: [ReturnsNoOutputs] })
}
