import { LARGEST_READ, type Control } from '../persistence/contract/control.ts'

/** From this number on, the processes are read to drop those that have ended. */
const LEAST_CAPACITY = 10_000

/**
 * The processes that a client has launched, without most of those that have ended. The engine of
 * this program reports ends. Ends elsewhere are found when there are many processes, so that the
 * memory of a client that keeps launching stays bounded.
 */
export class LaunchedProcesses {
  readonly #store: Pick<Control, 'readAll'>
  readonly #pids = new Set<string>()
  #capacity = LEAST_CAPACITY
  #isSweeping = false

  constructor(store: Pick<Control, 'readAll'>) {
    this.#store = store
  }

  /** In the order of the launches. */
  get pids(): readonly string[] {
    return [...this.#pids]
  }

  add(pid: string): void {
    this.#pids.add(pid)
    if (this.#pids.size < this.#capacity || this.#isSweeping) return
    this.#isSweeping = true
    // If the store can't be read, a later sweep drops what has ended.
    this.#sweep()
      .catch(() => {})
      .finally(() => {
        this.#isSweeping = false
        this.#capacity = Math.max(LEAST_CAPACITY, 2 * this.#pids.size)
      })
  }

  ended(pid: string): void {
    this.#pids.delete(pid)
  }

  async #sweep(): Promise<void> {
    const all = this.pids
    for (let start = 0; start < all.length; start += LARGEST_READ) {
      const some = all.slice(start, start + LARGEST_READ)
      const rows = await this.#store.readAll(some)
      const unfinished = new Set(rows.filter(({ endedAt }) => endedAt === null).map(({ pid }) => pid))
      for (const pid of some) if (!unfinished.has(pid)) this.#pids.delete(pid)
    }
  }
}
