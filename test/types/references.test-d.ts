import {
  allowFailure,
  quote,
  resolveHandles,
  Process,
  type DoneRef,
  type Engine,
  type OutputRef,
  type ProcessGroup,
  type ProcessHandle,
  type ProcessSpec,
  type Resolved,
  type ResolvedStates,
  type Settled,
  type StateInfo,
} from 'damson'

type Equal<A, B> = (<G>() => G extends A ? 1 : 2) extends <G>() => G extends B ? 1 : 2 ? true : false
function expectType<_T extends true>(): void {}

/* What may stand for a value in the inputs of a launch. */

class Add extends Process<typeof Add> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('x', { schema: { type: 'number' } })
      .input('y', { schema: { type: 'number' }, default: 1 })
      .input('opts.tags', { schema: { type: 'array', items: { type: 'string' } }, required: false })
      .output('sum', { schema: { type: 'number' } })
      .output('text.long', { schema: { type: 'string' } })
      .returns({ schema: { type: 'number' } })
  }
}

class Report extends Process<typeof Report> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('anything')
  }
}

declare const engine: Engine
declare const add: ProcessHandle<number, typeof Add>
declare const text: ProcessHandle<string>
declare const unknown: ProcessHandle

async function launches() {
  await engine.launch(Add, { x: add })
  await engine.launch(Add, { x: add.outputs.ref('sum'), y: quote(2), opts: { tags: [text, 'tag'] } })
  await engine.launch(Add, { x: 1, opts: { tags: add.outputs.ref('tags' as never) } })
  await engine.launch('Add', { x: unknown, y: [allowFailure(add)] })
  await engine.launch(Report, { anything: { deep: [add, text.outputs.done] } })
  await engine.launch(Add, { x: 1 }, { after: [add, text.outputs.done, allowFailure(unknown)] })
  await engine.launch(Add, { x: 1 }, { after: { on: [add], when: 'any', ended: 'failed', timeout: '1h' } })
  // @ts-expect-error the result is a text
  await engine.launch(Add, { x: text })
  // @ts-expect-error the output is a text
  await engine.launch(Add, { x: add.outputs.ref('text.long') })
  // @ts-expect-error what a class returns that does not declare it may be anything
  await engine.launch(Add, { x: unknown })
  // @ts-expect-error the end of a process carries no value
  await engine.launch(Add, { x: add.outputs.done })
  // @ts-expect-error x is required
  await engine.launch(Add, { y: add })
  // @ts-expect-error there is no such input
  await engine.launch(Add, { x: add, z: add })
  // @ts-expect-error the tags are texts
  await engine.launch(Add, { x: 1, opts: { tags: [add] } })
  // @ts-expect-error there is no such output
  add.outputs.ref('smu')
  // @ts-expect-error there is no such end
  await engine.launch(Add, { x: 1 }, { after: { on: [add], ended: 'well' } })
  // @ts-expect-error a pid is no handle
  await engine.launch(Add, { x: 1 }, { after: ['pid'] })
  return add.outputs.ref('sum')
}

expectType<Equal<Awaited<ReturnType<typeof launches>>, OutputRef<number>>>()
expectType<Equal<Resolved<DoneRef>, true>>()
expectType<Equal<Resolved<Map<string, OutputRef<number>>>, Map<string, number>>>()
expectType<Equal<Resolved<readonly [OutputRef<number>, 1]>, readonly [number, 1]>>()
expectType<Equal<ResolvedStates<Set<ProcessHandle<1>>>, Set<StateInfo>>>()
expectType<Equal<Resolved<ProcessGroup<number>>, number[]>>()
expectType<Equal<Resolved<{ a: ProcessGroup<string> }>, { a: string[] }>>()
expectType<Equal<ResolvedStates<ProcessGroup<number>>, StateInfo[]>>()
expectType<Equal<ResolvedStates<{ a: ProcessHandle; b: 1 }>, { a: StateInfo; b: 1 }>>()

export async function resolves() {
  const { list, quoted, end } = await resolveHandles({
    list: [add, 1],
    quoted: quote(add),
    end: allowFailure(add),
  })
  expectType<Equal<typeof list, number[]>>()
  expectType<Equal<typeof quoted, ProcessHandle<number, typeof Add>>>()
  expectType<Equal<typeof end, Settled<number>>>()
}
