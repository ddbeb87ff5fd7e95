import {
  each,
  Engine,
  type EngineInfo,
  Process,
  type ProcessGroup,
  type ProcessHandle,
  ProcessSpec,
  type ResultStream,
} from 'damson'

type Equal<A, B> = (<G>() => G extends A ? 1 : 2) extends <G>() => G extends B ? 1 : 2 ? true : false
function expectType<_T extends true>(): void {}

class Add extends Process<typeof Add> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('a', { schema: { type: 'number' } })
      .input('label', { schema: { type: 'string' }, default: '' })
      .returns({ schema: { type: 'number' } })
  }
  override run(): number {
    return this.inputs.a
  }
}

declare const engine: Engine
declare const list: ProcessHandle<number[], typeof Lists>

class Lists extends Process<typeof Lists> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .output('names', { schema: { type: 'array', items: { type: 'string' } } })
      .returns({ schema: { type: 'array', items: { type: 'number' } } })
  }
}

export async function listedColumns(): Promise<void> {
  await engine.map(Add, { a: each(list), label: each(list.outputs.ref('names')) })
  // @ts-expect-error the names are no numbers
  await engine.map(Add, { a: each(list.outputs.ref('names')) })
  // @ts-expect-error a reference to the end has no values
  each(list.outputs.done)
}

export async function launching(): Promise<void> {
  const group = await engine.launchAll(Add, [{ a: 1 }, { a: 2, label: 'two' }], {
    group: 'adds',
    maxOutstanding: 3,
  })
  expectType<Equal<typeof group, ProcessGroup<number>>>()
  const results = await group.result()
  expectType<Equal<typeof results, number[]>>()
  expectType<Equal<ReturnType<typeof group.at>, ProcessHandle<number> | undefined>>()
  const unknown = await engine.launchAll('Add', [{ a: 1 }])
  expectType<Equal<typeof unknown, ProcessGroup>>()
  // @ts-expect-error a is a number
  await engine.launchAll(Add, [{ a: 'one' }])
  // @ts-expect-error there is no input b
  await engine.launchAll(Add, [{ a: 1, b: 2 }])
  // @ts-expect-error inputs are several
  await engine.launchAll(Add, { a: 1 })
  // @ts-expect-error a key is of one process
  await engine.launchAll(Add, [{ a: 1 }], { key: 'k' })
  // @ts-expect-error there is no such option
  await engine.launchAll(Add, [{ a: 1 }], { gruop: 'k' })
}

export async function columns(): Promise<void> {
  const group = await engine.map(Add, { a: each([1, 2]), label: 'x' })
  expectType<Equal<typeof group, ProcessGroup<number>>>()
  await engine.map(Add, { a: each(new Set([1])) }, { lengths: 'shortest' })
  const inChunks = await engine.map(Add, { a: each([1]) }, { chunkSize: 10 })
  expectType<Equal<typeof inChunks, ProcessGroup<number>>>()
  await engine.launchAll(Add, [{ a: 1 }], { chunkSize: 10 })
  // @ts-expect-error a number
  await engine.launchAll(Add, [{ a: 1 }], { chunkSize: '10' })
  // @ts-expect-error imap has no chunks
  engine.imap(Add, [{ a: 1 }], { chunkSize: 10 })
  // @ts-expect-error a is a number
  await engine.map(Add, { a: each(['one']) })
  // @ts-expect-error a is required
  await engine.map(Add, { label: each(['x']) })
  // @ts-expect-error a text is no column
  each('abc')
  // @ts-expect-error no such way
  await engine.map(Add, { a: each([1]) }, { lengths: 'longest' })
}

export async function references(): Promise<void> {
  const one = await engine.launch(Add, { a: 1 })
  await engine.launchAll(Add, [{ a: one }, { a: 2, label: 'two' }])
  await engine.map(Add, { a: each([1, one]), label: each(['x', 'y']) })
  await engine.map(Add, { a: one, label: each(['x']) })
  engine.imap(Add, [{ a: one }])
  // @ts-expect-error the result is a number, and the label a text
  await engine.map(Add, { a: each([1]), label: one })
  // @ts-expect-error the result is a number
  await engine.launchAll(Add, [{ a: 1, label: one }])
}

export async function lazily(): Promise<void> {
  const stream = engine.imap(Add, [{ a: 1 }])
  expectType<Equal<typeof stream, ResultStream<number>>>()
  for await (const sum of stream) expectType<Equal<typeof sum, number>>()
  stream.cancel()
}

export async function engineLabels(): Promise<void> {
  await Engine.open({ store: 'a.db', processes: [Add], labels: ['gpu'] })
  await engine.launch(Add, { a: 1 }, { worker: 'gpu' })
  await engine.launchAll(Add, [{ a: 1 }], { worker: 'gpu' })
  await engine.map(Add, { a: each([1]) }, { worker: 'gpu' })
  const [one] = await engine.engines()
  expectType<Equal<typeof one, EngineInfo | undefined>>()
  expectType<Equal<EngineInfo['labels'], readonly string[]>>()
  // @ts-expect-error a list of labels
  await Engine.open({ store: 'a.db', processes: [Add], labels: 'gpu' })
  // @ts-expect-error one label
  await engine.launch(Add, { a: 1 }, { worker: ['gpu'] })
  // @ts-expect-error labels are those of an engine
  await engine.launch(Add, { a: 1 }, { labels: ['gpu'] })
}
