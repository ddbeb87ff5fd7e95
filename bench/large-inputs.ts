import { readFileSync, statSync } from 'node:fs'
import { Engine } from 'damson'
import { median, seconds, withFile, type Row } from './measure.ts'
import { ManySteps } from './processes.ts'

/* Row i: what is large is written once. */

const MEBIBYTE = 2 ** 20

export async function largeInputRows(rounds: number): Promise<Row[]> {
  const runs = []
  for (let i = 0; i < rounds; i++) runs.push(await run())
  const what = '100 steps with 1 MiB of inputs'
  return [
    { id: 'i', what, value: 100 / median(runs.map(({ took }) => took)), unit: 'steps/s' },
    {
      id: 'i',
      what: `${what}: written in all`,
      value: median(runs.map(({ written }) => written)) / MEBIBYTE,
      unit: 'MiB',
      more: { 'MiB of database at the end': median(runs.map(({ size }) => size)) / MEBIBYTE },
    },
  ]
}

function run() {
  return withFile(async (path) => {
    const engine = await Engine.open({ store: path, processes: [ManySteps] })
    const before = bytesWritten()
    const took = await seconds(async () => {
      const handle = await engine.launch(ManySteps, { steps: 100, cargo: 'x'.repeat(MEBIBYTE) })
      await handle.result()
    })
    // With the log copied into the database.
    await engine.close()
    return { took, written: bytesWritten() - before, size: statSync(path).size }
  })
}

/** What this program has handed to the system to write, as Linux counts it. */
function bytesWritten(): number {
  const counted = /^wchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))
  return Number(counted?.[1])
}
