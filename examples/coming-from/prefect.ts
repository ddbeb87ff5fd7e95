/** For users of Prefect: a flow that maps a task, waits for it, and submits tasks that need the results of others. */
import { each, Engine, Process, resolveHandles, type ProcessSpec } from 'damson'

const RAIN: Readonly<Record<string, number>> = { Bergen: 15, Oslo: 4, Vardø: 5 }

/** A task: a class with typed inputs, and a result. It is retried as its spec says. */
class Measure extends Process<typeof Measure> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('city', { schema: { type: 'string' } })
      .returns({ schema: { type: 'number' } })
      .retry({ attempts: 2, backoff: { initial: 1 } })
  }

  override run() {
    const rain = RAIN[this.inputs.city]
    if (rain === undefined) throw new Error(`there is no gauge in ${this.inputs.city}`)
    return rain
  }
}

class Sum extends Process<typeof Sum> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('numbers', { schema: { type: 'array', items: { type: 'number' } } })
      .returns({ schema: { type: 'number' } })
  }

  override run() {
    return this.inputs.numbers.reduce((sum, number) => sum + number, 0)
  }
}

class Publish extends Process<typeof Publish> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('rain', { schema: { type: 'number' } }).returns({ schema: { type: 'string' } })
  }

  override run() {
    return `${this.inputs.rain} mm of rain`
  }
}

/** A flow is a process too. While it waits for its tasks, it takes no slot. */
class Weather extends Process<typeof Weather> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('cities', { schema: { type: 'array', items: { type: 'string' } } })
      .returns({ schema: { type: 'string' } })
  }

  override async run() {
    // As `measure.map(cities)`. `each` marks what is mapped; no `unmapped` is needed for the rest.
    const measured = await this.map(Measure, { city: each(this.inputs.cities) })
    // As `sum.submit(futures)`: handles in the inputs are replaced by results, and the task starts when they are there.
    const sum = await this.launch(Sum, { numbers: measured.handles })
    const published = await this.launch(Publish, { rain: sum })
    return published.result()
  }
}

await using engine = await Engine.open({ store: 'weather.db', processes: [Measure, Sum, Publish, Weather] })
const flow = await engine.launch(Weather, { cities: ['Bergen', 'Oslo', 'Vardø'] })
console.log(await flow.result())

// Tasks need no flow around them. As `wait(futures)`, `future.state` and `future.result(raise_on_failure=False)`:
const futures = await engine.map(Measure, { city: each(['Oslo', 'Atlantis']) })
const { done, pending } = await futures.wait({ timeout: '1m' })
console.log(`${done.length} done, ${pending.length} not`)
for (const { state } of futures) console.log(state.label)
const [, failure] = await futures.result({ raiseOnFailure: false })
console.log(failure instanceof Error ? String(failure.cause) : failure)

// As `resolve_futures_to_results`:
console.log(await resolveHandles({ Oslo: futures.at(0), unit: 'mm' }))
