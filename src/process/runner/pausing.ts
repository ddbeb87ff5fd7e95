import { SerializationError } from '../../shared/errors.ts'
import type { Pausing } from './pending-requests.ts'
import { isThenable } from '../state/deferred.ts'
import type { Committed } from '../host/host.ts'
import type { Life } from './process-runner.ts'

/** How a process is paused and played. */
export class Pausing_ {
  readonly #life: Life
  /** `onPlaying`, while it runs: nothing goes on before it has ended. */
  #playing: Promise<void> | undefined
  readonly #whenPlayed: (() => void)[] = []
  /** The pause that is coming about in a step that only waits. */
  #within: Pausing | undefined

  constructor(life: Life) {
    this.#life = life
  }

  get playing(): Promise<void> | undefined {
    return this.#playing
  }

  /** A pause at a boundary that is no transition: the flag alone is committed. */
  async enter(pausing: Pausing): Promise<void> {
    const life = this.#life
    const { control } = life
    try {
      await life.code.hook('onPausing', pausing.message)
    } catch (error) {
      control.failed(error)
      return
    }
    // Called off, or overruled, while the hook ran.
    if (control.pausing !== pausing || control.overrules) return
    // The step may have begun before, in a program that crashed: by its number its effects keep their keys.
    const { stage } = life
    const pinned = stage.label === 'running' && stage.number === undefined
    if (pinned) life.stage = { ...stage, number: life.seq }
    let committed: Committed
    try {
      const answer = life.commit(life.stage, pausing, undefined)
      committed = isThenable(answer) ? await answer : answer
    } catch (error) {
      if (!(error instanceof SerializationError)) throw life.lost(error)
      control.failed(error)
      return
    }
    life.assertAttached()
    if (committed.held === true) return this.#heldBack(committed, pausing)
    life.seq++
    await this.heard(committed, life.cameAbout(pausing, committed))
  }

  /** Somebody else has paused it meanwhile where it waits, or is killing it. */
  async #heldBack({ pause, kill }: Committed, pausing: Pausing): Promise<void> {
    const life = this.#life
    if (pause !== undefined) life.paused = { message: pause.message }
    await this.heard({ kill }, pause && pausing)
  }

  /** Tells of the pause that was just committed, and takes in what the host had stored meanwhile. */
  async heard(committed: Committed, pausing: Pausing | undefined): Promise<void> {
    const life = this.#life
    const stored = committed.pause !== undefined && !life.terminated && life.paused === undefined
    if (stored) {
      life.paused = { message: committed.pause.message }
      await life.code.tried('onPausing', life.paused.message)
    }
    life.committing = undefined
    if (stored || pausing !== undefined) await this.#told()
    if (life.paused !== undefined) life.control.hasPaused()
    if (committed.kill !== undefined) life.control.kill(committed.kill.message)
  }

  /** A step that only waits is paused as it is, and goes on when it is played. `stored`: the store has it so. */
  async within(pausing: Pausing, stored = false): Promise<void> {
    if (this.#within === pausing) return
    this.#within = pausing
    const life = this.#life
    const { control } = life
    await life.code.tried('onPausing', pausing.message)
    this.#within = undefined
    // It may have ended or gone on, or the pause been called off, while the hook ran.
    const waits = life.suspended || (stored && life.inStep)
    if (!waits || life.over || control.pausing !== pausing || control.overrules) return
    life.paused = { message: pausing.message }
    control.hasPaused()
    await this.#told()
  }

  async #told(): Promise<void> {
    const { code, paused } = this.#life
    await code.tried('onPaused', paused?.message)
    if (this.#life.heard) this.#life.audience.paused(paused?.message)
  }

  /** Takes the pause off. Whoever stored that has done so already. */
  async play(): Promise<void> {
    const life = this.#life
    life.paused = undefined
    if (life.plan.hooks.onPlaying !== undefined) {
      this.#playing = life.code.tried('onPlaying')
      await this.#playing
      this.#playing = undefined
    }
    if (life.heard) life.audience.played()
    if (life.paused === undefined) for (const goOn of this.#whenPlayed.splice(0)) goOn()
    life.attend()
  }

  /** Does at play what falls due while the process is paused. */
  whenPlayed(goOn: () => void): void {
    this.#whenPlayed.push(goOn)
  }
}
