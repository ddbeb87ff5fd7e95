/**
 * An actor is an object that lives in the store: its fields are saved with each call of its methods.
 *
 * Calls are queued at once and run one at a time, in the order in which they were made.
 */
import { currentCall, Engine } from 'damson'

class Account {
  balance: number
  readonly lines: string[] = []

  constructor(balance: number) {
    this.balance = balance
  }

  deposit(amount: number) {
    this.balance += amount
    this.lines.push(`+${amount}`)
    return this.balance
  }

  async pay(amount: number) {
    if (amount > this.balance) throw new RangeError(`${amount} € are more than ${this.balance} €`)
    // What is done outside is done once, also if the program dies here and the call runs again.
    await currentCall().effect('transfer', () => console.log(`transfers ${amount} €`))
    this.balance -= amount
    this.lines.push(`-${amount}`)
    return this.balance
  }
}

const engine = await Engine.open({ store: 'accounts.db', actors: [Account] })
const ada = await engine.actor(Account, [100])
const grace = await engine.actor(Account, [0])

// Each call gives a handle at once; nothing is awaited here.
const paid = ada.call.pay(30)
const failed = ada.call.pay(500)
const left = ada.call.deposit(1)
// A handle may be an argument: the call waits for its result.
const same = grace.call.deposit(paid)

console.log(await left.result())
const error = await failed.result({ raiseOnFailure: false })
console.log(error instanceof Error && error.message.split(': ').at(-1))
console.log(await same.result(), await ada.get('lines'))

// A paused actor takes calls, and runs them once it is played.
await ada.process.pause()
const waits = ada.call.deposit(9)
await waits.submitted()
console.log(`queued: ${await ada.pending()}`)
await ada.process.play()
console.log(await waits.result())

await ada.stop()
const refused = await ada.call.deposit(1).result({ raiseOnFailure: false })
console.log(refused instanceof Error && refused.name)
await engine.close()
