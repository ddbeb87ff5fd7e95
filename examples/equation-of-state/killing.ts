import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Client, type EventRecord } from 'damson'
import { LiveLine } from './live-line.ts'
import { crashesWithinSteps, type Kill } from './timeline.ts'

/** A kill that does not hit a step is followed by another, but not for ever. */
const mostKills = 10

/** The program `run.ts` on a store, in the same way as this program was started. */
export class Program {
  readonly #child: ChildProcess
  readonly ended: Promise<unknown>

  constructor(file: string, key: string, inputs: string) {
    const script = fileURLToPath(new URL('run.ts', import.meta.url))
    this.#child = spawn(process.execPath, [...process.execArgv, script, file, key, inputs], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    this.ended = once(this.#child, 'exit')
  }

  get osPid(): number {
    return this.#child.pid ?? 0
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** With SIGKILL: no handler runs, nothing is flushed. Resolves when it is gone, to whether the kill ended it. */
  async kill(): Promise<boolean> {
    this.#child.kill('SIGKILL')
    await this.ended
    return this.#child.signalCode === 'SIGKILL'
  }
}

/**
 * Runs programs on a store until its process has ended, and kills them at random moments until `wanted` kills have
 * hit the process in the middle of a step. How far it is, and what a kill hit, is read from the store.
 */
export async function runAndKill(
  client: Client,
  start: () => Program,
  options: {
    readonly wanted: number
    readonly pace: number
    readonly chance: () => number
    readonly live: LiveLine
  },
): Promise<{
  readonly pid: string
  readonly history: readonly EventRecord[]
  readonly kills: readonly Kill[]
}> {
  const { wanted, pace, chance, live } = options
  const kills: Kill[] = []
  let pid: string | undefined
  let crashes = 0
  let stepsSinceCrash = 0
  let status = ''
  let stir = (): void => {}

  // What another program writes to the file is told here.
  const stopWatching = client.store.watch((changes) => {
    for (const change of changes) {
      pid ??= change.pid
      if (change.name === 'running') stepsSinceCrash++
      if (change.name === 'crashed') {
        crashes++
        stepsSinceCrash = 0
      }
    }
    stir()
  })
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) {
      await new Promise<void>((resolve) => (stir = resolve))
      if (pid !== undefined) status = (await client.handle(pid).refresh()).message ?? ''
      live.show(status)
    }
  }
  const history = async (): Promise<readonly EventRecord[]> => (pid === undefined ? [] : client.history(pid))

  for (;;) {
    const program = start()
    program.ended.then(
      () => stir(),
      () => stir(),
    )
    // A crash is noticed by the program that comes next.
    await until(() => !program.running || crashes === kills.length)
    const enough = crashesWithinSteps(await history(), kills).length >= wanted || kills.length >= mostKills
    // Between two kills the process has to get further: one that crashes three times on the same spot is paused.
    const some = enough ? Number.POSITIVE_INFINITY : 2 + Math.floor(chance() * 4)
    await until(() => !program.running || stepsSinceCrash >= some)
    if (program.running) await delay(chance() * pace)
    if (!program.running) break
    const at = new Date()
    if (!(await program.kill())) break
    kills.push({ at, osPid: program.osPid })
    live.print(`✗ program ${program.osPid} killed with SIGKILL at ${status}; starting another`)
  }

  stopWatching()
  if (pid === undefined) throw new Error('the program ended without launching anything')
  return { pid, history: await history(), kills }
}

/** Numbers from 0 to 1, the same for the same seed: the generator mulberry32. */
export function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
