import { Engine, Process, type ProcessHandle, type ProcessSpec } from 'damson'
import { costOf, median, withFile, type Row } from './measure.ts'
import { OneStep } from './processes.ts'

/* Row q: processes that take the results of others. */

const FAN_IN = 10_000
const CHAIN = 1_000

/** Adds up numbers. */
class Sum extends Process<typeof Sum> {
  static override define(spec: ProcessSpec) {
    return spec
      .input('numbers', { schema: { type: 'array', items: { type: 'number' } } })
      .returns({ schema: { type: 'number' } })
  }
  override run(): number {
    return this.inputs.numbers.reduce((sum, number) => sum + number, 0)
  }
}

type Way = (engine: Engine, count: number) => Promise<unknown>

/** The same work by references, and by a program that awaits each result and launches with the values. */
const WORK: Readonly<Record<string, { readonly byReference: Way; readonly byHand: Way }>> = {
  'all taken by one process': {
    byReference: async (engine, count) => {
      const handles = await launched(engine, count)
      const sum = await engine.launch(Sum, { numbers: handles.map(({ outputs }) => outputs.ref('sum')) })
      return sum.result()
    },
    byHand: async (engine, count) => {
      const handles = await launched(engine, count)
      const outputs = await Promise.all(handles.map((handle) => handle.outputs.all()))
      const sum = await engine.launch(Sum, { numbers: outputs.map((each) => each.sum) })
      return sum.result()
    },
  },
  'each taken by the next': {
    byReference: async (engine, count) => {
      let last: ProcessHandle<number> = await engine.launch(Sum, { numbers: [0] })
      for (let link = 1; link < count; link++) last = await engine.launch(Sum, { numbers: [last, 1] })
      return last.result()
    },
    byHand: async (engine, count) => {
      let last = await (await engine.launch(Sum, { numbers: [0] })).result()
      for (let link = 1; link < count; link++)
        last = await (await engine.launch(Sum, { numbers: [last, 1] })).result()
      return last
    },
  },
}

export async function referenceRows(rounds: number, fanIn = FAN_IN, chain = CHAIN): Promise<Row[]> {
  const rows: Row[] = []
  for (const [what, { byReference, byHand }] of Object.entries(WORK)) {
    const count = what.startsWith('all') ? fanIn : chain
    const times: { readonly byReference: number[]; readonly byHand: number[] } = {
      byReference: [],
      byHand: [],
    }
    for (let round = 0; round < rounds; round++) {
      times.byReference.push(await processorTime(count, byReference))
      times.byHand.push(await processorTime(count, byHand))
    }
    const value = median(times.byReference)
    rows.push({
      id: 'q',
      what: `the results of ${count.toLocaleString('en')} processes by reference: ${what}`,
      value,
      unit: 'µs',
      ratio: value / median(times.byHand),
      ratioTo: 'of awaiting each result and launching with the values',
    })
  }
  return rows
}

function launched(engine: Engine, count: number): Promise<ProcessHandle<unknown, typeof OneStep>[]> {
  return Promise.all(Array.from({ length: count }, (_, a) => engine.launch(OneStep, { a })))
}

/** Microseconds of all threads for each process. */
function processorTime(count: number, way: Way): Promise<number> {
  return withFile(async (path) => {
    const engine = await Engine.open({ store: path, processes: [OneStep, Sum] })
    const { processor } = await costOf(() => way(engine, count))
    await engine.close()
    return (processor * 1e6) / count
  })
}
