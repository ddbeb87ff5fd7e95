/*
 * This file is longer than 400 lines. It builds the parts of a process and is what users, the host and
 * the parts themselves call, so most of its lines pass a call on to the part that does the work.
 */
import type { EventEmitter } from 'eventemitter3'
import type { Bundle } from '../../bundle/bundle.ts'
import { InvalidStateError } from '../../shared/errors.ts'
import { newPid } from '../../shared/ids.ts'
import { silentLogger, type Logger } from '../../shared/logger.ts'
import type { ProcessDefinition } from '../definition/process-definition.ts'
import type { PendingConstruction } from '../host/construction.ts'
import type { ProcessEventMap } from '../host/events.ts'
import type { ControlRequest, Host } from '../host/host.ts'
import type { Hosted, HostedReports, ProcessObject } from '../host/process-object.ts'
import { isThenable } from '../state/deferred.ts'
import type { ProcessState } from '../state/process-state.ts'
import { attemptOf } from '../state/state-data.ts'
import type { KeptSignal, StepWait, WakeUp } from '../state/transition.ts'
import { asProcess, isWithin, noContext } from '../step/current-process.ts'
import { CurrentStep } from '../step/current-step.ts'
import { isOver, keepStepNumber, stepKeyOf, type RunState } from '../step/run-state.ts'
import type { WaitObserver } from '../step/suspension.ts'
import { refusalOfResume } from '../step/wait-conditions.ts'
import { Callbacks, type CallbackOwner } from './callbacks.ts'
import { Commits } from './commits.ts'
import { Driver } from './driver.ts'
import { Closing } from './closing.ts'
import { Notifier } from './notifier.ts'
import { OutputEmitter } from './outputs.ts'
import { Pausing } from './pausing.ts'
import { PendingRequests } from './pending-requests.ts'
import { ProcessResult } from './result.ts'
import { Reporting } from './reporting.ts'
import { Snapshot } from './snapshot.ts'
import { Stepping } from './stepping.ts'
import { TransitionMaker } from './transition-maker.ts'
import { UserCode } from './user-code.ts'

/*
 * Requests to a process from outside its transitions, each with one outcome. "Step" stands for a
 * step or a transition in progress, "idle" for everything else. A request is recorded before the
 * call returns when the host is in memory, and once the host has stored it otherwise (C7). A
 * request from within the process itself (its steps, hooks and listeners, also through a nested
 * `execute`) resolves once it is recorded, so that a step can't wait for itself.
 *
 * | asked  | while                 | what happens                                                     | resolves to            |
 * | ------ | --------------------- | ---------------------------------------------------------------- | ---------------------- |
 * | pause  | idle, or it waits     | paused now; interrupts waiting                                   | true                   |
 * | pause  | step                  | paused with the outcome of the step, or once it only waits       | true, then             |
 * | pause  | step that only waits  | paused now; takes no named action and does not end before a play | true                   |
 * | pause  | step that ends it     | nothing is left to pause                                         | false, at the end      |
 * | pause  | pausing               | joins the requested pause                                        | as that one            |
 * | pause  | paused                | stays paused, with the first message                             | true                   |
 * | pause  | being killed, ended   | nothing                                                          | false                  |
 * | play   | pausing               | the pause is cancelled, and its own promise resolves to false    | true                   |
 * | play   | paused                | continues                                                        | true                   |
 * | play   | neither               | nothing                                                          | true                   |
 * | kill   | idle, waiting, paused | killed now                                                       | true                   |
 * | kill   | step                  | the signal aborts; killed when the step ends, its command dropped | true, at once         |
 * | kill   | pausing               | as for a step; the pause resolves to false                       | true                   |
 * | kill   | being killed          | nothing more, unless forced                                      | true                   |
 * | kill, forced | step            | killed now; what the step does or throws later is ignored        | true                   |
 * | resume | waiting               | wakes the process                                                | true                   |
 * | resume | any other, paused, backing off, a chain's wait for its context | kept: each wakes one wait, in order | true       |
 * | signal | any but ended         | kept until it is received, in order                              | true                   |
 * | fail   | idle, waiting, paused | excepted now                                                     | true                   |
 * | fail   | step                  | excepted when the step ends, its command dropped; a kill wins    | true, at once          |
 * | play, kill, resume, signal, fail | ended | nothing                                                        | false                  |
 */

/**
 * Runs one process: records the requests to it, and drives it from state to state. Its host sees it
 * as `Hosted`.
 */
export class ProcessRunner implements Hosted, CallbackOwner, WaitObserver {
  readonly data: RunState
  readonly callbacks: Callbacks
  readonly code: UserCode
  readonly currentStep: CurrentStep
  readonly driver: Driver
  readonly closing: Closing
  readonly notifier: Notifier
  readonly outputEmitter: OutputEmitter
  readonly requests: PendingRequests
  readonly result: ProcessResult
  #reporting: Reporting | undefined
  readonly #commits: Commits
  readonly #pausing: Pausing
  readonly #snapshot: Snapshot

  constructor(
    process: ProcessObject,
    definition: ProcessDefinition,
    construction: PendingConstruction,
    host: Host,
  ) {
    const data: RunState = {
      pid: construction.pid ?? newPid(),
      process,
      hosted: this,
      definition,
      host,
      createdAt: construction.created?.getTime() ?? host.clock.now(),
      logger: construction.logger ?? silentLogger,
      launchRetry: undefined,
      state: { label: 'created' },
      paused: undefined,
      status: undefined,
      rawInputs: undefined,
      inputs: {},
      outputs: {},
      seq: 0,
      inStep: false,
      detached: undefined,
      closed: false,
      context: noContext,
    }
    const requests = new PendingRequests(data)
    const step = new CurrentStep(data, this)
    const notifier = new Notifier(data)
    const callbacks = new Callbacks(data, this)
    const result = new ProcessResult(data)
    const snapshot = new Snapshot(data)
    const code = new UserCode(data, step, requests, callbacks)
    const closing = new Closing(data, requests, step, code, callbacks, result)
    const commits = new Commits(data, requests, step, snapshot)
    const pausing = new Pausing(data, requests, step, code, commits, closing, notifier)
    const transitions = new TransitionMaker(data, requests, step, code, commits, pausing, closing, notifier)
    const stepping = new Stepping(data, requests, step, code, snapshot, transitions, closing)
    this.data = data
    this.requests = requests
    this.currentStep = step
    this.notifier = notifier
    this.callbacks = callbacks
    this.result = result
    this.code = code
    this.closing = closing
    this.outputEmitter = new OutputEmitter(data, snapshot, notifier, this)
    this.driver = new Driver(data, requests, step, pausing, transitions, stepping, closing, notifier)
    this.#commits = commits
    this.#pausing = pausing
    this.#snapshot = snapshot
    if (construction.retry !== undefined) snapshot.launchedWith(construction.retry)
  }

  /** Restores the process from its bundle. @throws IncompatibleBundle if a part is damaged */
  load(bundle: Bundle): void {
    const { resumes, signals } = this.#snapshot.load(bundle)
    for (const value of resumes) this.requests.addWakeUp(value, { by: 'resume' })
    for (const { name, value } of signals) this.requests.post(name, value)
    if (bundle.recordNames.length > 0) this.currentStep.journal.load(bundle)
  }

  /** Made on first use, since most processes report nothing. */
  get reporting(): Reporting {
    return (this.#reporting ??= new Reporting(this.data, this.code))
  }

  /** Keeps the inputs as they were launched, with references, in addition to the values in their place. */
  keepReferences(launched: NonNullable<PendingConstruction['referring']>): void {
    this.#snapshot.keepReferences(launched)
  }

  get isOver(): boolean {
    return isOver(this.data)
  }

  assertOpen(): void {
    this.closing.assertOpen()
  }

  /** @throws InvalidStateError if no step of the process runs; `what` is what needs one */
  stepFor(what: string): CurrentStep {
    this.assertOpen()
    if (this.data.inStep) return this.currentStep
    throw new InvalidStateError(`\`${what}\` is for the steps of a process, and none of ${this.pid} runs`)
  }

  // ---------- what users ask ----------

  askPause(message: string | undefined): Promise<boolean> {
    const { data, requests } = this
    if (this.isOver || requests.killing !== undefined || this.code.isStaleAttempt) return NO
    const isOwn = isWithin(data)
    // Stored even if the process is paused: its children may not be.
    return this.#ask({ kind: 'pause', message }, () => {
      if (data.paused !== undefined) return YES
      if (requests.pausing === undefined) return NO
      return isOwn ? YES : requests.pausing.done.promise
    })
  }

  askPlay(): Promise<boolean> {
    return this.isOver ? NO : this.#ask({ kind: 'play' }, () => YES)
  }

  askKill(message: string | undefined, force: boolean): Promise<boolean> {
    if (this.isOver || this.code.isStaleAttempt) return NO
    const { killing } = this.requests
    if (killing !== undefined && (killing.force || !force)) return YES
    return this.#ask({ kind: 'kill', message, force }, () => this.#carriedOut())
  }

  askResume(value: unknown): Promise<boolean> {
    const refusal = refusalOfResume(this.data, value)
    if (refusal !== undefined) return Promise.reject(refusal)
    return this.isOver ? NO : this.#ask({ kind: 'resume', value }, () => YES)
  }

  async askSignal(name: string, value: unknown): Promise<boolean> {
    if (this.isOver) return false
    return this.data.host.request(this, { kind: 'signal', name, value })
  }

  askFail(error: unknown): Promise<boolean> {
    if (this.isOver || this.code.isStaleAttempt) return NO
    this.fail(error)
    return this.#carriedOut()
  }

  #ask(request: ControlRequest, stored: () => Promise<boolean>): Promise<boolean> {
    const answer = this.data.host.request(this, request)
    if (isThenable(answer)) return answer.then((yes) => (yes ? stored() : false))
    return answer ? stored() : NO
  }

  /**
   * Resolves once the requests to an idle process have been carried out; at once if a step is in
   * progress.
   */
  #carriedOut(): Promise<boolean> {
    const { attending } = this.driver
    return attending === undefined || isWithin(this.data) ? YES : attending.then(() => true)
  }

  // ---------- what its own parts ask ----------

  fail(error: unknown): void {
    if (this.isOver) return
    this.requests.fail(error)
    this.driver.attend()
  }

  stepWaits(): void {
    const { pausing } = this.requests
    if (pausing !== undefined) void this.#pausing.within(pausing, false)
  }

  // ---------- what its host asks ----------

  get pid(): string {
    return this.data.pid
  }
  get process(): ProcessObject {
    return this.data.process
  }
  get createdAt(): number {
    return this.data.createdAt
  }
  get state(): ProcessState {
    return this.data.state.label
  }
  get paused(): boolean {
    return this.data.paused !== undefined
  }
  get pausedWith(): { readonly message: string | undefined } | undefined {
    return this.data.paused ?? this.requests.pausing
  }
  get events(): EventEmitter<ProcessEventMap<ProcessObject>> {
    return this.notifier.events
  }
  get signal(): AbortSignal {
    return this.currentStep.cancellation.signal
  }
  get idle(): boolean {
    return this.driver.isIdle
  }
  get hooked(): boolean {
    return this.data.definition.hooked
  }
  get suspended(): boolean {
    return this.currentStep.isSuspended
  }
  get attempt(): number {
    return attemptOf(this.data.state)
  }
  get stepKey(): Hosted['stepKey'] {
    return stepKeyOf(this.data)
  }
  get receives(): string | undefined {
    const { state } = this.data
    return state.label === 'waiting' ? state.receive : undefined
  }

  bundle(): Bundle {
    const { state, paused } = this.data
    return this.#snapshot.bundle(state, paused, this.requests.kept(false), this.currentStep.recorded())
  }

  keepStepNumber(): void {
    keepStepNumber(this.data)
  }

  holdSaved(): void {
    this.#snapshot.holdSaved()
  }

  restoreMembers(): void {
    this.#snapshot.restoreMembers()
  }

  get logger(): Logger {
    return this.data.logger
  }

  get reports(): HostedReports | undefined {
    return this.#reporting
  }

  run(goOn: () => boolean): Promise<void> {
    return this.driver.run(goOn)
  }

  pause(message?: string, { waits = false }: { readonly waits?: boolean } = {}): void {
    const { data, requests } = this
    if (this.isOver || data.paused !== undefined || requests.killing !== undefined) return
    if (requests.pausing !== undefined && !waits) return
    const pausing = requests.pause(message)
    // A step that only waits is paused as it is; it need not end first.
    if (this.suspended || (waits && data.inStep)) {
      void asProcess(data, () => this.#pausing.within(pausing, waits))
    } else this.driver.attend()
  }

  play(): void {
    const { data, requests } = this
    if (this.isOver) return
    if (data.paused !== undefined) {
      // The pause has taken effect even while its hooks still run; otherwise it would take effect
      // again.
      this.#pausing.completePause()
      this.#play()
    } else if (requests.pausing !== undefined && this.#commits.pausing === requests.pausing) {
      // The answer to the commit shows whether a stored pause is still stored.
      requests.playAfterPause(!data.host.durable || requests.pausing.isOwn)
    } else requests.cancelPause()
  }

  played(): void {
    if (!this.isOver) this.#play()
  }

  #play(): void {
    asProcess(this.data, () => {
      const playing = this.#pausing.play()
      if (playing === undefined) this.driver.attend()
      else void playing.then(() => this.driver.attend())
    })
  }

  kill(message?: string, { force = false }: { readonly force?: boolean | undefined } = {}): void {
    if (this.isOver) return
    this.closing.kill(message, force)
    this.driver.attend()
  }

  wake(value: unknown, wake: WakeUp): void {
    if (this.isOver) return
    this.requests.addWakeUp(value, wake)
    this.driver.attend()
  }

  signalled(name: string): void {
    if (this.data.inStep) this.currentStep.signalled(name)
  }

  expire(error: Error): void {
    this.currentStep.gate.whenPlayed(() => {
      const { requests } = this
      if (this.isOver || requests.killing !== undefined) return
      requests.expire(error)
      this.currentStep.abort(error)
      this.code.abandon()
      this.driver.attend()
    })
  }

  detach(reason: Error): void {
    this.closing.detach(reason)
  }

  recorded(entry: string): string | undefined {
    return this.currentStep.journal.text(entry)
  }

  records(): Iterable<readonly [entry: string, text: string]> {
    return this.currentStep.recorded()
  }

  async waits<T>(wait: StepWait, work: () => Promise<T>): Promise<T> {
    if (!this.data.inStep) return work()
    this.code.assertCurrent()
    return this.currentStep.suspension.around(wait, work)
  }

  post(name: string, value: unknown): KeptSignal {
    const mail = this.requests.post(name, value)
    this.signalled(name)
    return mail
  }

  mail(signal: string): KeptSignal | undefined {
    return this.requests.mail(signal)
  }

  dropMail(id: number): void {
    this.requests.dropMail(id)
  }

  outputs(raiseOnFailure: boolean): unknown {
    return this.result.outputs(raiseOnFailure)
  }
}

const YES = Promise.resolve(true)
const NO = Promise.resolve(false)
