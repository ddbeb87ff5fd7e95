import { type AnyProcessClass, Process, type ProcessHandle, type ProcessSpec } from 'damson'
import { type CrashPoint, SimulatedClock, TestBench, type TestBenchOptions } from 'damson/testing'

type Equal<A, B> = (<G>() => G extends A ? 1 : 2) extends <G>() => G extends B ? 1 : 2 ? true : false
function expectType<_T extends true>(): void {}

class Order extends Process<typeof Order> {
  declare ctx: { receipt?: string }
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('amount', { schema: { type: 'number' } })
      .output('shipped', { schema: { type: 'boolean' } })
      .signal('approval', { schema: { type: 'string' } })
      .returns({ schema: { type: 'string' } })
  }
}
class Bare extends Process<typeof Bare> {}
class Pasted extends Process<typeof Order> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('x', { schema: { type: 'string' } })
  }
}

export async function bench(options: TestBenchOptions, classes: AnyProcessClass[]): Promise<void> {
  const bench = await TestBench.open({ processes: [Order, Bare] })
  await TestBench.open(options)
  await TestBench.open({ store: 'test.db', processes: classes, clock: new SimulatedClock({ skips: true }) })
  // @ts-expect-error it is typed by another class
  await TestBench.open({ processes: [Order, Pasted] })
  // @ts-expect-error a bench has a clock that it can move
  await TestBench.open({ processes: [], clock: { now: () => 0, after: () => () => {} } })
  await bench.restart({ processes: [Order] })
  // @ts-expect-error it is typed by another class
  await bench.restart({ processes: [Pasted] })

  const order = await bench.launch(Order, { amount: 10 }, { key: 'an order' })
  expectType<Equal<typeof order, ProcessHandle<string, typeof Order>>>()
  // @ts-expect-error inputs are checked
  await bench.launch(Order, { amount: '10' })
  // @ts-expect-error an input is missing
  await bench.launch(Order)
  // @ts-expect-error it is typed by another class
  await bench.launch(Pasted, { x: '' })

  const waiting = await bench.untilWaiting(order)
  expectType<Equal<typeof waiting.ctx, { receipt?: string }>>()
  expectType<Equal<typeof waiting.outputs.shipped, boolean | undefined>>()
  expectType<Equal<Date | null | undefined, NonNullable<typeof waiting.waitsFor>['until'] | undefined>>()
  await bench.signal(order, 'approval', 'yes')
  // @ts-expect-error payloads are checked
  await bench.signal(order, 'approval', 1)
  // @ts-expect-error names are checked
  await bench.signal(order, 'refusal', 'no')

  const bare = await bench.untilWaiting(await bench.launch(Bare))
  void bare.ctx['anything']
  const unknown = await bench.untilWaiting(bench.client.handle('a pid'))
  expectType<Equal<typeof unknown.ctx, Record<string, unknown>>>()
}

export const points: readonly CrashPoint[] = [
  { commit: 1, when: 'before' },
  { write: 'advance', state: 'waiting', nth: 2, when: 'after' },
  { write: 'record', entry: 'effect:charge', when: 'before' },
  // @ts-expect-error there is no such write
  { write: 'launch', when: 'before' },
  // @ts-expect-error when is missing
  { commit: 1 },
]
