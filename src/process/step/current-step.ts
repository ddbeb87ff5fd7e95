import { attemptOf, keepsRecord, placeOf, type StateData } from '../state/state-data.ts'
import { Cancellation } from './cancellation.ts'
import { ContextUpdates } from './context.ts'
import { enterPoint } from './current-process.ts'
import { PlayGate } from './play-gate.ts'
import { logOf, type RunState } from './run-state.ts'
import { SignalReceiver } from './signal-receiver.ts'
import { StepJournal } from './step-journal.ts'
import { Suspension, type WaitObserver } from './suspension.ts'

/**
 * The current step of a process: its named actions, its waits and its values for the context. Each
 * part is made when it is first used, since most steps need none of them.
 */
export class CurrentStep {
  readonly run: RunState
  readonly cancellation: Cancellation
  readonly gate: PlayGate
  readonly #observer: WaitObserver
  #journal: StepJournal | undefined
  #suspension: Suspension | undefined
  #receiver: SignalReceiver | undefined
  #updates: ContextUpdates | undefined

  constructor(run: RunState, observer: WaitObserver) {
    this.run = run
    this.cancellation = new Cancellation(run)
    this.gate = new PlayGate(run)
    this.#observer = observer
  }

  /** The named actions of the step. */
  get journal(): StepJournal {
    return (this.#journal ??= new StepJournal(this.run, this.cancellation, this.gate, () => this.leaveSoon()))
  }
  /** What the step waits for. */
  get suspension(): Suspension {
    return (this.#suspension ??= new Suspension(
      this.run,
      this.journal,
      this.cancellation,
      this.gate,
      this.#observer,
    ))
  }
  get receiver(): SignalReceiver {
    return (this.#receiver ??= new SignalReceiver(this.run, this.journal, this.suspension))
  }
  /** What the step has given for the context of a work chain. */
  get updates(): ContextUpdates {
    return (this.#updates ??= new ContextUpdates())
  }

  /** What the step has recorded so far. */
  recorded(): Iterable<readonly [entry: string, text: string]> {
    return this.#journal?.texts() ?? []
  }
  /** Whether the step only waits. */
  get isSuspended(): boolean {
    return this.#suspension?.any ?? false
  }
  /** The waits that the last step left pending when it ended. */
  get dropped(): readonly string[] {
    return this.#journal?.dropped ?? []
  }
  /** Why the step is refused: two of its branches use one name. */
  get refusal(): Error | undefined {
    return this.#journal?.refusal
  }
  /** Why the step is paused: it did not repeat what it did before. */
  get conflict(): Error | undefined {
    return this.#journal?.conflict
  }

  /**
   * Pending while the next named action of the step must wait: until the process is played, if it
   * is paused, and no longer shows as waiting (C7).
   */
  get barrier(): Promise<void> | undefined {
    const { run, gate } = this
    const isFree = !run.inStep || (!gate.isHeld && run.host.goOn?.(run.hosted, true) === undefined)
    return isFree ? undefined : this.suspension.goOn(true)
  }

  /**
   * An attempt begins. Returns whether the step was begun before, and has done something by name.
   */
  begin(): boolean {
    this.cancellation.renew()
    this.#updates?.forget()
    const isAgain = this.#journal?.begin() ?? false
    // The point distinguishes this attempt from code left over from earlier attempts.
    const isFirst = attemptOf(this.run.state) === 1
    enterPoint(this.run, isFirst ? undefined : { flow: this.journal.flow, branch: '' })
    return isAgain
  }

  /** Leaves memory, if the step only waits and may do so. */
  leaveSoon(): void {
    this.#suspension?.leaveSoon()
  }

  /**
   * Discards waits and records that are still pending, so that they can't leak into the next
   * attempt.
   */
  end(): void {
    this.#stop(undefined)
    this.#journal?.end()
  }

  /** Aborts the signal and ends all waits of the step with this error. */
  abort(reason: Error): void {
    if (this.cancellation.abort(reason)) this.#stop(reason)
  }

  #stop(reason: Error | undefined): void {
    this.#suspension?.stop(reason)
    this.#receiver?.stop()
    this.gate.endAttempt(reason !== undefined)
  }

  /**
   * Why the command of the step does not count: something that the step has begun is in progress,
   * or has failed unseen.
   */
  leftOver(): Error | undefined {
    const { run } = this
    const wrong = this.#journal?.leftOver()
    const { dropped } = this
    if (wrong === undefined && dropped.length > 0) {
      logOf(run).warn(
        { pid: run.pid, process: run.definition.name, step: placeOf(run.state), waits: dropped },
        'a step ended while it waited for something: that wait is dropped',
      )
    }
    return wrong
  }

  /** A state was committed. The record of the step goes, unless the step may run again. */
  committed(to: StateData): void {
    if (this.#journal === undefined) return
    this.#journal.dropped = []
    if (!keepsRecord(to)) this.#journal.clear()
  }

  /** A signal of that name is kept for the process. */
  signalled(name: string): void {
    this.#receiver?.signalled(name)
  }
}
