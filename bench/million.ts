import type { ChildProcess } from 'node:child_process'
import { Client } from 'damson'
import { median, quantile, seconds, type Row } from './measure.ts'
import { makeMillion, type Million } from './million-store.ts'
import type { Measured, Order } from './million-program.ts'
import { told, withProgram } from './other-program.ts'
import type { Place } from './place.ts'
import type { Woken } from './processes.ts'

/* Row j: a million processes wait. What is measured is a program of its own, `million-program.ts`. */

/** Signals, one after the other: from the program itself, and from this one. */
const SIGNALS = 300
const FROM_ANOTHER = 100

/** Milliseconds; mebibytes; milliseconds. */
const OPENED = 1000
const MEMORY = 150
const REACHED = 20

/** About what a transition of such a process writes, in bytes. */
const SIZES = { process: 300, history: 120 }

interface Whole extends Measured {
  /** Milliseconds of a bare single commit, at the same time. */
  readonly commit: number
  /** Mebibytes, when all was done. */
  readonly end: number
  readonly fromAnother: readonly number[]
}

export async function millionRows(rounds: number, place: Place): Promise<Row[]> {
  const alone = await place.withStore((store) =>
    inProgram({ store, whole: { lastTimer: 0, signals: [] } }, (program) => told<Measured>(program)),
  )
  return place.withStore(async (store) => {
    let million: Million = { waiting: [], lastTimer: 0 }
    const took = await seconds(async () => {
      million = await makeMillion(store, SIGNALS + FROM_ANOTHER)
    })
    console.error(`  two million processes were made in ${took.toFixed(0)} s`)
    const size = await place.size(store)
    const whole = await measureWhole(store, million, place)
    const opened = [whole.opened]
    for (let i = 1; i < rounds; i++) {
      const { opened: again } = await inProgram({ store }, (program) => told<Measured>(program))
      opened.push(again)
    }
    return rowsOf(whole, alone, opened, size)
  })
}

function rowsOf(whole: Whole, alone: Measured, opened: readonly number[], size: number): Row[] {
  const { before, settled, end } = whole
  return [
    {
      ...row('opening an engine', median(opened), 'ms', OPENED),
      more: { 'at most': Math.max(...opened), 'MiB of the store': size },
    },
    {
      ...row('memory of the program when it has settled', settled, 'MiB', MEMORY),
      more: { 'more than before it opened': settled - before, 'when all was done': end },
    },
    ...latency('from a signal to its step', whole.signals, whole.commit),
    ...latency('from a signal of another program to its step', whole.fromAnother, whole.commit),
    ...latency('how late a timer fires', whole.lateness, whole.commit),
    besideNone('from a launch to its result, p50', whole.launches, alone.launches),
    besideNone('a list of a hundred, p50', whole.lists, alone.lists),
  ]
}

function latency(what: string, values: readonly number[], commit: number): Row[] {
  const more = { 'at most': Math.max(...values), 'how many': values.length }
  const ofCommits = (value: number) => ({ ratio: value / commit, ratioTo: 'bare single commits' })
  const [p50, p99] = [quantile(values, 0.5), quantile(values, 0.99)]
  return [
    { ...row(`${what}, p50`, p50, 'ms', REACHED), ...ofCommits(p50) },
    { ...row(`${what}, p99`, p99, 'ms', REACHED), ...ofCommits(p99), more },
  ]
}

/** Beside the same in a store that had no other process. */
function besideNone(what: string, values: readonly number[], alone: readonly number[]): Row {
  const [value, ratio] = [median(values), median(values) / median(alone)]
  return {
    id: 'j',
    what: `a million wait, a million ended: ${what}`,
    value,
    unit: 'ms',
    ratio,
    ratioTo: 'of that in an empty store',
    more: { 'at most': Math.max(...values) },
  }
}

function row(what: string, value: number, unit: string, limit: number): Row {
  const goal = `< ${limit}`
  return { id: 'j', what: `a million wait: ${what}`, value, unit, goal, reached: value < limit }
}

function measureWhole(store: string, { waiting, lastTimer }: Million, place: Place): Promise<Whole> {
  const whole = { lastTimer, signals: waiting.slice(0, SIGNALS) }
  return inProgram({ store, whole }, async (program) => {
    const measured = await told<Measured>(program)
    const fromAnother: number[] = []
    const client = await Client.open({ store })
    for (const pid of waiting.slice(SIGNALS)) {
      const woken = told<Woken>(program)
      const start = Date.now()
      await client.handle(pid).signal('approval', 'yes')
      fromAnother.push((await woken).at - start)
    }
    await client.close()
    program.send('how much memory?')
    const end = await told<number>(program)
    return { ...measured, fromAnother, end, commit: 1000 / (await place.bareLoop(SIZES, 1)) }
  })
}

function inProgram<T>(order: Order, work: (program: ChildProcess) => Promise<T>): Promise<T> {
  return withProgram('million-program.ts', (program) => {
    program.send(order)
    return work(program)
  })
}
