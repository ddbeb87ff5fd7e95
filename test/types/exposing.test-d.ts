import {
  type AnySpec,
  type Definable,
  type ExposedInputs,
  type ExposedOutputs,
  type LaunchInputsOf,
  type OutputName,
  type OutputValue,
  Process,
  type ProcessSpec,
  type SpecOf,
} from 'damson'

type Equal<A, B> = (<G>() => G extends A ? 1 : 2) extends <G>() => G extends B ? 1 : 2 ? true : false
function expectType<_T extends true>(): void {}

class Add extends Process<typeof Add> {
  static override define(spec: ProcessSpec) {
    return spec
      .input('a', { schema: { type: 'number' } })
      .input('b', { schema: { type: 'number' }, default: 1 })
      .input('label', { schema: { type: 'string' }, required: false })
      .input('opts.tol', { schema: { type: 'number' }, default: 1e-6 })
      .inputNamespace('weights', { dynamic: true, schema: { type: 'number' } })
      .output('sum', { schema: { type: 'number' } })
      .output('meta.steps', { schema: { type: 'integer' } })
      .outputNamespace('trace', { dynamic: true, schema: { type: 'boolean' } })
  }
}
class Legacy extends Process<typeof Legacy> {
  static override define(spec: ProcessSpec): void {
    spec.input('anything')
  }
}
class Dynamic extends Process<typeof Dynamic> {
  static override define(spec: ProcessSpec) {
    return spec.input('a', { schema: { type: 'number' } }).inputNamespace('more', { dynamic: true })
  }
}

// As a method of a parent's own has them.
class Parent<C extends Definable> {
  declare readonly processClass: C
  declare exposedInputs: <Child extends Definable, const N extends string = ''>(
    child: Child,
    namespace?: N,
  ) => ExposedInputs<SpecOf<C>['~in'], Child, N>
  declare exposedOutputs: <Child extends Definable, const N extends string = ''>(
    child: Child,
    namespace?: N,
  ) => ExposedOutputs<Child, N>
  declare outMany: (values: { readonly [N in OutputName<C>]?: OutputValue<C, N> }) => void
}
declare function launch<C extends Definable>(processClass: C, inputs: LaunchInputsOf<C>): void

class Both extends Process<typeof Both> {
  static override define(spec: ProcessSpec) {
    return spec
      .input('own', { schema: { type: 'string' } })
      .exposeInputs(Add, { namespace: 'add' })
      .exposeInputs(Add, { namespace: 'deep.er', exclude: ['a', 'label'] })
      .exposeInputs(Add, { namespace: 'maybe', namespaceOptions: { required: false } })
      .exposeInputs(Legacy, { namespace: 'legacy' })
      .exposeInputs(Dynamic, { namespace: 'dynamic' })
      .exposeOutputs(Add, { namespace: 'add' })
  }
}

export function composing(parent: Parent<typeof Both>): void {
  const inputs = parent.exposedInputs(Add, 'add')
  expectType<Equal<typeof inputs.a, number>>()
  expectType<Equal<typeof inputs.label, string | undefined>>()
  expectType<Equal<typeof inputs.opts.tol, number>>()
  expectType<Equal<(typeof inputs.weights)[string], number>>()
  // @ts-expect-error that was not exposed from it
  void inputs.own
  launch(Add, inputs)
  launch(Add, { ...inputs, b: 3 })
  launch(Add, { ...parent.exposedInputs(Add, 'deep.er'), a: 1 })
  // @ts-expect-error what was excluded is missing
  launch(Add, parent.exposedInputs(Add, 'deep.er'))
  launch(Add, parent.exposedInputs(Add, 'maybe'))
  launch(Legacy, parent.exposedInputs(Legacy, 'legacy'))
  launch(Dynamic, parent.exposedInputs(Dynamic, 'dynamic'))

  const outputs = parent.exposedOutputs(Add, 'add')
  expectType<Equal<(typeof outputs)['add.sum'], number | undefined>>()
  expectType<Equal<(typeof outputs)['add.meta.steps'], number | undefined>>()
  expectType<Equal<(typeof outputs)[`add.trace.${string}`], boolean | undefined>>()
  // @ts-expect-error there is no such output
  void outputs['add.smu']
  parent.outMany(outputs)
}

// Some at the top, others further in: together they are what the class takes.
class Shared extends Process<typeof Shared> {
  static override define(spec: ProcessSpec) {
    return spec
      .exposeInputs(Add, { include: ['a', 'weights'] })
      .exposeInputs(Add, { namespace: 'first', exclude: ['a', 'weights'] })
      .exposeOutputs(Add)
  }
}
export function agglomerating(parent: Parent<typeof Shared>): void {
  const inputs = parent.exposedInputs(Add, 'first')
  expectType<Equal<typeof inputs.a, number>>()
  expectType<Equal<typeof inputs.opts.tol, number>>()
  launch(Add, inputs)
  launch(Add, parent.exposedInputs(Add))
  parent.outMany(parent.exposedOutputs(Add))
}

// A port that is declared anew as something else does not fit the class that it came from.
class Changed extends Process<typeof Changed> {
  static override define(spec: ProcessSpec) {
    return spec.exposeInputs(Add).input('a', { schema: { type: 'string' } })
  }
}
export function changed(parent: Parent<typeof Changed>, untyped: Parent<typeof Legacy>): void {
  // @ts-expect-error a is text now
  launch(Add, parent.exposedInputs(Add))
  launch(Add, untyped.exposedInputs(Add, 'add'))
}

export const specs: readonly AnySpec[] = [Both.spec(), Shared.spec()]
