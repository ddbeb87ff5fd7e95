import type {
  AnyProcessClass,
  Duration,
  Engine,
  LaunchOptions,
  ProcessHandle,
  ProcessRow,
} from '../../src/index.ts'
import { milliseconds } from '../../src/shared/duration.ts'
import type { SimulatedClock } from '../../src/testing/index.ts'
import { comesToRest } from '../postgres/patience.ts'

/**
 * Does what comes from outside in a scenario: launches, signals, lets time pass. What was done before a crash it does not do again.
 */
export class Driver {
  readonly engine: Engine
  readonly clock: SimulatedClock

  constructor(engine: Engine, clock: SimulatedClock) {
    this.engine = engine
    this.clock = clock
  }

  /** The process of this pid, launched if it is not there yet. */
  async launch(
    pid: string,
    processClass: AnyProcessClass,
    inputs: Readonly<Record<string, unknown>> = {},
    options: LaunchOptions = {},
  ): Promise<ProcessHandle> {
    const name = (processClass as unknown as { readonly processName: string }).processName
    return this.engine.launch(name, inputs, { ...options, pid })
  }

  /** Asks for something, unless the history of the process has the entry that this makes. */
  async once(handle: ProcessHandle, entry: string, ask: () => Promise<unknown>): Promise<void> {
    await this.times(handle, entry, 1, ask)
  }

  /** Asks for something, unless the history has that entry so many times. */
  async times(
    handle: ProcessHandle,
    entry: string,
    count: number,
    ask: () => Promise<unknown>,
  ): Promise<void> {
    if ((await this.#entries(handle.pid, entry)) < count) await ask()
  }

  async has(pid: string, entry: string): Promise<boolean> {
    return (await this.#entries(pid, entry)) > 0
  }

  async #entries(pid: string, entry: string): Promise<number> {
    return (await this.engine.history(pid)).filter(({ name }) => name === entry).length
  }

  /** What a process launched, in the order in which it did. */
  async children(pid: string): Promise<readonly ProcessHandle[]> {
    const { processes } = await this.engine.list({ parent: pid, limit: 1_000 })
    const inOrder = processes.toReversed()
    const rows = await Promise.all(inOrder.map((child) => this.engine.store.history(child.pid, { limit: 1 })))
    return rows
      .toSorted(([one], [other]) => (one?.commit ?? 0) - (other?.commit ?? 0))
      .map(([first]) => this.engine.handle(first?.pid ?? ''))
  }

  /** Goes on when the row of a process fits. Nothing but what happens by itself, at once, may bring that about. */
  async until(pid: string, fits: (row: ProcessRow) => boolean): Promise<ProcessRow> {
    const row = await this.#settled(pid)
    if (row === undefined) throw new Error(`there is no process ${pid}`)
    if (fits(row)) return row
    throw new Error(`${await this.engine.explain(pid)}\n${await this.#described(pid)}`)
  }

  /** It waits, whether by a command or within its step, or has ended. */
  async rests(pid: string): Promise<ProcessRow> {
    return this.until(
      pid,
      ({ state, paused, endedAt }) => state === 'waiting' || paused !== null || endedAt !== null,
    )
  }

  async ends(pid: string): Promise<ProcessRow> {
    return this.until(pid, ({ endedAt }) => endedAt !== null)
  }

  /** It is this long after the beginning now, if it was not already. */
  async passes(duration: Duration): Promise<void> {
    await this.clock.quiet()
    const left = BEGINNING + milliseconds(duration) - this.clock.now()
    if (left > 0) await this.clock.advance(left)
    await this.clock.quiet()
  }

  async #settled(pid: string): Promise<ProcessRow | undefined> {
    // What goes on and on for ever never comes to rest.
    if (!(await comesToRest(this.clock, MOST_TURNS)))
      throw new Error(`it does not come to rest:\n${await this.#described(pid)}`)
    return this.engine.store.read(pid)
  }

  async #described(pid: string): Promise<string> {
    const history = await this.engine.history(pid)
    return history
      .slice(0, 40)
      .map(({ name, data }) => `${name} ${JSON.stringify(data) ?? ''}`)
      .join('\n')
  }
}

/** Turns of the event loop: more than anything that comes to an end needs. */
const MOST_TURNS = 50_000

/** Where a simulated clock begins. */
const BEGINNING = Date.UTC(2026, 0, 1)
