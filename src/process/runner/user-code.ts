import { StepTimeout, TransitionError } from '../../shared/errors.ts'
import { shaped, type Awaits } from '../state/awaits.ts'
import type { StepDefinition } from '../definition/process-definition.ts'
import { intoContext, updatesOf } from '../step/context.ts'
import { isThenable } from '../state/deferred.ts'
import type { Hooks } from '../definition/hooks.ts'
import type { CurrentStep } from '../step/current-step.ts'
import { isTerminated, reportError, type RunState } from '../step/run-state.ts'
import type { Callbacks } from './callbacks.ts'
import type { PendingRequests } from './pending-requests.ts'
import type { ProcessObject } from '../host/process-object.ts'
import { inAttempt, isStaleAttempt } from '../step/current-process.ts'
import { excepted, type Running, type StateData } from '../state/state-data.ts'
import { commandOutcome, contextWait, outlineOutcome, withOwnCopies } from '../step/command-outcome.ts'
import type { Outline } from '../../spec/outline.ts'
import { preview } from '../../ports/plain.ts'

/** Thrown when awaited user code is abandoned. */
export const ABANDONED = new Error('the code of the process was abandoned')

/**
 * Calls the code of a process's class: its steps, its predicates and its hooks. That code is
 * awaited here alone, so that a forced kill and a lost lease can abandon it.
 */
export class UserCode {
  readonly #run: RunState
  readonly #step: CurrentStep
  readonly #requests: PendingRequests
  readonly #callbacks: Callbacks
  #abandons: Set<() => void> | undefined
  /** The running attempt at a step, if the process may continue without it after a timeout. */
  #attempt: object | undefined
  /** How many hooks run that follow a commit. */
  #hooksAfter = 0
  /** The timeout after which the process continued without an attempt. */
  #timedOut: StepTimeout | undefined

  constructor(run: RunState, step: CurrentStep, requests: PendingRequests, callbacks: Callbacks) {
    this.#run = run
    this.#step = step
    this.#requests = requests
    this.#callbacks = callbacks
  }

  /** Stops waiting for whatever is being awaited. */
  abandon(): void {
    for (const abandon of Array.from(this.#abandons ?? [])) abandon()
  }

  /**
   * Whether the caller belongs to an attempt that has timed out, and the process has continued
   * without it.
   */
  get isStaleAttempt(): boolean {
    return this.#timedOut !== undefined && isStaleAttempt(this.#run, this.#attempt)
  }

  /** Whether a hook runs that follows a commit, perhaps that of the end. */
  get runsHookAfterCommit(): boolean {
    return this.#hooksAfter > 0
  }

  /** @throws StepTimeout if the caller belongs to an attempt that has timed out */
  assertCurrent(): void {
    if (this.#timedOut !== undefined && this.isStaleAttempt) throw this.#timedOut
  }

  /**
   * The state that a step leads to, without a promise if the step needs none; undefined when the
   * step was abandoned.
   */
  step(state: Running, step: StepDefinition): StateData | undefined | Promise<StateData | undefined> {
    const { process, definition } = this.#run
    try {
      if (state.ended !== undefined) return this.#guarded(this.#afterOthers(state, step, state.ended))
      if (step.timeout !== undefined)
        return this.#guarded(this.#inTime(state, step, step.timeout, argumentsOf(state)))
      const value = state.onward === true ? undefined : step.method.apply(process, argumentsOf(state))
      if (isThenable(value) || this.#callbacks.pending !== undefined || definition.outline !== undefined) {
        return this.#guarded(this.#slowStep(state, value))
      }
      return this.#outcome(value, state)
    } catch (error) {
      return excepted(error)
    }
  }

  /** The state that a step leads to by the value that it returned. */
  #outcome(value: unknown, { at }: Running): StateData {
    const { definition, host } = this.#run
    return withOwnCopies(host, commandOutcome(definition, value, at, host.clock.now()))
  }

  /**
   * The state that a step of an outline leads to: a wait for its context values, the next part of
   * the outline, or what the step itself chose. A predicate that fails counts as a failure of the
   * step.
   */
  async #outlineOutcome(outline: Outline, value: unknown, state: Running): Promise<StateData> {
    const updates = updatesOf(this.#step.updates, value)
    if (updates === undefined) return this.#outcome(value, state)
    const { at } = state
    const wait = contextWait(updates.apply(this.#run.process.ctx as Record<string, unknown>), at)
    if (wait !== undefined) return wait
    const walking = outline.next(at ?? null, (predicate) => this.#test(predicate))
    const next = isThenable(walking) ? await this.awaited(walking) : walking
    updates.assertNone()
    return outlineOutcome(next)
  }

  #test(predicate: string): boolean | Promise<boolean> {
    const answer = this.#predicate(predicate)
    return isThenable(answer)
      ? Promise.resolve(answer).then((value) => truth(predicate, value))
      : truth(predicate, answer)
  }

  /** How the processes of a wait ended, in the shape in which their handles were given. */
  async ended(awaits: Awaits): Promise<unknown> {
    const { host, hosted } = this.#run
    return shaped(awaits, await this.awaited(host.outcomes(hosted, awaits.pids)))
  }

  /** The step as a whole: what it throws excepts the process, unless the step was abandoned. */
  async #guarded(step: Promise<StateData>): Promise<StateData | undefined> {
    try {
      return await step
    } catch (error) {
      return error === ABANDONED ? undefined : excepted(error)
    } finally {
      this.#attempt = undefined
    }
  }

  /** What a predicate of the outline returns. It may take as long as a step of its name. */
  #predicate(name: string): unknown {
    const { definition, process } = this.#run
    const { method, timeout } = definition.step(name)
    if (timeout === undefined) return method.apply(process, [])
    const attempt = (this.#attempt ??= {})
    const answer = inAttempt(this.#run, attempt, () => method.apply(process, []))
    return isThenable(answer) ? this.#limited(`predicate ${name}`, answer, timeout, attempt) : answer
  }

  async #afterOthers(state: Running, step: StepDefinition, awaits: Awaits): Promise<StateData> {
    const { process, host, hosted } = this.#run
    if (state.onward === true) {
      if (state.into !== undefined) {
        const outputs = state.into.map((target) => target.outputs === true)
        const outcomes = await this.awaited(host.outcomes(hosted, awaits.pids, outputs))
        intoContext(process, state.into, awaits.pids, outcomes)
      }
      return this.#slowStep(state, undefined)
    }
    const value = await this.ended(awaits)
    const args = [value, { by: 'handles', value }, ...state.args]
    return step.timeout === undefined
      ? this.#slowStep(state, step.method.apply(process, args))
      : this.#inTime(state, step, step.timeout, args)
  }

  async #slowStep(state: Running, given: unknown): Promise<StateData> {
    const { outline } = this.#run.definition
    const value = isThenable(given) ? await this.awaited(given) : given
    let pending: Promise<unknown> | undefined
    while ((pending = this.#callbacks.pending) !== undefined) await this.awaited(pending)
    return outline === undefined ? this.#outcome(value, state) : this.#outlineOutcome(outline, value, state)
  }

  /**
   * Awaits a step no longer than its time limit. What the step does after that has no effect on the
   * process.
   */
  async #inTime(
    state: Running,
    step: StepDefinition,
    limit: number,
    args: readonly unknown[],
  ): Promise<StateData> {
    const { process } = this.#run
    const attempt = (this.#attempt = {})
    if (state.onward === true) return this.#slowStep(state, undefined)
    const value = inAttempt(this.#run, attempt, () => step.method.apply(process, [...args]))
    if (!isThenable(value)) return this.#slowStep(state, value)
    return this.#slowStep(state, this.#limited(`step ${state.step}`, value, limit, attempt))
  }

  #limited(what: string, value: PromiseLike<unknown>, limit: number, attempt: object): Promise<unknown> {
    const { pid, host } = this.#run
    return new Promise((resolve, reject) => {
      let over = false
      const late = (): void => {
        if (over || this.#attempt !== attempt) return
        const error = new StepTimeout(`the ${what} of process ${pid} took longer than ${limit} ms`)
        this.#timedOut = error
        // The signal aborts too. What the step throws because of that comes after this rejection.
        reject(error)
        this.#step.abort(error)
      }
      const cancel = host.clock.after(limit, () => this.#step.gate.whenPlayed(late))
      const settled = (): void => {
        over = true
        cancel()
      }
      value.then(settled, settled)
      value.then(resolve, reject)
    })
  }

  async hook<K extends HookName>(name: K, ...args: HookArgs<K>): Promise<void> {
    const { definition, process } = this.#run
    const hook = definition.hooks[name] as
      ((this: ProcessObject, ...args: HookArgs<K>) => unknown) | undefined
    if (hook === undefined) return
    const result = hook.apply(process, args)
    if (isThenable(result)) await this.awaited(result)
  }

  /**
   * Calls a hook after the commit. An error excepts the process in its next commit, or is only
   * reported when there is none.
   */
  async tried<K extends HookName>(name: K, ...args: HookArgs<K>): Promise<void> {
    this.#hooksAfter++
    try {
      await this.hook(name, ...args)
    } catch (error) {
      if (error === ABANDONED) return
      if (isTerminated(this.#run)) reportError(this.#run, error, `${name} threw`)
      else this.#requests.fail(error)
    } finally {
      this.#hooksAfter--
    }
  }

  /** The hooks of leaving a state. */
  async leave(from: StateData, to: StateData): Promise<void> {
    await this.hook('onExiting', to.label)
    if (from.label === 'running') await this.hook('onExitRunning')
    else if (from.label === 'waiting') await this.hook('onExitWaiting')
  }

  /** The hooks of entering a state, before it is committed. */
  async enter(to: StateData): Promise<void> {
    if (!this.#run.definition.hooked) return
    await this.hook('onEntering', to.label)
    switch (to.label) {
      case 'running':
        return this.hook('onRun')
      case 'waiting':
        return this.hook('onWait', to.data)
      case 'finished':
        return this.hook('onFinish', to.result, to.successful)
      case 'excepted':
        return this.hook('onExcept', to.error)
      case 'killed':
        return this.hook('onKill', to.message ?? '')
      default:
    }
  }

  /** As `enter`, for a state that the process must enter even if a hook fails. */
  async enterAnyway(to: StateData): Promise<void> {
    try {
      await this.enter(to)
    } catch (error) {
      if (error !== ABANDONED) reportError(this.#run, error, `a hook threw on the way to ${to.label}`)
    }
  }

  /** The hooks of having entered a state, after it was committed. */
  async entered(from: StateData, to: StateData): Promise<void> {
    await this.tried('onEntered', from.label)
    if (to.label !== 'created') await this.tried(enteredHooks[to.label])
  }

  /** Waits for user code, unless that is abandoned: then it rejects with `ABANDONED`. */
  awaited<T>(promise: PromiseLike<T>): Promise<T> {
    const abandons = (this.#abandons ??= new Set())
    return new Promise<T>((resolve, reject) => {
      const abandon = (): void => {
        abandons.delete(abandon)
        reject(ABANDONED)
      }
      abandons.add(abandon)
      const settled = (): boolean => abandons.delete(abandon)
      promise.then(settled, settled)
      promise.then(resolve, reject)
      if (this.#requests.abandons || this.#run.detached !== undefined) abandon()
    })
  }
}

/** The arguments of a step. A wake-up is saved without its value, which is an argument itself. */
function argumentsOf({ args, woken }: Running): unknown[] {
  if (woken !== true) return [...args]
  const [value, wake, ...rest] = args
  return [value, { ...(wake as object), value }, ...rest]
}

/**
 * @throws TransitionError for anything but a boolean: other values are probably mistakes
 */
function truth(predicate: string, answer: unknown): boolean {
  if (typeof answer === 'boolean') return answer
  throw new TransitionError(
    `the predicate ${predicate} gave ${preview(answer)}: it has to give true or false`,
  )
}

type HookName = keyof Hooks
type HookArgs<K extends HookName> = Parameters<OmitThisParameter<Hooks[K]>>

const enteredHooks = {
  running: 'onRunning',
  waiting: 'onWaiting',
  finished: 'onFinished',
  excepted: 'onExcepted',
  killed: 'onKilled',
} as const
