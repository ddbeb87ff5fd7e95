/** What the rules ask for of the database. */
export class Wanted {
  readonly pids = new Set<string>()
  /** Those of them that a commit creates, so that they are hardly ever there. */
  readonly created = new Set<string>()
  readonly keys = new Set<string>()
  /** The processes whose parts are needed beside their rows. */
  readonly parts = new Set<string>()
  /** The actors of which all calls are needed. */
  readonly queues = new Set<string>()
  /** The processes whose descendants are needed. */
  readonly trees = new Set<string>()
  /** By the name of a group, the positions whose members are needed. */
  readonly groups = new Map<string, Set<number>>()
  /** Whether it is needed which engines live now. */
  engines = false

  get isEmpty(): boolean {
    return this.#size === 0
  }

  get #size(): number {
    return [...this.#sets, ...this.groups.values()].reduce(
      (sum, { size }) => sum + size,
      this.groups.size + Number(this.engines),
    )
  }

  get #sets(): readonly Set<string>[] {
    return [this.pids, this.keys, this.parts, this.queues, this.trees]
  }

  /** Adds what another one wants. Returns whether that is more than this one wanted. */
  add(other: Wanted): boolean {
    const before = this.#size
    for (const [index, set] of this.#sets.entries()) for (const one of other.#sets[index] ?? []) set.add(one)
    this.engines ||= other.engines
    for (const [name, positions] of other.groups) {
      this.group(name)
      for (const position of positions) this.position(name, position)
    }
    return this.#size > before
  }

  position(group: string, position: number): void {
    const positions = this.groups.get(group) ?? new Set()
    this.groups.set(group, positions.add(position))
  }

  group(name: string): void {
    if (!this.groups.has(name)) this.groups.set(name, new Set())
  }

  /** Whether anything is wanted beside the rows of these processes. */
  isMoreThan(known: ReadonlySet<string>): boolean {
    const { engines, keys, parts, queues, trees, groups, pids } = this
    const others = keys.size + parts.size + queues.size + trees.size + groups.size
    return engines || others > 0 || pids.size > known.size
  }

  /** The argument of the function `load`, which leaves out what is known. */
  except(known: ReadonlySet<string>): unknown {
    const pids = new Set([...this.pids, ...this.parts, ...this.queues])
    return {
      pids: [...pids].filter((pid) => !known.has(pid)),
      keys: [...this.keys],
      parts: [...this.parts],
      queues: [...this.queues],
      trees: [...this.trees],
      groups: [...this.groups].map(([name, positions]) => [name, [...positions]]),
    }
  }
}
