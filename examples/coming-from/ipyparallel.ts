/** For users of IPython.parallel: map, an asynchronous map, progress, results as they come, output and times. */
import { each, Engine, Process, type ProcessSpec } from 'damson'

class Primes extends Process<typeof Primes> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('from', { schema: { type: 'integer' } })
      .input('count', { schema: { type: 'integer' }, default: 1000 })
      .returns({ schema: { type: 'integer' } })
  }

  override run() {
    const { from, count } = this.inputs
    let primes = 0
    for (let number = from; number < from + count; number++) if (isPrime(number)) primes += 1
    this.print(`${primes} primes from ${from}`)
    return primes
  }
}

function isPrime(number: number): boolean {
  if (number < 2) return false
  for (let divisor = 2; divisor ** 2 <= number; divisor++) if (number % divisor === 0) return false
  return true
}

// As a cluster of four engines. More programs may open the same file, and take a part of the work.
await using rc = await Engine.open({ store: 'primes.db', processes: [Primes], concurrency: 4 })
await rc.waitForEngines(1)

// As `view.map_sync(primes, range(…))`:
const counts = await rc.map(Primes, { from: each([0, 1000, 2000]) })
console.log(await counts.result())

// As `ar = view.map_async(primes, …)`. The launch is durable now; the results come later.
const ar = await rc.map(Primes, { from: each([3000, 4000, 5000, 6000]), count: 500 })
// As `ar.wait_interactive()`: bars on a terminal, lines elsewhere.
console.log(await ar.waitInteractive({ timeout: '1m' }), `${ar.progress.completed} of ${ar.length}`)
console.log(await ar.isReady(), ar.successful())

// Iterated in order, and as they end:
for await (const primes of ar) console.log(primes)
let sum = 0
for await (const primes of ar.values({ ordered: false })) sum += primes
console.log(`${sum} in all`)

// As `ar.get_dict()`, `ar.metadata`, `ar.serial_time`, `ar.wall_time`:
const engines = new Set(await ar.field('worker'))
console.log(engines.size, ar.serialTime() >= 0, ar.wallTime() > 0)

// As `ar.display_outputs(groupby='order')`. A line is labelled where the process changes.
await ar.display({ groupBy: 'order' })

// As `view.imap(primes, …)`, from a source without an end:
function* thousands() {
  for (let from = 0; ; from += 1000) yield { from }
}
for await (const primes of rc.imap(Primes, thousands(), { maxOutstanding: 2 })) {
  if (primes < 130) break
  console.log(primes)
}
