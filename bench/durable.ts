import { Engine } from 'damson'
import { PER_COMMIT, rowSizes, type PerCommit, type RowSizes } from './bare.ts'
import { median, quantile, seconds, withFile, type Row } from './measure.ts'
import type { Place } from './place.ts'
import { ManySteps, OneStep, runTogether, ThreeSteps } from './processes.ts'

/* Rows a to d: durable, by an engine as it is opened by default, beside the bare loop in the same round. */

const TOGETHER = 1000
const IN_A_ROW = 100
const LAUNCHES = 300

interface Round {
  /** Processes per second. */
  readonly a: number
  /** Steps per second, of three per process. */
  readonly b: number
  /** Steps per second. */
  readonly c: number
  /** Milliseconds from the call of `launch` to the result. */
  readonly d: { readonly p50: number; readonly p99: number }
  /** Transitions per second of the bare loop, by rows a commit. */
  readonly bare: Readonly<Record<PerCommit, number>>
}

export async function durableRows(rounds: number, place: Place): Promise<{ rows: Row[]; sizes: RowSizes }> {
  const sizes = await durableSizes()
  await round(sizes, place)
  const all: Round[] = []
  for (let i = 0; i < rounds; i++) all.push(await round(sizes, place))
  return { rows: rowsOf(all), sizes }
}

/** What a transition of Damson writes, by the rows in a file. */
export async function durableSizes(): Promise<RowSizes> {
  return withFile(async (path) => {
    await together(ThreeSteps, path)
    return rowSizes(path)
  })
}

async function round(sizes: RowSizes, place: Place): Promise<Round> {
  const { withStore } = place
  const bare: Record<PerCommit, number> = { 1: 0, 10: 0, 100: 0, 1000: 0 }
  const a = await withStore((store) => together(OneStep, store))
  bare[1] = await place.bareLoop(sizes, 1)
  const d = await withStore(oneByOne)
  const c = await withStore(inARow)
  for (const perCommit of PER_COMMIT.slice(1)) bare[perCommit] = await place.bareLoop(sizes, perCommit)
  const b = (await withStore((store) => together(ThreeSteps, store))) * 3
  return { a, b, c, d, bare }
}

/** All are launched at once; the time ends with the last result. Processes per second. */
async function together(processClass: typeof OneStep | typeof ThreeSteps, store: string): Promise<number> {
  const engine = await Engine.open({ store, processes: [processClass] })
  const took = await seconds(() => runTogether(engine, processClass, TOGETHER))
  await engine.close()
  return TOGETHER / took
}

async function inARow(store: string): Promise<number> {
  const engine = await Engine.open({ store, processes: [ManySteps] })
  const took: number[] = []
  for (let i = 0; i < 10; i++) {
    const one = await seconds(async () => {
      const handle = await engine.launch(ManySteps, { steps: IN_A_ROW })
      await handle.result()
    })
    took.push(one)
  }
  await engine.close()
  return IN_A_ROW / median(took)
}

async function oneByOne(store: string): Promise<Round['d']> {
  const engine = await Engine.open({ store, processes: [OneStep] })
  const took: number[] = []
  for (let a = 0; a < LAUNCHES; a++) {
    const one = await seconds(async () => {
      const handle = await engine.launch(OneStep, { a })
      await handle.result()
    })
    took.push(one * 1000)
  }
  await engine.close()
  return { p50: median(took), p99: quantile(took, 0.99) }
}

function rowsOf(rounds: readonly Round[]): Row[] {
  const of = (value: (round: Round) => number): number => median(rounds.map(value))
  const best = ({ bare }: Round): number => Math.max(...Object.values(bare))
  const commit = ({ bare }: Round): number => 1000 / bare[1]
  // A process of n steps makes n + 1 transitions: one into each step, and one to its end.
  const b = of((round) => (round.b * 4) / 3 / best(round))
  const c = of((round) => (round.c * (IN_A_ROW + 1)) / IN_A_ROW / round.bare[1])
  const d = of((round) => round.d.p50 / commit(round))
  const tail = of((round) => round.d.p99 / round.d.p50)
  return [
    ...PER_COMMIT.map((n) => ({
      id: `bare ${n}`,
      what: `bare loop, ${n} a commit`,
      value: of(({ bare }) => bare[n]),
      unit: 'transitions/s',
    })),
    {
      id: 'a',
      what: `${TOGETHER} one-step processes launched together, durable`,
      value: of((round) => round.a),
      unit: 'processes/s',
      ratio: of((round) => (round.a * 2) / best(round)),
      ratioTo: 'of the bare best, by transitions',
    },
    {
      id: 'b',
      what: `${TOGETHER} × 3 steps, durable`,
      value: of((round) => round.b),
      unit: 'steps/s',
      ratio: b,
      ratioTo: 'of the bare best, by transitions',
      goal: '≥ 0.25',
      reached: b >= 0.25,
      more: { 'ratio by steps': of((round) => round.b / best(round)) },
    },
    {
      id: 'c',
      what: `${IN_A_ROW} steps in a row in one process, durable`,
      value: of((round) => round.c),
      unit: 'steps/s',
      ratio: c,
      ratioTo: 'of bare single commits, by transitions',
      goal: '≥ 0.8',
      reached: c >= 0.8,
      more: { 'ratio by steps': of((round) => round.c / round.bare[1]) },
    },
    {
      id: 'd',
      what: 'launch to result of a one-step process, p50',
      value: of((round) => round.d.p50),
      unit: 'ms',
      ratio: d,
      ratioTo: 'bare single commits',
      goal: '≤ 3',
      reached: d <= 3,
    },
    {
      id: 'd',
      what: 'launch to result of a one-step process, p99',
      value: of((round) => round.d.p99),
      unit: 'ms',
      ratio: tail,
      ratioTo: 'of the p50',
      goal: '≤ 3',
      reached: tail <= 3,
      more: { 'in bare single commits': of((round) => round.d.p99 / commit(round)) },
    },
  ]
}
