import { SerializationError } from '../../shared/errors.ts'
import type { Committed } from '../host/host.ts'
import { isThenable } from '../state/deferred.ts'
import type { CurrentStep } from '../step/current-step.ts'
import { isOver, isTerminated, keepStepNumber, type RunState } from '../step/run-state.ts'
import type { Commits } from './commits.ts'
import type { Closing } from './closing.ts'
import type { Notifier } from './notifier.ts'
import type { PauseRequest, PendingRequests } from './pending-requests.ts'
import type { UserCode } from './user-code.ts'

/** Pauses and plays a process. */
export class Pausing {
  readonly #run: RunState
  readonly #requests: PendingRequests
  readonly #step: CurrentStep
  readonly #code: UserCode
  readonly #commits: Commits
  readonly #closing: Closing
  readonly #notifier: Notifier
  /** The pause that is taking effect in a step that only waits. */
  #within: PauseRequest | undefined

  constructor(
    run: RunState,
    requests: PendingRequests,
    step: CurrentStep,
    code: UserCode,
    commits: Commits,
    closing: Closing,
    notifier: Notifier,
  ) {
    this.#run = run
    this.#requests = requests
    this.#step = step
    this.#code = code
    this.#commits = commits
    this.#closing = closing
    this.#notifier = notifier
  }

  /** Pauses at a boundary without a transition: only the flag is committed. */
  async enter(pausing: PauseRequest): Promise<void> {
    const run = this.#run
    const requests = this.#requests
    try {
      await this.#code.hook('onPausing', pausing.message)
    } catch (error) {
      requests.fail(error)
      return
    }
    // The pause was cancelled, or overruled, while the hook ran.
    if (requests.pausing !== pausing || requests.overrules) return
    keepStepNumber(run)
    let committed: Committed
    try {
      const answer = this.#commits.commit(run.state, pausing, undefined)
      committed = isThenable(answer) ? await answer : answer
    } catch (error) {
      if (!(error instanceof SerializationError)) throw this.#closing.lost(error)
      requests.fail(error)
      return
    }
    this.#closing.assertAttached()
    if (committed.held === true) return this.#heldBack(committed, pausing)
    run.seq++
    await this.heard(committed, this.#commits.takePause(pausing, committed))
  }

  /** Meanwhile, someone else has paused the process in its wait, or it is being killed. */
  async #heldBack({ pause, kill }: Committed, pausing: PauseRequest): Promise<void> {
    if (pause !== undefined) this.#run.paused = { message: pause.message }
    await this.heard({ kill }, pause && pausing)
  }

  /**
   * Notifies of the pause that was just committed, and takes in what the host had stored meanwhile.
   */
  async heard(committed: Committed, pausing: PauseRequest | undefined): Promise<void> {
    const run = this.#run
    const isStored = committed.pause !== undefined && !isTerminated(run) && run.paused === undefined
    if (isStored) {
      const { message } = committed.pause
      run.paused = { message }
      await this.#code.tried('onPausing', message)
    }
    this.#commits.pausing = undefined
    if (isStored || pausing !== undefined) await this.#notify()
    if (run.paused !== undefined) this.completePause()
    if (committed.kill !== undefined && !isOver(run)) this.#closing.kill(committed.kill.message, false)
  }

  /**
   * Pauses a step that only waits as it is; it continues when it is played. With `isStored` the
   * store reports that it only waits.
   */
  async within(pausing: PauseRequest, isStored: boolean): Promise<void> {
    if (this.#within === pausing) return
    this.#within = pausing
    const run = this.#run
    const requests = this.#requests
    await this.#code.tried('onPausing', pausing.message)
    this.#within = undefined
    // While the hook ran, the step may have ended or continued, or the pause may have been
    // cancelled.
    const waits = this.#step.isSuspended || (isStored && run.inStep)
    if (!waits || isOver(run) || requests.pausing !== pausing || requests.overrules) return
    run.paused = { message: pausing.message }
    this.completePause()
    await this.#notify()
  }

  async #notify(): Promise<void> {
    const { paused } = this.#run
    await this.#code.tried('onPaused', paused?.message)
    this.#notifier.paused(paused?.message)
  }

  /** Notes that the pause has taken effect, and undoes it if a play was stored first. */
  completePause(): void {
    const { host, hosted } = this.#run
    // The play was stored before the pause was: only now is it certain to undo the pause.
    if (this.#requests.completePause() && !isOver(this.#run)) void host.request(hosted, { kind: 'play' })
  }

  /** Ends the pause here. In the store, the stored play has already ended it. */
  play(): Promise<void> | undefined {
    this.#run.paused = undefined
    if (this.#run.definition.hooks.onPlaying === undefined) {
      this.#played()
      return undefined
    }
    return this.#step.gate.holdFor(this.#code.tried('onPlaying')).then(() => this.#played())
  }

  #played(): void {
    this.#notifier.played()
    this.#step.gate.open()
  }
}
