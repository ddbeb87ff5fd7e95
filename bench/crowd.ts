import { Engine, Process } from 'damson'
import { costOf, median, memoryInUse, withFile, type Row } from './measure.ts'
import { OneStep, runTogether } from './processes.ts'

/* Row n: very many processes that one program launches at once. */

const FEWEST = 1000
const FEW = 10_000
const MANY = 100_000
const SLOTS = 100
/** How much more a process among 100,000 may cost than one among 10,000. */
const LIMIT = 1.2
/** Bytes for each process whose handle is held. */
const MEMORY_LIMIT = 2_000

let letGo: () => void
let mayEnd: Promise<void>

/** Takes a slot, until it is let go. */
class Holding extends Process {
  override async run(): Promise<void> {
    await mayEnd
  }
}

export async function crowdRows(rounds: number): Promise<Row[]> {
  await processorTime(FEW)
  const times: { readonly fewest: number; readonly few: number; readonly many: number }[] = []
  for (let round = 0; round < rounds; round++)
    times.push({
      fewest: await processorTime(FEWEST),
      few: await processorTime(FEW),
      many: await processorTime(MANY),
    })
  const growth = median(times.map(({ few, many }) => many / few))
  const { held, awaited, ended } = await memory()
  const count = MANY.toLocaleString('en')
  return [
    {
      id: 'n',
      what: `${count} one-step processes launched at once: processor time for each`,
      value: median(times.map(({ many }) => many)),
      unit: 'µs',
      ratio: growth,
      ratioTo: `of one among ${FEW.toLocaleString('en')}`,
      goal: `≤ ${LIMIT}`,
      reached: growth <= LIMIT,
      more: {
        [`µs for one among ${FEW.toLocaleString('en')}`]: median(times.map(({ few }) => few)),
        [`µs for one among ${FEWEST.toLocaleString('en')}`]: median(times.map(({ fewest }) => fewest)),
      },
    },
    {
      id: 'n',
      what: `memory for each of ${count} launched processes whose handle is held`,
      value: held,
      unit: 'bytes',
      goal: `≤ ${MEMORY_LIMIT.toLocaleString('en')}`,
      reached: held <= MEMORY_LIMIT,
      more: { 'and whose result is awaited': awaited, 'and that has ended': ended },
    },
  ]
}

/** Microseconds of all threads for each process, from the first launch to the last result. */
function processorTime(count: number): Promise<number> {
  return withFile(async (path) => {
    const engine = await Engine.open({ store: path, processes: [OneStep] })
    const { processor } = await costOf(() => runTogether(engine, OneStep, count))
    await engine.close()
    return (processor * 1e6) / count
  })
}

/** Bytes for each process: while all wait for a slot, while their results are awaited, and after their end. */
function memory(): Promise<{ readonly held: number; readonly awaited: number; readonly ended: number }> {
  return withFile(async (path) => {
    mayEnd = new Promise((resolve) => (letGo = resolve))
    const engine = await Engine.open({ store: path, processes: [OneStep, Holding], concurrency: SLOTS })
    await Promise.all(Array.from({ length: SLOTS }, () => engine.launch(Holding)))
    const before = memoryInUse()
    const each = (): number => (memoryInUse() - before) / MANY
    const handles = await Promise.all(Array.from({ length: MANY }, (_, a) => engine.launch(OneStep, { a })))
    const held = each()
    const results = handles.map((handle) => handle.result())
    const awaited = each()
    letGo()
    for (let result = results.pop(); result !== undefined; result = results.pop()) await result
    const ended = each()
    if (handles.some(({ done }) => !done)) throw new Error('some have not ended')
    await engine.close()
    return { held, awaited, ended }
  })
}
