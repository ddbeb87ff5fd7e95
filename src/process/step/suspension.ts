import { alarm } from '../../shared/clock.ts'
import { milliseconds, type Duration } from '../../shared/duration.ts'
import { checkOptions, isFlag } from '../../shared/options.ts'
import { awaitsOf, shaped } from '../state/awaits.ts'
import type { Awaited } from '../state/awaits.ts'
import type { ProcessHandle } from '../host/process-handle.ts'
import type { StepWait, WaitConditions } from '../state/transition.ts'
import type { Cancellation } from './cancellation.ts'
import type { PlayGate } from './play-gate.ts'
import { isOver, type RunState } from './run-state.ts'
import type { StepJournal, Use } from './step-journal.ts'
import { firstOf, timeAfter, waitFor } from './wait-conditions.ts'

export interface EvictOptions {
  /**
   * Whether the process leaves memory while it waits: the promise then never settles, no `finally` runs, and the step runs again from its
   * start, as after a crash. It stays as long as the step does something else by name: an effect, or a wait without this. Default false. In
   * memory it makes no difference.
   */
  readonly evict?: boolean | undefined
}

/** Hears of the waits of a step. */
export interface WaitObserver {
  /** The step begins to wait: a pause that was asked for while it did something may take effect. */
  stepWaits(): void
}

/** A wait that is pending. */
interface Waiting {
  readonly stop: (reason: Error | undefined) => void
  /** What it is for, where the process may leave memory for it. */
  readonly evicts: WaitConditions | undefined
  readonly message: string
}

/**
 * What a step waits for in its flow. While it does nothing else, it holds no slot and shows as waiting; a pause takes effect there, and
 * holds up what comes until the process is played. What has been waited for is in the step's record, so that a step that runs again
 * goes on at once (C8).
 */
export class Suspension {
  readonly #run: RunState
  readonly #journal: StepJournal
  readonly #cancellation: Cancellation
  readonly #gate: PlayGate
  readonly #observer: WaitObserver
  readonly #pending = new Set<Waiting>()
  /** Whether the process is leaving memory: what is pending is not settled any more. */
  #leaving = false
  /** Whether it is to be seen, at the end of this turn, if it may leave. */
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

  /** Whether the step waits, and for all that is known does nothing else. */
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

  /** What all of them came to, in their shape. @throws ProcessError of the first that failed */
  async join({ name }: Use, on: Awaited, options: EvictOptions): Promise<unknown> {
    checkOptions(options, { evict: isFlag }, 'join')
    const { evict } = options
    const awaits = awaitsOf(on, false)
    const { pids } = awaits
    const handles = (awaits.as === 'one' ? [on] : Object.values(on)) as ProcessHandle[]
    const text = `waits for ${pids.length === 1 ? `process ${pids[0]}` : `${pids.length} processes`} (${name})`
    const wait = waitFor({ on: pids }, text)
    if (evict === true) await this.#outside(wait, handles)
    const results = await this.around(wait, () => Promise.all(handles.map((handle) => handle.result())))
    return shaped(awaits, results)
  }

  /** Waits for processes out of memory, if it may: as one wait, until all have ended or one has failed. */
  async #outside(wait: StepWait, handles: readonly ProcessHandle[]): Promise<void> {
    const { host, hosted } = this.#run
    // A handle that was just made knows nothing yet: it has to be looked whether what it came back for is there.
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

  /** Around a wait for something else, which the step does in its flow. */
  async around<T>(wait: StepWait, work: () => Promise<T>): Promise<T> {
    const came = work()
    // It may fail when nobody waits for it any more.
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

  /** Ends all waits with this error; without one the step has ended, and they stay as they are for ever. */
  stop(reason?: Error): void {
    for (const waiting of Array.from(this.#pending)) waiting.stop(this.#leaving ? undefined : reason)
    this.#pending.clear()
  }

  // ---------- waiting ----------

  /** Waits until what is armed calls back; it gives how to disarm it. Rejects when the step is told to stop. */
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

  /** Resolves once the process is not paused: until then nothing that a step waited for lets the step go on. */
  gate(): Promise<void> {
    return this.#gate.pass(this.#cancellation)
  }

  /** The step goes on: not while the process is paused, nor before it shows as running, where it has only waited (C7). */
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
   * Leaves memory, at the end of the turn, if by then the step does nothing but wait for what it may leave memory for. Whatever else it
   * does by name goes on first.
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
