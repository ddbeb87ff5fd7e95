import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Client, Engine, Process, type ProcessSpec } from '../../src/index.ts'

/*
 * Launches a group in the file that is given, by a client or an engine, and prints the bytes that each process of it takes in this
 * program: once they are launched, and once each handle has been taken and let go.
 */

class Small extends Process<typeof Small> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('n', { schema: { type: 'integer' } }).returns({ schema: { type: 'integer' } })
  }
  override run(): number {
    return this.inputs.n
  }
}

const COUNT = 30_000

function* inputs(count: number): Generator<{ n: number }> {
  for (let n = 0; n < count; n++) yield { n }
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

async function bytes(): Promise<number> {
  // A weak reference keeps its target until the end of the turn, and entries of collected handles are removed later.
  for (let turn = 0; turn < 5; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
    collect()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const [by, store = ''] = process.argv.slice(2)
const options = { store, processes: [Small] }
const client =
  by === 'engine'
    ? await Engine.open({ ...options, handleSignals: false })
    : await Client.open({ ...options, create: true })
await client.launchAll(Small, inputs(1_000))
if (by === 'engine') await client.barrier()
const before = await bytes()
const group = await client.launchAll(Small, inputs(COUNT))
if (by === 'engine') await client.barrier()
const launched = ((await bytes()) - before) / COUNT
for (const { pid } of group.handles) if (pid === '') throw new Error('a handle has no pid')
const letGo = ((await bytes()) - before) / COUNT
console.log(JSON.stringify({ length: group.length, launched, letGo }))
await client.close()
