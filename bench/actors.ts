import { Engine } from 'damson'
import { costOf, median, withFile, type Row } from './measure.ts'
import { OneStep } from './processes.ts'

/* Row r: calls of actors. */

const CALLS = 10_000
const ACTORS = 100

class Adder {
  sum = 0
  add(number: number): number {
    return (this.sum += number)
  }
}

type Way = (engine: Engine, calls: number) => Promise<void>

const WAYS = {
  plain: async (engine, calls) => {
    const handles = await Promise.all(Array.from({ length: calls }, (_, a) => engine.launch(OneStep, { a })))
    await Promise.all(handles.map((handle) => handle.result()))
  },
  one: (engine, calls) => called(engine, calls, 1),
  many: (engine, calls) => called(engine, calls, ACTORS),
} satisfies Readonly<Record<string, Way>>

async function called(engine: Engine, calls: number, count: number): Promise<void> {
  const actors = await Promise.all(Array.from({ length: count }, () => engine.actor(Adder, [])))
  const handles = Array.from({ length: calls }, (_, index) => {
    const actor = actors[index % count]
    if (actor === undefined) throw new Error('there is no such actor')
    return actor.call.add(1)
  })
  await Promise.all(handles.map((handle) => handle.result()))
}

export async function actorRows(rounds: number, calls = CALLS): Promise<Row[]> {
  const rates: Record<keyof typeof WAYS, number[]> = { plain: [], one: [], many: [] }
  for (let round = 0; round < rounds; round++)
    for (const way of Object.keys(WAYS) as (keyof typeof WAYS)[])
      rates[way].push(await rate(calls, WAYS[way]))
  const plain = median(rates.plain)
  const of = (way: keyof typeof WAYS, what: string): Row => ({
    id: 'r',
    what: `${calls.toLocaleString('en')} durable calls of ${what}`,
    value: median(rates[way]),
    unit: 'calls/s',
    ratio: median(rates[way]) / plain,
    ratioTo: 'of as many one-step processes',
  })
  return [of('one', 'one actor'), of('many', `${ACTORS} actors`)]
}

/** Calls or processes per second, all queued at once, until the last result. */
function rate(calls: number, way: Way): Promise<number> {
  return withFile(async (path) => {
    const engine = await Engine.open({ store: path, processes: [OneStep], actors: [Adder] })
    const { seconds } = await costOf(() => way(engine, calls))
    await engine.close()
    return calls / seconds
  })
}
