import { defer, type Deferred } from '../../process/state/deferred.ts'
import { queueMicrotask, setImmediate } from '../../shared/timers.ts'

/** A read that was asked for, perhaps more than once. */
type Asked<T> = Deferred<T | undefined>

/** How processes are read from a store, one or several at a time. */
export interface Source<T> {
  /** Reads one process; undefined if there is none. */
  one(pid: string): Promise<T | undefined>
  /** Reads several processes, by pid. */
  several(pids: readonly string[]): Promise<ReadonlyMap<string, T>>
  /** The most processes in one query. */
  readonly largest: number
}

/**
 * Reads processes by pid. All reads that are requested without waiting in between share a query, so
 * that reading a thousand processes costs one query and not a thousand.
 *
 * A read begins after it was asked for. If a query fails, its processes are read one by one, so that
 * a damaged one does not hide the others (C9).
 */
export class SharedReads<T> {
  readonly #source: Source<T>
  readonly #asked = new Map<string, Asked<T>>()
  #isReading = false

  constructor(source: Source<T>) {
    this.#source = source
  }

  read(pid: string): Promise<T | undefined> {
    let asked = this.#asked.get(pid)
    if (asked === undefined) this.#asked.set(pid, (asked = defer()))
    if (!this.#isReading) {
      this.#isReading = true
      // Runs after the current code, and code that waits for the same answer, have made their
      // requests.
      queueMicrotask(() => void this.#readAll())
    }
    return asked.promise
  }

  async #readAll(): Promise<void> {
    while (this.#asked.size > 0) {
      const page = this.#nextPage()
      const [[pid, only] = []] = page
      if (page.length === 1 && pid !== undefined && only !== undefined) await this.#readOne(pid, only)
      else await this.#readSeveral(page)
      // Other work has its turn between two pages.
      if (this.#asked.size > 0) await new Promise<void>((resolve) => setImmediate(resolve))
    }
    this.#isReading = false
  }

  #nextPage(): (readonly [pid: string, asked: Asked<T>])[] {
    const page: (readonly [string, Asked<T>])[] = []
    for (const entry of this.#asked) {
      if (page.length === this.#source.largest) break
      page.push(entry)
      this.#asked.delete(entry[0])
    }
    return page
  }

  async #readOne(pid: string, { resolve, reject }: Asked<T>): Promise<void> {
    try {
      resolve(await this.#source.one(pid))
    } catch (error) {
      reject(error)
    }
  }

  async #readSeveral(page: readonly (readonly [pid: string, asked: Asked<T>])[]): Promise<void> {
    try {
      const found = await this.#source.several(page.map(([pid]) => pid))
      for (const [pid, { resolve }] of page) resolve(found.get(pid))
    } catch {
      await Promise.all(page.map(([pid, asked]) => this.#readOne(pid, asked)))
    }
  }
}
