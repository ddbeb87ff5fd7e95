import { Engine } from 'damson'
import { SqliteStore } from 'damson/sqlite'
import { median, seconds, withFile, type Row } from './measure.ts'
import { OneStep, Parent, ParentChain } from './processes.ts'

/* Row k: many children of one parent. */

const SIZES = [100, 1000, 10_000] as const
type Size = (typeof SIZES)[number]
/** How much more a child among 10,000 may cost than one among 1,000. */
const LIMIT = 1.25

type ParentClass = typeof Parent | typeof ParentChain

export async function childrenRows(rounds: number): Promise<Row[]> {
  const rows: Row[] = []
  for (const [what, parentClass] of [
    ['launched by one step and joined', Parent],
    ['launched by a work chain, results appended to its context', ParentChain],
  ] as const) {
    await family(parentClass, 1000)
    const all: Record<Size, number>[] = []
    for (let round = 0; round < rounds; round++) {
      const perChild: Record<Size, number> = { 100: 0, 1000: 0, 10_000: 0 }
      for (const size of SIZES) perChild[size] = await family(parentClass, size)
      all.push(perChild)
    }
    for (const size of SIZES) {
      const growth = median(all.map((perChild) => perChild[size] / perChild[1000]))
      rows.push({
        id: 'k',
        what: `${size.toLocaleString('en')} children ${what}: time per child`,
        value: median(all.map((perChild) => perChild[size])),
        unit: 'µs',
        ...(size === 10_000 && {
          ratio: growth,
          ratioTo: 'of a child among 1,000',
          goal: `≤ ${LIMIT}`,
          reached: growth <= LIMIT,
        }),
        more: { 'statements per child': await statements(parentClass, size) },
      })
    }
  }
  return rows
}

/** Microseconds per child, from the launch of the parent to its result. */
function family(parentClass: ParentClass, children: number): Promise<number> {
  return withFile(async (path) => {
    const engine = await Engine.open({ store: path, processes: [OneStep, parentClass] })
    const took = await seconds(() => run(engine, parentClass, children))
    await engine.close()
    return (took * 1e6) / children
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
