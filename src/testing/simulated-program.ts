import type { Outcome } from '../persistence/contract/outcomes.ts'
import type { Store } from '../persistence/contract/store.ts'
import type { Write } from '../persistence/contract/writes.ts'
import { alarm, type Clock } from '../shared/clock.ts'
import type { CrashPoint } from './crash-point.ts'

/** Decides where a program crashes. */
export interface Crashing {
  /** Whether the program crashes at this commit, and whether before or after it. */
  at(writes: readonly Write[]): CrashPoint['when'] | undefined
  /** Called after the crash. */
  crashed(): void
}

/**
 * The store and the clock of a program that is simulated inside another one.
 *
 * After `end`, as after `kill -9`, pending calls never settle, no call reaches the store, and no
 * timer fires. So code of the program that still runs stops where it next needs the store or the
 * clock.
 */
export class SimulatedProgram {
  readonly store: Store
  readonly clock: Clock
  readonly #realStore: Store
  readonly #crashing: Crashing
  readonly #timers = new Set<() => void>()
  #ended = false

  constructor(store: Store, clock: Clock, crashing: Crashing) {
    this.#realStore = store
    this.#crashing = crashing
    this.store = this.#endingStore()
    this.clock = this.#endingClock(clock)
  }

  get ended(): boolean {
    return this.#ended
  }

  end(): void {
    this.#ended = true
    for (const cancel of this.#timers) cancel()
    this.#timers.clear()
  }

  #endingStore(): Store {
    const calls: Partial<Store> = {
      commit: (writes) => this.#whileAlive(() => this.#commit(writes)),
      watch: (listener) =>
        this.#realStore.watch((changes, missed) => {
          if (!this.#ended) listener(changes, missed)
        }),
    }
    return new Proxy(this.#realStore, {
      get: (target, name) => {
        if (name in calls) return Reflect.get(calls, name) as unknown
        const member: unknown = Reflect.get(target, name, target)
        if (typeof member !== 'function') return member
        return (...args: unknown[]) =>
          this.#whileAlive(() => Reflect.apply(member, target, args) as Promise<unknown>)
      },
    })
  }

  async #commit(writes: readonly Write[]): Promise<readonly Outcome[]> {
    const when = this.#crashing.at(writes)
    if (when === undefined) return this.#realStore.commit(writes)
    // The program is not notified of the changes of its last commit.
    this.end()
    if (when === 'after') await this.#realStore.commit(writes)
    this.#crashing.crashed()
    return []
  }

  /** Never settles once the program has ended. */
  async #whileAlive<T>(call: () => Promise<T>): Promise<T> {
    if (this.#ended) await never()
    try {
      return await call()
    } finally {
      if (this.#ended) await never()
    }
  }

  #endingClock(clock: Clock): Clock {
    const timed = (set: (callback: () => void) => () => void, callback: () => void): (() => void) => {
      if (this.#ended) return () => {}
      const cancel = set(() => {
        this.#timers.delete(cancel)
        callback()
      })
      this.#timers.add(cancel)
      return () => {
        this.#timers.delete(cancel)
        cancel()
      }
    }
    return {
      now: () => clock.now(),
      after: (delay, callback, kind) => timed((call) => clock.after(delay, call, kind), callback),
      ...(clock.at !== undefined && {
        at: (time, callback) => timed((call) => alarm(clock, time, call), callback),
      }),
    }
  }
}

function never(): Promise<never> {
  return new Promise(() => {})
}
