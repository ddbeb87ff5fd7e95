import { ClosedError, InvalidStateError, SerializationError, TransitionError } from '../shared/errors.ts'
import { silentLogger, type Logger } from '../shared/logger.ts'
import { newPid } from '../shared/ids.ts'
import { Audience } from './audience.ts'
import type { Birth } from './birth.ts'
import type { ClassPlan } from './class-plan.ts'
import { Continue, Kill, Stop, UnsuccessfulResult, Wait } from './commands.ts'
import { Control, type Pausing } from './control.ts'
import { isThenable } from './deferred.ts'
import { Ended } from './ended.ts'
import { checkFinish } from './finish.ts'
import type { Hooks } from './hooks.ts'
import type { Committed, Host, Wake } from './host.ts'
import { canTransition, isTerminal } from './machine.ts'
import type { Process } from './process.ts'
import { Savings } from './savings.ts'
import { inScope, isWithin } from './scope.ts'
import { endingOf, excepted, finished, killed, stepOf, toldWake, type Stage } from './stage.ts'
import { ExitCode } from '../spec/exit-code.ts'

/*
 * How a process moves: one transition after another, never two at a time.
 *
 * 1. Only `transition` and `#enterPause` commit, and only while `busy`; so no two commits of a process are in flight.
 * 2. What is asked of a busy process is recorded in `control` and carried out at the next boundary by whoever holds it
 *    busy; of an idle one it is carried out at once (`attend`).
 * 3. Exiting and entering hooks run before the commit, everything else after it (C3). `stage` is what was committed last.
 * 4. User code is awaited through `user` alone, so that a forced kill and a lost lease can give up on it.
 */

const GIVEN_UP = Symbol('given up')

export class Life {
  readonly process: Process
  readonly plan: ClassPlan
  readonly pid: string
  readonly host: Host
  readonly createdAt: number
  readonly control: Control = new Control(this)
  readonly ended: Ended = new Ended(this)
  readonly savings: Savings = new Savings(this)
  stage: Stage = { label: 'created' }
  paused: { readonly message: string | undefined } | undefined
  status: string | undefined
  raw: Readonly<Record<string, unknown>> | undefined
  inputs: Readonly<Record<string, unknown>> = {}
  outputs: Record<string, unknown> = {}
  /** Commits so far. */
  seq = 0
  detached: Error | undefined
  closed = false
  busy = false
  /** The pause of the commit that is in flight. */
  committing: Pausing | undefined
  readonly #logger: Logger | undefined
  #audience: Audience | undefined
  #announced = false
  #attending: Promise<void> | undefined
  #gate: (() => void) | undefined
  #giveUp: (() => void) | undefined
  #soon: Set<Promise<unknown>> | undefined
  #cleanups: (() => unknown)[] | undefined

  constructor(process: Process, plan: ClassPlan, birth: Birth, host: Host) {
    this.process = process
    this.plan = plan
    this.pid = birth.pid ?? newPid()
    this.host = birth.host ?? host
    this.createdAt = birth.created?.getTime() ?? Date.now()
    this.#logger = birth.logger
  }

  get terminated(): boolean {
    return isTerminal(this.stage.label)
  }
  /** Nothing more happens to it here. */
  get over(): boolean {
    return this.detached !== undefined || this.closed || isTerminal(this.stage.label)
  }
  get logger(): Logger {
    return this.#logger ?? silentLogger
  }
  /** Whether there may be anybody to tell. */
  get heard(): boolean {
    return this.#audience !== undefined
  }
  get audience(): Audience {
    return (this.#audience ??= new Audience(this))
  }
  /** What is under way to carry out a request, where nobody steps the process. */
  get attending(): Promise<void> | undefined {
    return this.#attending
  }

  // ---------- stepping ----------

  async step(): Promise<void> {
    if (this.terminated) {
      throw new InvalidStateError(
        `the process ${this.pid} has ended (${this.stage.label}): there is no step left`,
      )
    }
    await this.#drive(() => this.#once(), true)
  }

  async stepUntilTerminated(): Promise<void> {
    if (!this.terminated) await this.#drive(() => this.#untilTerminated(), false)
  }

  async #drive(run: () => Promise<void>, once: boolean): Promise<void> {
    if (this.#attending !== undefined) {
      const asked = this.control.pending
      await this.#attending
      // What was being carried out was the step, unless it left something to do.
      if (this.terminated || (once && asked && this.control.idle)) return
    }
    this.assertOpen()
    if (this.busy) {
      throw new InvalidStateError(
        `the process ${this.pid} is being run already: await what runs it, or its future()`,
      )
    }
    this.busy = true
    try {
      await inScope(this, run)
    } finally {
      this.busy = false
      if (this.control.pending) this.attend()
    }
  }

  async #untilTerminated(): Promise<void> {
    while (!isTerminal(this.stage.label)) await this.#once()
  }

  /** One transition, or one pause; first waits for what the process needs from outside. */
  async #once(): Promise<void> {
    if (!this.#announced) this.#announceCreated()
    const { control } = this
    for (;;) {
      if (this.detached !== undefined) throw this.detached
      if (control.pending) return this.#carryOut()
      if (this.paused === undefined && (this.stage.label !== 'waiting' || control.nextWake !== undefined))
        break
      await new Promise<void>((resolve) => (this.#gate = resolve))
    }
    const { stage } = this
    if (stage.label === 'running') {
      const next = await this.#runStep(stage.step, stage.args)
      if (this.detached !== undefined) throw this.detached
      // A kill or a failure drops what the step came to.
      if (next !== undefined && !control.overrules) await this.transition(next)
    } else if (stage.label === 'waiting') {
      await this.#wakeUp(stage.step, control.nextWake)
    } else {
      await this.transition({ label: 'running', step: 'run', args: [] })
    }
    if (control.pending) await this.#carryOut()
  }

  #wakeUp(
    step: string | null,
    woken: { readonly value: unknown; readonly wake: Wake } | undefined,
  ): Promise<void> {
    const value = woken?.value
    if (step === null || woken === undefined) return this.transition(finished(value), woken?.wake)
    return this.transition({ label: 'running', step, args: [value, toldWake(woken.wake)] }, woken.wake)
  }

  async #runStep(step: string, args: readonly unknown[]): Promise<Stage | undefined> {
    try {
      let value = this.plan.step(step).apply(this.process, [...args])
      if (isThenable(value)) value = await this.#user(value)
      while (this.#soon !== undefined && this.#soon.size > 0) await this.#user(Promise.all(this.#soon))
      return this.#afterStep(value)
    } catch (error) {
      return error === GIVEN_UP ? undefined : excepted(error)
    }
  }

  #afterStep(value: unknown): Stage {
    if (value === undefined) return finished(undefined)
    if (value instanceof Continue) {
      return { label: 'running', step: this.plan.stepName(value.step), args: value.args }
    }
    if (value instanceof Wait) {
      const step = value.step === undefined ? null : this.plan.stepName(value.step)
      return { label: 'waiting', step, message: value.message, data: value.data }
    }
    if (value instanceof Stop) return finished(value.result, value.successful, value.exitCode)
    if (value instanceof Kill) return killed(value.message)
    if (value instanceof UnsuccessfulResult) return finished(value.result, false)
    if (value instanceof ExitCode) return finished(undefined, value.code === 0, value)
    return finished(value)
  }

  /** Awaits what the user's code gave, until a forced kill or a lost lease gives up on it. */
  #user<T>(promise: PromiseLike<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      promise.then(resolve, reject)
      this.#giveUp = () => reject(GIVEN_UP)
      if (this.control.killing?.force === true || this.detached !== undefined) reject(GIVEN_UP)
    })
  }

  // ---------- what is asked ----------

  /** Opens the gate of a step that waits for something from outside, or carries out at once what is asked of an idle process. */
  attend(): void {
    if (this.busy) this.#gate?.()
    else if (this.control.pending) {
      this.busy = true
      const work = inScope(this, () => this.#attendAll())
      this.#attending = this.busy ? work : undefined
    }
  }

  async #attendAll(): Promise<void> {
    try {
      if (!this.#announced) this.#announceCreated()
      await this.#carryOut()
      while (this.control.pending) await this.#carryOut()
    } catch (error) {
      if (this.detached === undefined) this.report(error, 'a request could not be carried out')
    } finally {
      this.busy = false
      this.#attending = undefined
    }
  }

  async #carryOut(): Promise<void> {
    const { control } = this
    while (control.pending) {
      if (control.killing !== undefined) await this.transition(killed(control.killing.message))
      else if (control.failing !== undefined) await this.transition(excepted(control.failing.error))
      else await this.#enterPause()
    }
  }

  /** Gives up on whatever user code is being awaited. */
  abandon(): void {
    this.#giveUp?.()
  }

  // ---------- transitions ----------

  async transition(next: Stage, wake?: Wake): Promise<void> {
    const from = this.stage
    let to = next
    let pausing: Pausing | undefined
    try {
      to = checkFinish(this, to)
      if (!canTransition(from.label, to.label)) {
        throw new TransitionError(`the process ${this.pid} can't go from ${from.label} to ${to.label}`)
      }
      await this.#leave(to)
      await this.#enter(to)
      pausing = this.control.pausing
      if (pausing !== undefined && !isTerminal(to.label)) await this.#hook('onPausing', pausing.message)
    } catch (error) {
      if (this.detached !== undefined) throw this.detached
      to = error === GIVEN_UP ? killed(this.control.killing?.message) : excepted(error)
      await this.#enterAnyway(to)
    }
    if (this.control.killing !== undefined && to.label !== 'killed') {
      to = killed(this.control.killing.message)
      await this.#enterAnyway(to)
    }
    if (pausing !== this.control.pausing || isTerminal(to.label)) pausing = undefined
    if (this.detached !== undefined) throw this.detached
    let committed: Committed
    try {
      const answer = this.#commit(to, pausing, wake)
      committed = isThenable(answer) ? await answer : answer
    } catch (error) {
      if (!(error instanceof SerializationError) || to.label === 'excepted') throw this.#lost(error)
      to = excepted(error)
      pausing = undefined
      await this.#enterAnyway(to)
      committed = await this.#commitLast(to)
    }
    if (this.detached !== undefined) throw this.detached
    this.stage = to
    this.seq++
    if (wake !== undefined) this.control.used()
    if (pausing !== undefined) this.paused = { message: pausing.message }
    await this.#entered(from, to)
    await this.#heard(committed, pausing)
    if (isTerminal(to.label)) await this.#terminated()
  }

  #commit(to: Stage, pausing: Pausing | undefined, wake: Wake | undefined): Promise<Committed> | Committed {
    const paused = pausing ?? this.paused
    this.committing = pausing
    return this.host.commit(this.process, {
      from: this.stage.label,
      to: to.label,
      step: stepOf(to),
      message: to.label === 'waiting' ? (to.message ?? null) : null,
      moved: to !== this.stage,
      paused: pausing === undefined ? null : { message: pausing.message },
      ending: endingOf(to),
      wake,
      bundle: () => this.savings.bundle(to, isTerminal(to.label) ? undefined : paused, wake !== undefined),
    })
  }

  async #commitLast(to: Stage): Promise<Committed> {
    try {
      return await this.#commit(to, undefined, undefined)
    } catch (error) {
      throw this.#lost(error)
    }
  }

  /** The host could not commit: what happens to the process is decided elsewhere. */
  #lost(error: unknown): Error {
    const reason = error instanceof Error ? error : new ClosedError(String(error))
    this.detach(reason)
    return this.detached ?? reason
  }

  /** A pause at a boundary that is no transition: the flag alone is committed. */
  async #enterPause(): Promise<void> {
    const { pausing } = this.control
    if (pausing === undefined) return
    try {
      await this.#hook('onPausing', pausing.message)
    } catch (error) {
      this.control.failed(error)
      return
    }
    // Called off, or overruled, while the hook ran.
    if (this.control.pausing !== pausing || this.control.overrules) return
    let committed: Committed
    try {
      const answer = this.#commit(this.stage, pausing, undefined)
      committed = isThenable(answer) ? await answer : answer
    } catch (error) {
      if (!(error instanceof SerializationError)) throw this.#lost(error)
      this.control.failed(error)
      return
    }
    if (this.detached !== undefined) throw this.detached
    this.seq++
    this.paused = { message: pausing.message }
    await this.#heard(committed, pausing)
  }

  /** Tells of the pause that was just committed, and takes in what the host had stored meanwhile. */
  async #heard(committed: Committed, pausing: Pausing | undefined): Promise<void> {
    const { control } = this
    const stored = committed.pause !== undefined && !this.terminated && this.paused === undefined
    if (stored) {
      this.paused = { message: committed.pause.message }
      await this.#tried('onPausing', this.paused.message)
    }
    this.committing = undefined
    if (stored || pausing !== undefined) {
      await this.#tried('onPaused', this.paused?.message)
      this.#audience?.paused(this.paused?.message)
    }
    if (this.paused !== undefined) control.hasPaused()
    if (committed.kill !== undefined) control.kill(committed.kill.message)
  }

  /** Takes the pause off. Whoever stored that has done so already. */
  async play(): Promise<void> {
    this.paused = undefined
    if (this.plan.hooks.onPlaying !== undefined) await inScope(this, () => this.#tried('onPlaying'))
    this.#audience?.played()
    this.attend()
  }

  /** Aborts the signal and commits nothing more; what is awaited of the process rejects with the reason. */
  detach(reason: Error): void {
    if (this.over) return
    this.detached = reason
    this.control.abort(reason)
    this.control.dropAll()
    this.ended.settle()
    this.abandon()
    this.#gate?.()
  }

  // ---------- hooks ----------

  async #hook<K extends HookName>(name: K, ...args: HookArgs<K>): Promise<void> {
    const hook = this.plan.hooks[name] as ((this: Process, ...args: HookArgs<K>) => unknown) | undefined
    if (hook === undefined) return
    const result = hook.apply(this.process, args)
    if (isThenable(result)) await this.#user(result)
  }

  /** A hook after the commit: an error excepts in the next commit, or is only reported when there is none. */
  async #tried<K extends HookName>(name: K, ...args: HookArgs<K>): Promise<void> {
    try {
      await this.#hook(name, ...args)
    } catch (error) {
      if (error === GIVEN_UP) return
      if (this.terminated) this.report(error, `${name} threw`)
      else this.control.failed(error)
    }
  }

  async #leave(to: Stage): Promise<void> {
    if (!this.plan.hooked) return
    await this.#hook('onExiting', to.label)
    if (this.stage.label === 'running') await this.#hook('onExitRunning')
    else if (this.stage.label === 'waiting') await this.#hook('onExitWaiting')
  }

  async #enter(to: Stage): Promise<void> {
    if (!this.plan.hooked) return
    await this.#hook('onEntering', to.label)
    switch (to.label) {
      case 'running':
        return this.#hook('onRun')
      case 'waiting':
        return this.#hook('onWait', to.data)
      case 'finished':
        return this.#hook('onFinish', to.result, to.successful)
      case 'excepted':
        return this.#hook('onExcept', to.error)
      case 'killed':
        return this.#hook('onKill', to.message ?? '')
      default:
    }
  }

  /** For a state that nothing may keep the process out of. */
  async #enterAnyway(to: Stage): Promise<void> {
    try {
      await this.#enter(to)
    } catch (error) {
      if (error !== GIVEN_UP) this.report(error, `a hook threw on the way to ${to.label}`)
    }
  }

  async #entered(from: Stage, to: Stage): Promise<void> {
    if (this.plan.hooked) {
      await this.#tried('onEntered', from.label)
      if (to.label !== 'created') await this.#tried(enteredHooks[to.label])
    }
    this.#audience?.entered(to)
  }

  async #terminated(): Promise<void> {
    this.control.dropAll()
    this.ended.settle()
    if (this.plan.hooks.onTerminated !== undefined) await this.#tried('onTerminated')
    await this.close()
  }

  #announceCreated(): void {
    this.#announced = true
    if (this.stage.label === 'created') this.#audience?.created()
  }

  report(error: unknown, message: string): void {
    this.logger.error({ err: error, pid: this.pid, process: this.plan.name }, message)
  }

  // ---------- the rest ----------

  assertOpen(): void {
    if (this.detached !== undefined) throw this.detached
    if (this.closed) throw new ClosedError(`the process ${this.pid} is closed`)
  }

  addCleanup(cleanup: () => unknown): void {
    this.assertOpen()
    ;(this.#cleanups ??= []).push(cleanup)
  }

  async close(): Promise<void> {
    if (this.closed) return
    if (!this.over) this.detach(new ClosedError(`the process ${this.pid} was closed`))
    this.closed = true
    const cleanups = this.#cleanups
    this.#cleanups = undefined
    for (const cleanup of cleanups?.toReversed() ?? []) {
      try {
        const result = cleanup()
        if (isThenable(result)) await result
      } catch (error) {
        this.report(error, 'a cleanup threw')
      }
    }
    if (this.plan.hooks.onClose !== undefined) await this.#tried('onClose')
  }

  /** Runs a callback as part of the process, soon; the command of a running step waits for it. */
  callSoon(callback: () => unknown): ProcessCallback {
    this.assertOpen()
    const soon = (this.#soon ??= new Set())
    let cancelled = false
    const run = async (): Promise<void> => {
      try {
        await Promise.resolve()
        if (!cancelled) await inScope(this, callback)
      } catch (error) {
        if (this.over) this.report(error, 'a callback threw after the process had ended')
        else this.control.fail(error)
      } finally {
        soon.delete(running)
      }
    }
    const running: Promise<void> = run()
    soon.add(running)
    return {
      cancel: () => {
        cancelled = true
      },
      get cancelled() {
        return cancelled
      },
    }
  }

  get within(): boolean {
    return isWithin(this)
  }
}

/** A callback that is to run soon. */
export interface ProcessCallback {
  /** Takes it back, if it has not begun. */
  cancel(): void
  readonly cancelled: boolean
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
