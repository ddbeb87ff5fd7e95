import { alarm } from '../../shared/clock.ts'
import { milliseconds, type Duration } from '../../shared/duration.ts'
import { checkOptions, isFlag } from '../../shared/options.ts'
import { awaitsOf, shaped, type Awaited } from '../state/awaits.ts'
import type { ProcessHandle } from '../host/process-handle.ts'
import type { StepWait, WaitConditions } from '../state/transition.ts'
import type { Cancellation } from './cancellation.ts'
import type { PlayGate } from './play-gate.ts'
import { isOver, type RunState } from './run-state.ts'
import type { StepJournal, Use } from './step-journal.ts'
import { firstOf, timeAfter, waitFor, waitsForText } from './wait-conditions.ts'
import { setImmediate } from '../../shared/timers.ts'

/** Options of waits within a step. */
export interface EvictOptions {
  /**
   * Whether the process leaves memory while it waits. The promise then never settles, no `finally`
   * runs, and the step runs again from its start, as after a crash. The process stays in memory as
   * long as the step does something else by name: an effect, or a wait without this option. Default
   * false. Without a store this has no effect.
   */
  readonly evict?: boolean | undefined
}

/** Options of `join`. */
export interface JoinOptions extends EvictOptions {
  /**
   * Whether `join` resolves to the outputs of the processes, as `handle.outputs.all()` does, and not
   * to what their last steps returned. A process that finished without success then counts as
   * failed. Default false.
   */
  readonly outputs?: boolean | undefined
}

/** Hears of the waits of a step. */
export interface WaitObserver {
  /** The step begins to wait: a pause that was asked for while it did something may take effect. */
  stepWaits(): void
}

/** A wait that is pending. */
interface Waiting {
  readonly stop: (reason: Error | undefined) => void
  /** What the wait is for, if the process may leave memory for it. */
  readonly evicts: WaitConditions | undefined
  readonly message: string
}

/**
 * The waits in the flow of a step. While a step only waits, it takes no slot and its process shows
 * as waiting. A pause takes effect there, and holds the step up until the process is played. The
 * step's record keeps what ended a wait, so that a step that runs again continues at once (C8).
 */
export class Suspension {
  readonly #run: RunState
  readonly #journal: StepJournal
  readonly #cancellation: Cancellation
  readonly #gate: PlayGate
  readonly #observer: WaitObserver
  readonly #pending = new Set<Waiting>()
  /** Whether the process is leaving memory. Pending waits then never settle. */
  #leaving = false
  /** Whether the end of this turn checks if the process may leave memory. */
  #asked = false

  constructor(
    run: RunState,
    journal: StepJournal,
    cancellation: Cancellation,
    gate: PlayGate,
    observer: WaitObserver,
  ) {
    this.#run = run
    this.#journal = journal
    this.#cancellation = cancellation
    this.#gate = gate
    this.#observer = observer
  }

  /** Whether the step waits. */
  get any(): boolean {
    return this.#pending.size > 0
  }

  async sleep({ entry, name }: Use, duration: Duration, options: EvictOptions): Promise<void> {
    checkOptions(options, { evict: isFlag }, 'sleep')
    const { evict } = options
    const journal = this.#journal
    const { clock } = this.#run.host
    const length = milliseconds(duration)
    if (timeAfter(clock.now(), length) === undefined)
      throw new RangeError(`sleep (${name}) was given ${duration}: it would never end`)
    let until = journal.get(entry)?.['until'] as number | undefined
    if (until === undefined) {
      until = clock.now() + length
      const history = { name: 'sleeping', data: { name, until } } as const
      await journal.add(entry, { until }, { history })
    }
    const end = until
    if (clock.now() < end) {
      const wait = waitFor({ until: end }, `sleeps (${name}) until ${new Date(end).toISOString()}`)
      await this.wait(wait, (resolve) => alarm(clock, end, resolve), evict)
    }
    await this.goOn()
  }

  /**
   * The results of processes, or their outputs, in the shape of the handles. @throws ProcessError of
   * the first that failed
   */
  async join({ name }: Use, on: Awaited, options: JoinOptions): Promise<unknown> {
    checkOptions(options, { evict: isFlag, outputs: isFlag }, 'join')
    const { evict, outputs = false } = options
    const awaits = awaitsOf(on, false)
    const { pids } = awaits
    const handles = (awaits.as === 'one' ? [on] : Object.values(on)) as ProcessHandle[]
    const wait = waitFor({ on: pids }, `${waitsForText(pids, this.#run.pid)} (${name})`)
    if (evict === true) await this.#outside(wait, handles)
    const values = await this.around(wait, () =>
      Promise.all(handles.map((handle) => (outputs ? handle.outputs.all() : handle.result()))),
    )
    return shaped(awaits, values)
  }

  /**
   * Waits for processes as one wait, until all have ended or one has failed. The process may leave
   * memory for it.
   */
  async #outside(wait: StepWait, handles: readonly ProcessHandle[]): Promise<void> {
    const { host, hosted } = this.#run
    // A new handle knows nothing yet, so the host is asked whether the processes have ended.
    if (!(await host.outcomes(hosted, wait.for.on)).includes(undefined)) return
    const arm = (resolve: () => void): (() => void) => {
      let left = handles.length
      const stops = handles.map((handle) =>
        handle.onDone(() => {
          if (--left === 0 || handle.exception() !== null) resolve()
        }),
      )
      return () => stops.forEach((stop) => stop())
    }
    await this.wait(wait, arm, true)
  }

  /** Waits for the result of `work`, as a wait of the step. */
  async around<T>(wait: StepWait, work: () => Promise<T>): Promise<T> {
    const came = work()
    // The result may be a rejection that no one waits for any more.
    came.catch(() => {})
    let result: PromiseSettledResult<T> | undefined
    const arm = (resolve: () => void): (() => void) => {
      came.then(
        (value) => {
          result = { status: 'fulfilled', value }
          resolve()
        },
        (reason: unknown) => {
          result = { status: 'rejected', reason }
          resolve()
        },
      )
      return () => {}
    }
    await this.wait(wait, arm)
    await this.goOn()
    if (result?.status === 'fulfilled') return result.value
    throw result?.reason
  }

  /**
   * Rejects all waits with this error. Without an error the step has ended, and its waits never
   * settle.
   */
  stop(reason?: Error): void {
    for (const waiting of Array.from(this.#pending)) waiting.stop(this.#leaving ? undefined : reason)
    this.#pending.clear()
  }

  // ---------- waiting ----------

  /**
   * Waits until `arm` calls back. `arm` returns a function that disarms it. Rejects when the waits
   * of the step are stopped.
   */
  async wait(wait: StepWait, arm: (resolve: () => void) => () => void, evict = false): Promise<void> {
    const { host, hosted } = this.#run
    this.#cancellation.throwIfAborted()
    const goOn = host.suspend(hosted, wait)
    let disarm: (() => void) | undefined
    try {
      await new Promise<void>((resolve, reject) => {
        const waiting: Waiting = {
          evicts: evict && host.durable ? wait.for : undefined,
          message: wait.message,
          stop: (reason) => {
            this.#pending.delete(waiting)
            disarm?.()
            goOn()
            if (reason !== undefined) reject(reason)
          },
        }
        this.#pending.add(waiting)
        this.#observer.stepWaits()
        this.leaveSoon()
        disarm = arm(() => {
          if (this.#leaving || !this.#pending.delete(waiting)) return
          disarm?.()
          goOn()
          resolve()
        })
      })
    } finally {
      disarm?.()
    }
  }

  /**
   * Resolves once the process is not paused. Until then the step does not continue, even if its
   * wait is over.
   */
  gate(): Promise<void> {
    return this.#gate.pass(this.#cancellation)
  }

  /**
   * Resolves once the step may continue: the process is not paused, and shows as running again
   * after a wait (C7).
   */
  async goOn(does = false): Promise<void> {
    const { host, hosted } = this.#run
    for (;;) {
      await this.gate()
      const going = host.goOn?.(hosted, does)
      if (going === undefined) return
      await this.#journal.during(going)
      this.#cancellation.throwIfAborted()
    }
  }

  /**
   * Leaves memory at the end of the turn, if the step then does nothing but wait with `evict`.
   * Other operations of the step are finished first.
   */
  leaveSoon(): void {
    if (this.#asked || !some(this.#pending, ({ evicts }) => evicts !== undefined)) return
    this.#asked = true
    setImmediate(() => {
      this.#asked = false
      const { host, hosted } = this.#run
      const waits = [...this.#pending]
      const conditions = firstOf(waits.map(({ evicts }) => evicts))
      if (this.#leaving || isOver(this.#run) || this.#journal.busy || conditions === undefined) return
      this.#leaving = true
      host.evict(hosted, {
        message: waits.map(({ message }) => message).join(', or '),
        for: conditions,
      })
    })
  }
}

function some<T>(values: Iterable<T>, fits: (value: T) => boolean): boolean {
  for (const value of values) if (fits(value)) return true
  return false
}
