import { copyOf } from '../../ports/plain.ts'
import {
  ClosedError,
  DeadlineExceeded,
  InvalidStateError,
  SerializationError,
  TransitionError,
} from '../../shared/errors.ts'
import { launchRetry, type RetryOptions, type RetryPolicy } from '../../spec/retry-policy.ts'
import { guardedLogger, silentLogger, type Logger } from '../../shared/logger.ts'
import { newPid } from '../../shared/ids.ts'
import { Notifier } from './notifier.ts'
import type { PendingConstruction } from '../host/construction.ts'
import type { ProcessObject } from '../host/process-object.ts'
import type { ProcessDefinition } from '../definition/process-definition.ts'
import { ContextUpdates } from '../step/context.ts'
import { Control, type Pausing } from './pending-requests.ts'
import { isThenable } from '../state/deferred.ts'
import { Result_ } from './result.ts'
import { Callbacks } from './callbacks.ts'
import { checkFinish } from '../step/finish.ts'
import type { FailedAttempt, Wake } from '../state/transition.ts'
import type { Committed, Host } from '../host/host.ts'
import { canTransition, isTerminal } from '../state/machine.ts'
import { Pausing_ } from './pausing.ts'
import { Snapshot } from './snapshot.ts'
import {
  enterPlace,
  inScope,
  isWithin,
  noContext,
  presentContext,
  type AsyncContext,
} from '../step/current-process.ts'
import {
  attemptOf,
  conditionsOf,
  endingOf,
  excepted,
  killed,
  placeOf,
  type StateData,
} from '../state/state-data.ts'
import { StepJournal } from '../step/step-journal.ts'
import { Suspension } from '../step/suspension.ts'
import { runStep, wakeUp } from './stepping.ts'
import { ABANDONED, UserCode } from './user-code.ts'

/*
 * How a process moves: one transition after another, never two at a time.
 *
 * 1. Only `transition` and `Pausing_.enter` commit, and only while `busy`; so no two commits of a process are in flight.
 * 2. What is asked of a busy process is recorded in `control` and carried out at the next boundary by whoever holds it
 *    busy; of an idle one it is carried out at once (`attend`).
 * 3. Exiting and entering hooks run before the commit, everything else after it (C3). `stage` is what was committed last.
 * 4. User code is called and awaited through `code` alone, so that a forced kill and a lost lease can give up on it.
 */

export class Life {
  readonly process: ProcessObject
  readonly plan: ProcessDefinition
  readonly pid: string
  readonly host: Host
  readonly createdAt: number
  readonly control: Control = new Control(this)
  readonly code: UserCode = new UserCode(this)
  readonly errands: Callbacks = new Callbacks(this)
  readonly ended: Result_ = new Result_(this)
  readonly savings: Snapshot = new Snapshot(this)
  /** The retries that it was launched with. */
  launchRetry: RetryPolicy | undefined
  stage: StateData = { label: 'created' }
  paused: { readonly message: string | undefined } | undefined
  status: string | undefined
  raw: Readonly<Record<string, unknown>> | undefined
  inputs: Readonly<Record<string, unknown>> = {}
  outputs: Record<string, unknown> = {}
  /** Commits so far. */
  seq = 0
  detached: Error | undefined
  closed = false
  /** In which asynchronous context it runs: in memory that of whoever runs it, else none. */
  context: AsyncContext = noContext
  busy = false
  /** Whether a step runs. */
  inStep = false
  /** The pause of the commit that is in flight. */
  committing: Pausing | undefined
  readonly #logger: Logger | undefined
  #audience: Notifier | undefined
  #record: StepJournal | undefined
  #waits: Suspension | undefined
  #updates: ContextUpdates | undefined
  #begun = false
  #attending: Promise<void> | undefined
  #pauses: Pausing_ | undefined
  #gate: (() => void) | undefined

  constructor(
    process: ProcessObject,
    plan: ProcessDefinition,
    construction: PendingConstruction,
    host: Host,
  ) {
    this.process = process
    this.plan = plan
    this.pid = construction.pid ?? newPid()
    this.host = host
    this.createdAt = construction.created?.getTime() ?? this.host.clock.now()
    this.#logger = construction.logger
    if (construction.retry !== undefined) this.retriedAs(construction.retry)
  }

  /** A copy of what the process goes on with: whatever a caller changes later, it is what is saved. */
  own<T>(value: T): T {
    if (typeof value !== 'object' || value === null || (Array.isArray(value) && value.length === 0))
      return value
    return this.host.durable ? (this.host.codec.copy(value) as T) : copyOf(value)
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
  /** For what the engine itself has to say. */
  get log(): Logger {
    return guardedLogger(this.logger)
  }
  /** Whether there may be anybody to tell. */
  get heard(): boolean {
    return this.#audience !== undefined
  }
  get audience(): Notifier {
    return (this.#audience ??= new Notifier(this))
  }
  /** What the step has done by name, and what it waits for. Made when first used: most steps do neither. */
  get record(): StepJournal {
    return (this.#record ??= new StepJournal(this))
  }
  get waits(): Suspension {
    return (this.#waits ??= new Suspension(this))
  }
  /** What the step has recorded so far. */
  recorded(): Iterable<readonly [entry: string, text: string]> {
    return this.#record?.texts() ?? []
  }
  /** What the step has given for the context of a work chain. */
  get updates(): ContextUpdates {
    return (this.#updates ??= new ContextUpdates())
  }
  get suspended(): boolean {
    return this.#waits?.any ?? false
  }
  /** @throws SpecError for retries that a launch can't have */
  retriedAs(retry: number | RetryOptions): void {
    this.launchRetry = launchRetry(retry)
    this.savings.launchedWith(retry)
  }
  stopWaits(reason: Error): void {
    this.#waits?.stop(reason)
  }
  /** What is to come before the step does something by name: the play, where it is paused; that it is seen to wait no more (C7). */
  get hurdle(): Promise<void> | undefined {
    const free = !this.inStep || (!this.held && this.host.goOn?.(this.control, true) === undefined)
    return free ? undefined : this.waits.goOn(true)
  }
  /** What names the step: the same for each of its attempts, also of another process that was restarted from this one. */
  get stepKey(): { readonly pid: string; readonly number: number } {
    const { stage } = this
    if (stage.label !== 'running') return { pid: this.pid, number: this.seq }
    return { pid: stage.origin ?? this.pid, number: stage.number ?? this.seq }
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
    await this.#drive(() => this.#turns(() => false), true)
  }

  /** For a host: steps until there is nothing to do, or it is told not to go on. */
  async run(goOn: () => boolean): Promise<void> {
    await this.#drive(() => this.#turns(() => !this.over && !this.control.idle && goOn()), true)
  }

  async stepUntilTerminated(): Promise<void> {
    if (!this.terminated) await this.#drive(() => this.#turns(() => !isTerminal(this.stage.label)), false)
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
    if (!this.host.durable) this.context = presentContext()
    try {
      await inScope(this, run)
    } finally {
      this.busy = false
      if (this.control.pending) this.attend()
    }
  }

  /** One transition or pause, and more as long as it is to go on. */
  async #turns(goOn: () => boolean): Promise<void> {
    do {
      // Also where there is nothing to wait for: others take their turns meanwhile.
      await this.#once()
      if (this.control.pending) await this.#carryOut()
    } while (goOn())
  }

  /** One transition, or one pause. */
  #once(): Promise<void> | undefined {
    if (!this.#begun) this.#begin()
    const isHeld = this.control.pending || this.held || this.#isAsleep
    return isHeld ? this.#whenFree() : this.#move()
  }

  /** As `#once`; first waits for what the process needs from outside. */
  async #whenFree(): Promise<void> {
    for (;;) {
      const playing = this.#pauses?.playing
      if (playing !== undefined) await playing
      this.assertAttached()
      if (this.control.pending) return this.#carryOut()
      if (this.paused === undefined && !this.#isAsleep) break
      await new Promise<void>((resolve) => (this.#gate = resolve))
    }
    return this.#move()
  }

  get #isAsleep(): boolean {
    return this.stage.label === 'waiting' && this.control.nextWake === undefined
  }

  #move(): Promise<void> | undefined {
    this.assertAttached()
    const { stage } = this
    if (stage.label === 'running') return runStep(this, stage)
    if (stage.label === 'waiting') return wakeUp(this, stage, this.control.nextWake)
    return this.transition(this.plan.first)
  }

  /** An attempt at a step begins; whether the step has been begun before, and done something by name. */
  beginAttempt(): boolean {
    this.control.renewSignal()
    this.#updates?.forget()
    const again = this.#record?.begin() ?? false
    // What earlier attempts have left is told from this one by that.
    enterPlace(this, this.control.attempt > 1 ? { flow: this.record.flow, branch: '' } : undefined)
    return again
  }

  /** What was under way is done: if the step only waits now, and may leave memory for that, it does. */
  leaveSoon(): void {
    this.#waits?.leaveSoon()
  }

  /** What it has left pending is no business of the next. */
  endAttempt(): void {
    this.#waits?.stop()
    this.#record?.end()
  }

  /** Why the command of a step does not count: what it has begun is in progress, or has failed unseen. */
  leftOver(): Error | undefined {
    const wrong = this.#record?.leftOver()
    const { dropped = [] } = this.#record ?? {}
    if (wrong === undefined && dropped.length > 0) {
      this.log.warn(
        { pid: this.pid, process: this.plan.name, step: placeOf(this.stage), waits: dropped },
        'a step ended while it waited for something: that wait is dropped',
      )
    }
    return wrong
  }

  /** Why the step that ran is refused: two of its branches use one name. */
  get refusal(): Error | undefined {
    return this.#record?.refusal
  }

  /** Set when the step that ran did not do what it did before. */
  get conflict(): Error | undefined {
    return this.#record?.conflict
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
      if (!this.#begun) this.#begin()
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
      else if (control.pausing !== undefined) await this.pauses.enter(control.pausing)
    }
  }

  // ---------- transitions ----------

  /** Without a promise where neither the host nor the class has anything to be waited for. */
  transition(next: StateData, wake?: Wake, failed?: FailedAttempt): Promise<void> | undefined {
    const { plan, control } = this
    if (plan.hooked || control.pausing !== undefined || control.killing !== undefined) {
      return this.#transitionWithHooks(next, wake, failed)
    }
    let to: StateData
    try {
      to = this.#checked(next)
    } catch (error) {
      to = excepted(error)
    }
    this.assertAttached()
    let answer: Promise<Committed> | Committed
    try {
      answer = this.commit(to, undefined, wake, to === next ? failed : undefined)
    } catch (error) {
      return this.#notCommitted(to, error, wake)
    }
    const retried = to === next ? failed : undefined
    if (!isThenable(answer)) return this.#entered(to, answer, wake, retried)
    return answer.then(
      (committed) => this.#entered(to, committed, wake, retried),
      (error: unknown) => this.#notCommitted(to, error, wake),
    )
  }

  /** As `transition`, where hooks run on the way, or a pause or kill was asked for. */
  async #transitionWithHooks(next: StateData, wake?: Wake, failed?: FailedAttempt): Promise<void> {
    const { code, control } = this
    let to = next
    let pausing: Pausing | undefined
    try {
      to = this.#checked(to)
      if (this.plan.hooked) {
        await code.leave(this.stage, to)
        await code.enter(to)
      }
      pausing = control.pausing
      if (pausing !== undefined && !isTerminal(to.label)) await code.hook('onPausing', pausing.message)
    } catch (error) {
      this.assertAttached()
      const { killing, failing } = control
      to =
        error !== ABANDONED ? excepted(error) : failing ? excepted(failing.error) : killed(killing?.message)
      await code.enterAnyway(to)
    }
    if (control.killing !== undefined && to.label !== 'killed') {
      to = killed(control.killing.message)
      await code.enterAnyway(to)
    }
    if (pausing !== control.pausing || isTerminal(to.label)) pausing = undefined
    this.assertAttached()
    return this.#commitAs(to, wake, to === next ? failed : undefined, pausing)
  }

  async #commitAs(
    to: StateData,
    wake: Wake | undefined,
    failed: FailedAttempt | undefined,
    pausing: Pausing | undefined,
  ): Promise<void> {
    let committed: Committed
    try {
      const answer = this.commit(to, pausing, wake, failed)
      committed = isThenable(answer) ? await answer : answer
    } catch (error) {
      return this.#notCommitted(to, error, wake)
    }
    return this.#entered(to, committed, wake, failed, pausing)
  }

  /**
   * A state was not committed: the process is being killed, or is paused where it waits (C7). A step that has ended while it was paused there
   * keeps what it came to until it is played; what waits between its steps is idle, and woken anew.
   */
  async #heldBack(
    to: StateData,
    committed: Committed,
    wake: Wake | undefined,
    failed: FailedAttempt | undefined,
  ): Promise<void> {
    await this.pauses.heard(committed, undefined)
    if (this.stage.label === 'waiting' && this.control.failing === undefined) return
    await this.whilePaused()
    if (this.control.killing === undefined) await this.#commitAs(to, wake, failed, undefined)
  }

  /** Until what has come to its end while it was paused may go on, or is killed. */
  async whilePaused(): Promise<void> {
    while (this.held && this.control.killing === undefined) {
      this.assertAttached()
      await new Promise<void>((open) => {
        this.#gate = open
        this.whenPlayed(open)
      })
    }
    this.assertAttached()
  }

  /**
   * The stage that is to be entered.
   *
   * @throws TransitionError where it can't be
   * @throws PortValidationError for a result that does not fit
   */
  #checked(next: StateData): StateData {
    const to = checkFinish(this, next)
    const from = this.stage.label
    if (canTransition(from, to.label)) return to
    throw new TransitionError(`the process ${this.pid} can't go from ${from} to ${to.label}`)
  }

  /** What can't be saved excepts the process. Any other failure is its host's, and it is not run here any more. */
  async #notCommitted(to: StateData, error: unknown, wake: Wake | undefined): Promise<void> {
    if (!(error instanceof SerializationError) || to.label === 'excepted') throw this.lost(error)
    const failed = excepted(error)
    await this.code.enterAnyway(failed)
    let committed: Committed
    try {
      committed = await this.commit(failed, undefined, undefined)
    } catch (failure) {
      throw this.lost(failure)
    }
    return this.#entered(failed, committed, wake)
  }

  /** A state was committed, or held back. */
  #entered(
    to: StateData,
    committed: Committed,
    wake: Wake | undefined,
    failed?: FailedAttempt,
    pausing?: Pausing,
  ): Promise<void> | undefined {
    this.assertAttached()
    if (committed.held === true) return this.#heldBack(to, committed, wake, failed)
    const from = this.stage
    this.stage = to
    this.seq++
    if (wake !== undefined) this.control.used(wake)
    if (this.#record !== undefined) this.#record.dropped = []
    if (!keepsRecord(to)) this.#record?.clear()
    const paused = this.cameAbout(pausing, committed)
    const isNews = committed.pause !== undefined || committed.kill !== undefined
    if (this.plan.hooked || isNews || this.paused !== undefined) {
      return this.#enteredWithHooks(from, to, committed, paused)
    }
    this.#audience?.entered(to)
    this.committing = undefined
    return isTerminal(to.label) ? this.#terminated() : undefined
  }

  /** As `#entered`, where hooks are to run, or somebody has asked for something. */
  async #enteredWithHooks(
    from: StateData,
    to: StateData,
    committed: Committed,
    pausing: Pausing | undefined,
  ): Promise<void> {
    if (this.plan.hooked) await this.code.entered(from, to)
    this.#audience?.entered(to)
    this.committing = undefined
    const isNews = committed.pause !== undefined || committed.kill !== undefined
    if (isNews || this.paused !== undefined) await this.pauses.heard(committed, pausing)
    if (isTerminal(to.label)) await this.#terminated()
  }

  /** Has the host make a state durable. */
  commit(
    to: StateData,
    pausing: Pausing | undefined,
    wake: Wake | undefined,
    failed?: FailedAttempt,
  ): Promise<Committed> | Committed {
    const paused = isTerminal(to.label) ? undefined : this.#carriesOut(pausing)
    this.committing = pausing
    return this.host.commit(this.control, {
      from: this.stage.label,
      to: to.label,
      step: placeOf(to),
      message: to.label === 'waiting' ? (to.message ?? null) : null,
      moved: to !== this.stage,
      paused: paused === undefined ? null : { message: paused.message },
      ending: endingOf(to),
      wake,
      wait: conditionsOf(to),
      attempt: attemptOf(to),
      failed: failed ?? null,
      dropped: this.#record?.dropped ?? [],
      // A kill that was asked for has reached those that it was to reach.
      killsChildren:
        (to.label === 'killed' && this.control.killing === undefined) ||
        (to.label === 'excepted' && to.error instanceof DeadlineExceeded),
      bundle: () => this.savings.bundle(to, paused, wake !== undefined),
    })
  }

  /** The pause that a commit is to carry out. A store carries out by itself what was asked of it, unless that was taken back meanwhile (C7). */
  #carriesOut(pausing: Pausing | undefined): { readonly message: string | undefined } | undefined {
    if (!this.host.durable) return pausing ?? this.paused
    return pausing?.isOwn === true ? pausing : undefined
  }

  /** Takes in the pause that a commit has carried out; undefined where it has not, since somebody has played the process meanwhile. */
  cameAbout(pausing: Pausing | undefined, { pause }: Committed): Pausing | undefined {
    if (pausing === undefined) return undefined
    const asked = this.host.durable && !pausing.isOwn
    if (asked && pause === undefined) {
      this.control.callOff(pausing)
      return undefined
    }
    this.paused = { message: (pause ?? pausing).message }
    return pausing
  }

  /** The host could not commit: what happens to the process is decided elsewhere. */
  lost(error: unknown): Error {
    const reason = error instanceof Error ? error : new ClosedError(String(error))
    this.detach(reason)
    return this.detached ?? reason
  }

  // ---------- pausing ----------

  get pauses(): Pausing_ {
    return (this.#pauses ??= new Pausing_(this))
  }

  /** Whether nothing may go on just now that has waited: it is paused, or about to be played. */
  get held(): boolean {
    return this.paused !== undefined || this.#pauses?.playing !== undefined
  }

  /** Does at play what falls due while the process is paused; at once what does so otherwise. */
  whenPlayed(goOn: () => void): void {
    if (this.held) this.pauses.whenPlayed(goOn)
    else goOn()
  }

  // ---------- its beginning and end here ----------

  /** Aborts the signal and commits nothing more; what is awaited of the process rejects with the reason. */
  detach(reason: Error): void {
    if (this.over) return
    this.detached = reason
    this.control.abort(reason)
    this.control.dropAll()
    this.ended.settle()
    this.code.abandon()
    this.#gate?.()
  }

  #terminated(): Promise<void> | undefined {
    this.control.dropAll()
    this.ended.settle()
    if (this.plan.hooked || this.errands.cleansUp) return this.#closeAfterHooks()
    this.closed = true
    return undefined
  }

  async #closeAfterHooks(): Promise<void> {
    if (this.plan.hooks.onTerminated !== undefined) await this.code.tried('onTerminated')
    await this.close()
  }

  /** Before anything is done with it here. */
  #begin(): void {
    this.#begun = true
    const { stage, host, plan } = this
    if (stage.label === 'created') this.#audience?.created()
    if (host.begin === undefined || (stage.label !== 'waiting' && plan.deadlineAfter === undefined)) return
    const deadline = plan.deadlineAfter === undefined ? null : this.createdAt + plan.deadlineAfter
    host.begin(this.control, { wait: conditionsOf(stage), deadline })
  }

  report(error: unknown, message: string): void {
    this.log.error({ err: error, pid: this.pid, process: this.plan.name }, message)
  }

  assertAttached(): void {
    if (this.detached !== undefined) throw this.detached
  }

  assertOpen(): void {
    this.assertAttached()
    this.code.assertCurrent()
    if (!this.closed) return
    throw new ClosedError(
      `the process ${this.pid} has ended (${this.stage.label}): its result and outputs are kept; to run again, make another`,
    )
  }

  async close(): Promise<void> {
    if (this.closed) return
    if (!this.over) this.detach(new ClosedError(`the process ${this.pid} was closed`))
    this.closed = true
    await inScope(this, async () => {
      await this.errands.cleanUp()
      if (this.plan.hooks.onClose !== undefined) await this.code.tried('onClose')
    })
  }

  get within(): boolean {
    return isWithin(this)
  }
}

/** Whether the record of the step is still needed in this state: the step is to run again, or may, in a process restarted from this one. */
export function keepsRecord(to: StateData): boolean {
  switch (to.label) {
    case 'running':
      return to.number !== undefined
    case 'waiting':
      return to.retry !== undefined
    case 'finished':
      return !to.successful
    default:
      return to.label !== 'created'
  }
}
