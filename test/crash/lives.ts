import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestOptions } from 'vitest'
import {
  Client,
  Engine,
  MemoryStore,
  type AnyProcessClass,
  type Clock,
  type EngineOptions,
  type Store,
} from '../../src/index.ts'
import type { PostgresStore } from '../../src/persistence/postgres/index.ts'
import { SqliteStore } from '../../src/persistence/sqlite/index.ts'
import { SimulatedClock } from '../../src/testing/index.ts'
import { OVER_POSTGRES, patientStore, RUNS_OVER_POSTGRES } from '../postgres/shared-store.ts'
import { Driver } from './driver.ts'
import { factsOf, type Facts } from './facts.ts'
import { outside } from './outside.ts'
import { Program, type Death } from './program.ts'

/*
 * One program after the other on the same store: each dies at a commit, as by `kill -9`, and the next goes on. What the dead one had begun
 * is never answered, and no timer calls it any more.
 */

/** In memory where the system has that: no power is cut here, and thousands of commits need not wait for a disk. */
const DISK = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** What happens between the first launch and the end. */
export interface Scenario {
  readonly processes: readonly AnyProcessClass[]
  readonly engine?: Partial<EngineOptions>
  /**
   * Begins everything, and does what comes from outside. Each program begins it anew, so it looks before it asks for anything
   * whether that was done; `Driver` helps.
   */
  drive(driver: Driver): Promise<void>
}

/** Where the processes live, whatever becomes of the programs. */
export interface Place {
  readonly store: Store
  /** All engines are dead from now on. */
  crash(): Promise<void>
  /** One engine is, where others may live on. */
  kill?(engine: string): void | Promise<void>
  close(): Promise<void>
}

export type Open = (clock: Clock) => Promise<Place>

const PLACES: readonly (readonly [name: string, options: TestOptions, open: Open])[] = [
  ['memory', {}, async (clock) => new Memory(clock)],
  ['SQLite', {}, async (clock) => File.create(clock)],
  ...(RUNS_OVER_POSTGRES
    ? [['Postgres', OVER_POSTGRES, async (clock: Clock) => Schema.create(clock)] as const]
    : []),
]

/** The same tests over each kind of store. */
export function overPlaces(what: string, tests: (name: string, open: Open) => void): void {
  for (const [name, options, open] of PLACES)
    describe(`${what} ${name}`, options, () => {
      tests(name, open)
    })
}

export interface Ended {
  readonly facts: Facts
  /** How many programs died on the way. */
  readonly deaths: number
}

/** More programs than any scenario needs. */
const MOST_DEATHS = 100

/** Lives through a scenario; `dies` says where the first program dies, the second, and so on. */
export async function live(
  scenario: Scenario,
  open: Open,
  dies: (life: number) => Death | undefined,
): Promise<Ended> {
  outside.clear()
  const clock = new SimulatedClock()
  const place = await open(clock)
  try {
    for (let deaths = 0; deaths < MOST_DEATHS; deaths++) {
      const facts = await oneLife(scenario, place.store, clock, dies(deaths + 1))
      if (facts !== undefined) return { facts, deaths }
      await clock.quiet()
      await place.crash()
      await explainAll(place.store, clock)
    }
    throw new Error(`it has not ended after ${MOST_DEATHS} crashes`)
  } finally {
    await place.close()
  }
}

/** What came of it; undefined where the program died. */
async function oneLife(
  { processes, engine: options, drive }: Scenario,
  store: Store,
  clock: SimulatedClock,
  death: Death | undefined,
): Promise<Facts | undefined> {
  const program = new Program(store, clock, death)
  const living = async (): Promise<Facts> => {
    const engine = await Engine.open({
      ...options,
      store: program.store,
      clock: program.clock,
      processes,
      handleSignals: false,
    })
    await drive(new Driver(engine, clock))
    await explainAll(store, clock)
    const facts = await factsOf(engine)
    await engine.close({ drain: 0 })
    return facts
  }
  try {
    return await Promise.race([living(), program.death.then(() => undefined)])
  } catch (error) {
    // What was found wrong may go on and on.
    program.end()
    throw error
  }
}

/** Whatever a process is doing when a program dies, it can be said why it does not move (USERS 18). */
async function explainAll(store: Store, clock: SimulatedClock): Promise<void> {
  const client = await Client.open({ store, clock })
  const { processes } = await client.list({ limit: 1_000 })
  for (const { pid } of processes) {
    const said = await client.explain(pid)
    if (said.trim() === '' || /undefined|null|NaN|Invalid/.test(said))
      throw new Error(`explain has no words for ${pid}: ${said}`)
  }
  await client.close()
}

class Memory implements Place {
  readonly store: MemoryStore

  constructor(clock: Clock) {
    this.store = new MemoryStore({ clock })
  }

  async crash(): Promise<void> {
    for (const { id } of await this.store.engines()) this.kill(id)
    this.store.forgetSessions()
  }

  kill(engine: string): void {
    this.store.forget(engine)
  }

  async close(): Promise<void> {
    await this.store.close()
  }
}

class File implements Place {
  readonly #folder: string
  readonly #clock: Clock
  store: SqliteStore

  static async create(clock: Clock): Promise<File> {
    const folder = await mkdtemp(join(DISK, 'damson-crash-'))
    return new File(folder, clock, await SqliteStore.open(join(folder, 'crash.db'), { clock }))
  }

  private constructor(folder: string, clock: Clock, store: SqliteStore) {
    this.#folder = folder
    this.#clock = clock
    this.store = store
  }

  /** Closed without its engines having left it, which frees their locks, as the system does when a program is killed. */
  async crash(): Promise<void> {
    await this.store.close()
    this.store = await SqliteStore.open(join(this.#folder, 'crash.db'), { clock: this.#clock })
  }

  async close(): Promise<void> {
    await this.store.close()
    await rm(this.#folder, { recursive: true })
  }
}

class Schema implements Place {
  readonly store: PostgresStore

  static async create(clock: Clock): Promise<Schema> {
    return new Schema(await patientStore(clock))
  }

  private constructor(store: PostgresStore) {
    this.store = store
  }

  async crash(): Promise<void> {
    for (const { id } of await this.store.engines()) await this.kill(id)
    await this.store.forgetSessions()
  }

  kill(engine: string): Promise<void> {
    return this.store.forget(engine)
  }

  close(): Promise<void> {
    return this.store.close()
  }
}
