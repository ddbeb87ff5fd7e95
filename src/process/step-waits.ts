import { alarm, type Clock } from '../shared/clock.ts'
import { milliseconds, type Duration } from '../shared/duration.ts'
import { awaitsOf, shaped } from './awaits.ts'
import type { Awaited } from './commands.ts'
import type { ProcessHandle } from './handle.ts'
import type { StepWait, WaitConditions } from './host.ts'
import type { Life } from './life.ts'
import { Receiving, type ReceiveOptions } from './receiving.ts'

export interface EvictOptions {
  /**
   * Whether the process leaves memory while it waits: the promise then never settles, no `finally` runs, and the step runs again from its
   * start, as after a crash. Default false. In memory it makes no difference.
   */
  readonly evict?: boolean | undefined
}

/** In milliseconds since 1970. */
export const LAST_DATE = 8.64e15

/** A wait that is pending. */
interface Waiting {
  readonly stop: (reason: Error | undefined) => void
}

/**
 * What a step waits for in its flow. While it does nothing else, it holds no slot and shows as waiting; a pause takes effect there, and
 * holds up what comes until the process is played. What has been waited for is in the step's record, so that a step that runs again
 * goes on at once (C8).
 */
export class StepWaits {
  readonly #life: Life
  readonly #pending = new Set<Waiting>()
  #receiving: Receiving | undefined
  /** What opens the gates at which the step is held while the process is paused. */
  readonly #gates = new Set<() => void>()
  /** Whether the process is leaving memory: what is pending is not settled any more. */
  #leaving = false

  constructor(life: Life) {
    this.#life = life
  }

  /** Whether the step waits, and for all that is known does nothing else. */
  get any(): boolean {
    return this.#pending.size > 0
  }

  async sleep(name: string, duration: Duration, { evict }: EvictOptions): Promise<void> {
    const { record, host } = this.#life
    const { clock } = host
    const length = milliseconds(duration)
    if (timeAfter(clock, length) === undefined)
      throw new RangeError(`sleep (${name}) was given ${duration}: it would never end`)
    const entry = record.next('sleep', name)
    let until = record.get(entry)?.['until'] as number | undefined
    if (until === undefined) {
      until = clock.now() + length
      const history = { name: 'sleeping', data: { name, until } }
      await record.add(entry, { until }, { history })
    }
    const end = until
    if (clock.now() < end) {
      const wait = waitFor({ until: end }, `sleeps (${name}) until ${new Date(end).toISOString()}`)
      if (evict === true) await this.leave(wait)
      await this.wait(wait, (resolve) => alarm(clock, end, resolve))
    }
    await this.gate()
  }

  /** What all of them came to, in their shape. @throws ProcessError of the first that failed */
  async join(name: string, on: Awaited, { evict }: EvictOptions): Promise<unknown> {
    this.#life.record.next('join', name)
    const awaits = awaitsOf(on, false)
    const { pids } = awaits
    const handles = (awaits.as === 'one' ? [on] : Object.values(on)) as ProcessHandle[]
    const text = `waits for ${pids.length === 1 ? `process ${pids[0]}` : `${pids.length} processes`} (${name})`
    const wait = waitFor({ on: pids }, text)
    if (evict === true) {
      const { host, process } = this.#life
      // A handle that was just made knows nothing yet: it has to be looked whether what it came back for is there.
      const outcomes = await host.outcomes(process, pids)
      if (outcomes.includes(undefined)) await this.leave(wait)
    }
    const results = await this.around(wait, () => Promise.all(handles.map((handle) => handle.result())))
    return shaped(awaits, results)
  }

  /** Around a wait for something else, which the step does in its flow. */
  async around<T>(wait: StepWait, work: () => Promise<T>): Promise<T> {
    const came = work()
    // It may fail when nobody waits for it any more.
    came.catch(() => {})
    let result: PromiseSettledResult<T> | undefined
    await this.wait(wait, (resolve) => {
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
    })
    await this.gate()
    if (result?.status === 'fulfilled') return result.value
    throw result?.reason
  }

  /** Waits for a signal, and takes it. */
  receive(signal: string, options: ReceiveOptions): Promise<unknown> {
    return (this.#receiving ??= new Receiving(this.#life, this)).receive(signal, options)
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
  async wait(wait: StepWait, arm: (resolve: () => void) => () => void): Promise<void> {
    const { control, host, process } = this.#life
    control.throwIfAborted()
    const goOn = host.suspend(process, wait)
    let disarm: (() => void) | undefined
    try {
      await new Promise<void>((resolve, reject) => {
        const waiting: Waiting = {
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
        disarm = arm(() => {
          if (!this.#pending.delete(waiting)) return
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

  /** Leaves memory, where there is a store to come back from. Then it never settles. */
  leave(wait: StepWait): Promise<void> | undefined {
    const { host, process } = this.#life
    if (!host.durable) return undefined
    this.#leaving = true
    host.evict(process, wait)
    return new Promise<void>(() => {})
  }
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
