import { setTimeout as sleep } from 'node:timers/promises'
import { Client, Engine, type Control } from 'damson'
import { v7 as newPid } from 'uuid'
import { withFile } from './measure.ts'
import { Approval, OneStep, Sleeper } from './processes.ts'

const MILLION = 1_000_000
const BATCH = 1000
const DAY = 24 * 60 * 60 * 1000
const YEARS = 3 * 365 * DAY
/** Timers that fall due soon: how many, when the first does after the store is filled, and each after the one before. */
const TIMERS = 60
const FIRST_TIMER = 6000
const NEXT_TIMER = 150
/** A time that is found again in what was stored. */
const MARK = 4_000_000_000_001

type Create = Extract<Parameters<Control['commit']>[0][number], { readonly kind: 'create' }>

export interface Million {
  /** Some of those that wait for a signal. */
  readonly waiting: string[]
  /** When the last timer has fired that falls due soon, in wall-clock milliseconds. */
  readonly lastTimer: number
}

/**
 * Fills an empty store with a million processes that wait, half of them for a signal, half for a time, and with a million that have ended.
 * The writes of the store make the rows at once, each as an engine has left one of its kind.
 */
export async function makeMillion(store: string, some: number): Promise<Million> {
  const approval = await template((engine) => engine.launch(Approval))
  const sleeper = await template((engine) => engine.launch(Sleeper, { until: MARK }))
  const ended = await template((engine) => engine.launch(OneStep, { a: 1 }))
  const client = await Client.open({ store, create: true })
  const waiting: string[] = []
  const approve = (): Create => ({ ...approval, pid: newPid(), createdAt: Date.now() })
  const wakeAt = (time: number): Create => sleeping(sleeper, time)
  const commit = async (creates: readonly Create[]): Promise<void> => {
    const outcomes = await client.store.commit(creates)
    if (outcomes.some(({ status }) => status !== 'done')) throw new Error('the store could not be filled')
  }
  const batches = MILLION / BATCH
  for (let batch = 1; batch <= batches; batch++) {
    const last = batch === batches ? TIMERS : 0
    const creates = Array.from({ length: BATCH - last }, (_, index) =>
      index % 2 === 0 ? approve() : wakeAt(Math.floor(Date.now() + DAY + Math.random() * YEARS)),
    )
    await commit(creates)
    await commit(Array.from({ length: BATCH }, () => ({ ...ended, pid: newPid(), createdAt: Date.now() })))
    while (waiting.length < (some * batch) / batches)
      waiting.push(creates[2 * (waiting.length % 100)]?.pid ?? '')
  }
  const first = Date.now() + FIRST_TIMER
  const times = Array.from({ length: TIMERS }, (_, index) => first + index * NEXT_TIMER)
  await commit(times.map(wakeAt))
  await client.close()
  return { waiting, lastTimer: times.at(-1) ?? first }
}

function sleeping(sleeper: Create, time: number): Create {
  const parts = Object.entries(sleeper.parts).map(([name, text]) => [
    name,
    text.replaceAll(String(MARK), String(time)),
  ])
  return {
    ...sleeper,
    pid: newPid(),
    createdAt: Date.now(),
    parts: Object.fromEntries(parts) as Create['parts'],
    ...(sleeper.wait != null && { wait: { ...sleeper.wait, until: time } }),
  }
}

/** What an engine stores of a process that waits or has ended, as a write that makes such a row at once. */
function template(launch: (engine: Engine) => Promise<{ readonly pid: string }>): Promise<Create> {
  return withFile(async (path) => {
    const engine = await Engine.open({ store: path, processes: [Approval, Sleeper, OneStep] })
    const { store } = engine
    const { pid } = await launch(engine)
    while (!['waiting', 'finished'].includes((await store.read(pid))?.state ?? '')) await sleep(1)
    const stored = await store.load(pid)
    const history = await store.history(pid)
    await engine.close()
    if (stored === undefined) throw new Error('it is not stored')
    const { className, version, seq, state, step, status, wait } = stored.row
    return {
      kind: 'create',
      pid,
      className,
      version,
      createdAt: 0,
      parent: null,
      parentFence: null,
      key: null,
      label: null,
      seq,
      state,
      step,
      status,
      parts: stored.bundle().parts,
      claim: null,
      history: history.map(({ name, data }) => ({ name, data })),
      ending:
        state === 'finished'
          ? { successful: true, exitCode: null, message: null, dropCheckpoint: true }
          : null,
      wait: wait == null ? null : { ...wait, on: [], any: false },
    }
  })
}
