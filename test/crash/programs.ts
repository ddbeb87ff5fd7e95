import { setTimeout as later } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { Client } from '../../src/index.ts'
import type { EngineProgram } from '../programs/engine-program.ts'
import { startEngine, type Started } from '../programs/start.ts'

const started: Started[] = []

/** Starts an engine in a program of its own, within a command if one is given. */
export function start(task: EngineProgram, within?: readonly string[]): Started {
  const program = startEngine(task, within)
  started.push(program)
  return program
}

/**
 * Stops a program, and not in the middle of a commit to its file: it would hold the lock of the file, and nobody
 * else could write before it wakes.
 */
export async function freeze(program: Started, store: string): Promise<void> {
  for (;;) {
    program.kill('SIGSTOP')
    if (isWritable(store)) return
    program.kill('SIGCONT')
    await later(20)
  }
}

function isWritable(store: string): boolean {
  if (store.includes('://')) return true
  const file = new Database(store, { timeout: 500 })
  try {
    file.exec('BEGIN IMMEDIATE; ROLLBACK')
    return true
  } catch {
    return false
  } finally {
    file.close()
  }
}

/** Kills the programs that `start` has started. */
export async function killStarted(): Promise<void> {
  for (const program of started.splice(0)) {
    program.kill('SIGKILL')
    await program.ended
  }
}

/** Opens a client for the time of a call. */
export async function withClientOf<T>(store: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = await Client.open({ store, create: true })
  try {
    return await use(client)
  } finally {
    await client.close()
  }
}
