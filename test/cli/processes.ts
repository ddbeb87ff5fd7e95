import {
  Process,
  WaitTimeout,
  while_,
  WorkChain,
  Wait,
  type ProcessSpec,
  type WorkChainSpec,
} from '../../src/index.ts'

/** Two rounds of relaxing; in the second the first attempt fails, or all do. */
export class Relax extends WorkChain<typeof Relax> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec
      .input('hopeless', { schema: { type: 'boolean' }, default: false })
      .output('rounds', { schema: { type: 'number' } })
      .retry(Relax.prototype.relax, { attempts: 2, backoff: { initial: '1h', jitter: 0 } })
      .outline(
        Relax.prototype.setup,
        while_(Relax.prototype.isNotConverged)(Relax.prototype.relax),
        Relax.prototype.report,
      )
  }
  declare ctx: { round: number }
  setup(): void {
    this.ctx.round = 0
  }
  isNotConverged(): boolean {
    return this.ctx.round < 2
  }
  async relax(): Promise<void> {
    await this.effect('reserve', () => 'node 3')
    this.ctx.round += 1
    if (this.ctx.round === 2 && (this.attempt === 1 || this.inputs.hopeless)) throw new Error('no memory')
  }
  report(): void {
    this.out('rounds', this.ctx.round)
  }
}

/** Pays, sleeps a night, and waits three days for an approval. */
export class Order extends Process<typeof Order> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .signal('approval', { schema: { type: 'boolean' } })
      .signal('note', { schema: { type: 'string' } })
      .exitCode(310, 'NOT_APPROVED', 'nobody approved it in time')
  }
  override async run() {
    await this.effect('charge', () => 'paid')
    await this.sleep('night', '8h')
    try {
      return await this.receive('approval', { timeout: '3d', evict: true })
    } catch (error) {
      if (error instanceof WaitTimeout) return this.exitCodes.NOT_APPROVED()
      throw error
    }
  }
}

/** Waits for an approval, for as long as it takes. */
export class Approval extends Process<typeof Approval> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.signal('approval', { schema: { type: 'boolean' } })
  }
  override run(): Promise<boolean> {
    return this.receive('approval')
  }
}

/** Waits for a word. */
export class Word extends Process {
  override run(): Wait {
    return new Wait(undefined, { message: 'for a word' })
  }
}

/** Launches some that wait for a word, and waits for all but the eldest, which it leaves to itself. */
export class Family extends Process<typeof Family> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('children', { schema: { type: 'integer' } })
  }
  override async run(): Promise<unknown> {
    await this.launch(Word, {}, { abandon: true, label: 'the eldest' })
    const younger = Array.from({ length: this.inputs.children - 1 }, () => this.launch(Word, {}))
    return new Wait(undefined, { on: await Promise.all(younger) })
  }
}
