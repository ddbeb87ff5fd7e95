/**
 * Several engines on one file share the work; as a rule each in a program of its own, here in one.
 *
 * A process is run by one engine at a time: it holds a claim with a number, and writes under an older number change
 * nothing. When an engine dies another one goes on with what it held.
 */
import { Client, Continue, Engine, Process, type ProcessSpec } from 'damson'

class Job extends Process<typeof Job> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('number', { schema: { type: 'integer' } })
      .output('square', { schema: { type: 'integer' } })
  }

  override run() {
    return new Continue(this.square)
  }

  square() {
    this.out('square', this.inputs.number ** 2)
  }
}

const store = 'jobs.db'
const client = await Client.open({ store, create: true })
const engines = await Promise.all([
  Engine.open({ store, processes: [Job], concurrency: 5 }),
  Engine.open({ store, processes: [Job], concurrency: 5 }),
])

// A key makes a launch safe to repeat: with the same class and inputs it finds the process of the first launch.
const numbers = Array.from({ length: 40 }, (_, index) => index + 1)
const launchAll = () =>
  Promise.all(numbers.map((number) => client.launch(Job, { number }, { key: `job ${number}` })))
const handles = await launchAll()
const outputs = await Promise.all(handles.map((handle) => handle.outputs.all()))
console.log(`sum of the squares: ${outputs.reduce((sum, { square }) => sum + square, 0)}`)

const repeated = await launchAll()
console.log(`found again: ${repeated.filter((handle, index) => handle === handles[index]).length}`)

// The history tells who ran what.
const histories = await Promise.all(handles.map((handle) => handle.history()))
const once = histories.filter((history) => {
  const finishes = history.filter(({ name, worker }) => name === 'finished' && worker !== undefined)
  return finishes.length === 1
})
console.log(`finished exactly once: ${once.length}`)

await Promise.all(engines.map((engine) => engine.close()))
await client.close()
