import { setTimeout as sleep } from 'node:timers/promises'
import { Engine } from 'damson'
import { median, memoryInUse, seconds, withFile, type Row } from './measure.ts'
import { OneStep, Waiting } from './processes.ts'

/* Rows g and h: what waits. */

const LIVE = 10_000
const STORED = 100_000

export async function waitingRows(rounds: number): Promise<Row[]> {
  return [await live(), ...(await stored(rounds))]
}

/** Held by whoever made them; an engine lets go of what waits. */
async function live(): Promise<Row> {
  const some: Waiting[] = []
  const fill = async (): Promise<void> => {
    for (let i = 0; i < LIVE; i++) {
      const process = new Waiting()
      await process.step()
      await process.step()
      some.push(process)
    }
  }
  await fill()
  const before = memoryInUse()
  await fill()
  const bytes = (memoryInUse() - before) / LIVE
  if (some.length !== 2 * LIVE || some.at(-1)?.state !== 'waiting') throw new Error('they do not wait')
  return { id: 'g', what: 'memory of a live waiting process', value: bytes, unit: 'bytes' }
}

/** The time until an engine is open, and until it has also run a new process. */
function stored(rounds: number): Promise<Row[]> {
  return withFile(async (path) => {
    const processes = [Waiting, OneStep]
    let engine = await Engine.open({ store: path, processes })
    const before = memoryInUse()
    for (let i = 0; i < STORED; i += 1000) {
      await Promise.all(Array.from({ length: 1000 }, () => engine.launch(Waiting)))
    }
    while ((await engine.store.count({ state: 'waiting' })).waiting < STORED) await sleep(10)
    const bytes = (memoryInUse() - before) / STORED
    await engine.close()
    const opened: number[] = []
    const ran: number[] = []
    for (let i = 0; i < rounds; i++) {
      const open = await seconds(async () => {
        engine = await Engine.open({ store: path, processes })
      })
      const run = await seconds(() => engine.execute(OneStep, { a: i }))
      opened.push(open * 1000)
      ran.push((open + run) * 1000)
      await engine.close()
    }
    const what = `opening a store with ${STORED.toLocaleString('en')} waiting processes`
    return [
      {
        id: 'g',
        what: 'memory that an engine keeps per process that waits in its store',
        value: bytes,
        unit: 'bytes',
      },
      { id: 'h', what, value: median(opened), unit: 'ms' },
      { id: 'h', what: `${what}, and running a new one`, value: median(ran), unit: 'ms' },
    ]
  })
}
