/**
 * The commits of this store that the database has not answered yet, by the processes that they concern.
 * Another commit that concerns one of these waits here, and not at a lock of the database.
 */
export class InFlight {
  readonly #commits = new Map<string, Promise<void>>()

  /** The commit that concerns one of these processes; undefined if none does. */
  of(pids: Iterable<string>): Promise<void> | undefined {
    if (this.#commits.size === 0) return undefined
    for (const pid of pids) {
      const commit = this.#commits.get(pid)
      if (commit !== undefined) return commit
    }
    return undefined
  }

  /** Makes a commit, which must concern no process that another one in flight concerns. */
  async add<T>(pids: readonly string[], make: () => Promise<T>): Promise<T> {
    let end = (): void => {}
    const over = new Promise<void>((resolve) => (end = resolve))
    for (const pid of pids) this.#commits.set(pid, over)
    try {
      return await make()
    } finally {
      for (const pid of pids) this.#commits.delete(pid)
      end()
    }
  }
}
