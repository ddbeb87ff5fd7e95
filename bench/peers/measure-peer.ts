import { mkdirSync, rmSync } from 'node:fs'
import { median, quantile, type Cost } from '../measure.ts'
import { bareCommits } from './bare.ts'
import type { Place } from './engine.ts'
import type { Peer } from './peers.ts'
import type { Postgres } from '../postgres.ts'
import { Program } from './program.ts'

const TOGETHER = 1000
const STEPS = 3
const ROWS = 3
const IN_A_ROW = 100
/** Seconds after which a program is warm. */
const WARM = 5
const LAUNCHES = 300
const INTERRUPTED = 200

/** What one peer came to in one round. */
export interface Measured {
  /** Steps per second of 1000 × 3 steps launched together, in a program that has run three of them before. */
  readonly fresh: number
  /** The same for the third time in one program, or for the second one if the first took long. */
  readonly warm: number
  /** Microseconds of processors per step when warm, by the program and by the server of its database. */
  readonly processor: number | undefined
  /** Milliseconds from launch to result. */
  readonly p50: number
  readonly p99: number
  /** How many launches these were. */
  readonly launches: number
  /** Steps per second of 100 steps in a row. */
  readonly row: number
  /** Bare single commits per second in the same kind of store, measured before each of these rows. */
  readonly commits: number
  /** The row as a part of these commits. */
  readonly ofCommits: number
  /** Milliseconds from SIGKILL until the second step of 200 processes runs again. */
  readonly again: number | undefined
}

/** Measures a peer in folders below the given one. */
export async function measurePeer(
  peer: Peer,
  folder: string,
  postgres: Postgres | undefined,
): Promise<Measured> {
  const speed = await inPlace(peer, folder, postgres, (place) => measureSpeed(peer, place, postgres))
  if (peer.unmeasured !== undefined) return { ...speed, again: undefined }
  const again = await inPlace(peer, folder, postgres, (place) => measureCrash(peer, place))
  return { ...speed, again }
}

async function inPlace<T>(
  peer: Peer,
  folder: string,
  postgres: Postgres | undefined,
  work: (place: Place) => Promise<T>,
): Promise<T> {
  const database = peer.store === 'postgres' ? await postgres?.create() : undefined
  mkdirSync(folder, { recursive: true })
  try {
    return await work({ folder, database, concurrency: peer.concurrency, variant: peer.variant })
  } finally {
    rmSync(folder, { recursive: true })
    if (database !== undefined) await postgres?.drop(database)
  }
}

async function measureSpeed(
  peer: Peer,
  place: Place,
  postgres: Postgres | undefined,
): Promise<Omit<Measured, 'again'>> {
  const program = await Program.start(peer)
  try {
    await program.order('open', place)
    await program.order('check', null)
    const together = async (): Promise<Cost> => {
      const before = postgres?.processor()
      const cost = await program.order('together', { processes: TOGETHER })
      const after = postgres?.processor()
      const server = peer.store === 'sqlite' ? 0 : (after ?? Number.NaN) - (before ?? Number.NaN)
      return { ...cost, processor: cost.processor + server }
    }
    const fresh = await together()
    if (fresh.seconds < WARM) await together()
    const warm = await together()
    const launches = await program.order('latency', { launches: LAUNCHES, seconds: 5 })
    const rows: { readonly steps: number; readonly commits: number }[] = []
    for (let i = 0; i < ROWS; i++) {
      const commits = await bareCommits(peer.store, postgres)
      const { seconds } = await program.order('row', null)
      rows.push({ steps: IN_A_ROW / seconds, commits })
    }
    await program.order('close', null)
    const processor = (warm.processor * 1e6) / (TOGETHER * STEPS)
    return {
      fresh: (TOGETHER * STEPS) / fresh.seconds,
      warm: (TOGETHER * STEPS) / warm.seconds,
      processor: Number.isNaN(processor) ? undefined : processor,
      p50: median(launches),
      p99: quantile(launches, 0.99),
      launches: launches.length,
      row: median(rows.map(({ steps }) => steps)),
      commits: median(rows.map(({ commits }) => commits)),
      ofCommits: median(rows.map(({ steps, commits }) => steps / commits)),
    }
  } finally {
    await program.kill()
  }
}

/** The program that continues is loaded before the other one is killed, so that only the engines count. */
async function measureCrash(peer: Peer, given: Place): Promise<number> {
  const place = { ...given, concurrency: INTERRUPTED }
  const first = await Program.start(peer)
  try {
    const second = await Program.start(peer)
    try {
      await first.order('open', place)
      const gated = await first.order('interrupt', { processes: INTERRUPTED })
      const killed = await first.kill()
      await second.order('open', place)
      const again = await second.order('again', { processes: INTERRUPTED })
      await second.order('finish', { gated })
      await second.order('close', null)
      return again - killed
    } finally {
      await second.kill()
    }
  } finally {
    await first.kill()
  }
}
