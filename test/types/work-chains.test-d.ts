import {
  type AnySpec,
  type AnyWorkChainSpec,
  type ExitCode,
  if_,
  type InputsOf,
  Outline,
  type OutlineNode,
  type OutputsOf,
  processOf,
  type ProcessSpec,
  return_,
  type SpecOf,
  while_,
  WorkChain,
  type WorkChainSpec,
} from 'damson'

type Equal<A, B> = (<G>() => G extends A ? 1 : 2) extends <G>() => G extends B ? 1 : 2 ? true : false
function expectType<_T extends true>(): void {}

// A class names its own methods in its own define, at any place of the chain, and is typed by it.
export class Relax extends WorkChain<typeof Relax> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec
      .input('limit', { schema: { type: 'number' } })
      .inputNamespace('options', { dynamic: true, schema: { type: 'string' } })
      .outline(
        Relax.prototype.setup,
        while_(Relax.prototype.notConverged)(
          Relax.prototype.refine,
          if_(Relax.prototype.isLate)(return_('ERROR_LATE'))
            .elif_('isDone')(Relax.prototype.finish, return_)
            .else_(if_(Relax.prototype.isLate)('refine')),
        ),
        return_(310),
      )
      .output('energy', { schema: { type: 'number' } })
      .exitCode(310, 'ERROR_LATE', 'not within the limit')
      .returns({ schema: { type: 'string' } })
  }
  declare ctx: { round: number }
  setup() {
    this.ctx.round = this.inputs.limit
    return this.inputs.options['basis']
  }
  async notConverged() {
    return Promise.resolve(this.inputs.limit > this.ctx.round)
  }
  isLate() {
    return this.ctx.round > 100
  }
  isDone(): boolean {
    return true
  }
  refine() {
    return this.exitCodes.ERROR_LATE()
  }
  finish(): void {
    expectType<Equal<typeof this.inputs.limit, number>>()
    this.out('energy', 1)
    // @ts-expect-error no such output
    this.out('enrgy', 1)
  }
}
expectType<Equal<InputsOf<typeof Relax>['limit'], number>>()
expectType<Equal<OutputsOf<typeof Relax>['energy'], number>>()
void new Relax({ limit: 3 })
// @ts-expect-error the limit is required
void new Relax()

// A subclass goes on with the chain, and may replace the outline.
export class Careful extends Relax {
  static override define(spec: WorkChainSpec) {
    return super
      .define(spec)
      .input('care', { schema: { type: 'boolean' } })
      .outline(Careful.prototype.check, Relax.prototype.setup)
      .output('checked', { schema: { type: 'boolean' } })
  }
  declare readonly inputs: InputsOf<typeof Careful>
  declare readonly '~class': typeof Careful
  check() {
    expectType<Equal<typeof this.inputs.care, boolean>>()
    return this.inputs.limit
  }
}
expectType<Equal<OutputsOf<typeof Careful>['checked'], boolean>>()
expectType<SpecOf<typeof Careful> extends AnyWorkChainSpec ? true : false>()

// Every method of a spec gives back a spec of its kind.
export function chained(spec: WorkChainSpec, plain: ProcessSpec): void {
  expectType<Equal<ReturnType<typeof all> extends WorkChainSpec ? true : false, true>>()
  function all() {
    return spec
      .input('a')
      .output('b')
      .inputNamespace('c')
      .outputNamespace('d')
      .exposeInputs(Relax, { namespace: 'relax' })
      .exposeOutputs(Relax, { namespace: 'relax' })
      .exitCode(300, 'ERROR', 'failed')
      .returns({ schema: { type: 'string' } })
      .signal('go')
      .retry({ attempts: 3 })
      .timeout('1s')
      .deadline('1d')
      .outline('a')
  }
  const outline: Outline | undefined = all().getOutline()
  const parts: readonly OutlineNode[] = outline?.parts ?? []
  for (const part of parts)
    if (part.kind === 'return') expectType<Equal<typeof part.exitCode, ExitCode | undefined>>()
  // @ts-expect-error a spec of a process has no outline
  plain.outline('a')
  // @ts-expect-error nor one that was returned by it
  plain.input('a').outline('a')
}

// So does a function of one's own that adds to any spec.
function withTolerance<S extends AnySpec>(spec: S) {
  return spec.input('tol', { schema: { type: 'number' }, default: 1 })
}
export class Tolerant extends WorkChain<typeof Tolerant> {
  static override define(spec: WorkChainSpec) {
    return withTolerance(spec).outline(Tolerant.prototype.run)
  }
}
expectType<Equal<InputsOf<typeof Tolerant>, { readonly tol: number }>>()

export async function following(outline: Outline): Promise<void> {
  const next = await outline.next(null, (predicate) => predicate === 'more')
  if (next.kind === 'step') expectType<Equal<typeof next.at, string>>()
  if (next.kind === 'return') expectType<Equal<typeof next.exitCode, ExitCode | undefined>>()
  // @ts-expect-error an end has no position
  if (next.kind === 'end') void next.at
}

export function wrongOutlines(spec: WorkChainSpec): void {
  // @ts-expect-error there is no such method
  spec.outline(Relax.prototype.nope)
  // @ts-expect-error there is no such method
  spec.outline(while_(Relax.prototype.nope)(Relax.prototype.setup))
  // @ts-expect-error there is no such method
  spec.outline(if_(Relax.prototype.isLate)(Relax.prototype.nope))
  // @ts-expect-error neither step nor instruction
  spec.outline(3)
  // @ts-expect-error the result of a step is no step
  spec.outline(Relax.prototype.isDone())
  // @ts-expect-error a predicate is a method or a name
  if_(true)('a')
  // @ts-expect-error nothing comes after else_
  if_('p')('a').else_('b').elif_('q')
  // @ts-expect-error nothing comes after else_
  if_('p')('a').else_('b').else_('c')
  // @ts-expect-error neither number, label nor exit code
  return_(null)
}

// Without naming itself.
export class Counted extends processOf(WorkChain, (spec) =>
  spec.input('limit', { schema: { type: 'number' } }).outline('count', while_('more')('count')),
) {
  count(): void {
    expectType<Equal<typeof this.inputs.limit, number>>()
  }
  more(): boolean {
    return false
  }
}
// @ts-expect-error the limit is missing
export const counted = new Counted({})
