import type { Cancellation } from './cancellation.ts'
import { isOver, type RunState } from './run-state.ts'

/** Holds up what a process must not do while it is paused, until it is played. */
export class PlayGate {
  readonly #run: RunState
  /** `onPlaying`, while it runs: nothing continues before it has ended. */
  #playing: Promise<void> | undefined
  #whenPlayed: (() => void)[] | undefined
  /** What lets waits of the present attempt at a step pass. */
  #passing: Set<() => void> | undefined

  constructor(run: RunState) {
    this.#run = run
  }

  /** Whether steps that have waited must not continue: the process is paused, or about to be played. */
  get isHeld(): boolean {
    return this.#run.paused !== undefined || this.#playing !== undefined
  }

  /**
   * Resolves once the process may continue, if it is about to be played; undefined otherwise.
   */
  get playing(): Promise<void> | undefined {
    return this.#playing
  }

  /** Calls back at play while the process is paused, and at once otherwise. */
  whenPlayed(callback: () => void): void {
    if (this.isHeld) (this.#whenPlayed ??= []).push(callback)
    else callback()
  }

  /** Stays closed until this has settled. */
  async holdFor(playing: Promise<void>): Promise<void> {
    this.#playing = playing
    await playing
    this.#playing = undefined
  }

  /** Calls back what was held up, unless the process has been paused again. */
  open(): void {
    if (this.#run.paused !== undefined) return
    for (const callback of this.#whenPlayed?.splice(0) ?? []) callback()
  }

  /**
   * Resolves once nothing holds up the step; rejects with the reason once the signal is aborted.
   */
  async pass(cancellation: Cancellation): Promise<void> {
    cancellation.throwIfAborted()
    const passing = (this.#passing ??= new Set())
    while (this.isHeld && !isOver(this.#run)) {
      await new Promise<void>((resolve) => {
        passing.add(resolve)
        this.whenPlayed(resolve)
      })
      cancellation.throwIfAborted()
    }
  }

  /** The attempt at the step has ended, or is aborted: then `pass` rejects at once. */
  endAttempt(isAborted: boolean): void {
    if (isAborted) for (const resolve of this.#passing ?? []) resolve()
    this.#passing?.clear()
  }
}
