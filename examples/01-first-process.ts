import { Continue, Engine, Process, type ProcessSpec } from 'damson'

const text = { schema: { type: 'string' } } as const
class Order extends Process<typeof Order> {
  static override define(spec: ProcessSpec) {
    return spec.input('item', text).output('receipt', text)
  }

  override run() {
    return new Continue(this.pay, 12) // saved here: after a crash it goes on with pay(12)
  }
  pay(price: number) {
    this.out('receipt', `${this.inputs.item} for ${price} €`)
  }
}

const engine = await Engine.open({ store: 'orders.db', processes: [Order] })
const order = await engine.launch(Order, { item: 'a book' })
console.log(await order.outputs.all())
await engine.close()
