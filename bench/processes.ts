import { Continue, Process, type ProcessSpec, Wait } from 'damson'

/** One step, one input, one output. */
export class OneStep extends Process<typeof OneStep> {
  static override define(spec: ProcessSpec) {
    return spec.input('a', { schema: { type: 'number' } }).output('sum', { schema: { type: 'number' } })
  }
  override run() {
    this.out('sum', this.inputs.a + 1)
  }
}

/** Three steps that hand on a number. */
export class ThreeSteps extends Process<typeof ThreeSteps> {
  static override define(spec: ProcessSpec) {
    return spec.input('a', { schema: { type: 'number' } }).output('sum', { schema: { type: 'number' } })
  }
  override run() {
    return new Continue(this.second, this.inputs.a + 1)
  }
  second(sum: number) {
    return new Continue(this.third, sum + 1)
  }
  third(sum: number) {
    this.out('sum', sum + 1)
  }
}

/** As many steps as it is told, one after the other; carries along what it is given. */
export class ManySteps extends Process<typeof ManySteps> {
  static override define(spec: ProcessSpec) {
    return spec
      .input('steps', { schema: { type: 'integer' } })
      .input('cargo', { schema: { type: 'string' }, default: '' })
      .output('count', { schema: { type: 'integer' } })
  }
  override run() {
    return this.next(1)
  }
  next(count: number) {
    if (count < this.inputs.steps) return new Continue(this.next, count + 1)
    this.out('count', count)
    return undefined
  }
}

/** Waits until somebody resumes it. */
export class Waiting extends Process<typeof Waiting> {
  override run() {
    return new Wait(this.woken)
  }
  woken() {
    return 'awake'
  }
}
