/**
 * Another program, which decides about an order. It needs the file and the pid; whether the shop runs does not matter.
 *
 *     npx tsx examples/order/approve.ts PID yes|no NAME [FOLDER]
 */
import { join } from 'node:path'
import { Client } from 'damson'
import { Order } from './order.ts'

const [pid, answer, by, folder = '.'] = process.argv.slice(2)
if (pid === undefined || by === undefined || (answer !== 'yes' && answer !== 'no')) {
  console.error('usage: npx tsx examples/order/approve.ts PID yes|no NAME [FOLDER]')
  process.exit(2)
}

// With the class the payload is typed, and checked here, before anything is stored.
await using client = await Client.open({ store: join(folder, 'shop.db') })
await client.handle(Order, pid).signal('approval', { approved: answer === 'yes', by })
console.log(`${by} said ${answer}`)
