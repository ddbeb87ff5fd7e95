import { setTimeout as sleep } from 'node:timers/promises'
import { Engine, type ProcessHandle } from 'damson'
import { median, seconds, type Row } from './measure.ts'
import type { Place } from './place.ts'
import { Approval, Receiver } from './processes.ts'

/* Row m: signals from the program that runs the processes. */

const MANY = 1000

export async function signalRows(rounds: number, place: Place): Promise<Row[]> {
  return [
    await row('between two steps', rounds, place, (engine) => engine.launch(Approval)),
    await row('within a step', rounds, place, (engine) => engine.launch(Receiver)),
  ]
}

type Launch = (engine: Engine) => Promise<ProcessHandle<unknown, typeof Approval | typeof Receiver>>

async function row(where: string, rounds: number, place: Place, launch: Launch): Promise<Row> {
  await round(place, launch)
  const all = []
  for (let i = 0; i < rounds; i++) all.push(await round(place, launch))
  return {
    id: 'm',
    what: `${MANY} that wait for a signal ${where}: from their signals to the last result`,
    value: MANY / median(all.map(({ signalled }) => signalled)),
    unit: 'processes/s',
    more: { 'from their launch': MANY / median(all.map(({ launched, signalled }) => launched + signalled)) },
  }
}

/** Seconds from the first launch until all wait, and from then until all have ended. */
function round(
  place: Place,
  launch: Launch,
): Promise<{ readonly launched: number; readonly signalled: number }> {
  return place.withStore(async (store) => {
    const engine = await Engine.open({ store, processes: [Approval, Receiver] })
    const start = performance.now()
    const handles = await Promise.all(Array.from({ length: MANY }, () => launch(engine)))
    while ((await engine.store.count({ state: 'waiting' })).waiting < MANY) await sleep(1)
    const launched = (performance.now() - start) / 1000
    const signalled = await seconds(() =>
      Promise.all(
        handles.map(async (handle) => {
          await handle.signal('approval', 'yes')
          await handle.result()
        }),
      ),
    )
    await engine.close()
    return { launched, signalled }
  })
}
