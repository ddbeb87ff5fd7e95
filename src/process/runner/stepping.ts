import { PortValidationError, TransitionError } from '../../shared/errors.ts'
import type { StepDefinition } from '../definition/process-definition.ts'
import type { MissingChild } from '../host/host.ts'
import { isThenable } from '../state/deferred.ts'
import {
  excepted,
  finished,
  visibleWakeUp,
  type Running,
  type StateData,
  type Waiting,
} from '../state/state-data.ts'
import { afterWait } from '../step/command-outcome.ts'
import type { CurrentStep } from '../step/current-step.ts'
import { conflictOutcome, policyOf, retryOutcome, type RetryOutcome } from '../step/retry-outcome.ts'
import { logOf, stepKeyOf, type RunState } from '../step/run-state.ts'
import type { Closing } from './closing.ts'
import type { PendingRequests, Woken } from './pending-requests.ts'
import type { Snapshot } from './snapshot.ts'
import type { TransitionMaker } from './transition-maker.ts'
import { ABANDONED, type UserCode } from './user-code.ts'

/** Runs the steps of a process and ends its waits, each up to the transition that follows. */
export class Stepping {
  readonly #run: RunState
  readonly #requests: PendingRequests
  readonly #step: CurrentStep
  readonly #code: UserCode
  readonly #snapshot: Snapshot
  readonly #transitions: TransitionMaker
  readonly #closing: Closing

  constructor(
    run: RunState,
    requests: PendingRequests,
    step: CurrentStep,
    code: UserCode,
    snapshot: Snapshot,
    transitions: TransitionMaker,
    closing: Closing,
  ) {
    this.#run = run
    this.#requests = requests
    this.#step = step
    this.#code = code
    this.#snapshot = snapshot
    this.#transitions = transitions
    this.#closing = closing
  }

  /**
   * Runs the step of this state and makes the transition that follows. Returns no promise if
   * there is nothing to wait for.
   */
  runStep(state: Running): Promise<void> | undefined {
    const run = this.#run
    const ranBefore = this.#step.begin()
    let step: StepDefinition
    try {
      step = run.definition.step(state.step)
      this.#snapshot.mark(ranBefore || policyOf(run, step) !== undefined)
    } catch (error) {
      return this.#transitions.make(excepted(error))
    }
    run.inStep = true
    const came = this.#code.step(state, step)
    return isThenable(came)
      ? came.then((next) => this.#stepEnded(state, step, next))
      : this.#stepEnded(state, step, came)
  }

  #stepEnded(state: Running, step: StepDefinition, next: StateData | undefined): Promise<void> | undefined {
    this.#run.inStep = false
    const counts = next !== undefined && next.label !== 'excepted' && !this.#requests.overrules
    const leftOver = counts ? this.#step.leftOver() : undefined
    // Another attempt would end in the same way.
    const wrong = this.#step.refusal ?? leftOver
    this.#step.end()
    this.#closing.assertAttached()
    const to = wrong === undefined || next === undefined ? next : excepted(wrong)
    const goOn = (): Promise<void> | undefined => this.#afterStep(state, step, to, wrong !== undefined)
    // The step was paused in a wait, and has ended by another branch: it does not move before it is
    // played (C7).
    return this.#step.gate.isHeld ? this.#transitions.whilePaused().then(goOn) : goOn()
  }

  /** With `isFinal` the step is not retried, whatever its outcome. */
  #afterStep(
    state: Running,
    step: StepDefinition,
    next: StateData | undefined,
    isFinal: boolean,
  ): Promise<void> | undefined {
    // A kill or a failure drops the outcome of the step.
    if (next === undefined || this.#requests.overrules) return undefined
    const { host, hosted } = this.#run
    const { conflict } = this.#step
    if (conflict !== undefined) return this.#again(conflictOutcome(this.#pinned(state), conflict))
    if (isFinal) return this.#transitions.make(next)
    const retry = next.label === 'excepted' ? this.#retryOutcome(state, step, next.error) : undefined
    if (retry !== undefined && retry.to.label !== 'excepted') return this.#again(retry)
    // The retry rule may have failed itself: then its error ends the process.
    const to = retry?.to ?? next
    const missing = host.missing?.(hosted)
    return missing === undefined ? this.#transitions.make(to) : this.#afterMissing(state, to, missing)
  }

  #retryOutcome(state: Running, step: StepDefinition, error: unknown): RetryOutcome {
    const policy = policyOf(this.#run, step)
    return retryOutcome(policy, this.#pinned(state), error, this.#run.host.clock.now())
  }

  /** The state with the number of its step: by it the next attempt keeps the keys of effects. */
  #pinned(state: Running): Running {
    return { ...state, number: stepKeyOf(this.#run).number }
  }

  /**
   * A step that ran again may have launched children before: none of them may be left behind
   * silently.
   */
  async #afterMissing(
    state: Running,
    next: StateData,
    looking: Promise<readonly MissingChild[]>,
  ): Promise<void> {
    let missing: readonly MissingChild[] = []
    try {
      missing = await this.#code.awaited(looking)
    } catch (error) {
      if (error !== ABANDONED) throw this.#closing.lost(error)
    }
    this.#closing.assertAttached()
    if (this.#requests.overrules) return
    if (missing.length === 0) return this.#transitions.make(next)
    const { pid, definition } = this.#run
    const conflict = notLaunchedAgain(`${definition.name}.${state.step}`, missing)
    if (next.label !== 'excepted') return this.#again(conflictOutcome(this.#pinned(state), conflict))
    // The step may have failed before it reached them.
    const children = missing.map((child) => child.pid)
    logOf(this.#run).warn({ pid, process: definition.name, children }, conflict.message)
    return this.#transitions.make(next)
  }

  /** After a failure: another attempt later, or, with a message, when the process is played. */
  #again({ to, failed, pause }: RetryOutcome): Promise<void> | undefined {
    if (to.label !== 'excepted') this.#snapshot.rollBack()
    if (pause !== undefined) this.#requests.pauseItself(pause)
    return this.#transitions.make(to, undefined, failed)
  }

  /** Ends a wait, and makes the transition that follows. */
  async wakeUp(waiting: Waiting, woken: Woken | undefined): Promise<void> {
    const { step, on, into, at, retry } = waiting
    const { definition } = this.#run
    const wake = woken?.wake
    if (retry !== undefined && step !== null) {
      const { failure: _, ...facts } = retry
      return this.#transitions.make({ label: 'running', step, ...facts }, wake)
    }
    // A signal that was sent by name may not have been checked by its sender, nor a resume that came
    // before the wait.
    if ((wake?.by === 'signal' || wake?.by === 'resume') && waiting.receive !== undefined) {
      const problems = definition.spec.checkSignal(waiting.receive, woken?.value)
      if (problems.length > 0)
        return this.#transitions.make(excepted(new PortValidationError(problems)), wake)
    }
    const ended = wake?.by === 'handles' ? on : undefined
    // The step fetches how those processes ended; without a step, that is the result.
    if (ended !== undefined && step === null && at === undefined) {
      try {
        return await this.#transitions.make(finished(await this.#code.ended(ended)), wake)
      } catch (error) {
        if (error !== ABANDONED) throw error
        return undefined
      }
    }
    const given =
      wake === undefined || ended !== undefined
        ? { args: [] }
        : { args: [woken?.value, visibleWakeUp(wake)], woken: true as const }
    const facts = { ...(ended && { ended }), ...(into && { into }), at }
    return this.#transitions.make(afterWait(definition, step, given, facts), wake)
  }
}

function notLaunchedAgain(step: string, missing: readonly MissingChild[]): Error {
  const named = missing.slice(0, 3).map(({ className, pid }) => `${className} ${pid}`)
  const rest = missing.length - named.length
  const children = `${named.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
  return new TransitionError(
    `the step ${step} has launched ${children} before, and has not launched ${missing.length === 1 ? 'it' : 'them'} when it ran again: ` +
      'its inputs were others, or the code has changed. Let the step launch the same children with the same inputs, or kill those that it must continue without; then play the process',
  )
}
