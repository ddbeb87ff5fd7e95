import { Client, Engine, type AnyProcessClass, type ProcessHandle } from '../../src/index.ts'
import { comesToRest } from '../postgres/patience.ts'
import { JumpingClock } from './jumping-clock.ts'
import type { Open, Place } from './lives.ts'
import { Program } from './program.ts'
import { Random } from './random.ts'

/** Turns of the event loop: more than what comes to an end needs. */
const MOST_TURNS = 200_000
/** How many run at a time. */
const PROGRAMS = 2

/**
 * Engines that come and go while a test does what it likes, in random turns of the event loop: some are closed, some die. All of it is the same
 * for the same seed.
 */
export class Turmoil {
  readonly clock: JumpingClock
  readonly random: Random
  readonly #place: Place
  readonly #processes: readonly AnyProcessClass[]
  #client!: Client
  readonly #programs: { readonly program: Program; readonly engine: Engine }[] = []
  #asked: Promise<unknown>[] = []
  #restarts = 0

  static async begin(open: Open, processes: readonly AnyProcessClass[], seed: number): Promise<Turmoil> {
    const clock = new JumpingClock()
    const turmoil = new Turmoil(await open(clock), clock, processes, seed)
    await turmoil.#start()
    return turmoil
  }

  private constructor(
    place: Place,
    clock: JumpingClock,
    processes: readonly AnyProcessClass[],
    seed: number,
  ) {
    this.#place = place
    this.clock = clock
    this.#processes = processes
    this.random = new Random(seed)
  }

  get client(): Client {
    return this.#client
  }

  async launch(
    count: number,
    processClass: AnyProcessClass,
    inputsOf: (index: number) => Readonly<Record<string, unknown>>,
  ): Promise<string[]> {
    const name = (processClass as unknown as { readonly processName: string }).processName
    const handles = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        this.#client.launch(name, inputsOf(index), { pid: `${name} ${index}` }),
      ),
    )
    return handles.map(({ pid }) => pid)
  }

  /** Asks something of a process, and does not wait for the answer. */
  ask(pid: string, what: (handle: ProcessHandle) => Promise<unknown>): void {
    this.#asked.push(what(this.#client.handle(pid)))
  }

  /** Some turns of the event loop, or none. */
  async turns(most: number): Promise<void> {
    for (let left = this.random.below(most + 1); left > 0; left--)
      await new Promise((resolve) => setImmediate(resolve))
  }

  /** Ends the engines in the midst of what they do, or one of them, by a close or a crash, and starts others. */
  async restart(): Promise<void> {
    // What was asked for is stored: whoever asks knows that it was. Three crashes without a commit would be taken for a process's own fault (C11).
    if (++this.#restarts % 2 === 0) await this.rests()
    else await this.#answers()
    const how = this.random.below(3)
    if (how === 0) await this.#closeAll()
    else if (how === 1 && this.#place.kill !== undefined) await this.#killOne()
    else await this.#crashAll()
  }

  async #closeAll(): Promise<void> {
    for (const { engine } of this.#programs.splice(0)) await engine.close({ drain: 0 })
    await this.#client.close()
    await this.#start()
  }

  async #crashAll(): Promise<void> {
    for (const { program } of this.#programs.splice(0)) program.end()
    await this.#client.close()
    await this.#place.crash()
    await this.#start()
  }

  /** The other one takes over what it held, when it looks. */
  async #killOne(): Promise<void> {
    const [killed] = this.#programs.splice(this.random.below(PROGRAMS), 1)
    killed?.program.end()
    await this.#place.kill?.(killed?.engine.id ?? '')
    this.clock.jump(1_000)
    await this.#startPrograms()
  }

  /** Comes to rest, without any time that passes. */
  async rests(): Promise<void> {
    await this.#answers()
    if (!(await comesToRest(this.clock, MOST_TURNS))) throw new Error('it does not come to rest')
  }

  /** Why each of those that have not ended does not. */
  async stuck(): Promise<string[]> {
    const { processes } = await this.#client.list({ state: ['created', 'running', 'waiting'], limit: 10 })
    return Promise.all(processes.map(({ pid }) => this.#client.explain(pid)))
  }

  async end(): Promise<void> {
    for (const { program } of this.#programs) program.end()
    await this.#client.close()
    await this.#place.close()
  }

  async #answers(): Promise<void> {
    await Promise.all(this.#asked.splice(0))
  }

  async #start(): Promise<void> {
    const { clock } = this
    const { store } = this.#place
    this.#client = await Client.open({ store, create: true, clock, processes: this.#processes })
    await this.#startPrograms()
  }

  async #startPrograms(): Promise<void> {
    const { clock } = this
    const { store } = this.#place
    while (this.#programs.length < PROGRAMS) {
      const program = new Program(store, clock, undefined)
      const options = { store: program.store, clock: program.clock, processes: this.#processes }
      const engine = await Engine.open({ ...options, concurrency: 20, handleSignals: false })
      this.#programs.push({ program, engine })
    }
  }
}
