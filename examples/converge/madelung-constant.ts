import { while_, WorkChain, type WorkChainSpec } from 'damson'
import { layer } from './rock-salt.ts'

const number = { schema: { type: 'number' } } as const

/**
 * The Madelung constant of rock salt: how strongly an ion is bound by all the others. It is computed for larger and larger cubes, a layer a
 * round, until it does not change any more.
 */
export class MadelungConstant extends WorkChain<typeof MadelungConstant> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec
      .input('tolerance', {
        schema: { type: 'number', exclusiveMinimum: 0 },
        default: 1e-5,
        help: 'how much it may still change in a round',
      })
      .input('rounds', { schema: { type: 'integer', minimum: 2 }, default: 50, help: 'how many, at most' })
      .output('constant', number)
      .output('change', { ...number, help: 'in the last round' })
      .output('rounds', { schema: { type: 'integer' } })
      .exitCode(
        410,
        'ERROR_NOT_CONVERGED',
        'after {rounds} rounds it still changes by {change}, more than {tolerance}',
      )
      .outline(
        MadelungConstant.prototype.start,
        while_(MadelungConstant.prototype.notConverged)(
          MadelungConstant.prototype.addLayer,
          MadelungConstant.prototype.compare,
        ),
        MadelungConstant.prototype.emit,
      )
  }

  // Saved with each step: after a crash the round goes on that was under way.
  declare ctx: {
    rounds: number
    /** The sum of all layers so far, as if more followed. */
    inside: number
    constant: number
    /** In the last round; none before there were two. */
    change?: number
  }

  start(): void {
    Object.assign(this.ctx, { rounds: 0, inside: 0, constant: 0 })
  }

  notConverged(): boolean {
    const { change } = this.ctx
    return change === undefined || change > this.inputs.tolerance
  }

  addLayer(): void {
    const { ctx } = this
    const before = ctx.constant
    ctx.rounds += 1
    const { inside, last } = layer(ctx.rounds)
    ctx.constant = ctx.inside + last
    ctx.inside += inside
    if (ctx.rounds > 1) ctx.change = Math.abs(ctx.constant - before)
  }

  /** Gives up when the rounds are used up: what a step returns ends the loop, and the process. */
  compare() {
    const { rounds, change = Infinity } = this.ctx
    const { tolerance, rounds: most } = this.inputs
    if (rounds < most || !this.notConverged()) return undefined
    return this.exitCodes.ERROR_NOT_CONVERGED({ rounds, change: change.toPrecision(2), tolerance })
  }

  emit(): void {
    const { constant, change, rounds } = this.ctx
    this.outMany({ constant, change, rounds })
  }
}
