import { SerializationError, TransitionError } from '../../shared/errors.ts'
import type { Committed } from '../host/host.ts'
import { isThenable } from '../state/deferred.ts'
import { canTransition, isTerminal } from '../state/machine.ts'
import { excepted, killed, type StateData } from '../state/state-data.ts'
import type { FailedAttempt, WakeUp } from '../state/transition.ts'
import type { CurrentStep } from '../step/current-step.ts'
import { finishOutcome } from '../step/finish-outcome.ts'
import type { RunState } from '../step/run-state.ts'
import type { Commits } from './commits.ts'
import type { Closing } from './closing.ts'
import type { Notifier } from './notifier.ts'
import type { Pausing } from './pausing.ts'
import type { PauseRequest, PendingRequests } from './pending-requests.ts'
import { ABANDONED, type UserCode } from './user-code.ts'

/**
 * Makes the transitions of a process: hooks of leaving and entering, the commit, everything else
 * after it (C3). `RunState.state` is what was committed last.
 */
export class TransitionMaker {
  readonly #run: RunState
  readonly #requests: PendingRequests
  readonly #step: CurrentStep
  readonly #code: UserCode
  readonly #commits: Commits
  readonly #pausing: Pausing
  readonly #closing: Closing
  readonly #notifier: Notifier

  constructor(
    run: RunState,
    requests: PendingRequests,
    step: CurrentStep,
    code: UserCode,
    commits: Commits,
    pausing: Pausing,
    closing: Closing,
    notifier: Notifier,
  ) {
    this.#run = run
    this.#requests = requests
    this.#step = step
    this.#code = code
    this.#commits = commits
    this.#pausing = pausing
    this.#closing = closing
    this.#notifier = notifier
  }

  /**
   * Makes one transition. Returns no promise if neither the host nor the class has anything to
   * wait for.
   */
  make(next: StateData, wake?: WakeUp, failed?: FailedAttempt): Promise<void> | undefined {
    const requests = this.#requests
    if (this.#run.definition.hooked || requests.pausing !== undefined || requests.killing !== undefined) {
      return this.#makeWithHooks(next, wake, failed)
    }
    let to: StateData
    try {
      to = this.#checked(next)
    } catch (error) {
      to = excepted(error)
    }
    this.#closing.assertAttached()
    const retried = to === next ? failed : undefined
    let answer: Promise<Committed> | Committed
    try {
      answer = this.#commits.commit(to, undefined, wake, retried)
    } catch (error) {
      return this.#notCommitted(to, error, wake)
    }
    if (!isThenable(answer)) return this.#entered(to, answer, wake, retried)
    return answer.then(
      (committed) => this.#entered(to, committed, wake, retried),
      (error: unknown) => this.#notCommitted(to, error, wake),
    )
  }

  /** As `make`, if hooks run on the way, or a pause or kill was asked for. */
  async #makeWithHooks(next: StateData, wake?: WakeUp, failed?: FailedAttempt): Promise<void> {
    const code = this.#code
    const requests = this.#requests
    let to = next
    let pausing: PauseRequest | undefined
    try {
      to = this.#checked(to)
      if (this.#run.definition.hooked) {
        await code.leave(this.#run.state, to)
        await code.enter(to)
      }
      pausing = requests.pausing
      if (pausing !== undefined && !isTerminal(to.label)) await code.hook('onPausing', pausing.message)
    } catch (error) {
      this.#closing.assertAttached()
      const { killing, failing } = requests
      to =
        error !== ABANDONED ? excepted(error) : failing ? excepted(failing.error) : killed(killing?.message)
      await code.enterAnyway(to)
    }
    if (requests.killing !== undefined && to.label !== 'killed') {
      to = killed(requests.killing.message)
      await code.enterAnyway(to)
    }
    if (pausing !== requests.pausing || isTerminal(to.label)) pausing = undefined
    this.#closing.assertAttached()
    return this.#commitAs(to, wake, to === next ? failed : undefined, pausing)
  }

  async #commitAs(
    to: StateData,
    wake: WakeUp | undefined,
    failed: FailedAttempt | undefined,
    pausing: PauseRequest | undefined,
  ): Promise<void> {
    let committed: Committed
    try {
      const answer = this.#commits.commit(to, pausing, wake, failed)
      committed = isThenable(answer) ? await answer : answer
    } catch (error) {
      return this.#notCommitted(to, error, wake)
    }
    return this.#entered(to, committed, wake, failed, pausing)
  }

  /**
   * The state that is to be entered.
   *
   * @throws TransitionError if that state may not follow the present one
   * @throws PortValidationError for a result that does not fit
   */
  #checked(next: StateData): StateData {
    const { definition, outputs, state, pid } = this.#run
    const to = finishOutcome(definition.spec, outputs, next)
    if (canTransition(state.label, to.label)) return to
    throw new TransitionError(`the process ${pid} can't go from ${state.label} to ${to.label}`)
  }

  /**
   * A state was not committed: the process is being killed, or is paused in its wait (C7). A step
   * that has ended while it was paused there keeps its outcome until the process is played. A
   * process that waits between its steps is idle, and woken again.
   */
  async #heldBack(
    to: StateData,
    committed: Committed,
    wake: WakeUp | undefined,
    failed: FailedAttempt | undefined,
  ): Promise<void> {
    await this.#pausing.heard(committed, undefined)
    if (this.#run.state.label === 'waiting' && this.#requests.failing === undefined) return
    await this.whilePaused()
    if (this.#requests.killing === undefined) await this.#commitAs(to, wake, failed, undefined)
  }

  /** Resolves once a paused process may continue, or is being killed. */
  async whilePaused(): Promise<void> {
    const { gate } = this.#step
    while (gate.isHeld && this.#requests.killing === undefined) {
      this.#closing.assertAttached()
      const next = this.#requests.next()
      gate.whenPlayed(() => this.#requests.changed())
      await next
    }
    this.#closing.assertAttached()
  }

  /**
   * A value that can't be saved excepts the process. Any other failure comes from the host: the
   * process no longer runs here.
   */
  async #notCommitted(to: StateData, error: unknown, wake: WakeUp | undefined): Promise<void> {
    if (!(error instanceof SerializationError) || to.label === 'excepted') throw this.#closing.lost(error)
    const failed = excepted(error)
    await this.#code.enterAnyway(failed)
    let committed: Committed
    try {
      committed = await this.#commits.commit(failed, undefined, undefined)
    } catch (failure) {
      throw this.#closing.lost(failure)
    }
    return this.#entered(failed, committed, wake)
  }

  /** A state was committed, or held back. */
  #entered(
    to: StateData,
    committed: Committed,
    wake: WakeUp | undefined,
    failed?: FailedAttempt,
    pausing?: PauseRequest,
  ): Promise<void> | undefined {
    const run = this.#run
    this.#closing.assertAttached()
    if (committed.held === true) return this.#heldBack(to, committed, wake, failed)
    const from = run.state
    run.state = to
    run.seq++
    if (wake !== undefined) this.#requests.used(wake)
    this.#step.committed(to)
    const paused = this.#commits.takePause(pausing, committed)
    const isNews = committed.pause !== undefined || committed.kill !== undefined
    if (run.definition.hooked || isNews || run.paused !== undefined) {
      return this.#enteredWithHooks(from, to, committed, paused)
    }
    this.#notifier.entered(to)
    this.#commits.pausing = undefined
    return isTerminal(to.label) ? this.#closing.terminated() : undefined
  }

  /** As `#entered`, if hooks are to run, or something was requested. */
  async #enteredWithHooks(
    from: StateData,
    to: StateData,
    committed: Committed,
    pausing: PauseRequest | undefined,
  ): Promise<void> {
    if (this.#run.definition.hooked) await this.#code.entered(from, to)
    this.#notifier.entered(to)
    this.#commits.pausing = undefined
    const isNews = committed.pause !== undefined || committed.kill !== undefined
    if (isNews || this.#run.paused !== undefined) await this.#pausing.heard(committed, pausing)
    if (isTerminal(to.label)) await this.#closing.terminated()
  }
}
