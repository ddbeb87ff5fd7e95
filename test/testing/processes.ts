import {
  Continue,
  Process,
  type ProcessSpec,
  Wait,
  type Wake,
  while_,
  WorkChain,
  type WorkChainSpec,
} from '../../src/index.ts'

/** What the outside world has seen of the processes below. */
export const world: string[] = []

/** Charges, waits three days for an approval, and ships. */
export class Order extends Process<typeof Order> {
  declare ctx: { receipt?: string; approved?: boolean }
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('amount', { schema: { type: 'number' } })
      .signal('approval', { schema: { type: 'object', properties: { by: { type: 'string' } } } })
      .output('receipt', { schema: { type: 'string' } })
      .output('shipped', { schema: { type: 'boolean' } })
  }
  override async run(): Promise<unknown> {
    const receipt = await this.effect('charge', ({ idempotencyKey }) => {
      world.push(`charged ${this.inputs.amount} (${idempotencyKey})`)
      return `receipt for ${this.inputs.amount}`
    })
    this.ctx.receipt = receipt
    this.out('receipt', receipt)
    return new Wait(this.decide, { receive: 'approval', for: '3d', message: 'for an approval' })
  }
  decide(_approval: unknown, wake: Wake): unknown {
    this.ctx.approved = wake.by === 'signal'
    return new Continue(this.ship)
  }
  ship(): void {
    this.out('shipped', this.ctx.approved === true)
  }
}

/** Waits for things in the flow of one step. */
export class Courier extends Process<typeof Courier> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .signal('address', { schema: { type: 'string' } })
      .output('delivered', { schema: { type: 'string' } })
  }
  override async run(): Promise<unknown> {
    await this.sleep('drive', '2h')
    const address = await this.receive('address')
    await this.sleep('unload', '10m')
    this.out('delivered', address)
    return undefined
  }
}

/** Fails twice and then succeeds. */
export class Flaky extends Process<typeof Flaky> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .output('attempt', { schema: { type: 'integer' } })
      .retry({ attempts: 5, backoff: { initial: '1m', factor: 2, jitter: 0 } })
  }
  override run(): void {
    if (this.attempt < 3) throw new Error(`attempt ${this.attempt} failed`)
    this.out('attempt', this.attempt)
  }
}

/** Waits to be resumed, in a child and by itself. */
export class Parent extends Process<typeof Parent> {
  override async run(): Promise<unknown> {
    return new Wait(this.gather, { on: { child: await this.launch(Child) } })
  }
  gather(): string {
    return 'gathered'
  }
}
/** Waits for its child in the flow of its step. */
export class Joining extends Process<typeof Joining> {
  override async run(): Promise<unknown> {
    return this.join('child', await this.launch(Child))
  }
}
export class Child extends Process<typeof Child> {
  override run(): unknown {
    return new Wait('goOn', { message: 'for somebody' })
  }
  goOn(value: unknown): unknown {
    return value
  }
}

/** A loop whose rounds take an hour each. */
export class Rounds extends WorkChain<typeof Rounds> {
  declare ctx: { round?: number }
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec.outline(while_(Rounds.prototype.goesOn)(Rounds.prototype.round))
  }
  goesOn(): boolean {
    return (this.ctx.round ?? 0) < 3
  }
  async round(): Promise<void> {
    await this.sleep('rest', '1h')
    this.ctx.round = (this.ctx.round ?? 0) + 1
  }
}
