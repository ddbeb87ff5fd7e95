import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { setTimeout as later } from 'node:timers/promises'
import { Continue, Process, Wait, type ProcessSpec } from '../../src/index.ts'

/** Adds up 1 to `steps`, one step each, and writes a line to a file each time a step runs. */
export class Sum extends Process<typeof Sum> {
  declare ctx: { at?: number; sum?: number; seen?: Map<number, Date> }
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('steps', { schema: { type: 'integer' } })
      .input('log', { schema: { type: 'string' } })
      .output('sum', { schema: { type: 'integer' } })
      .output('seen', { schema: { type: 'integer' } })
  }
  override run(): unknown {
    return new Continue(this.add, 1)
  }
  async add(number: number): Promise<unknown> {
    appendFileSync(this.inputs.log, `${this.pid} ${number}\n`)
    await later(1)
    this.ctx.sum = (this.ctx.sum ?? 0) + number
    this.ctx.seen = (this.ctx.seen ?? new Map<number, Date>()).set(number, new Date(number))
    if (number < this.inputs.steps) return new Continue(this.add, number + 1)
    this.out('sum', this.ctx.sum)
    this.out('seen', this.ctx.seen.size)
    return undefined
  }
}

/** Two steps around a wait, a child in the first, and an output of each. */
export class Whole extends Process<typeof Whole> {
  declare ctx: { child?: string }
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('log', { schema: { type: 'string' } })
      .output('child', { schema: { type: 'string' } })
      .output('answer')
  }
  override async run(): Promise<unknown> {
    const child = await this.launch(Sum, { steps: 2, log: this.inputs.log })
    this.ctx.child = child.pid
    this.out('child', child.pid)
    return new Wait(this.decide, { message: 'for an answer' })
  }
  decide(answer: unknown): unknown {
    this.out('answer', answer)
    return new Continue(this.end)
  }
  end(): string {
    return 'whole'
  }
}

/** Its step says that it runs by making a file, and goes on when another file is there. */
export class Held extends Process<typeof Held> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('started', { schema: { type: 'string' } })
      .input('release', { schema: { type: 'string' } })
      .output('by', { schema: { type: 'integer' } })
  }
  override async run(): Promise<unknown> {
    writeFileSync(this.inputs.started, String(process.pid))
    while (!existsSync(this.inputs.release)) await later(5)
    return new Continue(this.end)
  }
  end(): void {
    this.out('by', process.pid)
  }
}

/** Kills its own engine each time it runs. */
export class Poison extends Process<typeof Poison> {
  override run(): void {
    process.kill(process.pid, 'SIGKILL')
  }
}

/** Ends only when it is told to stop, and says how that was. */
export class Blocking extends Process<typeof Blocking> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('for', { schema: { type: 'number' } }).output('by', { schema: { type: 'integer' } })
  }
  override run(): void {
    // Blocks the event loop of its program on purpose.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, this.inputs.for)
    this.out('by', process.pid)
  }
}
