import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Client } from 'damson'
import { LiveLine } from './live-line.ts'
import { crashesWithinSteps, readStory, type Kill, type Story } from './timeline.ts'

/** A kill that does not hit a step is followed by another, but not for ever. */
const mostKills = 10

/** The program `run.ts` on a store, in the same way as this program was started. */
export class Program {
  readonly #child: ChildProcess
  readonly ended: Promise<unknown>

  constructor(store: string, key: string, inputs: string) {
    const script = fileURLToPath(new URL('run.ts', import.meta.url))
    this.#child = spawn(process.execPath, [...process.execArgv, script, store, key, inputs], {
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

/** Whom to kill, how often and when. */
type Killing = {
  /** How many kills have to hit a process in the middle of a step. */
  readonly wanted: number
  readonly pace: number
  readonly chance: () => number
  readonly live: LiveLine
}

/** What became of the process that was launched, and of those that it launched. */
type Outcome = { readonly pid: string; readonly story: Story; readonly kills: readonly Kill[] }

/**
 * Runs programs on a store until its process has ended, and kills them at random moments until enough kills have hit in the middle of a
 * step. How far it is, and what a kill hit, is read from the store.
 */
export async function runAndKill(client: Client, start: () => Program, killing: Killing): Promise<Outcome> {
  const { wanted, pace, chance, live } = killing
  const kills: Kill[] = []
  /** Those that run again after a crash, and have not got any further since. */
  const behind = new Set<string>()
  let pid: string | undefined
  let killedAt = 0
  let stepsSinceKill = 0
  let status = ''
  let stir = (): void => {}

  // What another program writes to the store is told here.
  const stopWatching = client.store.watch((changes) => {
    for (const change of changes) {
      pid ??= change.pid
      if (change.name === 'recovered') behind.add(change.pid)
      if (change.name !== 'running' && change.name !== 'finished') continue
      behind.delete(change.pid)
      if (change.at > killedAt) stepsSinceKill++
    }
    stir()
  })
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) {
      await new Promise<void>((resolve) => (stir = resolve))
      if (pid !== undefined) status = await progress(client, pid)
      live.show(status)
    }
  }
  const story = async (): Promise<Story> =>
    pid === undefined ? { rows: [], names: new Map() } : readStory(client, pid)

  for (;;) {
    const program = start()
    program.ended.then(
      () => stir(),
      () => stir(),
    )
    const hits = new Set(crashesWithinSteps(await story(), kills).map(({ kill }) => kill))
    const enough = hits.size >= wanted || kills.length >= mostKills
    // Between two kills those have to get further: a process that crashes three times on the same spot is paused.
    const some = enough ? Number.POSITIVE_INFINITY : 4 + Math.floor(chance() * 8)
    await until(() => !program.running || (stepsSinceKill >= some && behind.size === 0))
    if (program.running) await delay(chance() * pace)
    if (!program.running) break
    const at = new Date()
    if (!(await program.kill())) break
    kills.push({ at, osPid: program.osPid })
    killedAt = at.getTime()
    stepsSinceKill = 0
    live.print(`✗ program ${program.osPid} killed with SIGKILL (${status}); starting another`)
  }

  stopWatching()
  if (pid === undefined) throw new Error('the program ended without launching anything')
  return { pid, story: await story(), kills }
}

/** How many of the volumes are done, and where those are that are not. */
async function progress(client: Client, pid: string): Promise<string> {
  const { processes } = await client.list({ parent: pid, limit: 1000 })
  const done = processes.filter(({ state }) => state.terminal).length
  const under = processes.filter(({ engine, state }) => engine !== null && !state.terminal).toReversed()
  // The round and its step: what comes before that is the same for all.
  const places = under.map(({ label, step }) => `${label} ${step?.replace(/^.*(?=#)/, '')}`)
  return `${done} of ${processes.length} volumes${places.length === 0 ? '' : `; ${places.join(', ')}`}`
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
