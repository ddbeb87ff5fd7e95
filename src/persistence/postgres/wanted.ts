/** What the rules ask for of the database. */
export class Wanted {
  readonly pids = new Set<string>()
  readonly keys = new Set<string>()
  /** The processes whose parts are needed beside their rows. */
  readonly parts = new Set<string>()
  /** The actors of which all calls are needed. */
  readonly queues = new Set<string>()
  /** The processes whose descendants are needed. */
  readonly trees = new Set<string>()
  /** By the name of a group, the positions whose members are needed. */
  readonly groups = new Map<string, Set<number>>()

  get isEmpty(): boolean {
    const { pids, keys, parts, queues, trees, groups } = this
    return pids.size + keys.size + parts.size + queues.size + trees.size + groups.size === 0
  }

  position(group: string, position: number): void {
    const positions = this.groups.get(group) ?? new Set()
    this.groups.set(group, positions.add(position))
  }

  group(name: string): void {
    if (!this.groups.has(name)) this.groups.set(name, new Set())
  }

  /** The argument of the function `load`. */
  toJSON(): unknown {
    return {
      pids: [...new Set([...this.pids, ...this.parts, ...this.queues])],
      keys: [...this.keys],
      parts: [...this.parts],
      queues: [...this.queues],
      trees: [...this.trees],
      groups: [...this.groups].map(([name, positions]) => [name, [...positions]]),
    }
  }
}
