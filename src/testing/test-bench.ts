/// <reference lib="esnext.disposable" preserve="true" />
import { Codec } from '../bundle/codec.ts'
import { Client } from '../client/client.ts'
import { Engine } from '../engine/engine.ts'
import type { EngineOptions } from '../engine/engine-options.ts'
import type { AnyProcessClass } from '../process/host/process-object.ts'
import type { LaunchOptions } from '../process/host/launch-options.ts'
import type { ProcessHandle, ResultOf } from '../process/host/process-handle.ts'
import type { Registrable } from '../process/step/self-consistent.ts'
import type { Duration } from '../shared/duration.ts'
import { ProcessLost, UnknownProcessClass } from '../shared/errors.ts'
import type { LaunchArgs } from '../process/host/references.ts'
import type { SelfTyped, SignalArgs, SignalName } from '../spec/typing.ts'
import { isReached, type CrashPoint } from './crash-point.ts'
import { ReopeningStore } from './reopening-store.ts'
import { SimulatedProgram } from './simulated-program.ts'
import { QuiescenceCheck } from './quiescence-check.ts'
import { SimulatedClock } from './simulated-clock.ts'
import { processSnapshot, type ProcessSnapshot } from './process-snapshot.ts'

/** Options of `TestBench.open`. */
export interface TestBenchOptions extends Omit<EngineOptions, 'store' | 'clock' | 'handleSignals'> {
  /** The path of an SQLite file. Default `':memory:'`. */
  readonly store?: string | undefined
  /** Default: a new one. */
  readonly clock?: SimulatedClock | undefined
}

/** Refuses classes that are typed by another class, as `Engine.open` does. */
type Classes<P extends readonly AnyProcessClass[]> = {
  readonly processes?: (P & Registrable<P>) | undefined
}

/**
 * Runs processes for tests, without real time: to their next wait, where the test can inspect them,
 * on from there, and through crashes.
 *
 * The test has a client, and the engine counts as another program. That program is killed and
 * started again, while the client and its handles stay usable. All of them use one simulated clock.
 */
export class TestBench {
  readonly clock: SimulatedClock
  readonly #store: ReopeningStore
  readonly #options: Omit<EngineOptions, 'store' | 'clock'>
  readonly #codec: Codec
  /** The last client knows the current classes. The handles of the others are still in use. */
  readonly #clients: Client[] = []
  /** Notify those who wait for a change in the store or a restart. */
  readonly #waiters = new Set<() => void>()
  #processes: readonly AnyProcessClass[]
  #running: { readonly program: SimulatedProgram; readonly engine: Engine } | undefined
  /** Where the program crashes next. */
  #crash: { readonly when: CrashPoint['when']; readonly isReached: ReturnType<typeof isReached> } | undefined
  #crashed = false
  /** The start of the current program. Programs start one after the other. */
  #starting: Promise<void> = Promise.resolve()
  #closing: Promise<void> | undefined

  /**
   * @throws PersistenceError if the file can't be opened
   * @throws SpecError for a class whose `define` is wrong, or two classes of the same name
   */
  static async open<const P extends readonly AnyProcessClass[]>(
    options: TestBenchOptions & Classes<P>,
  ): Promise<TestBench> {
    const { clock = new SimulatedClock() } = options
    const bench = new TestBench(await ReopeningStore.open(options.store ?? ':memory:', clock), clock, options)
    try {
      await bench.restart()
      return bench
    } catch (error) {
      await bench.close()
      throw error
    }
  }

  private constructor(store: ReopeningStore, clock: SimulatedClock, options: TestBenchOptions) {
    this.clock = clock
    this.#store = store
    this.#options = { ...options, handleSignals: false }
    this.#codec = new Codec(options.types)
    this.#processes = options.processes ?? []
    store.store.watch(() => this.#notify())
  }

  /**
   * The client of the test, for lists, histories, retries and everything else that has no method
   * here.
   */
  get client(): Client {
    return this.#clients.at(-1) as Client
  }

  /**
   * Launches a process, as a client does. The process is durable when this resolves, and the engine
   * runs it.
   */
  launch<C extends AnyProcessClass>(
    processClass: C & SelfTyped<C>,
    ...rest: [...LaunchArgs<C>, options?: LaunchOptions]
  ): Promise<ProcessHandle<ResultOf<C>, C>> {
    const { client } = this
    const launch = client.launch.bind(client) as (...given: readonly unknown[]) => Promise<unknown>
    return launch(processClass, ...rest) as Promise<ProcessHandle<ResultOf<C>, C>>
  }

  /** Sends a signal. It is stored when this resolves. */
  async signal<C, const Name extends SignalName<C>>(
    handle: ProcessHandle<unknown, C>,
    name: Name,
    ...payload: SignalArgs<C, Name>
  ): Promise<void> {
    await this.client.handle(handle.pid).signal(name, ...payload)
  }

  /**
   * Runs a process until it no longer progresses while the time stands still and no one sends it a
   * request. Returns its saved form: in a wait inside or outside a step, in a backoff, paused, or
   * ended. A process that waits for others runs as long as they do.
   *
   * @throws ProcessLost if there is no such process
   * @throws UnknownProcessClass if the engine does not have its class in its version
   */
  async untilWaiting<C>(handle: ProcessHandle<unknown, C>): Promise<ProcessSnapshot<C>> {
    const { pid } = handle
    const { store } = this.#store
    for (;;) {
      const happens = this.#next()
      const starting = this.#starting
      await starting
      await this.clock.quiet()
      const row = await store.read(pid)
      if (row === undefined) throw new ProcessLost(pid, `there is no process ${pid} on this bench`)
      const progress = await new QuiescenceCheck(store, this.clock.now()).of(row)
      if (progress === 'stuck') throw new UnknownProcessClass(await this.client.explain(pid))
      const [stored, pending] = await Promise.all([store.load(pid), store.pending(pid)])
      // If the program has crashed meanwhile, the process continues in the next one.
      if (this.#starting !== starting) continue
      if (progress === 'quiescent' && stored !== undefined)
        return processSnapshot(stored, pending, this.#codec)
      await happens
    }
  }

  /**
   * Moves the time to the next timer of a process, step or caller. Returns false if there is none.
   */
  async skip(): Promise<boolean> {
    await this.#starting
    return this.clock.skip()
  }

  /**
   * Advances the time by milliseconds, or by text such as `'3d'`. Everything due on the way happens
   * at its own time.
   */
  async advance(duration: Duration): Promise<void> {
    await this.#starting
    await this.clock.advance(duration)
  }

  /**
   * Makes the engine's program crash at one of its commits, counted from now, as if by `kill -9`,
   * and start again. Writes of the test itself, by `launch`, `signal` and the client, do not count.
   *
   * @throws RangeError for an invalid point
   */
  crashAt(point: CrashPoint): void {
    this.#crash = { when: point.when, isReached: isReached(point) }
    this.#crashed = false
  }

  /** Whether the point last given to `crashAt` has been reached. */
  get crashed(): boolean {
    return this.#crashed
  }

  /**
   * Kills the engine's program and starts a new one on the same store. Give other classes to
   * simulate a deployment. A step of the old program stops where it next needs its engine.
   *
   * @throws SpecError for a class whose `define` is wrong, or two classes of the same name
   */
  restart<const P extends readonly AnyProcessClass[]>(options: Classes<P> = {}): Promise<void> {
    const processes: readonly AnyProcessClass[] | undefined = options.processes
    this.#starting = this.#starting.catch(() => {}).then(() => this.#start(processes))
    // Both the caller and later calls of the bench get the error.
    this.#starting.catch(() => {}).finally(() => this.#notify())
    return this.#starting
  }

  /**
   * Stops the engine, which releases its claims, and closes the store. A second call returns the
   * same promise.
   */
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
      const { actors, loader, types, killGrace, logger } = this.#options
      const { store } = this.#store
      this.#clients.push(
        await Client.open({ store, clock: this.clock, processes, actors, loader, types, killGrace, logger }),
      )
    }
    this.#processes = processes
    const program = new SimulatedProgram(this.#store.current, this.clock, {
      at: (writes) => (this.#crash?.isReached(writes) === true ? this.#crash.when : undefined),
      crashed: () => this.#restartAfterCrash(),
    })
    const { store, clock } = program
    this.#running = { program, engine: await Engine.open({ ...this.#options, processes, store, clock }) }
  }

  async #kill(): Promise<void> {
    if (this.#running === undefined) return
    const { program, engine } = this.#running
    this.#running = undefined
    program.end()
    await this.#store.crash(engine.id)
  }

  #restartAfterCrash(): void {
    this.#crash = undefined
    this.#crashed = true
    // The next call of the bench reports a failure.
    this.restart().catch(() => {})
  }

  async #close(): Promise<void> {
    await this.#starting.catch(() => {})
    this.#crash = undefined
    await this.#running?.engine.close({ drain: 0 })
    for (const client of this.#clients) await client.close()
    await this.#store.close()
  }

  #next(): Promise<void> {
    return new Promise((resolve) => this.#waiters.add(resolve))
  }

  #notify(): void {
    for (const notify of this.#waiters) notify()
    this.#waiters.clear()
  }
}
