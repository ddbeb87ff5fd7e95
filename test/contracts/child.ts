import { Process, type ProcessSpec } from '../../src/index.ts'

/** Waits for its signal `end`. */
export class Child extends Process<typeof Child> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.signal('end')
  }
  override async run(): Promise<unknown> {
    return this.receive('end')
  }
}
