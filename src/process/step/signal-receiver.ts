import { alarm } from '../../shared/clock.ts'
import { milliseconds, type Duration } from '../../shared/duration.ts'
import { PortValidationError, WaitTimeout } from '../../shared/errors.ts'
import { checkOptions, isFlag } from '../../shared/options.ts'
import type { RunState } from './run-state.ts'
import type { StepJournal, Use } from './step-journal.ts'
import type { EvictOptions, Suspension } from './suspension.ts'
import { timeAfter, waitFor } from './wait-conditions.ts'

/** Options of `receive`. */
export interface ReceiveOptions extends EvictOptions {
  /** The name under which the received signal is recorded. Default: the name of the signal. */
  readonly as?: string | undefined
  /**
   * How long to wait, counted from when the step first waits. After that `receive` rejects with
   * `WaitTimeout`, also when the step runs again.
   */
  readonly timeout?: Duration | undefined
}

/**
 * Receives signals within a step (C8). The commit that records a signal for the step also consumes
 * it, so that it counts once, and for each further attempt at that step.
 */
export class SignalReceiver {
  readonly #run: RunState
  readonly #journal: StepJournal
  readonly #suspension: Suspension
  /**
   * The number of notifications so far, by signal. A receiver that finds no signal waits for the
   * next one.
   */
  readonly #notified = new Map<string, number>()
  readonly #listeners = new Set<() => void>()
  /** One receiver at a time looks for a signal and takes it. */
  readonly #taking = new Map<string, Promise<unknown>>()

  constructor(run: RunState, journal: StepJournal, suspension: Suspension) {
    this.#run = run
    this.#journal = journal
    this.#suspension = suspension
  }

  async receive({ entry }: Use, signal: string, options: ReceiveOptions): Promise<unknown> {
    checkOptions(options, { as: true, timeout: true, evict: isFlag }, 'receive')
    const { timeout, evict } = options
    const journal = this.#journal
    const { definition, host } = this.#run
    const { clock } = host
    definition.requireSignal(signal)
    const known = journal.get(entry)
    if (known !== undefined && 'value' in known) return this.#checked(signal, known['value'])
    if (known?.['timedOut'] === true) throw this.#timedOut(signal)
    let until = known?.['until'] as number | undefined
    if (until === undefined && timeout !== undefined) {
      until = timeAfter(clock.now(), milliseconds(timeout))
      if (until !== undefined) await journal.add(entry, { until }, { history: undefined })
    }
    const message = `waits for the signal ${signal}${until === undefined ? '' : ` until ${new Date(until).toISOString()}`}`
    const wait = waitFor({ signal, ...(until !== undefined && { until }) }, message)
    for (;;) {
      await this.#suspension.gate()
      const seen = this.#notified.get(signal)
      const taken = await this.#take(signal, entry)
      if (taken !== undefined) {
        await this.#suspension.goOn()
        return this.#checked(signal, taken.value)
      }
      if (until !== undefined && clock.now() >= until) {
        const history = { name: 'received', data: { name: signal, timedOut: true } } as const
        await journal.add(entry, { timedOut: true }, { history })
        await this.#suspension.goOn()
        throw this.#timedOut(signal)
      }
      if (this.#notified.get(signal) !== seen) continue
      const arm = (goOn: () => void): (() => void) => {
        const listener = (): void => {
          if (this.#notified.get(signal) !== seen) goOn()
        }
        this.#listeners.add(listener)
        const cancel = until === undefined ? undefined : alarm(clock, until, goOn)
        return () => {
          this.#listeners.delete(listener)
          cancel?.()
        }
      }
      await this.#suspension.wait(wait, arm, evict)
    }
  }

  /** A signal of that name is kept for the process. */
  signalled(name: string): void {
    this.#notified.set(name, (this.#notified.get(name) ?? 0) + 1)
    for (const listener of Array.from(this.#listeners)) listener()
  }

  /** The attempt at the step has ended. */
  stop(): void {
    this.#notified.clear()
    this.#listeners.clear()
    this.#taking.clear()
  }

  /** Takes the oldest kept signal, which is then consumed. */
  async #take(signal: string, entry: string): Promise<{ readonly value: unknown } | undefined> {
    const work = this.#takeAfter(this.#taking.get(signal), signal, entry)
    this.#taking.set(signal, work)
    return work
  }

  async #takeAfter(
    before: Promise<unknown> | undefined,
    signal: string,
    entry: string,
  ): Promise<{ readonly value: unknown } | undefined> {
    const journal = this.#journal
    const { host, hosted } = this.#run
    if (before !== undefined) await journal.during(before.catch(() => {}))
    const mail = await journal.during(Promise.resolve(host.mail(hosted, signal)))
    if (mail === undefined) return undefined
    const history = { name: 'received', data: { name: signal } } as const
    await journal.add(entry, { value: mail.value }, { history, consumes: mail.id })
    return { value: mail.value }
  }

  #checked(signal: string, value: unknown): unknown {
    const problems = this.#run.definition.spec.checkSignal(signal, value)
    if (problems.length > 0) throw new PortValidationError(problems)
    return value
  }

  #timedOut(signal: string): WaitTimeout {
    const { pid } = this.#run
    return new WaitTimeout(`the signal ${signal} did not come to process ${pid} in its time`, [pid], 1)
  }
}
