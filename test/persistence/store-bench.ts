import type { ProcessRow } from '../../src/persistence/contract/rows.ts'
import type { Store } from '../../src/persistence/contract/store.ts'
import type { Write } from '../../src/persistence/contract/writes.ts'
import { SimulatedClock } from '../../src/testing/index.ts'
import { commit, engine } from './fixtures.ts'

/** A back end under test. */
export interface OpenedStore {
  readonly store: Store
  /** Makes an engine that has joined look as if its program had been killed. */
  kill(engineId: string): Promise<void>
  dispose(): Promise<void>
}

/** What the tests of a suite work on: a new store for each, with engine A. */
export class Bench {
  clock = new SimulatedClock()
  readonly #open: (clock: SimulatedClock) => Promise<OpenedStore>
  #opened: OpenedStore | undefined

  constructor(open: (clock: SimulatedClock) => Promise<OpenedStore>) {
    this.#open = open
  }

  get store(): Store {
    return this.#current.store
  }

  async setUp(): Promise<void> {
    this.clock = new SimulatedClock()
    this.#opened = await this.#open(this.clock)
    await this.store.join(engine('A'))
  }

  dispose(): Promise<void> {
    return this.#current.dispose()
  }

  readonly kill = (engineId: string): Promise<void> => this.#current.kill(engineId)

  /** Kills an engine, and takes back what it held. */
  readonly crash = async (engineId: string): Promise<void> => {
    await this.kill(engineId)
    await this.store.recover()
  }

  readonly read = async (pid: string): Promise<ProcessRow> => {
    const row = await this.store.read(pid)
    if (row === undefined) throw new Error(`there is no ${pid}`)
    return row
  }

  readonly status = async (...writes: Write[]): Promise<string[]> =>
    (await commit(this.store, ...writes)).map((outcome) => outcome.status)

  get #current(): OpenedStore {
    if (this.#opened === undefined) throw new Error('no test runs')
    return this.#opened
  }
}
