/**
 * Waiting for messages and for times: by a command between two steps, and in the flow of a step.
 *
 * A signal is stored before it is acknowledged. It does not matter whether it comes before the process waits for it, meanwhile, or
 * while no program runs.
 */
import { AlreadyDone, Client, Engine, PortValidationError, Process, Wait, WaitTimeout } from 'damson'
import type { ProcessSpec, Wake } from 'damson'

/** Counts votes until there are enough of them, or the time is up. Between two votes it is in the file alone. */
class Poll extends Process<typeof Poll> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('voters', { schema: { type: 'integer' } })
      .input('closes', { instanceOf: Date })
      .signal('vote', { schema: { enum: ['yes', 'no'] } })
      .output('yes', { schema: { type: 'integer' } })
      .output('no', { schema: { type: 'integer' } })
  }

  declare ctx: { yes: number; no: number }

  override run() {
    this.ctx = { yes: 0, no: 0 }
    return this.#next()
  }

  // What came, and which of them it was: a signal, the timer, a resume, or the end of other processes.
  counted(vote: 'yes' | 'no' | undefined, wake: Wake) {
    if (wake.by === 'signal' && vote !== undefined) this.ctx[vote] += 1
    const { yes, no } = this.ctx
    if (wake.by === 'signal' && yes + no < this.inputs.voters) return this.#next()
    this.outMany({ yes, no })
    return undefined
  }

  #next() {
    return new Wait(this.counted, { receive: 'vote', until: this.inputs.closes })
  }
}

/** Holds a seat until it is paid for. The same, within a step: it reads from top to bottom. */
class Seat extends Process<typeof Seat> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('hold', { schema: { type: 'string' } })
      .signal('paid', { schema: { type: 'number' } })
      .exitCode(310, 'ERROR_NOT_PAID', 'nobody paid within {hold}')
  }

  override async run() {
    // A step that runs again after a crash does not sleep again, and keeps what it had received.
    await this.sleep('until the list is open', '10ms')
    try {
      return `paid with ${await this.receive('paid', { timeout: this.inputs.hold })} €`
    } catch (error) {
      if (error instanceof WaitTimeout) return this.exitCodes.ERROR_NOT_PAID({ hold: this.inputs.hold })
      throw error
    }
  }
}

const store = 'signals.db'
const client = await Client.open({ store, create: true, processes: [Poll, Seat] })
const inAnHour = new Date(Date.now() + 3_600_000)

// Nothing runs yet.
const poll = await client.launch(Poll, { voters: 3, closes: inAnHour })
await poll.signal('vote', 'yes')
await poll.signal('vote', 'no')

const engine = await Engine.open({ store, processes: [Poll, Seat] })
await poll.signal('vote', 'yes')
console.log('votes:', await poll.outputs.all())

// The payload is checked where it is sent. With a wrong one the line would not compile, but for `as`.
await poll.signal('vote', 'perhaps' as 'yes').catch((error: unknown) => {
  if (error instanceof PortValidationError) console.log(error.message)
})
await poll.signal('vote', 'no').catch((error: unknown) => {
  if (error instanceof AlreadyDone) console.log('too late: the poll is closed')
})

const overdue = await engine.launch(Poll, { voters: 3, closes: new Date() })
console.log('votes in time:', await overdue.outputs.all())

const seat = await engine.launch(Seat, { hold: '3d' })
await seat.signal('paid', 20)
console.log('seat:', await seat.result())
const forgotten = await engine.launch(Seat, { hold: '20ms' })
console.log('seat:', (await forgotten.wait())?.exitCode?.message)

await engine.close()
await client.close()
