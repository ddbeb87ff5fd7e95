import { alarm, type Clock } from '../../shared/clock.ts'
import { LAST_DATE, milliseconds, type Duration } from '../../shared/duration.ts'
import { checkOptions, isFlag } from '../../shared/options.ts'
import { awaitsOf, shaped } from '../state/awaits.ts'
import type { Awaited } from '../state/awaits.ts'
import type { ProcessHandle } from '../host/process-handle.ts'
import type { StepWait, WaitConditions } from '../state/transition.ts'
import type { Life } from '../runner/process-runner.ts'
import { SignalReceiver, type ReceiveOptions } from './signal-receiver.ts'
import type { Use } from './step-journal.ts'

export interface EvictOptions {
  /**
   * Whether the process leaves memory while it waits: the promise then never settles, no `finally` runs, and the step runs again from its
   * start, as after a crash. It stays as long as the step does something else by name: an effect, or a wait without this. Default false. In
   * memory it makes no difference.
   */
  readonly evict?: boolean | undefined
}

/** In milliseconds since 1970. */
export /** A wait that is pending. */
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
  readonly #life: Life
  readonly #pending = new Set<Waiting>()
  #receiving: SignalReceiver | undefined
  /** What opens the gates at which the step is held while the process is paused. */
  readonly #gates = new Set<() => void>()
  /** Whether the process is leaving memory: what is pending is not settled any more. */
  #leaving = false
  /** Whether it is to be seen, at the end of this turn, if it may leave. */
  #asked = false

  constructor(life: Life) {
    this.#life = life
  }

  /** Whether the step waits, and for all that is known does nothing else. */
  get any(): boolean {
    return this.#pending.size > 0
  }

  async sleep({ entry, name }: Use, duration: Duration, options: EvictOptions): Promise<void> {
    checkOptions(options, { evict: isFlag }, 'sleep')
    const { evict } = options
    const { record, host } = this.#life
    const { clock } = host
    const length = milliseconds(duration)
    if (timeAfter(clock, length) === undefined)
      throw new RangeError(`sleep (${name}) was given ${duration}: it would never end`)
    let until = record.get(entry)?.['until'] as number | undefined
    if (until === undefined) {
      until = clock.now() + length
      const history = { name: 'sleeping', data: { name, until } }
      await record.add(entry, { until }, { history })
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
    const { host } = this.#life
    // A handle that was just made knows nothing yet: it has to be looked whether what it came back for is there.
    if (!(await host.outcomes(this.#life.control, wait.for.on)).includes(undefined)) return
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

  /** Waits for a signal, and takes it. */
  receive(use: Use, signal: string, options: ReceiveOptions): Promise<unknown> {
    return (this.#receiving ??= new SignalReceiver(this.#life, this)).receive(use, signal, options)
  }

  /** A signal of that name is kept for the process. */
  signalled(name: string): void {
    this.#receiving?.signalled(name)
  }

  /** Ends all waits with this error; without one the step has ended, and they stay as they are for ever. */
  stop(reason?: Error): void {
    for (const waiting of Array.from(this.#pending)) waiting.stop(this.#leaving ? undefined : reason)
    this.#pending.clear()
    this.#receiving?.stop()
    if (reason !== undefined) for (const open of this.#gates) open()
    this.#gates.clear()
  }

  // ---------- waiting ----------

  /** Waits until what is armed calls back; it gives how to disarm it. Rejects when the step is told to stop. */
  async wait(wait: StepWait, arm: (resolve: () => void) => () => void, evict = false): Promise<void> {
    const { control, host } = this.#life
    control.throwIfAborted()
    const goOn = host.suspend(control, wait)
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
        // Asked for while the step did something.
        if (control.pausing !== undefined) void this.#life.pauses.within(control.pausing)
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

  /** While the process is paused nothing that a step waited for lets it go on. */
  async gate(): Promise<void> {
    const { control } = this.#life
    control.throwIfAborted()
    while (this.#life.held && !this.#life.over) {
      await new Promise<void>((open) => {
        this.#gates.add(open)
        this.#life.whenPlayed(open)
      })
      control.throwIfAborted()
    }
  }

  /** The step goes on: not while the process is paused, nor before it shows as running, where it has only waited (C7). */
  async goOn(does = false): Promise<void> {
    const { host, record, control } = this.#life
    for (;;) {
      await this.gate()
      const going = host.goOn?.(control, does)
      if (going === undefined) return
      await record.during(going)
      control.throwIfAborted()
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
      const { host, record } = this.#life
      const waits = [...this.#pending]
      const conditions = combined(waits.map(({ evicts }) => evicts))
      if (this.#leaving || this.#life.over || record.busy || conditions === undefined) return
      this.#leaving = true
      host.evict(this.#life.control, {
        message: waits.map(({ message }) => message).join(', or '),
        for: conditions,
      })
    })
  }
}

/** The first of several conditions; undefined where one is not to be left for, or they can't be one. */
function combined(all: readonly (WaitConditions | undefined)[]): WaitConditions | undefined {
  let found: WaitConditions | undefined
  for (const one of all) {
    if (one === undefined) return undefined
    if (found === undefined) found = one
    else if ((found.signal ?? one.signal) !== (one.signal ?? found.signal)) return undefined
    else if (found.on.length > 0 && one.on.length > 0) return undefined
    else {
      found = {
        resume: false,
        signal: found.signal ?? one.signal,
        until:
          found.until === null || one.until === null
            ? (found.until ?? one.until)
            : Math.min(found.until, one.until),
        on: found.on.length > 0 ? found.on : one.on,
        any: false,
      }
    }
  }
  return found
}

function some<T>(values: Iterable<T>, fits: (value: T) => boolean): boolean {
  for (const value of values) if (fits(value)) return true
  return false
}

/** The wall-clock time after so many milliseconds; undefined where that is further than any date. */
export function timeAfter(clock: Clock, length: number): number | undefined {
  const time = clock.now() + length
  return time > LAST_DATE ? undefined : time
}

/** A wait for no more than what is given. */
export function waitFor(given: Partial<WaitConditions>, message: string): StepWait {
  return { message, for: { resume: false, signal: null, until: null, on: [], any: false, ...given } }
}
