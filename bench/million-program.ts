import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Engine } from 'damson'
import { collect } from './measure.ts'
import { Approval, OneStep, Sleeper, wakes, type Woken } from './processes.ts'

/*
 * A program that opens an engine on the store of row j and measures itself. It is sent an `Order`, and answers with `Measured`. From then on
 * it tells of each process that is woken, and, whenever it is sent anything, how much memory it takes, until it is let go.
 */

export interface Order {
  readonly store: string
  /** What is to be measured besides the opening. */
  readonly whole?: {
    /** When the last timer has fired that falls due soon, in wall-clock milliseconds. */
    readonly lastTimer: number
    /** Those to signal, one after the other. */
    readonly signals: readonly string[]
  }
}

/** Milliseconds and mebibytes. */
export interface Measured {
  readonly opened: number
  readonly before: number
  readonly settled: number
  /** Of each timer that fell due after the engine had settled. */
  readonly lateness: readonly number[]
  /** From the call of `signal` until the step has begun. */
  readonly signals: readonly number[]
  /** From the call of `launch` to the result, one after the other: claims meet all that wait. */
  readonly launches: readonly number[]
  /** Each of the newest hundred, and of the newest hundred that wait. */
  readonly lists: readonly number[]
}

/** How many launches and lists are timed. */
const LAUNCHES = 300
const LISTS = 50

/** Time enough for some of the engine's looks at its store, one each second. */
const SETTLING = 2500

const [{ store, whole }] = (await once(process, 'message')) as [Order]
const before = memory()
const start = performance.now()
const engine = await Engine.open({ store, processes: [Approval, Sleeper, OneStep] })
const opened = performance.now() - start
const measured = { opened, before, settled: 0, lateness: [], signals: [], launches: [], lists: [] }
if (whole === undefined) tell(measured)
else {
  const lateness = timers(whole.lastTimer)
  await sleep(SETTLING)
  const settled = memory()
  const late = await lateness
  const signals = await signalled(whole.signals)
  tell({ ...measured, settled, lateness: late, signals, launches: await launched(), lists: await listed() })
  wakes.on('woken', tell)
}
process.on('message', () => tell(memory()))
await once(process, 'disconnect')
await engine.close()

async function timers(last: number): Promise<number[]> {
  const late: number[] = []
  const begin = Date.now() + SETTLING
  const hear = ({ at, due = 0 }: Woken): void => {
    if (due > begin) late.push(at - due)
  }
  wakes.on('woken', hear)
  await sleep(Math.max(0, last - Date.now()) + SETTLING)
  wakes.off('woken', hear)
  return late
}

function signalled(pids: readonly string[]): Promise<number[]> {
  return timed(pids.length, async (at) => {
    const begun = once(wakes, 'woken')
    await engine.handle(pids[at] as string).signal('approval', 'yes')
    await begun
  })
}

function launched(): Promise<number[]> {
  return timed(LAUNCHES, async (a) => {
    const handle = await engine.launch(OneStep, { a })
    await handle.result()
  })
}

function listed(): Promise<number[]> {
  return timed(LISTS, (at) => engine.list(at % 2 === 0 ? { limit: 100 } : { state: 'waiting', limit: 100 }))
}

/** The milliseconds of each of so many, one after the other. */
async function timed(count: number, work: (at: number) => Promise<unknown>): Promise<number[]> {
  const took: number[] = []
  for (let at = 0; at < count; at++) {
    const begin = performance.now()
    await work(at)
    took.push(performance.now() - begin)
  }
  return took
}

/** Mebibytes that the system has given this program. */
function memory(): number {
  collect()
  return process.memoryUsage.rss() / 2 ** 20
}

function tell(what: Measured | Woken | number): void {
  process.send?.(what)
}
