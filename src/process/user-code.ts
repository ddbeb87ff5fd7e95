import { StepTimeout, TransitionError } from '../shared/errors.ts'
import { ExitCode } from '../spec/exit-code.ts'
import type { Outline } from '../spec/outline.ts'
import { shaped, type Awaits } from './awaits.ts'
import { Continue, Kill, Stop, UnsuccessfulResult, Wait } from './commands.ts'
import { intoContext, updatesOf } from './context.ts'
import { isThenable } from './deferred.ts'
import type { Hooks } from './hooks.ts'
import type { Life } from './life.ts'
import type { Process } from './process.ts'
import { excepted, finished, killed, type Running, type Stage, type StepFacts } from './stage.ts'
import { undeclared } from './step-waits.ts'

/** What is thrown where user code was awaited and is not any more. */
export const GIVEN_UP = new Error('the code of the process was given up')

/**
 * The code of a process's class as it is called: its steps and its hooks. It is awaited here alone, so that a forced kill and a
 * lost lease can give up on it.
 */
export class UserCode {
  readonly #life: Life
  #giveUp: (() => void) | undefined

  constructor(life: Life) {
    this.#life = life
  }

  /** Gives up on whatever is being awaited. */
  abandon(): void {
    this.#giveUp?.()
  }

  /** The stage that a step leads to, without a promise where the step needs none; undefined when it was given up. */
  step(stage: Running): Stage | undefined | Promise<Stage | undefined> {
    const { plan, process, errands } = this.#life
    try {
      if (stage.ended !== undefined) return this.#guarded(this.#afterOthers(stage, stage.ended))
      const value = plan.step(stage.step).apply(process, [...stage.args])
      if (isThenable(value) || errands.pending !== undefined || plan.outline !== undefined) {
        return this.#guarded(this.#slowStep(stage, value))
      }
      return this.#stageAfter(value, stage)
    } catch (error) {
      return excepted(error)
    }
  }

  /** How processes ended that were waited for, in the shape in which their handles were given. */
  async ended(awaits: Awaits): Promise<unknown> {
    const { host, process } = this.#life
    return shaped(awaits, await this.#awaited(host.outcomes(process, awaits.pids)))
  }

  /** The step as a whole: what it throws excepts the process, unless the step is not waited for any longer. */
  async #guarded(step: Promise<Stage | undefined>): Promise<Stage | undefined> {
    try {
      return await step
    } catch (error) {
      return error === GIVEN_UP ? undefined : excepted(error)
    }
  }

  async #afterOthers(stage: Running, awaits: Awaits): Promise<Stage> {
    const { plan, process, host } = this.#life
    if (stage.into !== undefined) {
      const outcomes = await this.#awaited(host.outcomes(process, awaits.pids))
      intoContext(process, stage.into, awaits.pids, outcomes)
      return this.#slowStep(stage, undefined)
    }
    const args = [await this.ended(awaits), { by: 'handles' }, ...stage.args]
    return this.#slowStep(stage, plan.step(stage.step).apply(process, args))
  }

  async #slowStep(stage: Running, given: unknown): Promise<Stage> {
    const { errands, plan } = this.#life
    const value = isThenable(given) ? await this.#inTime(stage.step, given) : given
    let pending: Promise<unknown> | undefined
    while ((pending = errands.pending) !== undefined) await this.#awaited(pending)
    return plan.outline === undefined
      ? this.#stageAfter(value, stage)
      : this.#stageInOutline(plan.outline, value, stage)
  }

  /** Waits for a step no longer than it may take. */
  async #inTime(step: string, came: PromiseLike<unknown>): Promise<unknown> {
    const { plan, host, control, pid } = this.#life
    const limit = plan.spec.timeoutOf(step)
    if (limit === undefined) return this.#awaited(came)
    let late: StepTimeout | undefined
    const cancel = host.clock.after(limit, () => {
      late = new StepTimeout(`the step ${step} of process ${pid} took longer than ${limit} ms`)
      control.abort(late)
      this.abandon()
    })
    try {
      return await this.#awaited(came)
    } catch (error) {
      if (late !== undefined && !control.givesUp && !this.#life.over) throw late
      throw error
    } finally {
      cancel()
    }
  }

  /** After a step of an outline: its context is awaited, or the outline says what is next, or the step did. */
  async #stageInOutline(outline: Outline, given: unknown, { step, at }: Running): Promise<Stage> {
    const { process } = this.#life
    const updates = updatesOf(process, given)
    if (updates === undefined) return this.#stageAfter(given, { at })
    const { pids, into } = updates.apply(process.ctx)
    if (pids.length > 0) {
      const message = `waits for ${pids.length === 1 ? `process ${pids[0]}` : `${pids.length} processes`}`
      const on: Awaits = { pids, as: 'list', any: false }
      return { label: 'waiting', step: null, message, data: undefined, on, into, at: at ?? step }
    }
    const next = await this.#awaited(Promise.resolve(outline.next(at ?? null, (name) => this.#test(name))))
    if (next.kind === 'step') return { label: 'running', step: next.step, args: [], at: next.at }
    return next.kind === 'return' && next.exitCode !== undefined
      ? finished(undefined, next.exitCode.code === 0, next.exitCode)
      : finished(undefined)
  }

  #test(predicate: string): boolean | Promise<boolean> {
    const { plan, process } = this.#life
    const said = plan.step(predicate).apply(process, [])
    return isThenable(said)
      ? Promise.resolve(said).then((value) => truth(predicate, value))
      : truth(predicate, said)
  }

  #stageAfter(value: unknown, { at }: Pick<StepFacts, 'at'>): Stage {
    const { plan, host } = this.#life
    const place = at !== undefined && { at }
    if (value === undefined) return finished(undefined)
    if (value instanceof Continue) {
      return { label: 'running', step: plan.stepName(value.step), args: value.args, ...place }
    }
    if (value instanceof Wait) {
      const {
        receive,
        on,
        until = value.for === undefined ? undefined : host.clock.now() + value.for,
      } = value
      if (receive !== undefined && !plan.spec.hasSignal(receive)) {
        throw undeclared(plan.name, receive, plan.spec.signals.keys())
      }
      return {
        label: 'waiting',
        step: value.step === undefined ? null : plan.stepName(value.step),
        message: value.message,
        data: value.data,
        ...(receive !== undefined && { receive }),
        ...(until !== undefined && { until }),
        ...(on !== undefined && on.pids.length > 0 && { on }),
        ...place,
      }
    }
    if (value instanceof Stop) return finished(value.result, value.successful, value.exitCode)
    if (value instanceof Kill) return killed(value.message)
    if (value instanceof UnsuccessfulResult) return finished(value.result, false)
    if (value instanceof ExitCode) return finished(undefined, value.code === 0, value)
    return finished(value)
  }

  async hook<K extends HookName>(name: K, ...args: HookArgs<K>): Promise<void> {
    const { plan, process } = this.#life
    const hook = plan.hooks[name] as ((this: Process, ...args: HookArgs<K>) => unknown) | undefined
    if (hook === undefined) return
    const result = hook.apply(process, args)
    if (isThenable(result)) await this.#awaited(result)
  }

  /** A hook after the commit: an error excepts in the next commit, or is only reported when there is none. */
  async tried<K extends HookName>(name: K, ...args: HookArgs<K>): Promise<void> {
    try {
      await this.hook(name, ...args)
    } catch (error) {
      if (error === GIVEN_UP) return
      if (this.#life.terminated) this.#life.report(error, `${name} threw`)
      else this.#life.control.failed(error)
    }
  }

  /** The hooks of leaving a state. */
  async leave(from: Stage, to: Stage): Promise<void> {
    if (!this.#life.plan.hooked) return
    await this.hook('onExiting', to.label)
    if (from.label === 'running') await this.hook('onExitRunning')
    else if (from.label === 'waiting') await this.hook('onExitWaiting')
  }

  /** The hooks of entering a state, before it is committed. */
  async enter(to: Stage): Promise<void> {
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
  async enterAnyway(to: Stage): Promise<void> {
    try {
      await this.enter(to)
    } catch (error) {
      if (error !== GIVEN_UP) this.#life.report(error, `a hook threw on the way to ${to.label}`)
    }
  }

  /** The hooks of having entered a state, after it was committed. */
  async entered(from: Stage, to: Stage): Promise<void> {
    if (!this.#life.plan.hooked) return
    await this.tried('onEntered', from.label)
    if (to.label !== 'created') await this.tried(enteredHooks[to.label])
  }

  #awaited<T>(promise: PromiseLike<T>): Promise<T> {
    const { control, detached } = this.#life
    return new Promise<T>((resolve, reject) => {
      promise.then(resolve, reject)
      this.#giveUp = () => reject(GIVEN_UP)
      if (control.givesUp || detached !== undefined) reject(GIVEN_UP)
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

/** @throws TransitionError for what is no boolean: that a value is there says nothing of whether to go on */
function truth(predicate: string, said: unknown): boolean {
  if (typeof said === 'boolean') return said
  throw new TransitionError(
    `the predicate ${predicate} gave ${said === null ? 'null' : typeof said === 'object' ? 'an object' : `${typeof said} ${String(said)}`}: it has to give true or false`,
  )
}
