import { ExitCode } from '../spec/exit-code.ts'
import { Continue, Kill, Stop, UnsuccessfulResult, Wait } from './commands.ts'
import { isThenable } from './deferred.ts'
import type { Hooks } from './hooks.ts'
import type { Life } from './life.ts'
import type { Process } from './process.ts'
import { excepted, finished, killed, type Stage } from './stage.ts'

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
  step(name: string, args: readonly unknown[]): Stage | undefined | Promise<Stage | undefined> {
    const { plan, process, errands } = this.#life
    try {
      const value = plan.step(name).apply(process, [...args])
      if (isThenable(value) || errands.pending !== undefined) return this.#slowStep(value)
      return this.#stageAfter(value)
    } catch (error) {
      return excepted(error)
    }
  }

  async #slowStep(given: unknown): Promise<Stage | undefined> {
    const { errands } = this.#life
    try {
      const value = isThenable(given) ? await this.#awaited(given) : given
      let pending: Promise<unknown> | undefined
      while ((pending = errands.pending) !== undefined) await this.#awaited(pending)
      return this.#stageAfter(value)
    } catch (error) {
      return error === GIVEN_UP ? undefined : excepted(error)
    }
  }

  #stageAfter(value: unknown): Stage {
    const { plan } = this.#life
    if (value === undefined) return finished(undefined)
    if (value instanceof Continue) {
      return { label: 'running', step: plan.stepName(value.step), args: value.args }
    }
    if (value instanceof Wait) {
      const step = value.step === undefined ? null : plan.stepName(value.step)
      return { label: 'waiting', step, message: value.message, data: value.data }
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
      if (control.killing?.force === true || detached !== undefined) reject(GIVEN_UP)
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
