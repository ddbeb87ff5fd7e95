// A user's own package of process classes: its declarations can be written, and what they say can be used.
import { Process, processOf, type ProcessSpec } from 'damson'

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
