import { z } from 'zod'
import {
  type AnyProcessClass,
  Client,
  Continue,
  Engine,
  type EngineOptions,
  ExitCode,
  InputPort,
  MemoryStore,
  OutputPort,
  Port,
  PortNamespace,
  Process,
  type ProcessError,
  type ProcessHandle,
  processOf,
  ProcessSpec,
  ProcessState,
  type SavedType,
  type Settled,
  type StateInfo,
  Stop,
  typed,
  UnsuccessfulResult,
  Wait,
} from 'damson'
import { SqliteStore } from 'damson/sqlite'
import { SimulatedClock } from 'damson/testing'

type Equal<A, B> = (<G>() => G extends A ? 1 : 2) extends <G>() => G extends B ? 1 : 2 ? true : false
function expectType<_T extends true>(): void {}

class Add extends Process<typeof Add> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('a', { schema: { type: 'number' } })
      .input('b', { schema: { type: 'number' }, default: 1 })
      .output('sum', { schema: { type: 'number' } })
      .output('meta.steps', { schema: { type: 'integer' }, required: false })
      .exitCode(310, 'ERROR_TOO_LARGE', 'the sum is above {limit}')
      .returns({ schema: { type: 'string' } })
  }
  declare ctx: { jobs: string[] }
  override run() {
    this.ctx.jobs = ['one']
    // @ts-expect-error no such thing is kept
    void this.ctx.job
    // @ts-expect-error inputs of a child are checked too
    void this.launch(Add, { a: '1' })
    return new Continue(this.check)
  }
  check() {
    if (this.inputs.a > 3) return this.exitCodes.ERROR_TOO_LARGE({ limit: 3 })
    return new Wait('last', { message: 'for a person', data: { since: new Date() } })
  }
  last(value: unknown) {
    return value === null ? new UnsuccessfulResult('no') : new Stop('yes')
  }
}
class Bare extends Process {}
class Mul extends processOf((spec) =>
  spec.input('x', { schema: z.number() }).output('product', { schema: z.number() }),
) {
  override run() {
    this.out('product', this.inputs.x * 2)
    // @ts-expect-error there is no such output
    this.out('produkt', 1)
  }
}
class Power extends processOf(Mul, (spec) => spec.input('n', { schema: { type: 'integer' }, default: 2 })) {
  override run() {
    expectType<Equal<typeof this.inputs.n, number>>()
    this.out('product', this.inputs.x ** this.inputs.n)
  }
}
/** Named by a class that was copied and given other ports. */
class Pasted extends Process<typeof Add> {
  static override define(spec: ProcessSpec) {
    return spec.input('x', { schema: { type: 'number' } })
  }
}

export async function launching(engine: Engine, client: Client): Promise<void> {
  const handle = await engine.launch(Add, { a: 1 }, { key: 'order-17', label: 'an order', pid: 'p' })
  expectType<Equal<typeof handle, ProcessHandle<string, typeof Add>>>()
  const outputs = await handle.outputs.all()
  expectType<Equal<typeof outputs.sum, number>>()
  expectType<Equal<NonNullable<typeof outputs.meta>['steps'], number | undefined>>()
  // @ts-expect-error there is no such output
  void outputs.smu
  expectType<Equal<(typeof someOutputs)['sum'], number | undefined>>()
  const someOutputs = await handle.outputs.snapshot()
  expectType<Equal<NonNullable<(typeof someOutputs)['meta']>['steps'], number | undefined>>()
  const given = await handle.outputs.all({ raiseOnFailure: false })
  expectType<Equal<(typeof given)['sum'], number | undefined>>()
  const executed = await engine.execute(Add, { a: 1 })
  expectType<Equal<(typeof executed)['sum'], number>>()
  const keyed = await engine.execute(Add, { a: 1 }, { key: 'k', raiseOnFailure: true })
  expectType<Equal<(typeof keyed)['sum'], number>>()
  const emitted = await engine.execute(Add, { a: 1 }, { raiseOnFailure: false })
  expectType<Equal<(typeof emitted)['sum'], number | undefined>>()
  await engine.execute(Bare, undefined, { raiseOnFailure: false })
  // @ts-expect-error a is a number
  await engine.execute(Add, { a: 'one' }, { raiseOnFailure: false })

  const result = await handle.result({ timeout: '5s' })
  expectType<Equal<typeof result, string>>()
  const orError = await handle.result({ raiseOnFailure: false })
  expectType<Equal<typeof orError, string | ProcessError>>()
  const outcome = await handle.outcome()
  expectType<Equal<typeof outcome, Settled<string>>>()
  const state = await handle.wait({ timeout: 0 })
  expectType<Equal<typeof state, StateInfo | null>>()
  if (state?.label === ProcessState.FINISHED) void state.exitCode?.code
  for (const record of await handle.history()) {
    if (record.name === 'failed') expectType<Equal<typeof record.data.until, number | null>>()
    if (record.name === 'effect') expectType<Equal<typeof record.data.name, string>>()
    // @ts-expect-error a pause may have no message, and so no data
    if (record.name === 'paused') void record.data.message
    // @ts-expect-error there is no such event
    if (record.name === 'faild') void record
  }
  // @ts-expect-error a handle is not thenable
  void handle.then
  // @ts-expect-error the state is reported, not set
  handle.state.label = 'killed'

  const { product } = await client.execute(Power, { x: 2 })
  expectType<Equal<typeof product, number>>()
  const bare = await client.launch(Bare)
  expectType<Equal<Awaited<ReturnType<typeof bare.result>>, unknown>>()
  const powered = await client.launch(Power, { x: 1 })
  expectType<Equal<Awaited<ReturnType<typeof powered.result>>, unknown>>()
  await client.launch(Bare, { whatever: 1 })
  await client.launch(Bare, undefined, { key: 'k' })
  await client.launch('Add', { a: 1 }, { key: 'k' })
  const other = client.handle<number>('pid')
  expectType<Equal<typeof other, ProcessHandle<number>>>()

  // @ts-expect-error a is a number
  await engine.launch(Add, { a: 'one' })
  // @ts-expect-error there is no such input
  await engine.launch(Add, { a: 1, c: 2 })
  // @ts-expect-error a is required
  await engine.launch(Add)
  // @ts-expect-error there is no such option
  await engine.launch(Add, { a: 1 }, { kee: 'k' })
  // @ts-expect-error it is typed by another class
  await engine.launch(Pasted, { x: 1 })
  // @ts-expect-error it is typed by another class
  await client.execute(Pasted, { x: 1 })
  // @ts-expect-error this is not a process class
  await engine.launch(Date)
}

export async function opening(classes: AnyProcessClass[], options: EngineOptions): Promise<void> {
  await Engine.open({ store: 'damson.db', processes: [Add, Bare, Mul, Power] })
  await Engine.open({ store: new MemoryStore(), processes: classes, clock: new SimulatedClock() })
  await Engine.open(options)
  await Client.open({ store: await SqliteStore.open('jobs.db') })
  await Client.open({ store: 'damson.db', create: true, processes: [Add] })
  // @ts-expect-error it is typed by another class
  await Engine.open({ store: 'damson.db', processes: [Pasted] })
  // @ts-expect-error one of them is typed by another class
  await Engine.open({ store: 'damson.db', processes: [Add, Pasted] })
  // @ts-expect-error it is typed by another class
  await Client.open({ store: 'damson.db', processes: [Pasted] })
  // @ts-expect-error an engine needs its classes
  await Engine.open({ store: 'damson.db' })
  // @ts-expect-error there is no such option
  await Engine.open({ store: 'damson.db', processes: [Add], concurency: 3 })
}

export async function inMemory(): Promise<void> {
  const process = new Add({ a: 1 }, { pid: 'p' })
  const outputs = await process.execute()
  expectType<Equal<typeof outputs.sum, number>>()
  expectType<Equal<ReturnType<typeof process.result>, string>>()
  process.events.on('process:finished', ({ successful, result }) => {
    expectType<Equal<typeof successful, boolean>>()
    void result
  })
  // @ts-expect-error there is no such event
  process.events.on('process:done', () => {})
  process.addProcessListener({
    onOutputEmitted: (_process, port, value, dynamic) => void [port, value, dynamic],
  })
  // @ts-expect-error there is no such command
  new Wait('last', { untill: 3 })
}

// Specs and ports of one's own.
class Documented extends InputPort {}
class OwnSpec extends ProcessSpec {
  static override readonly portClasses = { input: Documented, output: OutputPort, namespace: PortNamespace }
}
export class Own extends Process<typeof Own> {
  static override readonly specClass = OwnSpec
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('cell', { schema: typed<{ readonly a: number }>({ type: 'object' }) })
  }
  override run() {
    expectType<Equal<typeof this.inputs.cell.a, number>>()
    const port: Port = Own.spec().inputs.getPort('cell')
    return port instanceof Documented ? new ExitCode(1, 'ERROR', 'an error') : undefined
  }
}

class Money {
  readonly cents = 1n
}
const money: SavedType<Money> = {
  name: 'Money',
  is: (value) => value instanceof Money,
  encode: ({ cents }) => ({ cents }),
  decode: () => new Money(),
}
export const withTypes: EngineOptions = { store: ':memory:', processes: [], types: [money] }

// Any process is a `Process`, also one whose class adds nothing to it.
export const anyProcesses: readonly Process[] = [
  new Bare(),
  new Add({ a: 1 }),
  new Power({ x: 1 }),
  new Own({ cell: { a: 1 } }),
]
export const anyClasses: readonly AnyProcessClass[] = [Bare, Add, Power, Own, Process]

export async function editing(client: Client, path: string): Promise<void> {
  const edited = await client.edit('pid', { 'ctx.limit': 20, 'ctx["a name"]': null, 'args[0]': new Date() })
  expectType<Equal<(typeof edited)[number]['path'], string>>()
  await client.edit('pid', { [path]: 1 })
  // @ts-expect-error a path begins with ctx or args
  await client.edit('pid', { 'cxt.limit': 20 })
  await client.restart('pid', { from: 'tag', set: { 'ctx.limit': 20 } })
  // @ts-expect-error a restart keeps its inputs
  await client.restart('pid', { set: { 'inputs.amount': 3 } })
  await client.resubmit('pid', { set: { 'inputs.amount': 3 } })
  // @ts-expect-error a resubmit has no context yet
  await client.resubmit('pid', { set: { 'ctx.limit': 20 } })
}
