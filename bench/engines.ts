import type { ChildProcess } from 'node:child_process'
import { Client } from 'damson'
import { median, seconds, type Row } from './measure.ts'
import { told, withProgram } from './other-program.ts'
import type { Place } from './place.ts'
import { ThreeSteps } from './processes.ts'

/* Row s: engines of several programs share what one store holds. */

const PROCESSES = 16_000
const STEPS = 3
const PROGRAMS = [1, 2, 4] as const
/** Of the rate of one engine, for two. */
const LIMIT = 0.9

type Rates = Readonly<Record<(typeof PROGRAMS)[number], number>>

export async function engineRows(rounds: number, place: Place): Promise<Row[]> {
  const all: Rates[] = []
  for (let round = 0; round < rounds; round++)
    all.push({ 1: await rate(1, place), 2: await rate(2, place), 4: await rate(4, place) })
  return PROGRAMS.map((programs) => {
    const ratio = median(all.map((rates) => rates[programs] / rates[1]))
    return {
      id: 's',
      what: `${PROCESSES.toLocaleString('en')} × 3 steps that wait in the store, taken by ${programs} ${programs === 1 ? 'program' : 'programs'}`,
      value: median(all.map((rates) => rates[programs])),
      unit: 'steps/s',
      ...(programs > 1 && { ratio, ratioTo: 'of one program' }),
      ...(programs === 2 && { goal: `≥ ${LIMIT}`, reached: ratio >= LIMIT }),
    }
  })
}

/** Steps per second, from the order to open the engines, in programs that are loaded, to the last end. */
function rate(programs: number, place: Place): Promise<number> {
  return place.withStore((store) => started(programs, store, []))
}

async function started(missing: number, store: string, programs: readonly ChildProcess[]): Promise<number> {
  if (missing > 0)
    return withProgram('engine-program.ts', async (program) => {
      await told(program)
      return started(missing - 1, store, [...programs, program])
    })
  const client = await Client.open({ store, create: true, processes: [ThreeSteps] })
  const inputs = Array.from({ length: PROCESSES }, (_, a) => ({ a }))
  const group = await client.launchAll(ThreeSteps, inputs)
  await group.submitted()
  const took = await seconds(async () => {
    for (const program of programs) program.send(store)
    await group.wait()
  })
  const succeeded = group.successful()
  await client.close()
  if (!succeeded) throw new Error('a process did not succeed')
  return (PROCESSES * STEPS) / took
}
