// A user's own package of process classes: its declarations can be written, and what they say can be used.
import {
  Continue,
  if_,
  Process,
  processOf,
  type ProcessSpec,
  toContext,
  Wait,
  type Wake,
  while_,
  WorkChain,
  type WorkChainSpec,
} from 'damson'

export class Add extends Process<typeof Add> {
  static override define(spec: ProcessSpec) {
    return spec
      .input('a', { schema: { type: 'number' } })
      .input('opts.tol', { schema: { type: 'number' }, default: 1e-6 })
      .inputNamespace('weights', { dynamic: true, schema: { type: 'number' }, required: false })
      .inputNamespace('lazy', { populateDefaults: false })
      .output('sum', { schema: { type: 'number' } })
      .exitCode(310, 'ERROR_TOO_LARGE', 'the sum is above {limit}')
      .returns({ schema: { type: 'string' } })
  }
  override run() {
    this.out('sum', this.inputs.a)
    return this.inputs.a > 3 ? this.exitCodes.ERROR_TOO_LARGE({ limit: 3 }) : 'small'
  }
}

export class Twice extends Process<typeof Twice> {
  static override define(spec: ProcessSpec) {
    return spec
      .exposeInputs(Add, { namespace: 'add', exclude: ['opts.tol'], namespaceOptions: { required: false } })
      .exposeOutputs(Add, { include: ['sum'] })
  }
}

export class Square extends processOf((spec) => spec.input('x', { instanceOf: Date })) {}
export class Power extends processOf(Square, (spec) => spec.input('n', { schema: { type: 'integer' } })) {}

/** Names its methods in an outline, so that its declarations carry their types. */
export class Rounds extends WorkChain<typeof Rounds> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec
      .input('rounds', { schema: { type: 'integer' } })
      .outline(
        Rounds.prototype.begin,
        while_(Rounds.prototype.more)(Rounds.prototype.go),
        if_('more')('begin'),
      )
      .output('sum', { schema: { type: 'number' } })
  }
  declare ctx: { round: number; add: string }
  async begin() {
    const add = await this.launch(Add, { a: 1 })
    return toContext({ add })
  }
  more() {
    return this.ctx.round < this.inputs.rounds
  }
  go() {
    this.ctx.round += 1
    return new Wait(this.woken, { for: '1s' })
  }
  woken(_value: undefined, wake: Wake<typeof Rounds>) {
    return wake.by === 'timer' ? new Continue(this.go) : undefined
  }
}
