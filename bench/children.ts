import { Engine } from 'damson'
import { SqliteStore } from 'damson/sqlite'
import { collect, costOf, median, withFile, type Row } from './measure.ts'
import { OneStep, Parent, ParentChain } from './processes.ts'

/* Row k: many children of one parent. */

const SIZES = [100, 1000, 10_000] as const
type Size = (typeof SIZES)[number]
/** How much more a child among 10,000 may cost than one among 1,000. */
const LIMIT = 1.25

type ParentClass = typeof Parent | typeof ParentChain

/** Microseconds per child. */
interface Cost {
  readonly time: number
  /** Of processors, by all threads of the program. */
  readonly processor: number
}

export async function childrenRows(rounds: number): Promise<Row[]> {
  return [
    ...(await rowsOf('launched by one step and joined', Parent, rounds)),
    ...(await rowsOf('of a work chain, into its context', ParentChain, rounds)),
  ]
}

async function rowsOf(what: string, parentClass: ParentClass, rounds: number): Promise<Row[]> {
  await family(parentClass, 1000)
  const all: Record<Size, Cost>[] = []
  for (let round = 0; round < rounds; round++) {
    all.push({
      100: await family(parentClass, 100),
      1000: await family(parentClass, 1000),
      10_000: await family(parentClass, 10_000),
    })
  }
  const of = (value: (costs: Record<Size, Cost>) => number): number => median(all.map(value))
  // By processor time, so that others who use the disk do not matter.
  const growth = of((costs) => costs[10_000].processor / costs[1000].processor)
  const rows: Row[] = []
  for (const size of SIZES) {
    rows.push({
      id: 'k',
      what: `${size.toLocaleString('en')} children ${what}: per child`,
      value: of((costs) => costs[size].time),
      unit: 'µs',
      ...(size === 10_000 && {
        ratio: growth,
        ratioTo: 'of one among 1,000, by processor time',
        goal: `≤ ${LIMIT}`,
        reached: growth <= LIMIT,
      }),
      more: {
        'processor time': of((costs) => costs[size].processor),
        statements: await statements(parentClass, size),
      },
    })
  }
  return rows
}

/** From the launch of the parent to its result. */
function family(parentClass: ParentClass, children: number): Promise<Cost> {
  return withFile(async (path) => {
    const engine = await Engine.open({ store: path, processes: [OneStep, parentClass] })
    collect()
    const cost = await costOf(() => run(engine, parentClass, children))
    await engine.close()
    return { time: (cost.seconds * 1e6) / children, processor: (cost.processor * 1e6) / children }
  })
}

/** In a run of its own, since counting takes time. */
function statements(parentClass: ParentClass, children: number): Promise<number> {
  return withFile(async (path) => {
    let count = 0
    const store = await SqliteStore.open(path, { trace: () => count++ })
    const engine = await Engine.open({ store, processes: [OneStep, parentClass] })
    count = 0
    await run(engine, parentClass, children)
    const counted = count
    await engine.close()
    await store.close()
    return counted / children
  })
}

async function run(engine: Engine, parentClass: ParentClass, children: number): Promise<void> {
  const { sum } = await engine.execute(parentClass, { children })
  if (sum !== (children * (children + 1)) / 2) throw new Error(`the children came to ${sum}`)
}
