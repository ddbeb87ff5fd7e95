/**
 * What the processes of these tests do something to: it outlives the programs. Who asks twice under one key for something is given it once.
 */
class Outside {
  readonly #asked = new Map<string, number>()
  /** Whether it does what some processes need of it. */
  works = false

  pay(key: string): string {
    this.#asked.set(key, this.asked(key) + 1)
    return `receipt ${this.#asked.size}`
  }

  /** How often it was asked for something. */
  asked(key: string): number {
    return this.#asked.get(key) ?? 0
  }

  /** The keys under which something was done. */
  get paid(): readonly string[] {
    return [...this.#asked.keys()].toSorted()
  }

  clear(): void {
    this.#asked.clear()
    this.works = false
  }
}

export const outside = new Outside()
