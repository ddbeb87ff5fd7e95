import { createInterface } from 'node:readline'
import { Client, Engine } from '../../src/index.ts'

/*
 * Runs the actor `tally` of a store, or calls it: `engine STORE`, or `caller STORE NAME COUNT`. A caller says
 * how many of its calls are durable, and ends with them; an engine stays until it is signalled.
 */

class Tally {
  readonly last: Record<string, number> = {}
  readonly wrong: string[] = []
  count = 0

  /** Notes a call that does not follow the one that its caller made before. */
  note(caller: string, number: number): void {
    const expected = (this.last[caller] ?? 0) + 1
    if (number !== expected) this.wrong.push(`${caller} ${number} in place of ${expected}`)
    this.last[caller] = number
    this.count++
  }
}

/** Long enough for a machine that is busy; on Postgres, another engine waits for it. */
const LEASE = 3_000

const [role, store = '', caller = '', count = '0'] = process.argv.slice(2)
if (role === 'engine') {
  const engine = await Engine.open({ store, actors: [Tally], lease: LEASE })
  console.log(`ready ${engine.id}`)
} else {
  const client = await Client.open({ store })
  const tally = client.actorById(Tally, 'tally')
  console.log('ready')
  // All callers begin at once.
  for await (const _ of createInterface({ input: process.stdin })) break
  for (let number = 1; number <= Number(count);) {
    const last = Math.min(Number(count), number + 99)
    const calls = []
    for (; number <= last; number++) calls.push(tally.call.note(caller, number))
    await Promise.all(calls.map((call) => call.submitted()))
  }
  await client.close()
}
