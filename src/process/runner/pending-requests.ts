import { ProcessKilled, StepTimeout } from '../../shared/errors.ts'
import { defer, isThenable, type Deferred } from '../state/deferred.ts'
import type { StepWait, Wake } from '../state/transition.ts'
import type { Hosted } from '../host/process-object.ts'
import type { KeptSignal } from '../state/transition.ts'
import type { ControlRequest } from '../host/host.ts'
import type { Life } from './process-runner.ts'
import type { ProcessObject } from '../host/process-object.ts'
import type { ProcessState } from '../state/process-state.ts'
import { inScope } from '../step/current-process.ts'
import { attemptOf, isResumable } from '../state/state-data.ts'

/*
 * What is asked of a process from outside its transitions, each with one outcome. "Step" stands for a step or a transition
 * that is under way, "idle" for everything else. Each is recorded before the call returns when the host is in memory, and
 * once the host has stored it otherwise (C7). Called from within the process itself (its steps, hooks and listeners, also
 * through a nested `execute`), all resolve once recorded, so none can wait for the step it is called from.
 *
 * | asked  | while                 | what happens                                                     | resolves to            |
 * | ------ | --------------------- | ---------------------------------------------------------------- | ---------------------- |
 * | pause  | idle, or it waits     | paused now; interrupts waiting                                   | true                   |
 * | pause  | step                  | paused with what the step yields, or once it only waits          | true, then             |
 * | pause  | step that only waits  | paused now; it does nothing by name and does not end before play | true                   |
 * | pause  | step that ends it     | nothing is left to pause                                         | false, at the end      |
 * | pause  | pausing               | joins the pause that is asked for                                | as that one            |
 * | pause  | paused                | stays paused, with the first message                             | true                   |
 * | pause  | being killed, ended   | nothing                                                          | false                  |
 * | play   | pausing               | the pause is called off, and its own promise resolves to false   | true                   |
 * | play   | paused                | goes on                                                          | true                   |
 * | play   | neither               | nothing                                                          | true                   |
 * | kill   | idle, waiting, paused | killed now                                                       | true                   |
 * | kill   | step                  | the signal aborts; killed when the step ends, its command dropped | true, at once          |
 * | kill   | pausing               | as for a step; the pause resolves to false                       | true                   |
 * | kill   | being killed          | nothing more, unless forced                                      | true                   |
 * | kill, forced | step            | killed now; what the step does or throws later is ignored        | true                   |
 * | resume | waiting               | wakes the process                                                | true                   |
 * | resume | any other, paused, backing off, a chain's wait for its context | kept: each wakes one wait, in order | true          |
 * | signal | any but ended         | kept until it is received, in order                              | true                   |
 * | fail   | idle, waiting, paused | excepted now                                                     | true                   |
 * | fail   | step                  | excepted when the step ends, its command dropped; a kill wins    | true, at once          |
 * | play, kill, resume, signal, fail | ended | nothing                                                        | false                  |
 */

export interface Pausing {
  readonly message: string | undefined
  readonly done: Deferred<boolean>
  /** Whether the process itself pauses, because of what its step came to. Any other pause of a stored process was stored first. */
  isOwn: boolean
}

export interface Woken {
  readonly value: unknown
  readonly wake: Wake
}

interface KeptMail extends KeptSignal {
  readonly name: string
}

/** The requests that are recorded and not carried out yet. It is also the host's hold on the process. */
export class Control implements Hosted {
  readonly #life: Life
  pausing: Pausing | undefined
  killing: { readonly message: string | undefined; readonly force: boolean } | undefined
  failing: { readonly error: unknown; readonly force?: boolean } | undefined
  #wakes: Woken[] | undefined
  /** Signals that are kept here, where no store keeps them. */
  #mail: KeptMail[] | undefined
  #lastMail = 0
  #playing = false
  #aborter: AbortController | undefined
  #abortedWith: Error | undefined

  constructor(life: Life) {
    this.#life = life
  }

  /** Whether there is something to carry out at the next boundary. */
  get pending(): boolean {
    return (
      (this.killing !== undefined || this.failing !== undefined || this.pausing !== undefined) &&
      !this.#life.over
    )
  }
  /** Whether the command of the step under way does not count. */
  get overrules(): boolean {
    return this.killing !== undefined || this.failing !== undefined
  }
  /** Whether the code that runs is not waited for any longer. */
  get givesUp(): boolean {
    return this.killing?.force === true || this.failing?.force === true
  }
  /** What ends the wait that the process is in: of several that have come, as a store would choose. */
  get nextWake(): Woken | undefined {
    const wakes = this.#wakes
    if (wakes === undefined || wakes.length === 0) return undefined
    const resumable = isResumable(this.#life.stage)
    for (const by of order) {
      if (by === 'resume' && !resumable) continue
      const first = wakes.find(({ wake }) => wake.by === by)
      if (first !== undefined) return first
    }
    return undefined
  }
  /** The oldest signal of that name that is kept here. */
  mail(signal: string): KeptSignal | undefined {
    return this.#mail?.find(({ name }) => name === signal)
  }
  /** The signals that are kept here, as they are saved. */
  get keptMail(): readonly { readonly name: string; readonly value: unknown }[] {
    return this.#mail?.map(({ name, value }) => ({ name, value })) ?? []
  }
  /** Wake-ups that are kept here; those of a store are kept there. */
  kept(used: boolean): readonly unknown[] {
    const next = used ? this.nextWake : undefined
    const kept = this.#wakes?.filter((woken) => woken !== next && isKept(woken)) ?? []
    return kept.map(({ value }) => value)
  }

  get signal(): AbortSignal {
    if (this.#aborter === undefined) {
      this.#aborter = new AbortController()
      if (this.#abortedWith !== undefined) this.#aborter.abort(this.#abortedWith)
    }
    return this.#aborter.signal
  }

  abort(reason: Error): void {
    this.renewSignal()
    if (this.#abortedWith !== undefined) return
    this.#abortedWith = reason
    // Those who listen to the signal are code of the process.
    if (this.#aborter !== undefined) inScope(this.#life, () => this.#aborter?.abort(reason))
    this.#life.stopWaits(reason)
  }

  get isAborted(): boolean {
    return this.#abortedWith !== undefined
  }

  throwIfAborted(): void {
    if (this.#abortedWith !== undefined) throw this.#abortedWith
  }

  /** The attempt whose time was up is left behind: what comes after has a signal of its own. */
  renewSignal(): void {
    if (this.#abortedWith === undefined || !(this.#abortedWith instanceof StepTimeout)) return
    this.#abortedWith = undefined
    this.#aborter = undefined
  }

  // ---------- what users ask ----------

  askPause(message: string | undefined): Promise<boolean> {
    const life = this.#life
    if (life.over || this.killing !== undefined || life.code.isStaleAttempt) return NO
    const { within } = life
    // Also where it is paused: what it has launched may not be.
    return this.#ask({ kind: 'pause', message }, () => {
      if (life.paused !== undefined) return YES
      if (this.pausing === undefined) return NO
      return within ? YES : this.pausing.done.promise
    })
  }

  askPlay(): Promise<boolean> {
    return this.#life.over ? NO : this.#ask({ kind: 'play' }, () => YES)
  }

  askKill(message: string | undefined, force: boolean): Promise<boolean> {
    if (this.#life.over || this.#life.code.isStaleAttempt) return NO
    if (this.killing !== undefined && (this.killing.force || !force)) return YES
    return this.#ask({ kind: 'kill', message, force }, () => this.#carriedOut())
  }

  askResume(value: unknown): Promise<boolean> {
    if (this.#life.over) return NO
    return this.#ask({ kind: 'resume', value }, () => YES)
  }

  async askSignal(name: string, value: unknown): Promise<boolean> {
    if (this.#life.over) return false
    return this.#life.host.request(this, { kind: 'signal', name, value })
  }

  askFail(error: unknown): Promise<boolean> {
    if (this.#life.over || this.#life.code.isStaleAttempt) return NO
    this.fail(error)
    return this.#carriedOut()
  }

  #ask(request: ControlRequest, stored: () => Promise<boolean>): Promise<boolean> {
    const answer = this.#life.host.request(this, request)
    if (isThenable(answer)) return answer.then((yes) => (yes ? stored() : false))
    return answer ? stored() : NO
  }

  /** Once what is asked of an idle process has been done; at once where a step is under way. */
  #carriedOut(): Promise<boolean> {
    const { attending, within } = this.#life
    return attending === undefined || within ? YES : attending.then(() => true)
  }

  // ---------- what the host passes on ----------

  get pid(): string {
    return this.#life.pid
  }
  get process(): ProcessObject {
    return this.#life.process
  }
  get createdAt(): number {
    return this.#life.createdAt
  }
  get state(): ProcessState {
    return this.#life.stage.label
  }
  get events(): Hosted['events'] {
    return this.#life.audience.events
  }
  get paused(): boolean {
    return this.#life.paused !== undefined
  }
  restoreMembers(): void {
    this.#life.savings.restoreMembers()
  }
  holdSaved(): void {
    this.#life.savings.holdSaved()
  }

  bundle(): ReturnType<Hosted['bundle']> {
    const { savings, stage, paused } = this.#life
    return savings.bundle(stage, paused, false)
  }

  run(goOn: () => boolean): Promise<void> {
    return this.#life.run(goOn)
  }

  get idle(): boolean {
    const life = this.#life
    if (life.over) return true
    if (this.pending) return false
    return life.paused !== undefined || (life.stage.label === 'waiting' && this.nextWake === undefined)
  }

  get pausedWith(): { readonly message: string | undefined } | undefined {
    return this.#life.paused ?? this.pausing
  }
  get hooked(): boolean {
    return this.#life.plan.hooked
  }
  get suspended(): boolean {
    return this.#life.suspended
  }
  get attempt(): number {
    return attemptOf(this.#life.stage)
  }
  get stepKey(): Hosted['stepKey'] {
    return this.#life.stepKey
  }
  recorded(entry: string): string | undefined {
    return this.#life.record.text(entry)
  }
  records(): ReturnType<Hosted['records']> {
    return this.#life.recorded()
  }
  async waits<T>(wait: StepWait, work: () => Promise<T>): Promise<T> {
    const life = this.#life
    if (!life.inStep) return work()
    life.code.assertCurrent()
    return life.waits.around(wait, work)
  }

  pause(message?: string, { waits = false }: { readonly waits?: boolean } = {}): void {
    const life = this.#life
    if (life.over || life.paused !== undefined || this.killing !== undefined) return
    if (this.pausing !== undefined && !waits) return
    const pausing = (this.pausing ??= { message, done: defer(), isOwn: false })
    // What a step waits for can wait: it need not end first.
    if (life.suspended || (waits && life.inStep)) void inScope(life, () => life.pauses.within(pausing, waits))
    else life.attend()
  }

  play(): void {
    const life = this.#life
    if (life.over) return
    if (life.paused !== undefined) {
      // It has come about also while its hooks still run; else it would come about again.
      this.hasPaused()
      void inScope(life, () => life.pauses.play())
    } else if (this.pausing !== undefined && life.committing === this.pausing) {
      // Whether a pause that was stored is stored still, the answer says.
      this.#playing = !life.host.durable || this.pausing.isOwn
    } else this.#callOff()
  }

  played(): void {
    const life = this.#life
    if (!life.over) void inScope(life, () => life.pauses.play())
  }

  kill(message?: string, options: { readonly force?: boolean | undefined } = {}): void {
    const life = this.#life
    if (life.over) return
    const force = options.force ?? false
    if (this.killing === undefined || (force && !this.killing.force)) {
      this.killing = { message: this.killing?.message ?? message, force }
      this.#callOff()
      this.abort(new ProcessKilled(life.pid, message ?? `the process ${life.pid} is being killed`))
    }
    if (force) life.code.abandon()
    life.attend()
  }

  wake(value: unknown, wake: Wake): void {
    if (this.#life.over) return
    ;(this.#wakes ??= []).push({ value, wake })
    this.#life.attend()
  }

  /** Keeps a signal here, for a process that is in no store. */
  post(name: string, value: unknown): KeptSignal {
    const mail = { id: ++this.#lastMail, name, value }
    ;(this.#mail ??= []).push(mail)
    this.signalled(name)
    return mail
  }

  outputs(raiseOnFailure: boolean): unknown {
    return this.#life.ended.outputs(raiseOnFailure)
  }

  get receives(): string | undefined {
    const { stage } = this.#life
    return stage.label === 'waiting' ? stage.receive : undefined
  }

  dropMail(id: number): void {
    this.#mail = this.#mail?.filter((mail) => mail.id !== id)
  }

  signalled(name: string): void {
    if (this.#life.inStep) this.#life.waits.signalled(name)
  }

  expire(error: Error): void {
    const life = this.#life
    life.whenPlayed(() => {
      if (life.over || this.killing !== undefined) return
      this.failing = { error, force: true }
      this.abort(error)
      life.code.abandon()
      life.attend()
    })
  }

  detach(reason: Error): void {
    this.#life.detach(reason)
  }

  // ---------- what the process's own life tells ----------

  /** A wake-up is used up (C8), and with it whatever else would have ended that wait; resumes are kept. */
  used(wake: Wake): void {
    this.#wakes = this.#wakes?.filter((woken) => woken.wake !== wake && isKept(woken))
  }

  fail(error: unknown): void {
    if (this.#life.over) return
    this.failed(error)
    this.#life.attend()
  }

  /** To be carried out at this boundary by whoever is at it. */
  failed(error: unknown): void {
    this.failing ??= { error }
  }

  /** To be paused at this boundary by what its step came to. */
  pauseItself(message: string): void {
    if (this.#life.over || this.killing !== undefined) return
    this.pausing ??= { message, done: defer(), isOwn: true }
    this.pausing.isOwn = true
  }

  /** That pause has not come about. */
  callOff(pausing: Pausing): void {
    if (this.pausing === pausing) this.#callOff()
  }

  /** The pause that was asked for has come about. */
  hasPaused(): void {
    this.pausing?.done.resolve(true)
    this.pausing = undefined
    if (!this.#playing) return
    // It was stored before the pause was: only now is it certain to undo it.
    this.#playing = false
    void this.askPlay()
  }

  /** Nothing of what was asked can come about any more. */
  dropAll(): void {
    this.#callOff()
    this.#wakes = undefined
    this.#mail = undefined
    this.#playing = false
  }

  #callOff(): void {
    this.pausing?.done.resolve(false)
    this.pausing = undefined
  }
}

/** Whether it is kept for a wait to come: those of a store are kept there. */
function isKept({ wake }: Woken): boolean {
  return wake.by === 'resume' && wake.id === undefined
}

const order = ['resume', 'handles', 'signal', 'timer'] as const satisfies readonly Wake['by'][]

const YES = Promise.resolve(true)
const NO = Promise.resolve(false)
