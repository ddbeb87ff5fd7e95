import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { setTimeout as later } from 'node:timers/promises'
import {
  append,
  Continue,
  Process,
  Wait,
  while_,
  WorkChain,
  type ProcessSpec,
  type Wake,
  type WorkChainSpec,
} from '../../src/index.ts'

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

/** Launches sums as a group, and waits for them within its step. */
export class Sums extends Process<typeof Sums> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('count', { schema: { type: 'integer' } })
      .input('group', { schema: { type: 'string' } })
      .input('chunkSize', { schema: { type: 'integer' }, required: false })
      .input('log', { schema: { type: 'string' } })
  }
  override async run(): Promise<number> {
    const { count, group: name, chunkSize, log } = this.inputs
    const each = Array.from({ length: count }, () => ({ steps: 0, log }))
    const group = await this.launchAll(Sum, each, { group: name, chunkSize })
    return (await group.result()).length
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

/** Prints in two steps; the first goes on when a file is there. */
export class Prints extends Process<typeof Prints> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('release', { schema: { type: 'string' } })
  }
  override async run(): Promise<unknown> {
    this.print('begins')
    this.progress({ done: 1, total: 2 })
    while (!existsSync(this.inputs.release)) await later(5)
    this.print('goes on')
    return new Continue(this.end)
  }
  end(): void {
    this.print('ends')
    this.progress({ done: 2, total: 2 })
  }
}

/** Kills its own engine each time it runs. */
export class Poison extends Process<typeof Poison> {
  override run(): void {
    process.kill(process.pid, 'SIGKILL')
  }
}

/** Waits in memory for a signal, and kills its own engine then. */
export class Sleeper extends Process<typeof Sleeper> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.signal('go')
  }
  override async run(): Promise<unknown> {
    await this.receive('go')
    return process.kill(process.pid, 'SIGKILL')
  }
}

/** Ends only when its signal aborts, and then records the reason. */
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

/** Waits for a signal out of memory, after it has paid. */
export class Invoice extends Process<typeof Invoice> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('log', { schema: { type: 'string' } }).signal('sent')
  }
  override async run(): Promise<unknown> {
    await this.effect('bill', ({ idempotencyKey }) => appendFileSync(this.inputs.log, `${idempotencyKey}\n`))
    return this.receive('sent', { evict: true })
  }
}

/** A little of everything that a work chain can do, each time with a payment by name. */
export class Order extends WorkChain<typeof Order> {
  declare ctx: { approved?: unknown; invoices?: unknown[]; rounds: number }
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec
      .input('log', { schema: { type: 'string' } })
      .signal('approval')
      .output('summary')
      .retry('ship', { attempts: 3, backoff: { initial: 5, jitter: 0 } })
      .outline('approve', while_('isOpen')('bill', 'collect'), 'ship', 'tell')
  }
  async approve(): Promise<void> {
    this.ctx.rounds = 0
    await this.#pay('reserve')
    this.ctx.approved = await this.receive('approval', { timeout: '30d' })
    await this.#pay('charge')
  }
  isOpen(): boolean {
    return this.ctx.rounds < 2
  }
  async bill(): Promise<unknown> {
    const invoices = [
      await this.launch(Sum, { steps: 1, log: this.inputs.log }),
      await this.launch(Sum, { steps: 2, log: this.inputs.log }),
    ]
    for (const invoice of invoices) this.toContext({ invoices: append(invoice) })
    return undefined
  }
  collect(): void {
    this.ctx.rounds++
  }
  async ship(): Promise<unknown> {
    await this.#pay('ship')
    if (this.attempt < 3) throw new Error(`the ship sails at attempt 3, not ${this.attempt}`)
    await this.sleep('the voyage', 5)
    return new Wait(this.arrive, { for: 5 })
  }
  async arrive(_value: unknown, wake: Wake): Promise<void> {
    await this.#pay(wake.by)
  }
  tell(): void {
    this.out('summary', [this.ctx.approved, this.ctx.invoices])
  }
  async #pay(name: string): Promise<void> {
    await this.effect(name, ({ idempotencyKey }) =>
      appendFileSync(this.inputs.log, `pays ${idempotencyKey.slice(this.pid.length)}\n`),
    )
  }
}

/** Returns what it is given, and writes a line to a file each time it runs. */
export class Takes extends Process<typeof Takes> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('given', {})
      .input('log', { schema: { type: 'string' } })
      .returns({})
  }
  override run(): unknown {
    appendFileSync(this.inputs.log, `${this.pid} takes\n`)
    return this.inputs.given
  }
}

/** Launches processes that take the values of one another. */
export class Pipes extends Process<typeof Pipes> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('log', { schema: { type: 'string' } }).returns({})
  }
  override async run(): Promise<unknown> {
    const { log } = this.inputs
    const sum = await this.launch(Sum, { steps: 2, log })
    const takes = await this.launch(Takes, { given: { sum: sum.outputs.ref('sum') }, log })
    return this.join('last', await this.launch(Takes, { given: [takes, sum.outputs.ref('seen')], log }))
  }
}

/** Writes `steps` rows of its own into the database of its store, each in a transaction. */
export class Ledger extends Process<typeof Ledger> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('steps', { schema: { type: 'integer' } })
  }
  override async run(): Promise<void> {
    for (let n = 0; n < this.inputs.steps; n++)
      await this.transaction(`enter ${n}`, (tx) =>
        tx.kind === 'sqlite'
          ? tx.run('INSERT INTO entry (name) VALUES (?)', `ledger ${n}`).changes
          : tx.query('INSERT INTO entry (name) VALUES ($1)', [`ledger ${n}`]).then(() => 1),
      )
  }
}

/** Records an effect, waits for a file, and records another. Each writes its name and its program into a file. */
export class Effects extends Process<typeof Effects> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('log', { schema: { type: 'string' } })
      .input('release', { schema: { type: 'string' } })
      .output('by', { schema: { type: 'integer' } })
  }
  override async run(): Promise<void> {
    await this.#write('before')
    while (!existsSync(this.inputs.release)) await later(5)
    await this.#write('after')
    this.out('by', process.pid)
  }
  #write(name: string): Promise<void> {
    return this.effect(name, () => appendFileSync(this.inputs.log, `${name} ${process.pid}\n`))
  }
}
