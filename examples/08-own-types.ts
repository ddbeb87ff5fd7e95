/**
 * Values that are saved: plain JSON, and also Date, Map, Set, BigInt, typed arrays, errors and a few more as they are.
 * Own classes are registered, with how they become plain values and come back. Anything else is refused where it is
 * written, not when it is missed.
 */
import { Client, Continue, Engine, Process, SerializationError, type ProcessSpec } from 'damson'

class Money {
  readonly cents: bigint
  constructor(cents: bigint) {
    this.cents = cents
  }
  plus(other: Money): Money {
    return new Money(this.cents + other.cents)
  }
  toString(): string {
    return `${(Number(this.cents) / 100).toFixed(2)} €`
  }
}

const types = [
  {
    name: 'Money',
    is: (value: unknown) => value instanceof Money,
    encode: (value: unknown) => (value as Money).cents,
    decode: (cents: unknown) => new Money(cents as bigint),
  },
]

class Invoice extends Process<typeof Invoice> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .inputNamespace('items', {
        dynamic: true,
        instanceOf: Money,
        help: 'any names, the values are amounts',
      })
      .output('total', { instanceOf: Money })
      .output('due', { instanceOf: Date })
  }

  declare ctx: { total: Money; note?: () => void }

  override run() {
    this.ctx.total = Object.values(this.inputs.items).reduce((sum, item) => sum.plus(item), new Money(0n))
    return new Continue(this.send)
  }

  send() {
    this.out('total', this.ctx.total)
    this.out('due', new Date('2030-01-31'))
    return new Continue(this.annotate)
  }

  annotate() {
    // Functions can't be saved: the process excepts in this step, with the path of the value.
    this.ctx.note = () => console.log('sent')
    return new Continue(this.send)
  }
}

const store = 'invoices.db'
const engine = await Engine.open({ store, processes: [Invoice], types })
const invoice = await engine.launch(Invoice, { items: { book: new Money(1250n), pen: new Money(199n) } })
const outcome = await invoice.outcome()

// What was committed before stays; another program that knows the types reads it as it was.
const client = await Client.open({ store, types })
const outputs = (await client.handle(invoice.pid).outputs.snapshot()) as { total: Money; due: Date }
console.log(`${outputs.total.toString()} due on ${outputs.due.toISOString().slice(0, 10)}`)

if (outcome.status === 'rejected' && outcome.reason.cause instanceof SerializationError) {
  console.log(`${outcome.state.label}: ${outcome.reason.cause.path} can't be saved`)
}
await client.close()
await engine.close()
