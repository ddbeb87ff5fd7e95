/**
 * The shop: an engine for orders, and the one order that it has got.
 *
 *     npx tsx examples/order/run.ts [FOLDER [CARD]]
 *
 * Kill it whenever you like and start it again: it finds its order by the key and goes on. The order waits for an approval, which comes
 * from another program: `approve.ts`.
 */
import { join } from 'node:path'
import { Engine } from 'damson'
import { Order } from './order.ts'

const [folder = '.', card = 'good'] = process.argv.slice(2)

await using engine = await Engine.open({ store: join(folder, 'shop.db'), processes: [Order] })
const order = await engine.launch(
  Order,
  { item: 'a book', amount: 12, card, ledger: join(folder, 'payments.jsonl') },
  { key: 'order 17' },
)
console.log(`order 17 is process ${order.pid}`)

const state = await order.wait()
const { payment, parcel, refund } = await order.outputs.snapshot()
console.log(`payment: ${payment ?? 'none'}, refund: ${refund ?? 'none'}, parcel: ${parcel ?? 'none'}`)
if (state?.exitCode !== undefined) console.log(`${state.exitCode.label}: ${state.exitCode.message}`)
