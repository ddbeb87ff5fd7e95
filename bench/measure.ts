import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** One line of the table. */
export interface Row {
  readonly id: string
  readonly what: string
  readonly value: number
  readonly unit: string
  /** The value in relation to the bare loop of the same round, or to the limit that the goal names. */
  readonly ratio?: number
  readonly ratioTo?: string
  readonly goal?: string
  readonly reached?: boolean
  /** Further numbers, by name. */
  readonly more?: Readonly<Record<string, number>>
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}

/** Seconds that work took, and seconds of the processors that all threads of the program used. */
export interface Cost {
  readonly seconds: number
  readonly processor: number
}

export async function costOf(work: () => unknown): Promise<Cost> {
  const used = process.cpuUsage()
  const start = performance.now()
  await work()
  const took = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(used)
  return { seconds: took, processor: (user + system) / 1e6 }
}

/** Seconds that the work took. */
export async function seconds(work: () => unknown): Promise<number> {
  return (await costOf(work)).seconds
}

export interface Rate {
  readonly perSecond: number
  /** The same per second of processor time: other programs do not matter to it. */
  readonly perProcessorSecond: number
}

/** How often per second: the median of several runs of a second, after one that warms up. `work` does it `batch` times. */
export async function rateOf(runs: number, batch: number, work: () => unknown): Promise<Rate> {
  const rates: Rate[] = []
  for (let run = 0; run <= runs; run++) {
    collect()
    let done = 0
    const cost = await costOf(async () => {
      const start = performance.now()
      while (performance.now() - start < 1000) {
        await work()
        done += batch
      }
    })
    if (run > 0) rates.push({ perSecond: done / cost.seconds, perProcessorSecond: done / cost.processor })
  }
  return {
    perSecond: median(rates.map(({ perSecond }) => perSecond)),
    perProcessorSecond: median(rates.map(({ perProcessorSecond }) => perProcessorSecond)),
  }
}

/** Bytes of the heap and of buffers, after a collection. */
export function memoryInUse(): number {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

export function collect(): void {
  if (globalThis.gc === undefined) throw new Error('run node with --expose-gc (`npm start` does)')
  globalThis.gc()
}

// Beside this file, since the system's folder for temporary files may be in memory.
export const data = join(import.meta.dirname, '.data')
let files = 0

/** Gives the work a path of its own for a database, and takes away what it left there. */
export async function withFile<T>(work: (path: string) => Promise<T> | T): Promise<T> {
  mkdirSync(data, { recursive: true })
  const folder = join(data, `${process.pid}-${files++}`)
  mkdirSync(folder)
  try {
    return await work(join(folder, 'bench.sqlite'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}
