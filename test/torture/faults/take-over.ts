import { setTimeout as later } from 'node:timers/promises'
import type { Log } from '../log.ts'
import { rowsIfAny } from '../reader.ts'
import type { Program } from './programs.ts'

/** How often the store is looked at, in milliseconds. */
const LOOK = 30
/** Another engine is waited for so long at most, in milliseconds. */
const PATIENCE = 6_000

interface Looked {
  readonly pid: string
  readonly owner: string | null
}

/** The longest step of an `Idle`, in milliseconds. */
const STEP = 2_000

/** What is asked of the command line. */
export type Ask = (action: 'pause' | 'play', pid: string) => Promise<unknown>

/** What an engine runs: a process that is in its step, or an actor that has calls. */
const HELD = {
  process: `state = 'running' AND class = 'Idle' AND owner IS NOT NULL`,
  actor: `calls > 0 AND owner IS NOT NULL AND ended_at IS NULL`,
} as const
export type Held = keyof typeof HELD

/** What else is done to the process while its engine is frozen. */
export interface Meanwhile {
  /** Pauses the process, and plays it after its engine was taken for dead: the crash no longer counts when another engine claims it. */
  readonly ask?: Ask
  /**
   * Holds the lock of the file until the promise resolves. The step ends meanwhile, and the engine is frozen while it waits to write that. It
   * then writes before it hears that it has lost the process, so that only the fence can refuse the write.
   */
  readonly lock?: (released: Promise<void>) => Promise<void>
}

/**
 * Freezes an engine until another one runs what it ran, and lets it go on in that very moment, with steps whose time is over: whatever it
 * writes then has to be refused.
 */
export async function freezeUntilTakenOver(
  engines: readonly Program[],
  store: string,
  log: Log,
  held: Held,
  { ask, lock }: Meanwhile,
): Promise<void> {
  let frozen: { readonly engine: Program; readonly pid: string } | undefined
  await until(async () => {
    for (const { pid, owner } of await look(store, HELD[held])) {
      const engine = engines.find(({ id }) => id === owner)
      const isAwake = engine?.over === false && !engine.frozen && !engine.stopping
      if (isAwake) frozen = { engine, pid }
    }
    return frozen !== undefined
  })
  if (frozen === undefined) return
  const { engine, pid } = frozen
  let release = (): void => {}
  const locked = lock?.(new Promise((resolve) => (release = resolve)))
  if (locked !== undefined) await later(STEP + 200)
  log.add({ what: 'fault', fault: 'freeze', phase: 'begin', program: engine.name })
  engine.signal('SIGSTOP')
  release()
  await locked
  const its = `pid = '${pid}' AND`
  const isAnswered = ask === undefined || (await inTime(ask('pause', pid)))
  if (ask !== undefined && isAnswered) {
    await until(async () => (await look(store, `${its} owner IS NULL`)).length > 0)
    await inTime(ask('play', pid))
  }
  if (isAnswered)
    await until(
      async () => (await look(store, `${its} owner IS NOT NULL AND owner <> '${engine.id}'`)).length > 0,
    )
  engine.signal('SIGCONT')
  log.add({ what: 'fault', fault: 'freeze', phase: 'end', program: engine.name })
}

/** An engine that is frozen within a commit holds the lock of the file, and then nobody is answered, and none can close, before it goes on. */
async function inTime(asked: Promise<unknown>): Promise<boolean> {
  return Promise.race([asked.then(() => true), later(PATIENCE).then(() => false)])
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + PATIENCE; performance.now() < end && !(await isSo());)
    await later(LOOK)
}

/** Whether an engine that is blocked runs a process whose kill another engine has to do. */
export async function hasDeadline(store: string): Promise<boolean> {
  const found = await look(store, `class = 'Blocker' AND owner IS NOT NULL AND kill_deadline IS NOT NULL`)
  return found.length > 0
}

function look(store: string, where: string): Promise<readonly Looked[]> {
  return rowsIfAny<Looked>(store, `SELECT pid, owner FROM process WHERE ${where}`)
}
