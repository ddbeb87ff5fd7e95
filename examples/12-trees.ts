/**
 * Trees: a process that launches others, waits for them, and is what control of them goes by.
 */
import { allowFailure, append, Engine, Process, toContext, UpstreamFailed, WorkChain } from 'damson'
import type { ProcessSpec, Settled, WorkChainSpec } from 'damson'

class Square extends Process<typeof Square> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('number', { schema: { type: 'number' } })
      .returns({ schema: { type: 'number' } })
      .exitCode(310, 'ERROR_NEGATIVE', '{number} is negative')
  }

  override run() {
    const { number } = this.inputs
    return number < 0 ? this.exitCodes.ERROR_NEGATIVE({ number }) : number ** 2
  }
}

class SumOfSquares extends WorkChain<typeof SumOfSquares> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec
      .input('numbers', { schema: { type: 'array', items: { type: 'number' } } })
      .input('careful', { schema: { type: 'boolean' }, default: false })
      .output('sum', { schema: { type: 'number' } })
      .outline(SumOfSquares.prototype.squares, SumOfSquares.prototype.add)
  }

  declare ctx: { squares: number[] | Settled<number>[] }

  // The children run beside each other. The next step begins when all have ended, and has their results in `ctx`, in this order.
  async squares() {
    for (const number of this.inputs.numbers) {
      const child = await this.launch(Square, { number })
      this.toContext({ squares: append(this.inputs.careful ? allowFailure(child) : child) })
    }
  }

  add() {
    const squares = this.ctx.squares.map((one) =>
      typeof one === 'number' ? one : one.status === 'fulfilled' && one.state.successful ? one.value : 0,
    )
    this.out(
      'sum',
      squares.reduce((sum, square) => sum + square, 0),
    )
  }
}

/** Waits until it is told to go on. */
class Sleeper extends Process<typeof Sleeper> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.signal('wake')
  }

  override async run() {
    await this.receive('wake')
  }
}

class Family extends WorkChain<typeof Family> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec.outline(Family.prototype.raise, Family.prototype.done)
  }

  async raise() {
    await this.launch(Sleeper, {}, { label: 'on its own', abandon: true })
    return toContext({ child: await this.launch(Sleeper, {}, { label: 'at home' }) })
  }

  done() {}
}

const engine = await Engine.open({
  store: 'trees.db',
  processes: [Square, SumOfSquares, Sleeper, Family],
  // Enough for any tree: who waits for others holds no slot.
  concurrency: 1,
})

console.log(await engine.execute(SumOfSquares, { numbers: [1, 2, 3] }))

// A child that fails, or does not succeed, fails its parent, which says so; unless its outcome was asked for.
const failing = await (await engine.launch(SumOfSquares, { numbers: [1, -2, 3] })).outcome()
if (failing.status === 'rejected' && failing.reason.cause instanceof UpstreamFailed)
  console.log(
    `${failing.state.label}, because of a child: ${/ERROR_\w+ .*?negative/.exec(failing.reason.message)?.[0]}`,
  )
console.log(await engine.execute(SumOfSquares, { numbers: [1, -2, 3], careful: true }))

// Pause, play and kill reach the whole tree, but for what was abandoned.
const family = await engine.launch(Family)
const children = async () => (await engine.list({ parent: family.pid, state: 'waiting' })).processes
while ((await children()).length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
const atHome = (await children()).find(({ label }) => label === 'at home')
await family.kill('enough')
console.log(`at home: ${(await engine.handle(atHome?.pid ?? '').wait())?.label}`)
for (const { label, state } of await children()) console.log(`${label}: ${state.label}`)

await engine.killAll({ className: 'Sleeper' })
await engine.close()
