/*
 * The program whose type instantiations `editor.test.ts` counts. It uses what programs use, and does
 * not change with the package.
 */
import {
  append,
  Client,
  Continue,
  Engine,
  if_,
  Process,
  processOf,
  type ProcessSpec,
  toContext,
  Wait,
  type Wake,
  while_,
  WorkChain,
  type WorkChainSpec,
} from 'damson'

export class Order extends Process<typeof Order> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('customer.name', { schema: { type: 'string' } })
      .input('customer.address.street', { schema: { type: 'string' } })
      .input('customer.address.town', { schema: { type: 'string' }, default: 'here' })
      .input('items', {
        schema: {
          type: 'array',
          items: {
            type: 'object',
            properties: { id: { type: 'string' }, amount: { type: 'integer' }, tags: { type: 'array' } },
            required: ['id', 'amount'],
          },
        },
      })
      .input('express', { schema: { type: 'boolean' }, default: false })
      .input('currency', { schema: { enum: ['EUR', 'USD', 'GBP'] }, default: 'EUR' })
      .input('note', { schema: { type: 'string' }, required: false })
      .inputNamespace('discounts', { dynamic: true, schema: { type: 'number' } })
      .output('receipt', { schema: { type: 'string' } })
      .output('totals.net', { schema: { type: 'number' } })
      .output('totals.gross', { schema: { type: 'number' } })
      .outputNamespace('parcels', { dynamic: true, schema: { type: 'string' } })
      .exitCode(300, 'ERROR_REFUSED', 'refused by {who}')
      .exitCode(310, 'ERROR_TOO_LARGE', 'more than {limit}')
      .signal('approval', { schema: { type: 'object', properties: { by: { type: 'string' } } } })
      .signal('cancel')
      .retry('charge', { attempts: 3 })
      .timeout(Order.prototype.ship, '1h')
      .returns({ schema: { type: 'number' } })
  }
  declare ctx: { charge?: string; parcels: string[] }

  override async run() {
    const { customer, items, currency } = this.inputs
    if (items.length > 100) return this.exitCodes.ERROR_TOO_LARGE({ limit: 100 })
    this.ctx.charge = await this.effect('reserve', () => `${customer.name} ${currency}`)
    return new Wait(this.decide, { receive: 'approval', for: '3d' })
  }
  decide(_value: unknown, wake: Wake<typeof Order>) {
    if (wake.by !== 'signal') return this.exitCodes.ERROR_REFUSED({ who: 'nobody' })
    return new Continue(this.charge, this.inputs.items.length, wake.signal)
  }
  async charge(amount: number, by: string) {
    await this.sleep('cool down', '1s')
    const cancelled = await this.receive('approval', { timeout: '1s' })
    this.out('totals.net', amount)
    this.outMany({ 'totals.gross': amount * 1.2, 'parcels.first': by })
    return new Continue<Order>('ship', cancelled.by ?? by)
  }
  ship(by: string) {
    this.out('receipt', by)
    return 3
  }
}

export class Square extends processOf((spec) =>
  spec.input('x', { schema: { type: 'number' } }).output('square', { schema: { type: 'number' } }),
) {
  override run(): void {
    this.out('square', this.inputs.x ** 2)
  }
}

export class Shop extends WorkChain<typeof Shop> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec
      .exposeInputs(Order, { namespace: 'order', exclude: ['note'] })
      .exposeInputs(Square, { namespace: 'square' })
      .exposeOutputs(Order, { namespace: 'order' })
      .input('rounds', { schema: { type: 'integer' }, default: 3 })
      .output('sum', { schema: { type: 'number' } })
      .outline(
        Shop.prototype.begin,
        while_(Shop.prototype.more)(Shop.prototype.orderMore, if_('isLate')('hurry').else_('rest')),
        Shop.prototype.end,
      )
  }
  declare ctx: { orders: number[]; first?: number; sums: { square: number } }

  async begin() {
    const order = await this.launch(Order, this.exposedInputs(Order, 'order'))
    return toContext({ first: order })
  }
  more() {
    return this.ctx.orders.length < this.inputs.rounds
  }
  async orderMore() {
    const order = await this.launch(Order, { ...this.exposedInputs(Order, 'order'), express: true })
    const square = await this.launch(Square, this.inputs.square)
    this.toContext({ orders: append(order) })
    const { order: ordered, square: squared } = await this.join('both', { order, square }, { outputs: true })
    this.toContext({ 'sums.square': squared.square + ordered.totals.net })
  }
  isLate(): boolean {
    return this.ctx.first === 3
  }
  hurry() {}
  rest() {
    return new Wait(undefined, { for: '1s' })
  }
  async end() {
    const order = await this.launch(Order, this.exposedInputs(Order, 'order'))
    this.outMany(await this.exposedOutputs(order, Order, 'order'))
    this.out('sum', this.ctx.sums.square)
  }
}

export async function main(): Promise<void> {
  await using engine = await Engine.open({ store: 'shop.db', processes: [Order, Square, Shop] })
  const items = [{ id: 'a', amount: 1 }]
  const customer = { name: 'Ada', address: { street: 'Main Street' } }
  const handle = await engine.launch(Order, { customer, items }, { key: 'order-17' })
  await handle.signal('approval', { by: 'Ada' })
  const { receipt, totals } = await handle.outputs.all()
  console.log(receipt.length + totals.gross + (await handle.result()))
  const { sum } = await engine.execute(Shop, { order: { customer, items }, square: { x: 2 } })
  await using client = await Client.open({ store: 'shop.db', processes: [Shop] })
  await client.handle(Shop, String(sum)).wait({ timeout: '1s' })
}
