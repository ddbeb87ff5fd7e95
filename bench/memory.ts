import { Bundle } from 'damson'
import { rateOf, type Row } from './measure.ts'
import { OneStep } from './processes.ts'

/* Rows e and f: nothing is written. */

const BATCH = 500

export async function memoryRows(rounds: number): Promise<Row[]> {
  const executed = await rateOf(rounds, BATCH, async () => {
    for (let a = 0; a < BATCH; a++) await new OneStep({ a }).execute()
  })
  const process = new OneStep({ a: 1 })
  const bundled = await rateOf(rounds, BATCH, () => {
    for (let i = 0; i < BATCH; i++) Bundle.parse(Bundle.from(process).text).unbundle({ processes: [OneStep] })
  })
  return [
    {
      id: 'e',
      what: '`execute()` of a one-step process in memory',
      value: executed.perSecond,
      unit: 'processes/s',
      goal: '≥ 50,000',
      reached: executed.perSecond >= 50_000,
      more: { 'per second of processor time': executed.perProcessorSecond },
    },
    {
      id: 'f',
      what: 'bundle there and back: save, JSON text, parse, load',
      value: bundled.perSecond,
      unit: 'round trips/s',
      goal: '≥ 40,000',
      reached: bundled.perSecond >= 40_000,
      more: { 'per second of processor time': bundled.perProcessorSecond },
    },
  ]
}
