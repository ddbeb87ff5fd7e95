/**
 * What a step does to the world: recorded once, and tried again when it fails.
 *
 * A step runs at least once. What must not be done twice is an effect: a named action, whose result is recorded as soon as it is there.
 */
import { Engine, NonRetryableError, Process, type ProcessSpec } from 'damson'

/** The world outside: it counts how often it was really asked, and has a bad day. */
const world = { reserved: 0, charged: 0, failures: 2, keys: new Set<string>() }

class Outage extends Error {}

class Booking extends Process<typeof Booking> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return (
      spec
        .input('card', { schema: { type: 'string' }, default: 'good' })
        // Each step has four attempts, with 10, 20 and 40 ms between them, give or take a tenth.
        .retry({ attempts: 4, backoff: { initial: 10, factor: 2 }, on: Outage })
    )
  }

  override async run() {
    const seat = await this.effect('reserve', () => {
      world.reserved += 1
      return 'seat 12A'
    })
    await this.effect('charge', ({ idempotencyKey }) => {
      world.charged += 1
      world.keys.add(idempotencyKey)
      if (this.inputs.card === 'stolen') throw new NonRetryableError('the card was stolen')
      if (world.charged <= world.failures) throw new Outage('the bank does not answer')
    })
    return `${seat}, in attempt ${this.attempt}`
  }
}

/** What to do when all attempts have failed: here somebody has to look at it. */
class Careful extends Booking {
  static override define(spec: ProcessSpec) {
    return super.define(spec).retry({ attempts: 2, backoff: { initial: 10 }, whenExhausted: 'pause' })
  }
}

const engine = await Engine.open({ store: 'bookings.db', processes: [Booking, Careful] })

const booking = await engine.launch(Booking)
console.log(await booking.result())
console.log(`reserved ${world.reserved} time, charged in try ${world.charged}, with ${world.keys.size} key`)
for (const { name, data } of await booking.history()) {
  const { attempt, message, name: effect } = (data ?? {}) as Record<string, string>
  if (name === 'failed') console.log(`  attempt ${attempt} failed: ${message}`)
  if (name === 'effect') console.log(`  did ${effect}`)
}

// Some errors are final.
const stolen = await (await engine.launch(Booking, { card: 'stolen' })).outcome()
if (stolen.status === 'rejected') console.log(`${stolen.state.label}: ${stolen.state.message}`)

// A worse day: the attempts run out, the booking is paused with what it has done, and goes on when somebody says so.
world.charged = 0
world.failures = 3
const paused = await engine.launch(Careful)
while (!(await paused.refresh()).paused) await new Promise((resolve) => setTimeout(resolve, 5))
console.log(`paused: ${paused.state.message}`)
await paused.retry()
console.log(await paused.result())

await engine.close()
