/**
 * A work chain: its steps follow an outline, with branches and loops, that can be read without running it.
 *
 * Where it is stands in the file at any time. A chain that was interrupted goes on from there.
 */
import { Engine, if_, while_, WorkChain, type WorkChainSpec } from 'damson'

/** Halves even numbers, and takes odd ones times three and one more, until it comes to 1. */
class Collatz extends WorkChain<typeof Collatz> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return (
      spec
        .input('start', { schema: { type: 'integer', minimum: 1 } })
        .input('limit', { schema: { type: 'integer' }, default: 100 })
        .output('steps', { schema: { type: 'integer' } })
        .exitCode(310, 'ERROR_TOO_LONG', '{start} does not come to 1 in {limit} steps')
        // Methods of the class, named by its prototype: what is not there does not compile.
        .outline(
          Collatz.prototype.begin,
          while_(Collatz.prototype.isNotOne)(
            if_(Collatz.prototype.isEven)(Collatz.prototype.halve).else_(Collatz.prototype.triple),
            Collatz.prototype.count,
          ),
          Collatz.prototype.finish,
        )
    )
  }

  // What the steps share, saved at the end of each.
  declare ctx: { number: number; steps: number }

  begin() {
    this.ctx.number = this.inputs.start
    this.ctx.steps = 0
  }

  // A predicate gives true or false, or a promise of it. It is asked anew where it comes up again, so it only looks.
  isNotOne() {
    return this.ctx.number !== 1
  }

  isEven() {
    return this.ctx.number % 2 === 0
  }

  halve() {
    this.ctx.number /= 2
  }

  triple() {
    this.ctx.number = this.ctx.number * 3 + 1
  }

  // A step that returns nothing lets the outline go on. Anything else decides, as in every process.
  count() {
    this.ctx.steps += 1
    const { start, limit } = this.inputs
    return this.ctx.steps > limit ? this.exitCodes.ERROR_TOO_LONG({ start, limit }) : undefined
  }

  finish() {
    this.out('steps', this.ctx.steps)
  }
}

console.log(Collatz.spec().getDescription().outline?.join('\n'))

const engine = await Engine.open({ store: 'numbers.db', processes: [Collatz] })
const chain = await engine.launch(Collatz, { start: 6 })
console.log(await chain.outputs.all())

// The number before the name is the position in the outline, the one behind `#` the round.
const positions = (await chain.history())
  .filter(({ name }) => name === 'running')
  .map(({ data }) => (data as { step: string }).step)
console.log(positions.slice(0, 5).join('\n'))
console.log(`… ${positions.length - 7} more`)
console.log(positions.slice(-2).join('\n'))

const long = await engine.launch(Collatz, { start: 27 })
console.log((await long.wait())?.exitCode?.message)
await engine.close()
