import { InvalidStateError } from '../../shared/errors.ts'
import { conditionsOf, excepted, killed } from '../state/state-data.ts'
import { asProcess, presentContext } from '../step/current-process.ts'
import type { CurrentStep } from '../step/current-step.ts'
import { isOver, isTerminated, reportError, type RunState } from '../step/run-state.ts'
import type { Closing } from './closing.ts'
import type { Notifier } from './notifier.ts'
import type { Pausing } from './pausing.ts'
import type { PendingRequests } from './pending-requests.ts'
import type { Stepping } from './stepping.ts'
import type { TransitionMaker } from './transition-maker.ts'

/**
 * Moves a process: one transition or pause after another, never two at a time.
 *
 * 1. Only a busy process commits, so no two commits of a process are in progress.
 * 2. A request to a busy process is carried out at the next boundary by the call that keeps it busy.
 *    A request to an idle process is carried out at once (`attend`).
 */
export class Driver {
  readonly #run: RunState
  readonly #requests: PendingRequests
  readonly #step: CurrentStep
  readonly #pausing: Pausing
  readonly #transitions: TransitionMaker
  readonly #stepping: Stepping
  readonly #closing: Closing
  readonly #notifier: Notifier
  #isBusy = false
  #hasBegun = false
  #attending: Promise<void> | undefined

  constructor(
    run: RunState,
    requests: PendingRequests,
    step: CurrentStep,
    pausing: Pausing,
    transitions: TransitionMaker,
    stepping: Stepping,
    closing: Closing,
    notifier: Notifier,
  ) {
    this.#run = run
    this.#requests = requests
    this.#step = step
    this.#pausing = pausing
    this.#transitions = transitions
    this.#stepping = stepping
    this.#closing = closing
    this.#notifier = notifier
  }

  /** The carrying out of a request, while no one steps the process. */
  get attending(): Promise<void> | undefined {
    return this.#attending
  }

  /** Makes one transition or pause. */
  async step(): Promise<void> {
    const { pid, state } = this.#run
    if (isTerminated(this.#run)) {
      throw new InvalidStateError(`the process ${pid} has ended (${state.label}): there is no step left`)
    }
    await this.#drive(() => this.#turns(() => false), true)
  }

  /** Steps until there is nothing to do, or `goOn` returns false. */
  async run(goOn: () => boolean): Promise<void> {
    await this.#drive(() => this.#turns(() => !this.isIdle && goOn()), true)
  }

  /** Steps until the process has ended. */
  async runToEnd(): Promise<void> {
    if (!isTerminated(this.#run)) await this.#drive(() => this.#turns(() => !isTerminated(this.#run)), false)
  }

  /**
   * Whether there is nothing to do: the process has ended, is paused, or waits and nothing has
   * woken it.
   */
  get isIdle(): boolean {
    if (isOver(this.#run)) return true
    return !this.#requests.any && (this.#run.paused !== undefined || this.#isAsleep)
  }

  /**
   * Something was requested. Notifies the call that runs the process, or carries the request out at
   * once if there is no such call.
   */
  attend(): void {
    if (this.#isBusy) this.#requests.changed()
    else if (this.#requests.any) {
      this.#isBusy = true
      const work = asProcess(this.#run, () => this.#attendAll())
      this.#attending = this.#isBusy ? work : undefined
    }
  }

  async #attendAll(): Promise<void> {
    try {
      if (!this.#hasBegun) this.#begin()
      await this.#carryOut()
      while (this.#requests.any) await this.#carryOut()
    } catch (error) {
      if (this.#run.detached === undefined)
        reportError(this.#run, error, 'a request could not be carried out')
    } finally {
      this.#isBusy = false
      this.#attending = undefined
    }
  }

  async #drive(work: () => Promise<void>, isOneStep: boolean): Promise<void> {
    const run = this.#run
    if (this.#attending !== undefined) {
      const wasAsked = this.#requests.any
      await this.#attending
      // Carrying out the request ended the step, unless something is left to do.
      if (isTerminated(run) || (isOneStep && wasAsked && this.isIdle)) return
    }
    this.#closing.assertOpen()
    if (this.#isBusy) {
      throw new InvalidStateError(
        `the process ${run.pid} is being run already: await what runs it, or its future()`,
      )
    }
    this.#isBusy = true
    if (!run.host.durable) run.context = presentContext()
    try {
      await asProcess(run, work)
    } finally {
      this.#isBusy = false
      if (this.#requests.any) this.attend()
    }
  }

  /** Makes one transition or pause, and more as long as `goOn` returns true. */
  async #turns(goOn: () => boolean): Promise<void> {
    do {
      // Awaited even if there is nothing to wait for: others take their turns meanwhile.
      await this.#once()
      if (this.#requests.any) await this.#carryOut()
    } while (goOn())
  }

  /** One transition, or one pause. */
  #once(): Promise<void> | undefined {
    if (!this.#hasBegun) this.#begin()
    const isHeld = this.#requests.any || this.#step.gate.isHeld || this.#isAsleep
    return isHeld ? this.#whenFree() : this.#move()
  }

  /** As `#once`, but first waits for what the process needs from outside. */
  async #whenFree(): Promise<void> {
    for (;;) {
      const { playing } = this.#step.gate
      if (playing !== undefined) await playing
      this.#closing.assertAttached()
      if (this.#requests.any) return this.#carryOut()
      if (this.#run.paused === undefined && !this.#isAsleep) break
      await this.#requests.next()
    }
    return this.#move()
  }

  get #isAsleep(): boolean {
    return this.#run.state.label === 'waiting' && this.#requests.nextWakeUp === undefined
  }

  #move(): Promise<void> | undefined {
    this.#closing.assertAttached()
    const { state, definition } = this.#run
    if (state.label === 'running') return this.#stepping.runStep(state)
    if (state.label === 'waiting') return this.#stepping.wakeUp(state, this.#requests.nextWakeUp)
    return this.#transitions.make(definition.first)
  }

  /** Carries out what was requested. */
  async #carryOut(): Promise<void> {
    const requests = this.#requests
    while (requests.any) {
      if (requests.killing !== undefined) await this.#transitions.make(killed(requests.killing.message))
      else if (requests.failing !== undefined) await this.#transitions.make(excepted(requests.failing.error))
      else if (requests.pausing !== undefined) await this.#pausing.enter(requests.pausing)
    }
  }

  /** Comes before anything else is done with the process in this program. */
  #begin(): void {
    this.#hasBegun = true
    const { state, host, hosted, definition, createdAt } = this.#run
    if (state.label === 'created') this.#notifier.created()
    const { deadlineAfter } = definition
    if (host.begin === undefined || (state.label !== 'waiting' && deadlineAfter === undefined)) return
    const deadline = deadlineAfter === undefined ? null : createdAt + deadlineAfter
    host.begin(hosted, { wait: conditionsOf(state), deadline })
  }
}
