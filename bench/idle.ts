import { setTimeout as sleep } from 'node:timers/promises'
import { Engine, type ProcessHandle } from 'damson'
import { bareLoop, type RowSizes } from './bare.ts'
import { collect, costOf, median, quantile, withFile, type Row } from './measure.ts'
import { Approval, wakes } from './processes.ts'

/* Row o: an engine that has nothing to do, and one of many that is woken. */

const ASLEEP = 10_000
/** Milliseconds. */
const SETTLING = 20_000
const WATCHED = 10_000
const WOKEN = 200
/** Percent of a core. */
const IDLE_LIMIT = 0.5
/** Milliseconds. */
const WAKE_LIMIT = 5

export async function idleRows(rounds: number, sizes: RowSizes): Promise<Row[]> {
  const rows: Row[] = []
  const without = await share(rounds)
  for (const asleep of [0, ASLEEP]) rows.push(await idle(asleep, rounds, without))
  rows.push(await waking(sizes))
  return rows
}

/** `without` is what the program uses without an engine. */
function idle(asleep: number, rounds: number, without: number): Promise<Row> {
  return withSleepers(asleep, async () => {
    const used = Math.max(0, (await share(rounds)) - without)
    return {
      id: 'o',
      what: `an idle engine, ${asleep.toLocaleString('en')} processes asleep`,
      value: used,
      unit: '% of a core',
      goal: `≤ ${IDLE_LIMIT}`,
      reached: used <= IDLE_LIMIT,
      more: { 'the program without an engine': without },
    }
  })
}

/** What this program uses while it has nothing to do, in percent of a core. */
async function share(rounds: number): Promise<number> {
  // The collections that V8 makes after much work are over by then.
  collect()
  await sleep(SETTLING)
  const shares: number[] = []
  for (let round = 0; round < rounds; round++) {
    const { seconds, processor } = await costOf(() => sleep(WATCHED))
    shares.push((processor / seconds) * 100)
  }
  return median(shares)
}

/** From the call of `signal` until the step runs that it leads to: the commits of the signal, of the claim and of the step. */
async function waking(sizes: RowSizes): Promise<Row> {
  const commit = 1000 / (await bareLoop(sizes, 1))
  return withSleepers(ASLEEP, async (handles) => {
    const took: number[] = []
    for (let turn = 0; turn < WOKEN; turn++) {
      await sleep(10)
      const woken = new Promise<number>((resolve) => wakes.once('woken', () => resolve(performance.now())))
      const start = performance.now()
      await handles[turn * (ASLEEP / WOKEN)]?.signal('approval', 'yes')
      took.push((await woken) - start)
    }
    const typical = median(took)
    return {
      id: 'o',
      what: `waking one of ${ASLEEP.toLocaleString('en')}, from the signal to its step`,
      value: typical,
      unit: 'ms',
      ratio: typical / commit,
      ratioTo: 'bare single commits',
      goal: `≤ ${WAKE_LIMIT} ms`,
      reached: typical <= WAKE_LIMIT,
      more: { p99: quantile(took, 0.99) },
    }
  })
}

function withSleepers<T>(count: number, work: (handles: readonly ProcessHandle[]) => Promise<T>): Promise<T> {
  return withFile(async (path) => {
    const engine = await Engine.open({ store: path, processes: [Approval] })
    const handles = await Promise.all(Array.from({ length: count }, () => engine.launch(Approval)))
    while ((await engine.store.count({ state: 'waiting' })).waiting < count) await sleep(10)
    const result = await work(handles)
    await engine.close()
    return result
  })
}
