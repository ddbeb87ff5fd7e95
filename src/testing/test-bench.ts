import { Codec } from '../bundle/codec.ts'
import { Client } from '../client/client.ts'
import { Engine, type EngineOptions } from '../engine/engine.ts'
import type { AnyProcessClass } from '../process/host/process-object.ts'
import type { LaunchOptions, ProcessHandle, ResultOf } from '../process/host/process-handle.ts'
import type { Duration } from '../shared/duration.ts'
import { ProcessLost, UnknownProcessClass } from '../shared/errors.ts'
import type { AllSelfTyped, LaunchArgs, SelfTyped, SignalArgs, SignalName } from '../spec/typing.ts'
import { isReached, type CrashPoint } from './crash-point.ts'
import { LastingStore } from './lasting-store.ts'
import { ProgramLife } from './program-life.ts'
import { Rest } from './rest.ts'
import { SimulatedClock } from './simulated-clock.ts'
import { standstill, type Standstill } from './standstill.ts'

export interface TestBenchOptions extends Omit<EngineOptions, 'store' | 'clock' | 'handleSignals'> {
  /** The path of an SQLite file. Default `':memory:'`. */
  readonly store?: string | undefined
  /** Default: a new one. */
  readonly clock?: SimulatedClock | undefined
}

/** A refusal of classes that are typed by others, as `Engine.open` has it. */
type Classes<P extends readonly AnyProcessClass[]> = {
  readonly processes?: (P & AllSelfTyped<P>) | undefined
}

/**
 * Runs processes for tests, without real time: to their next wait, where one can look at them, on from there, and through crashes.
 *
 * The test has a client, and the engine counts as another program: that is killed and started anew, while the client and its handles stay as
 * they are. All of it goes by one simulated clock.
 */
export class TestBench {
  readonly clock: SimulatedClock
  readonly #store: LastingStore
  readonly #options: Omit<EngineOptions, 'store' | 'clock'>
  readonly #codec: Codec
  /** The last one knows the present classes; handles of the others are still in use. */
  readonly #clients: Client[] = []
  /** Those who wait for anything to happen. */
  readonly #waiters = new Set<() => void>()
  #processes: readonly AnyProcessClass[]
  #program: { readonly life: ProgramLife; readonly engine: Engine } | undefined
  /** Where the program is to crash next. */
  #crash: { readonly when: CrashPoint['when']; readonly isReached: ReturnType<typeof isReached> } | undefined
  #crashed = false
  /** Programs are started one after the other. */
  #starting: Promise<void> = Promise.resolve()
  #closing: Promise<void> | undefined

  /**
   * @throws PersistenceError where the file can't be opened
   * @throws SpecError for a class whose `define` is wrong, or two classes of one name
   */
  static async open<const P extends readonly AnyProcessClass[]>(
    options: TestBenchOptions & Classes<P>,
  ): Promise<TestBench> {
    const { clock = new SimulatedClock() } = options
    const bench = new TestBench(await LastingStore.open(options.store ?? ':memory:', clock), clock, options)
    try {
      await bench.restart()
      return bench
    } catch (error) {
      await bench.close()
      throw error
    }
  }

  private constructor(store: LastingStore, clock: SimulatedClock, options: TestBenchOptions) {
    this.clock = clock
    this.#store = store
    this.#options = { ...options, handleSignals: false }
    this.#codec = new Codec(options.types)
    this.#processes = options.processes
    store.store.watch(() => this.#wake())
  }

  /** The test's own client: lists, handles, histories, retries, whatever there is no method for here. */
  get client(): Client {
    return this.#clients.at(-1) as Client
  }

  /** Launches a process, as a client does; it is durable when this resolves, and the engine runs it. */
  launch<C extends AnyProcessClass>(
    processClass: C & SelfTyped<C>,
    ...rest: [...LaunchArgs<C>, options?: LaunchOptions]
  ): Promise<ProcessHandle<ResultOf<C>, C>> {
    const { client } = this
    const launch = client.launch.bind(client) as (...given: readonly unknown[]) => Promise<unknown>
    return launch(processClass, ...rest) as Promise<ProcessHandle<ResultOf<C>, C>>
  }

  /** Sends a signal; it is stored when this resolves. */
  async signal<C, const Name extends SignalName<C>>(
    handle: ProcessHandle<unknown, C>,
    name: Name,
    ...payload: SignalArgs<C, Name>
  ): Promise<void> {
    await this.client.handle(handle.pid).signal(name, ...payload)
  }

  /**
   * Runs a process until nothing more comes of it while the time stands still and nobody asks anything of it, and shows it there: at a
   * wait, in a step or between two, backing off, paused, or ended. One that waits for others runs as long as they do.
   *
   * @throws ProcessLost where there is no such process
   * @throws UnknownProcessClass where the engine does not have its class in its version
   */
  async untilWaiting<C>(handle: ProcessHandle<unknown, C>): Promise<Standstill<C>> {
    const { pid } = handle
    const { store } = this.#store
    for (;;) {
      const happens = this.#next()
      const starting = this.#starting
      await starting
      await this.clock.quiet()
      const row = await store.read(pid)
      if (row === undefined) throw new ProcessLost(pid, `there is no process ${pid} on this bench`)
      const motion = await new Rest(store, this.clock.now()).of(row)
      if (motion === 'stuck') throw new UnknownProcessClass(await this.client.explain(pid))
      const [stored, pending] = await Promise.all([store.load(pid), store.pending(pid)])
      // What stands still in a program that has crashed meanwhile goes on in the next.
      if (this.#starting !== starting) continue
      if (motion === 'rests' && stored !== undefined) return standstill(stored, pending, this.#codec)
      await happens
    }
  }

  /** Moves the time to where the next process, step or caller waits for it. False where nobody does. */
  async skip(): Promise<boolean> {
    await this.#starting
    return this.clock.skip()
  }

  /** Moves the time on by milliseconds, or text such as `'3d'`. What falls due on the way is done at its own time. */
  async advance(duration: Duration): Promise<void> {
    await this.#starting
    await this.clock.advance(duration)
  }

  /**
   * Lets the engine's program crash at one of its commits, counted from here, as if by `kill -9`, and start anew. What the test itself writes, by
   * `launch`, `signal` and the client, does not count.
   *
   * @throws RangeError for a point that there is not
   */
  crashAt(point: CrashPoint): void {
    this.#crash = { when: point.when, isReached: isReached(point) }
    this.#crashed = false
  }

  /** Whether the point that `crashAt` was given last has been reached. */
  get crashed(): boolean {
    return this.#crashed
  }

  /**
   * Kills the engine's program, wherever it is, and starts a new one on the same store; with other classes it is a deploy. What a step of the old one
   * still does by itself goes no further than to where it next needs its engine.
   *
   * @throws SpecError for a class whose `define` is wrong, or two classes of one name
   */
  restart<const P extends readonly AnyProcessClass[]>(options: Classes<P> = {}): Promise<void> {
    const processes: readonly AnyProcessClass[] | undefined = options.processes
    this.#starting = this.#starting.catch(() => {}).then(() => this.#start(processes))
    // Told to whoever waits for it, and to whoever uses the bench after.
    this.#starting.catch(() => {}).finally(() => this.#wake())
    return this.#starting
  }

  /** Stops the engine, which gives back what it holds, and closes the store. A second call joins the first. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #start(processes: readonly AnyProcessClass[] = this.#processes): Promise<void> {
    await this.#kill()
    if (this.#clients.length === 0 || processes !== this.#processes) {
      const { loader, types, killGrace, logger } = this.#options
      const { store } = this.#store
      this.#clients.push(
        await Client.open({ store, clock: this.clock, processes, loader, types, killGrace, logger }),
      )
    }
    this.#processes = processes
    const life = new ProgramLife(this.#store.present, this.clock, {
      at: (writes) => (this.#crash?.isReached(writes) === true ? this.#crash.when : undefined),
      crashed: () => this.#restartAfterCrash(),
    })
    const { store, clock } = life
    this.#program = { life, engine: await Engine.open({ ...this.#options, processes, store, clock }) }
  }

  async #kill(): Promise<void> {
    if (this.#program === undefined) return
    const { life, engine } = this.#program
    this.#program = undefined
    life.end()
    await this.#store.crash(engine.id)
  }

  #restartAfterCrash(): void {
    this.#crash = undefined
    this.#crashed = true
    // Should it fail, that is told by the next use of the bench.
    this.restart().catch(() => {})
  }

  async #close(): Promise<void> {
    await this.#starting.catch(() => {})
    this.#crash = undefined
    await this.#program?.engine.close({ drain: 0 })
    for (const client of this.#clients) await client.close()
    await this.#store.close()
  }

  #next(): Promise<void> {
    return new Promise((resolve) => this.#waiters.add(resolve))
  }

  #wake(): void {
    for (const wake of this.#waiters) wake()
    this.#waiters.clear()
  }
}
