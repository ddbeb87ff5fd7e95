import type { Clock, Store } from '../../src/index.ts'
import { SimulatedProgram } from '../../src/testing/simulated-program.ts'

/** A commit of a program at which it dies: before it begins, or after it is durable but before it is acknowledged. */
export interface Death {
  /** Counted from 1. */
  readonly commit: number
  readonly when: 'before' | 'after'
}

/** A simulated program that dies at one of its commits, or at `end`. */
export class Program {
  readonly store: Store
  readonly clock: Clock
  /** Resolves when the program has died. */
  readonly death: Promise<void>
  readonly #program: SimulatedProgram
  #commits = 0
  #die!: () => void

  constructor(store: Store, clock: Clock, death: Death | undefined) {
    this.death = new Promise((resolve) => (this.#die = resolve))
    this.#program = new SimulatedProgram(store, clock, {
      at: () => (++this.#commits === death?.commit ? death.when : undefined),
      crashed: this.#die,
    })
    this.store = this.#program.store
    this.clock = this.#program.clock
  }

  end(): void {
    this.#program.end()
    this.#die()
  }
}
