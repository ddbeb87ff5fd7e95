import { expect } from 'vitest'
import {
  append,
  Process,
  toContext,
  while_,
  WorkChain,
  type ProcessSpec,
  type WorkChainSpec,
} from '../../src/index.ts'
import { crashAtEveryCommit } from './every-commit.ts'
import { outside } from './outside.ts'

/* Outlines and families of processes, with a crash in the middle of it. */

class Square extends Process<typeof Square> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('of', { schema: { type: 'number' } }).returns({ schema: { type: 'number' } })
  }
  override async run(): Promise<number> {
    await this.effect('square', ({ idempotencyKey }) => outside.pay(idempotencyKey))
    return this.inputs.of ** 2
  }
}

/** Two squares at a time, in parallel, until their sum is large enough. */
class Sums extends WorkChain<typeof Sums> {
  declare ctx: { round: number; squares?: number[]; last?: { one: number; other: number }; sum: number }
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec
      .output('sum', { schema: { type: 'number' } })
      .output('squares')
      .outline(
        Sums.prototype.begin,
        while_(Sums.prototype.isSmall)(Sums.prototype.square, Sums.prototype.add),
        Sums.prototype.end,
      )
  }
  begin(): void {
    this.ctx.round = 0
    this.ctx.sum = 0
  }
  isSmall(): boolean {
    return this.ctx.sum < 20
  }
  async square(): Promise<unknown> {
    const { round } = this.ctx
    this.toContext({ squares: append(await this.launch(Square, { of: round })) })
    return toContext({
      'last.one': await this.launch(Square, { of: round + 1 }),
      'last.other': await this.launch(Square, { of: round + 2 }),
    })
  }
  add(): void {
    const { one = 0, other = 0 } = this.ctx.last ?? {}
    this.ctx.sum += one + other
    this.ctx.round++
  }
  end(): void {
    this.out('sum', this.ctx.sum)
    this.out('squares', this.ctx.squares)
  }
}

crashAtEveryCommit(
  'a work chain with a loop and parallel children',
  { processes: [Sums, Square] },
  async (driver) => {
    const handle = await driver.launch('p', Sums)
    await driver.ends('p')
    expect(await handle.outputs.all()).toEqual({ sum: 43, squares: [0, 1, 4] })
    expect(await driver.children('p')).toHaveLength(9)
    expect(outside.paid).toHaveLength(9)
  },
)

/** As deep as its input says, and waits for the one below. */
class Deep extends Process<typeof Deep> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('below', { schema: { type: 'integer' } })
  }
  override async run(): Promise<number> {
    await this.effect('dig', ({ idempotencyKey }) => outside.pay(idempotencyKey))
    if (this.inputs.below === 0) return 0
    const below = await this.launch(Deep, { below: this.inputs.below - 1 })
    return 1 + ((await below.result()) as number)
  }
}

crashAtEveryCommit(
  'USERS 14: with one slot, five levels deep',
  { processes: [Deep], engine: { concurrency: 1 } },
  async (driver) => {
    const handle = await driver.launch('p', Deep, { below: 4 })
    await driver.ends('p')
    expect(await handle.result()).toBe(4)
    expect(outside.paid).toHaveLength(5)
  },
)
