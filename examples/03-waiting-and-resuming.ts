/**
 * A process that waits for a person, and a client that answers, perhaps from another program.
 *
 * While it waits the process takes no memory and no slot: it is a row in the file.
 */
import { Client, Engine, Process, Wait, type ProcessSpec } from 'damson'

type Answer = { approved: boolean; by: string }

class Expense extends Process<typeof Expense> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('amount', { schema: { type: 'number' } })
      .output('decision', { schema: { type: 'string' } })
      .exitCode(310, 'ERROR_REFUSED', '{amount} € were refused by {by}')
  }

  override run() {
    return new Wait(this.decided, { message: 'an approval' })
  }

  // Hooks are called as the state changes; here, once the wait is durable.
  override onWaiting() {
    console.log(`${this.inputs.amount} € need an approval`)
  }

  // Whatever `resume` was given comes here, and what it was that ended the wait.
  decided(answer: Answer, wake: { by: string }) {
    if (!answer.approved) return this.exitCodes.ERROR_REFUSED({ amount: this.inputs.amount, by: answer.by })
    this.out('decision', `${this.inputs.amount} € approved by ${answer.by} (${wake.by})`)
    return undefined
  }
}

const store = 'expenses.db'
const engine = await Engine.open({ store, processes: [Expense] })
const small = await engine.launch(Expense, { amount: 40 })

// A client runs nothing. All it needs is the file and the pid, so it may as well be another program.
const client = await Client.open({ store })
await client.handle(small.pid).resume({ approved: true, by: 'Ada' } satisfies Answer)
console.log((await small.outputs.all()).decision)

// It works with no engine running, too. And an answer that comes before the question is kept for it.
await engine.close()
const large = await client.launch(Expense, { amount: 9000 })
await large.resume({ approved: false, by: 'Grace' } satisfies Answer)
console.log(`without an engine: ${(await large.refresh()).label}`)

const another = await Engine.open({ store, processes: [Expense] })
const end = await large.wait()
console.log(`${end?.label}, successful: ${end?.successful}: ${end?.exitCode?.code} ${end?.exitCode?.message}`)

await another.close()
await client.close()
