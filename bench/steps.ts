import { Engine } from 'damson'
import { bareFile, rowSizes, type RowSizes } from './bare.ts'
import { median, seconds, withFile, type Row } from './measure.ts'
import { Effects, ManySteps, Rounds } from './processes.ts'

/* Row l: what comes one after the other in one process, beside bare single commits and plain steps (row c) of the same round. */

const MANY = 1000

interface Round {
  readonly bare: number
  readonly steps: number
  readonly effects: number
  readonly rounds: number
}

export async function stepRows(rounds: number): Promise<Row[]> {
  const { sizes } = await steps()
  await round(sizes)
  const all: Round[] = []
  for (let i = 0; i < rounds; i++) all.push(await round(sizes))
  const of = (value: (round: Round) => number): number => median(all.map(value))
  return [
    {
      id: 'l',
      what: `${MANY} effects in a row in one step`,
      value: of(({ effects }) => effects),
      unit: 'effects/s',
      ratio: of(({ effects, bare }) => effects / bare),
      ratioTo: 'of bare single commits',
    },
    {
      id: 'l',
      what: `a work chain of ${MANY} rounds of a \`while_\``,
      value: of((round) => round.rounds),
      unit: 'steps/s',
      ratio: of((round) => round.rounds / round.steps),
      ratioTo: `of ${MANY} plain steps`,
      more: {
        'of bare single commits': of((round) => round.rounds / round.bare),
        'plain steps/s': of((round) => round.steps),
        'bare single commits/s': of(({ bare }) => bare),
      },
    },
  ]
}

async function round(sizes: RowSizes): Promise<Round> {
  return {
    bare: await bareFile(sizes, 1),
    steps: (await steps()).perSecond,
    effects: await inOne(Effects, (engine) => engine.execute(Effects, { effects: MANY })),
    rounds: await inOne(Rounds, (engine) => engine.execute(Rounds, { rounds: MANY })),
  }
}

function steps(): Promise<{ readonly perSecond: number; readonly sizes: RowSizes }> {
  return withFile(async (path) => {
    const perSecond = await inFile(path, ManySteps, (engine) => engine.execute(ManySteps, { steps: MANY }))
    return { perSecond, sizes: rowSizes(path) }
  })
}

function inOne(
  processClass: typeof Effects | typeof Rounds,
  run: (engine: Engine) => Promise<{ readonly count: number }>,
): Promise<number> {
  return withFile((path) => inFile(path, processClass, run))
}

async function inFile(
  path: string,
  processClass: typeof Effects | typeof Rounds | typeof ManySteps,
  run: (engine: Engine) => Promise<{ readonly count: number }>,
): Promise<number> {
  const engine = await Engine.open({ store: path, processes: [processClass] })
  const took = await seconds(async () => {
    const { count } = await run(engine)
    if (count !== MANY) throw new Error(`it did ${count} of ${MANY}`)
  })
  await engine.close()
  return MANY / took
}
