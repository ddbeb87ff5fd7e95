/**
 * Pause, play and kill: requests that are stored in the file before they are acknowledged, so that they hold whatever
 * happens to the programs that asked, or that run the process.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Client, Continue, Engine, Process, ProcessKilled, type ProcessSpec } from 'damson'

class Count extends Process<typeof Count> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('to', { schema: { type: 'integer' } })
      .output('counted', { schema: { type: 'integer' } })
  }

  // Saved at each transition: what has to outlive a pause, or a crash, belongs here.
  declare ctx: { counted: number }

  override run() {
    this.ctx.counted = 0
    return new Continue(this.count)
  }

  count() {
    this.ctx.counted += 1
    if (this.ctx.counted < this.inputs.to) return new Continue(this.count)
    this.out('counted', this.ctx.counted)
    return undefined
  }
}

class Sleep extends Process<typeof Sleep> {
  override async run() {
    // A kill aborts the signal of the process. A step that passes it on ends at once; one that does not is left
    // behind after ten seconds (`killGrace`), or at once where the kill is forced.
    await delay(3_600_000, undefined, { signal: this.signal })
  }

  // Called before the process is killed for good.
  override onKill(message: string) {
    console.log(`the process hears of it: ${message}`)
  }
}

const store = 'control.db'
const client = await Client.open({ store, create: true })

// Nothing runs yet, and the pause holds all the same.
const counting = await client.launch(Count, { to: 3 })
await counting.pause('until the office opens')
const { label, paused, message } = await counting.refresh()
console.log(`${label}, paused: ${paused}, ${message}`)

const engine = await Engine.open({ store, processes: [Count, Sleep] })
// A pause takes effect between two steps. This engine leaves the process alone until it is played.
console.log(`ended within a tenth of a second: ${(await counting.wait({ timeout: 100 })) !== null}`)
await counting.play()
console.log(await counting.outputs.all())

const sleeping = await engine.launch(Sleep)
await sleeping.kill('too late for that')
const outcome = await sleeping.outcome()
if (outcome.status === 'rejected' && outcome.reason instanceof ProcessKilled) {
  console.log(`${outcome.state.label}: ${outcome.reason.message}`)
}
// What has ended stays as it is.
console.log(`killed again: ${await sleeping.kill()}`)

await engine.close()
await client.close()
