import { Client, Engine } from 'damson'
import { costOf, median, memoryInUse, withFile, type Row } from './measure.ts'
import { OneStep } from './processes.ts'

/* Row p: groups of processes. */

const FEW = 10_000
const MANY = 100_000
/** Bytes for each process that is launched in a group, while no handle of it is held. */
const MEMORY_LIMIT = 200

/** `few` and `many` are the sizes of the groups. */
export async function groupRows(rounds: number, few = FEW, many = MANY): Promise<Row[]> {
  const rows: Row[] = []
  for (const count of [few, many]) {
    const times: Record<keyof typeof WAYS, number[]> = {
      byHand: [],
      results: [],
      completed: [],
      elsewhere: [],
    }
    for (let round = 0; round < rounds; round++)
      for (const way of Object.keys(WAYS) as (keyof typeof WAYS)[])
        times[way].push(await processorTime(count, WAYS[way]))
    const byHand = median(times.byHand)
    const of = (way: keyof typeof WAYS, what: string): Row => {
      const value = median(times[way])
      return {
        id: 'p',
        what: `a group of ${count.toLocaleString('en')} one-step processes: ${what}`,
        value,
        unit: 'µs',
        ratio: value / byHand,
        ratioTo: 'of Promise.all over launches and results',
      }
    }
    rows.push(
      of('results', 'launchAll, then result()'),
      of('completed', 'launchAll, then asCompleted()'),
      of('elsewhere', 'launchAll, and result() in another client that opens the group'),
    )
  }
  for (const [by, launcher] of [
    ['a client', (store) => Client.open({ store, create: true, processes: [OneStep] })],
    ['an engine', (store) => Engine.open({ store, processes: [OneStep] })],
  ] satisfies [string, (store: string) => Promise<Client>][]) {
    const bytes = await memory(many, launcher)
    rows.push({
      id: 'p',
      what: `memory for each of ${many.toLocaleString('en')} processes launched by launchAll of ${by}`,
      value: bytes,
      unit: 'bytes',
      goal: `≤ ${MEMORY_LIMIT}`,
      reached: bytes <= MEMORY_LIMIT,
    })
  }
  return rows
}

type Way = (engine: Engine, count: number, path: string) => Promise<void>

function* inputs(count: number): Generator<{ a: number }> {
  for (let a = 0; a < count; a++) yield { a }
}

const WAYS = {
  byHand: async (engine, count) => {
    const handles = await Promise.all(Array.from(inputs(count), (each) => engine.launch(OneStep, each)))
    await Promise.all(handles.map((handle) => handle.result()))
  },
  results: async (engine, count) => {
    await (await engine.launchAll(OneStep, inputs(count))).result()
  },
  completed: async (engine, count) => {
    let ended = 0
    for await (const _ of (await engine.launchAll(OneStep, inputs(count))).asCompleted()) ended++
    if (ended !== count) throw new Error(`${ended} of ${count} have ended`)
  },
  elsewhere: async (engine, count, path) => {
    const { name } = await engine.launchAll(OneStep, inputs(count))
    const client = await Client.open({ store: path })
    await (await client.openGroup({ name })).result()
    await client.close()
  },
} satisfies Readonly<Record<string, Way>>

/** Microseconds of all threads for each process. */
function processorTime(count: number, way: Way): Promise<number> {
  return withFile(async (path) => {
    const engine = await Engine.open({ store: path, processes: [OneStep] })
    const { processor } = await costOf(() => way(engine, count, path))
    await engine.close()
    return (processor * 1e6) / count
  })
}

/** Bytes for each launched process, as soon as the launch has resolved. */
function memory(count: number, launcher: (store: string) => Promise<Client>): Promise<number> {
  return withFile(async (path) => {
    const client = await launcher(path)
    await client.launchAll(OneStep, inputs(1_000))
    const before = memoryInUse()
    const group = await client.launchAll(OneStep, inputs(count))
    const bytes = (memoryInUse() - before) / count
    if (group.length !== count) throw new Error('some were not launched')
    await client.close()
    return bytes
  })
}
