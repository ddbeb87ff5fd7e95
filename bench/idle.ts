import { setTimeout as sleep } from 'node:timers/promises'
import { Engine, type ProcessHandle } from 'damson'
import type { RowSizes } from './bare.ts'
import { collect, costOf, median, quantile, type Row } from './measure.ts'
import type { Place } from './place.ts'
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

export async function idleRows(rounds: number, sizes: RowSizes, place: Place): Promise<Row[]> {
  const rows: Row[] = []
  const without = await share(rounds, place)
  for (const asleep of [0, ASLEEP]) rows.push(await idle(asleep, rounds, place, without))
  rows.push(await waking(sizes, place))
  return rows
}

/** Percents of a core. */
interface Share {
  readonly program: number
  /** Undefined where no server of ours runs. */
  readonly server: number | undefined
}

/** `without` is what the program and the server use without an engine. */
function idle(asleep: number, rounds: number, place: Place, without: Share): Promise<Row> {
  return withSleepers(asleep, place, async () => {
    const { program, server } = await share(rounds, place)
    const used = Math.max(0, program - without.program)
    return {
      id: 'o',
      what: `an idle engine, ${asleep.toLocaleString('en')} processes asleep`,
      value: used,
      unit: '% of a core',
      goal: `≤ ${IDLE_LIMIT}`,
      reached: used <= IDLE_LIMIT,
      more: {
        'the program without an engine': without.program,
        ...(server !== undefined && { 'the server': server }),
        ...(without.server !== undefined && { 'the server without an engine': without.server }),
      },
    }
  })
}

/** What this program and the server use while there is nothing to do. */
async function share(rounds: number, place: Place): Promise<Share> {
  // The collections that V8 makes after much work are over by then.
  collect()
  await sleep(SETTLING)
  const [programs, servers]: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    const before = place.processor()
    const { seconds, processor } = await costOf(() => sleep(WATCHED))
    const after = place.processor()
    programs.push((processor / seconds) * 100)
    if (before !== undefined && after !== undefined) servers.push(((after - before) / seconds) * 100)
  }
  return { program: median(programs), server: servers.length > 0 ? median(servers) : undefined }
}

/** From the call of `signal` until the step runs that it leads to: the commits of the signal, of the claim and of the step. */
async function waking(sizes: RowSizes, place: Place): Promise<Row> {
  const commit = 1000 / (await place.bareLoop(sizes, 1))
  return withSleepers(ASLEEP, place, async (handles) => {
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

function withSleepers<T>(
  count: number,
  place: Place,
  work: (handles: readonly ProcessHandle[]) => Promise<T>,
): Promise<T> {
  return place.withStore(async (store) => {
    const engine = await Engine.open({ store, processes: [Approval] })
    const handles = await Promise.all(Array.from({ length: count }, () => engine.launch(Approval)))
    while ((await engine.store.count({ state: 'waiting' })).waiting < count) await sleep(10)
    const result = await work(handles)
    await engine.close()
    return result
  })
}
