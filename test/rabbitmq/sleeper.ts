import { Process, Wait, type ProcessSpec } from '../../src/index.ts'

/** Waits for a resume, and has its value as the output. */
export class Sleeper extends Process<typeof Sleeper> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('name', { schema: { type: 'string' } }).output('woken', { schema: {} })
  }
  override run() {
    return new Wait(this.after)
  }
  after(value: unknown) {
    this.out('woken', value)
  }
}
