import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'damson'
import { bareLoop } from './bare.ts'
import { median, quantile, seconds, withFile, type Row } from './measure.ts'
import { makeMillion, type MillionFile } from './million-file.ts'
import type { Measured, Order } from './million-program.ts'
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

export function millionRows(rounds: number): Promise<Row[]> {
  return withFile(async (path) => {
    let file: MillionFile = { waiting: [], lastTimer: 0 }
    const took = await seconds(async () => {
      file = await makeMillion(path, SIGNALS + FROM_ANOTHER)
    })
    console.error(`  a million processes were made in ${took.toFixed(0)} s`)
    const size = statSync(path).size / 2 ** 20
    const whole = await measureWhole(path, file)
    const opened = [whole.opened]
    for (let i = 1; i < rounds; i++) {
      const { opened: again } = await inProgram<Measured>({ path }, (program) => told(program))
      opened.push(again)
    }
    return rowsOf(whole, opened, size)
  })
}

function rowsOf(whole: Whole, opened: readonly number[], size: number): Row[] {
  const { before, settled, end } = whole
  return [
    {
      ...row('opening an engine', median(opened), 'ms', OPENED),
      more: { 'at most': Math.max(...opened), 'MiB of the file': size },
    },
    {
      ...row('memory of the program when it has settled', settled, 'MiB', MEMORY),
      more: { 'more than before it opened': settled - before, 'when all was done': end },
    },
    ...latency('from a signal to its step', whole.signals, whole.commit),
    ...latency('from a signal of another program to its step', whole.fromAnother, whole.commit),
    ...latency('how late a timer fires', whole.lateness, whole.commit),
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

function row(what: string, value: number, unit: string, limit: number): Row {
  const goal = `< ${limit}`
  return { id: 'j', what: `a million wait: ${what}`, value, unit, goal, reached: value < limit }
}

function measureWhole(path: string, { waiting, lastTimer }: MillionFile): Promise<Whole> {
  const whole = { lastTimer, signals: waiting.slice(0, SIGNALS) }
  return inProgram({ path, whole }, async (program) => {
    const measured = await told<Measured>(program)
    const fromAnother: number[] = []
    const client = await Client.open({ store: path })
    for (const pid of waiting.slice(SIGNALS)) {
      const woken = told<Woken>(program)
      const start = Date.now()
      await client.handle(pid).signal('approval', 'yes')
      fromAnother.push((await woken).at - start)
    }
    await client.close()
    program.send('how much memory?')
    const end = await told<number>(program)
    return { ...measured, fromAnother, end, commit: 1000 / (await bareLoop(SIZES, 1)) }
  })
}

/** A new program that is given this order, until the work is done. */
async function inProgram<T>(order: Order, work: (program: ChildProcess) => Promise<T>): Promise<T> {
  const program = fork(join(import.meta.dirname, 'million-program.ts'))
  const exit = once(program, 'exit')
  try {
    program.send(order)
    return await work(program)
  } finally {
    if (program.connected) program.disconnect()
    await exit
  }
}

/** The next message of the program. */
async function told<T>(program: ChildProcess): Promise<T> {
  const ended = new AbortController()
  const onExit = (): void => ended.abort(new Error('the program has ended before it was told to'))
  program.once('exit', onExit)
  try {
    const [message] = (await once(program, 'message', { signal: ended.signal })) as [T]
    return message
  } finally {
    program.off('exit', onExit)
  }
}
