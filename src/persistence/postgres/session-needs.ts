import type { NeedEntry } from '../rules/upstream.ts'
import type { LoadedRow } from './loaded.ts'

/** That a process needs another one; see `rules/upstream.ts`. */
export interface SessionNeed extends Omit<NeedEntry, 'pid' | 'over'> {
  readonly pid: string
  readonly target: string
  over: boolean
}

/** What processes need of each other within one commit, as far as it is loaded. */
export class SessionNeeds {
  readonly #all = new Map<string, SessionNeed>()
  /** The keys of the needs by the process that has them, and by the one that it needs. */
  readonly #byPid = new Map<string, Set<string>>()
  readonly #byTarget = new Map<string, Set<string>>()
  readonly #changed = new Set<string>()

  /** Adds the loaded data of a process. Changes that the commit has already made to it are kept. */
  load(pid: string, { needs, needing }: LoadedRow): void {
    for (const [target, ended, any, over] of needs ?? [])
      this.#load({ pid, target, ended, any: any === 1, over: over === 1 })
    for (const [by, ended, any, over] of needing ?? [])
      this.#load({ pid: by, target: pid, ended, any: any === 1, over: over === 1 })
  }

  of(pid: string): readonly SessionNeed[] {
    return this.#found(this.#byPid.get(pid))
  }

  on(target: string): readonly SessionNeed[] {
    return this.#found(this.#byTarget.get(target))
  }

  add(need: SessionNeed): void {
    this.#keep(need)
    this.#changed.add(keyOf(need))
  }

  makeOver(need: SessionNeed): void {
    need.over = true
    this.#changed.add(keyOf(need))
  }

  drop(need: SessionNeed): void {
    const key = keyOf(need)
    this.#all.delete(key)
    this.#byPid.get(need.pid)?.delete(key)
    this.#byTarget.get(need.target)?.delete(key)
    this.#changed.add(key)
  }

  /** The rows that the commit changes, for the function `apply`; `over` is null for one to delete. */
  changed(): readonly unknown[] {
    return [...this.#changed].map((key) => {
      const need = this.#all.get(key)
      return [...(JSON.parse(key) as unknown[]), need === undefined ? null : Number(need.over)]
    })
  }

  #load(need: SessionNeed): void {
    if (!this.#changed.has(keyOf(need))) this.#keep(need)
  }

  #keep(need: SessionNeed): void {
    const key = keyOf(need)
    if (!this.#all.has(key)) this.#all.set(key, need)
    addTo(this.#byPid, need.pid, key)
    addTo(this.#byTarget, need.target, key)
  }

  #found(keys: ReadonlySet<string> | undefined): readonly SessionNeed[] {
    return keys === undefined ? [] : [...keys].flatMap((key) => this.#all.get(key) ?? [])
  }
}

function keyOf({ pid, target, ended, any }: SessionNeed): string {
  return JSON.stringify([pid, target, ended, Number(any)])
}

function addTo(sets: Map<string, Set<string>>, name: string, key: string): void {
  const known = sets.get(name)
  if (known === undefined) sets.set(name, new Set([key]))
  else known.add(key)
}
