/** Numbers that are the same for the same seed. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  /** A whole number from 0 up to, and not including, `end`. */
  below(end: number): number {
    this.#state = (Math.imul(this.#state, 1_103_515_245) + 12_345) >>> 0
    return Math.floor((this.#state / 2 ** 32) * end)
  }

  oneOf<T>(things: readonly T[]): T {
    return things[this.below(things.length)] as T
  }
}
