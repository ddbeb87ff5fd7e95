import { setTimeout as sleep } from 'node:timers/promises'
import { Engine, type ProcessHandle } from 'damson'
import { bareLoop, type RowSizes } from './bare.ts'
import { median, quantile, withFile, type Row } from './measure.ts'
import { Approval, wakes } from './processes.ts'

/* Row o: an engine that has nothing to do, and one of many that is woken. */

const ASLEEP = 10_000
const WATCHED = 10_000
const WOKEN = 200
/** Percent of a core. */
const IDLE_LIMIT = 0.5
/** Milliseconds. */
const WAKE_LIMIT = 5

export async function idleRows(rounds: number, sizes: RowSizes): Promise<Row[]> {
  const rows: Row[] = []
  for (const asleep of [0, ASLEEP]) rows.push(await idle(asleep, rounds))
  rows.push(await waking(sizes))
  return rows
}

function idle(asleep: number, rounds: number): Promise<Row> {
  return withSleepers(asleep, async () => {
    await sleep(3_000)
    const shares: number[] = []
    for (let round = 0; round < rounds; round++) {
      const start = performance.now()
      const used = process.cpuUsage()
      await sleep(WATCHED)
      const { user, system } = process.cpuUsage(used)
      shares.push((user + system) / 10 / (performance.now() - start))
    }
    const share = median(shares)
    return {
      id: 'o',
      what: `an idle engine, ${asleep.toLocaleString('en')} processes asleep`,
      value: share,
      unit: '% of a core',
      goal: `≤ ${IDLE_LIMIT}`,
      reached: share <= IDLE_LIMIT,
    }
  })
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
