import { DeadlineExceeded } from '../../shared/errors.ts'
import type { Committed } from '../host/host.ts'
import { isTerminal } from '../state/machine.ts'
import { attemptOf, conditionsOf, endingOf, placeOf, type StateData } from '../state/state-data.ts'
import type { FailedAttempt, WakeUp } from '../state/transition.ts'
import type { CurrentStep } from '../step/current-step.ts'
import type { RunState } from '../step/run-state.ts'
import type { PauseRequest, PendingRequests } from './pending-requests.ts'
import type { Snapshot } from './snapshot.ts'

/** Has the host make states durable. */
export class Commits {
  readonly #run: RunState
  readonly #requests: PendingRequests
  readonly #step: CurrentStep
  readonly #snapshot: Snapshot
  /** The pause of the commit that is in progress. */
  pausing: PauseRequest | undefined

  constructor(run: RunState, requests: PendingRequests, step: CurrentStep, snapshot: Snapshot) {
    this.#run = run
    this.#requests = requests
    this.#step = step
    this.#snapshot = snapshot
  }

  commit(
    to: StateData,
    pausing: PauseRequest | undefined,
    wake: WakeUp | undefined,
    failed?: FailedAttempt,
  ): Promise<Committed> | Committed {
    const run = this.#run
    const paused = isTerminal(to.label) ? undefined : this.#carriesOut(pausing)
    this.pausing = pausing
    return run.host.commit(run.hosted, {
      from: run.state.label,
      to: to.label,
      step: placeOf(to),
      message: to.label === 'waiting' ? (to.message ?? null) : null,
      moved: to !== run.state,
      paused: paused === undefined ? null : { message: paused.message },
      ending: endingOf(to),
      wake,
      wait: conditionsOf(to),
      attempt: attemptOf(to),
      failed: failed ?? null,
      dropped: this.#step.dropped,
      // A requested kill has already reached the children.
      killsChildren:
        (to.label === 'killed' && this.#requests.killing === undefined) ||
        (to.label === 'excepted' && to.error instanceof DeadlineExceeded),
      bundle: () =>
        this.#snapshot.bundle(to, paused, this.#requests.kept(wake !== undefined), this.#step.recorded()),
    })
  }

  /**
   * The pause that a commit must carry out. A store carries out stored requests itself, unless they
   * were cancelled meanwhile (C7).
   */
  #carriesOut(pausing: PauseRequest | undefined): { readonly message: string | undefined } | undefined {
    if (!this.#run.host.durable) return pausing ?? this.#run.paused
    return pausing?.isOwn === true ? pausing : undefined
  }

  /**
   * Sets the pause that a commit has carried out. Returns undefined if the commit has not carried
   * it out, because the process has been played meanwhile.
   */
  takePause(pausing: PauseRequest | undefined, { pause }: Committed): PauseRequest | undefined {
    if (pausing === undefined) return undefined
    const wasStored = this.#run.host.durable && !pausing.isOwn
    if (wasStored && pause === undefined) {
      this.#requests.cancelPause(pausing)
      return undefined
    }
    this.#run.paused = { message: (pause ?? pausing).message }
    return pausing
  }
}
