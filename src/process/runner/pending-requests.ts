import { defer, type Deferred } from '../state/deferred.ts'
import { isResumable } from '../state/state-data.ts'
import type { KeptSignal, WakeUp } from '../state/transition.ts'
import { isOver, type RunState } from '../step/run-state.ts'

/** A requested pause that has not taken effect. */
export interface PauseRequest {
  readonly message: string | undefined
  /** Resolves to whether the pause took effect. */
  readonly done: Deferred<boolean>
  /**
   * Whether the process pauses by itself, because of its step. Any other pause of a stored process
   * was stored first.
   */
  isOwn: boolean
}

/** What has ended a wait. */
export interface Woken {
  readonly value: unknown
  readonly wake: WakeUp
}

interface KeptMail extends KeptSignal {
  readonly name: string
}

/** What a process keeps for waits to come, as it is saved. */
export interface KeptRequests {
  readonly resumes: readonly unknown[]
  readonly signals: readonly { readonly name: string; readonly value: unknown }[]
}

/**
 * The requests to a process that are recorded and not carried out yet. Recording them has no other
 * effect: the runner carries them out, or is notified by `changed`.
 */
export class PendingRequests {
  readonly #run: RunState
  pausing: PauseRequest | undefined
  killing: { readonly message: string | undefined; readonly force: boolean } | undefined
  failing: { readonly error: unknown; readonly force?: boolean } | undefined
  #wakeUps: Woken[] | undefined
  /** Signals that the process itself keeps, if no store keeps them. */
  #mail: KeptMail[] | undefined
  #lastMail = 0
  /** Whether the process was played while the commit of its pause was in progress. */
  #playsAfterPause = false
  #notify: (() => void) | undefined

  constructor(run: RunState) {
    this.#run = run
  }

  /** Whether there is something to carry out at the next boundary. */
  get any(): boolean {
    return (
      (this.killing !== undefined || this.failing !== undefined || this.pausing !== undefined) &&
      !isOver(this.#run)
    )
  }
  /** Whether the command of the step in progress does not count. */
  get overrules(): boolean {
    return this.killing !== undefined || this.failing !== undefined
  }
  /** Whether the running code is not waited for any longer. */
  get abandons(): boolean {
    return this.killing?.force === true || this.failing?.force === true
  }

  // ---------- waiting for requests ----------

  /** Resolves at the next `changed`. */
  next(): Promise<void> {
    return new Promise((resolve) => (this.#notify = resolve))
  }

  /** Something was requested, or has ended what the process waited for. */
  changed(): void {
    this.#notify?.()
  }

  // ---------- pausing ----------

  /** Records a pause, or returns the one that is recorded already. */
  pause(message: string | undefined): PauseRequest {
    return (this.pausing ??= { message, done: defer(), isOwn: false })
  }

  /** Records a pause that the process takes by itself, because of its step. */
  pauseItself(message: string): void {
    if (isOver(this.#run) || this.killing !== undefined) return
    this.pausing ??= { message, done: defer(), isOwn: true }
    this.pausing.isOwn = true
  }

  /** Sets whether the pause that is being committed must be undone once it has taken effect. */
  playAfterPause(isWanted: boolean): void {
    this.#playsAfterPause = isWanted
  }

  /** Cancels the pending pause; if one is given, only that one. */
  cancelPause(pausing = this.pausing): void {
    if (this.pausing !== pausing) return
    this.pausing?.done.resolve(false)
    this.pausing = undefined
  }

  /** Settles the pause, which has taken effect. Returns whether the process must be played. */
  completePause(): boolean {
    this.pausing?.done.resolve(true)
    this.pausing = undefined
    const plays = this.#playsAfterPause
    this.#playsAfterPause = false
    return plays
  }

  // ---------- ending ----------

  /** Records a kill, and cancels a pending pause. Returns false if that kill is already recorded. */
  kill(message: string | undefined, force: boolean): boolean {
    if (this.killing !== undefined && (this.killing.force || !force)) return false
    this.killing = { message: this.killing?.message ?? message, force }
    this.cancelPause()
    return true
  }

  /** Records that the process must except. */
  fail(error: unknown): void {
    this.failing ??= { error }
  }

  /**
   * Records that the process must except without waiting for its step: its deadline has passed.
   */
  expire(error: unknown): void {
    this.failing = { error, force: true }
  }

  /** Drops all requests except a kill or failure: the process has ended, or was detached. */
  dropAll(): void {
    this.cancelPause()
    this.#wakeUps = undefined
    this.#mail = undefined
    this.#playsAfterPause = false
  }

  // ---------- wake-ups and signals ----------

  addWakeUp(value: unknown, wake: WakeUp): void {
    ;(this.#wakeUps ??= []).push({ value, wake })
  }

  /** What ends the present wait: of several wake-ups, the one that a store would choose. */
  get nextWakeUp(): Woken | undefined {
    const wakeUps = this.#wakeUps
    if (wakeUps === undefined || wakeUps.length === 0) return undefined
    const resumable = isResumable(this.#run.state)
    for (const by of order) {
      if (by === 'resume' && !resumable) continue
      const first = wakeUps.find(({ wake }) => wake.by === by)
      if (first !== undefined) return first
    }
    return undefined
  }

  /**
   * A wake-up is consumed (C8), and with it whatever else would have ended that wait; resumes are
   * kept.
   */
  used(wake: WakeUp): void {
    this.#wakeUps = this.#wakeUps?.filter((woken) => woken.wake !== wake && isKept(woken))
  }

  /** Keeps a signal in the process, if no store keeps it. */
  post(name: string, value: unknown): KeptSignal {
    const mail = { id: ++this.#lastMail, name, value }
    ;(this.#mail ??= []).push(mail)
    return mail
  }

  /** The oldest signal of that name that the process itself keeps. */
  mail(signal: string): KeptSignal | undefined {
    return this.#mail?.find(({ name }) => name === signal)
  }

  dropMail(id: number): void {
    this.#mail = this.#mail?.filter((mail) => mail.id !== id)
  }

  /**
   * What the process itself keeps, less the next wake-up if that is consumed; a store keeps its
   * own.
   */
  kept(isWakeUpUsed: boolean): KeptRequests {
    if (this.#wakeUps === undefined && this.#mail === undefined) return NOTHING
    const next = isWakeUpUsed ? this.nextWakeUp : undefined
    const resumes = this.#wakeUps?.filter((woken) => woken !== next && isKept(woken)) ?? []
    return {
      resumes: resumes.map(({ value }) => value),
      signals: this.#mail?.map(({ name, value }) => ({ name, value })) ?? [],
    }
  }
}

/** Whether the process keeps the wake-up for a later wait. A store keeps its own wake-ups. */
function isKept({ wake }: Woken): boolean {
  return wake.by === 'resume' && wake.id === undefined
}

const NOTHING: KeptRequests = { resumes: [], signals: [] }

const order = ['resume', 'handles', 'signal', 'timer'] as const satisfies readonly WakeUp['by'][]
