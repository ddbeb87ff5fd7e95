import { StepTimeout } from '../../shared/errors.ts'
import { shaped, type Awaits } from '../state/awaits.ts'
import type { StepPlan } from '../definition/process-definition.ts'
import { intoContext } from '../step/context.ts'
import { isThenable } from '../state/deferred.ts'
import type { Hooks } from '../definition/hooks.ts'
import type { Life } from './process-runner.ts'
import type { ProcessObject } from '../host/process-object.ts'
import { inAttempt, isStaleAttempt } from '../step/current-process.ts'
import { excepted, type Running, type StateData } from '../state/state-data.ts'
import { stageAfter, stageInOutline } from '../step/command-outcome.ts'

/** What is thrown where user code was awaited and is not any more. */
export const ABANDONED = new Error('the code of the process was given up')

/**
 * The code of a process's class as it is called: its steps and its hooks. It is awaited here alone, so that a forced kill and a
 * lost lease can give up on it.
 */
export class UserCode {
  readonly #life: Life
  #giveUps: Set<() => void> | undefined
  /** The attempt at a step that runs, where it may be left behind when its time is up. */
  #attempt: object | undefined
  #leftBehind: StepTimeout | undefined

  constructor(life: Life) {
    this.#life = life
  }

  /** Gives up on whatever is being awaited. */
  abandon(): void {
    for (const giveUp of Array.from(this.#giveUps ?? [])) giveUp()
  }

  /** Whether what calls this is what is left of an attempt whose time was up, while the process has gone on without it. */
  get isStaleAttempt(): boolean {
    return this.#leftBehind !== undefined && isStaleAttempt(this.#life, this.#attempt)
  }

  /**
   * What calls this may be what is left of an attempt whose time was up, while the process has gone on without it.
   *
   * @throws StepTimeout if so
   */
  assertCurrent(): void {
    if (this.#leftBehind !== undefined && this.isStaleAttempt) throw this.#leftBehind
  }

  /** The stage that a step leads to, without a promise where the step needs none; undefined when it was given up. */
  step(stage: Running, plan: StepPlan): StateData | undefined | Promise<StateData | undefined> {
    const { process, errands, plan: ofClass } = this.#life
    try {
      if (stage.ended !== undefined) return this.#guarded(this.#afterOthers(stage, plan, stage.ended))
      if (plan.timeout !== undefined)
        return this.#guarded(this.#inTime(stage, plan, plan.timeout, stage.args))
      const value = stage.onward === true ? undefined : plan.method.apply(process, [...stage.args])
      if (isThenable(value) || errands.pending !== undefined || ofClass.outline !== undefined) {
        return this.#guarded(this.#slowStep(stage, value))
      }
      return stageAfter(this.#life, value, stage)
    } catch (error) {
      return excepted(error)
    }
  }

  /** How processes ended that were waited for, in the shape in which their handles were given. */
  async ended(awaits: Awaits): Promise<unknown> {
    const { host } = this.#life
    return shaped(awaits, await this.awaited(host.outcomes(this.#life.control, awaits.pids)))
  }

  /** The step as a whole: what it throws excepts the process, unless the step is not waited for any longer. */
  async #guarded(step: Promise<StateData>): Promise<StateData | undefined> {
    try {
      return await step
    } catch (error) {
      return error === ABANDONED ? undefined : excepted(error)
    } finally {
      this.#attempt = undefined
    }
  }

  /** What a predicate of the outline says. It may take as long as a step of its name. */
  predicate(name: string): unknown {
    const life = this.#life
    const { method, timeout } = life.plan.step(name)
    if (timeout === undefined) return method.apply(life.process, [])
    const attempt = (this.#attempt ??= {})
    const said = inAttempt(life, attempt, () => method.apply(life.process, []))
    return isThenable(said) ? this.#limited(`predicate ${name}`, said, timeout, attempt) : said
  }

  async #afterOthers(stage: Running, plan: StepPlan, awaits: Awaits): Promise<StateData> {
    const { process, host } = this.#life
    if (stage.onward === true) {
      if (stage.into !== undefined) {
        const outcomes = await this.awaited(host.outcomes(this.#life.control, awaits.pids))
        intoContext(process, stage.into, awaits.pids, outcomes)
      }
      return this.#slowStep(stage, undefined)
    }
    const args = [await this.ended(awaits), { by: 'handles' }, ...stage.args]
    return plan.timeout === undefined
      ? this.#slowStep(stage, plan.method.apply(process, args))
      : this.#inTime(stage, plan, plan.timeout, args)
  }

  async #slowStep(stage: Running, given: unknown): Promise<StateData> {
    const { errands, plan } = this.#life
    const value = isThenable(given) ? await this.awaited(given) : given
    let pending: Promise<unknown> | undefined
    while ((pending = errands.pending) !== undefined) await this.awaited(pending)
    return plan.outline === undefined
      ? stageAfter(this.#life, value, stage)
      : stageInOutline(this.#life, plan.outline, value, stage)
  }

  /** A step that is waited for no longer than it may take. What it does after that, the process does not do. */
  async #inTime(stage: Running, plan: StepPlan, limit: number, args: readonly unknown[]): Promise<StateData> {
    const life = this.#life
    const { process } = life
    const attempt = (this.#attempt = {})
    if (stage.onward === true) return this.#slowStep(stage, undefined)
    const value = inAttempt(life, attempt, () => plan.method.apply(process, [...args]))
    if (!isThenable(value)) return this.#slowStep(stage, value)
    return this.#slowStep(stage, this.#limited(`step ${stage.step}`, value, limit, attempt))
  }

  #limited(what: string, value: PromiseLike<unknown>, limit: number, attempt: object): Promise<unknown> {
    const life = this.#life
    return new Promise((resolve, reject) => {
      let over = false
      const late = (): void => {
        if (over || this.#attempt !== attempt) return
        const error = new StepTimeout(`the ${what} of process ${life.pid} took longer than ${limit} ms`)
        this.#leftBehind = error
        // The step is told too; what it throws for that comes after.
        reject(error)
        life.control.abort(error)
      }
      const cancel = life.host.clock.after(limit, () => life.whenPlayed(late))
      const settled = (): void => {
        over = true
        cancel()
      }
      value.then(settled, settled)
      value.then(resolve, reject)
    })
  }

  async hook<K extends HookName>(name: K, ...args: HookArgs<K>): Promise<void> {
    const { plan, process } = this.#life
    const hook = plan.hooks[name] as ((this: ProcessObject, ...args: HookArgs<K>) => unknown) | undefined
    if (hook === undefined) return
    const result = hook.apply(process, args)
    if (isThenable(result)) await this.awaited(result)
  }

  /** A hook after the commit: an error excepts in the next commit, or is only reported when there is none. */
  async tried<K extends HookName>(name: K, ...args: HookArgs<K>): Promise<void> {
    try {
      await this.hook(name, ...args)
    } catch (error) {
      if (error === ABANDONED) return
      if (this.#life.terminated) this.#life.report(error, `${name} threw`)
      else this.#life.control.failed(error)
    }
  }

  /** The hooks of leaving a state. */
  async leave(from: StateData, to: StateData): Promise<void> {
    if (!this.#life.plan.hooked) return
    await this.hook('onExiting', to.label)
    if (from.label === 'running') await this.hook('onExitRunning')
    else if (from.label === 'waiting') await this.hook('onExitWaiting')
  }

  /** The hooks of entering a state, before it is committed. */
  async enter(to: StateData): Promise<void> {
    if (!this.#life.plan.hooked) return
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

  /** As `enter`, for a state that nothing may keep the process out of. */
  async enterAnyway(to: StateData): Promise<void> {
    try {
      await this.enter(to)
    } catch (error) {
      if (error !== ABANDONED) this.#life.report(error, `a hook threw on the way to ${to.label}`)
    }
  }

  /** The hooks of having entered a state, after it was committed. */
  async entered(from: StateData, to: StateData): Promise<void> {
    if (!this.#life.plan.hooked) return
    await this.tried('onEntered', from.label)
    if (to.label !== 'created') await this.tried(enteredHooks[to.label])
  }

  /** Waits for user code, unless it is given up: then it rejects with `ABANDONED`. */
  awaited<T>(promise: PromiseLike<T>): Promise<T> {
    const { control, detached } = this.#life
    const giveUps = (this.#giveUps ??= new Set())
    return new Promise<T>((resolve, reject) => {
      const giveUp = (): void => {
        giveUps.delete(giveUp)
        reject(ABANDONED)
      }
      giveUps.add(giveUp)
      const settled = (): boolean => giveUps.delete(giveUp)
      promise.then(settled, settled)
      promise.then(resolve, reject)
      if (control.givesUp || detached !== undefined) giveUp()
    })
  }
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
