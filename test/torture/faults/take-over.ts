import { setTimeout as later } from 'node:timers/promises'
import Database from 'better-sqlite3'
import type { Log } from '../log.ts'
import type { Program } from './programs.ts'

/** How often the store is looked at, in milliseconds. */
const LOOK = 30
/** Another engine is waited for so long at most, in milliseconds. */
const PATIENCE = 6_000

interface Looked {
  readonly pid: string
}

/** What is asked of the command line. */
export type Ask = (action: 'pause' | 'play', pid: string) => Promise<unknown>

/**
 * Freezes an engine until another one runs what it ran, and lets it go on in that very moment, with steps whose time is over: whatever it
 * writes then has to be refused. With `ask`, one of the processes is paused meanwhile, and played after its engine was taken for dead: no
 * crash is counted against it any more when the other one claims it.
 */
export async function freezeUntilTakenOver(
  engine: Program,
  store: string,
  log: Log,
  ask: Ask | undefined,
): Promise<void> {
  const { id } = engine
  const computing =
    id === undefined ? [] : look(store, `owner = ? AND state = 'running' AND class = 'Idle'`, id)
  const first = computing[0]
  if (id === undefined || first === undefined) return
  log.add({ what: 'fault', fault: 'freeze', phase: 'begin', program: engine.name })
  engine.signal('SIGSTOP')
  if (ask !== undefined) {
    await ask('pause', first.pid)
    await until(() => look(store, 'pid = ? AND owner IS NULL', first.pid).length > 0)
    await ask('play', first.pid)
  }
  const watched = ask === undefined ? computing : [first]
  await until(() =>
    watched.some(
      ({ pid }) => look(store, `pid = ? AND owner IS NOT NULL AND owner <> '${id}'`, pid).length > 0,
    ),
  )
  engine.signal('SIGCONT')
  log.add({ what: 'fault', fault: 'freeze', phase: 'end', program: engine.name })
}

async function until(isSo: () => boolean): Promise<void> {
  for (const end = performance.now() + PATIENCE; performance.now() < end && !isSo();) await later(LOOK)
}

function look(path: string, where: string, value: string): Looked[] {
  try {
    const db = new Database(path, { readonly: true, timeout: 0 })
    try {
      return db.prepare<[string], Looked>(`SELECT pid FROM process WHERE ${where}`).all(value)
    } finally {
      db.close()
    }
  } catch {
    // It is locked or not there yet.
    return []
  }
}
